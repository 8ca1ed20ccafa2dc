// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Values are a charm's configuration or an action's parameters, as JSON.
// Numbers keep their text: Juju passes whole ones exactly up to 2^53.
type Values map[string]json.RawMessage

// ConfigGet returns the charm's configuration, without the options that have
// neither a value nor a default.
func (c *Client) ConfigGet(ctx context.Context) (Values, error) {
	return read[Values](ctx, c, newCall("config-get"))
}

// ConfigGetAll returns all options of the charm; null is one that has neither a
// value nor a default.
func (c *Client) ConfigGetAll(ctx context.Context) (Values, error) {
	return read[Values](ctx, c, newCall("config-get", "--all"))
}

// ConfigGetKey returns the value of one option; null if it has neither a value
// nor a default, or if there is no such option.
func (c *Client) ConfigGetKey(ctx context.Context, key string) (json.RawMessage, error) {
	call := newCall("config-get", "--", key)
	if err := checkKey(call, key); err != nil {
		return nil, err
	}
	return read[json.RawMessage](ctx, c, call)
}

// IsLeader tells whether this unit is its application's leader. True holds for
// at least 30 seconds; false holds until the hook ends.
func (c *Client) IsLeader(ctx context.Context) (bool, error) {
	return read[bool](ctx, c, newCall("is-leader"))
}

// LeaderGet returns the leader's settings. Juju 3.6 and earlier; later there is
// the application's databag of a peer relation.
func (c *Client) LeaderGet(ctx context.Context) (map[string]string, error) {
	return c.readMap(ctx, newCall("leader-get", "--", "-"))
}

// LeaderGetKey returns one of the leader's settings, and whether it is there.
// Juju 3.6 and earlier.
func (c *Client) LeaderGetKey(ctx context.Context, key string) (value string, ok bool, err error) {
	call := newCall("leader-get", "--", key)
	if err := checkKey(call, key); err != nil {
		return "", false, err
	}
	return optional(read[*string](ctx, c, call))
}

// LeaderSet changes the leader's settings at once, whether or not the hook
// succeeds; an empty value deletes. Juju 3.6 and earlier, which takes values
// from the command line only, and trims white space around them: values that
// would change are refused.
func (c *Client) LeaderSet(ctx context.Context, data map[string]string) error {
	call := Call{Command: "leader-set", Args: []string{"--"}, Data: data}
	if err := checkText(call, data); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		value := data[key]
		if key == "" || strings.Contains(key, "=") || strings.TrimSpace(key) != key || strings.TrimSpace(value) != value {
			return wrap(call, fmt.Errorf(`key %q or its value cannot be passed: keys are not empty and have no "=", and neither begins or ends with white space`, key))
		}
		call.Args = append(call.Args, key+"="+value)
	}
	return c.write(ctx, call)
}

// StateGet returns the state that this unit stored with StateSet.
func (c *Client) StateGet(ctx context.Context) (map[string]string, error) {
	state, err := c.readMap(ctx, newCall("state-get"))
	if state == nil && err == nil {
		state = map[string]string{}
	}
	return state, err
}

// StateGetKey returns one value of the state, and whether it is there.
func (c *Client) StateGetKey(ctx context.Context, key string) (value string, ok bool, err error) {
	call := newCall("state-get", "--strict", "--", key)
	if err := checkKey(call, key); err != nil {
		return "", false, err
	}
	found, err := readAs(ctx, c, call, func(printed string) (*string, error) { return &printed, nil })
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Code == 1 && strings.HasSuffix(refusal.Stderr, "not found") {
		return "", false, nil
	}
	return optional(found, err)
}

// StateSet stores values for this unit; empty ones are kept. They are valid
// UTF-8, of at most 64 KiB each, with keys of at most 256 bytes; what is larger is
// [ErrTooLarge]. Juju stores them if the hook succeeds.
func (c *Client) StateSet(ctx context.Context, data map[string]string) error {
	return c.writeData(ctx, Call{Command: "state-set", Args: []string{"--file", "-"}}, data)
}

// StateDelete deletes a value from the state; there need be none.
func (c *Client) StateDelete(ctx context.Context, key string) error {
	return c.write(ctx, Call{Command: "state-delete", Args: []string{"--", key}})
}
