// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// GoalState is what the operator asked the model to become.
type GoalState struct {
	// Units are those of this application, ourselves among them, by name. The
	// status is the workload's, or "dying".
	Units map[string]GoalStatus `json:"units"`
	// Relations are the remote applications and units by endpoint and name,
	// without peer relations.
	Relations map[string]map[string]GoalStatus `json:"relations"`
}

// GoalStatus is the status of a unit or application in a GoalState.
type GoalStatus struct {
	Status string   `json:"status"`
	Since  GoalTime `json:"since"`
}

// GoalTime is a time in the form that goal-state prints.
type GoalTime struct{ time.Time }

const goalTimeLayout = "2006-01-02 15:04:05Z07:00"

// MarshalText returns "2026-01-02 03:04:05Z".
func (t GoalTime) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Format(goalTimeLayout)), nil
}

// UnmarshalText reads "2026-01-02 03:04:05Z"; an empty text is the zero time.
func (t *GoalTime) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*t = GoalTime{}
		return nil
	}
	layout := goalTimeLayout
	if strings.Contains(string(text), "T") {
		layout = time.RFC3339
	}
	if t.Time, err = time.Parse(layout, string(text)); err != nil {
		return fmt.Errorf("cannot parse time %q of goal state", text)
	}
	return nil
}

// MarshalJSON returns the text of MarshalText as a string; without it there
// would be that of time.Time.
func (t GoalTime) MarshalJSON() ([]byte, error) {
	text, err := t.MarshalText()
	if err != nil {
		return nil, err
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON reads a string as UnmarshalText does.
func (t *GoalTime) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return t.UnmarshalText([]byte(text))
}

// GoalState returns what the operator asked the model to become.
func (c *Client) GoalState(ctx context.Context) (GoalState, error) {
	return read[GoalState](ctx, c, newCall("goal-state"))
}

// CloudSpec is the cloud that hosts the model, with its credential.
type CloudSpec struct {
	Type              string          `json:"type"` // "lxd", "ec2", …
	Name              string          `json:"name"`
	Region            string          `json:"region"`
	Endpoint          string          `json:"endpoint"`
	IdentityEndpoint  string          `json:"identity-endpoint"`
	StorageEndpoint   string          `json:"storage-endpoint"`
	Credential        CloudCredential `json:"credential"`
	CACertificates    []string        `json:"cacertificates"` // PEM
	SkipTLSVerify     bool            `json:"skip-tls-verify"`
	IsControllerCloud bool            `json:"is-controller-cloud"`
}

// CloudCredential is the credential of a CloudSpec.
type CloudCredential struct {
	AuthType   string                 `json:"auth-type"` // "certificate", …
	Attributes map[string]SecretValue `json:"attrs"`
}

// CredentialGet returns the cloud of the model. [ErrPermission] unless the
// operator trusts the charm.
func (c *Client) CredentialGet(ctx context.Context) (CloudSpec, error) {
	return read[CloudSpec](ctx, c, newCall("credential-get"))
}
