// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
)

// Status is a status that a charm can set, with a message for the operator. The
// zero Status is none.
type Status struct {
	kind    string
	message string
}

// Active means that the unit serves.
func Active(message string) Status { return Status{"active", message} }

// Waiting means that the unit waits for another application or unit.
func Waiting(message string) Status { return Status{"waiting", message} }

// Maintenance means that the unit does not serve yet, and works on it.
func Maintenance(message string) Status { return Status{"maintenance", message} }

// Blocked means that the operator must do something; the message says what.
func Blocked(message string) Status { return Status{"blocked", message} }

// Kind returns "active", "waiting", "maintenance" or "blocked".
func (s Status) Kind() string { return s.kind }

// Message returns the message.
func (s Status) Message() string { return s.message }

// SetStatus sets this unit's status. Juju shows it at once, and keeps it if the
// dispatch fails.
func (c *Charm) SetStatus(ctx context.Context, status Status) error {
	if status == (Status{}) {
		return errors.New("cannot set status: it is the zero Status; use charm.Active, Waiting, Maintenance or Blocked")
	}
	return c.model().client.StatusSet(ctx, status.kind, status.message)
}
