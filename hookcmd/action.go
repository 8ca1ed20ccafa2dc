// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ActionGet returns the parameters of the running action, with the defaults of
// charmcraft.yaml. Like all commands of actions it fails with [ErrNotAction] in
// a hook.
func (c *Client) ActionGet(ctx context.Context) (Values, error) {
	return read[Values](ctx, c, newCall("action-get"))
}

// ActionGetKey returns one parameter, "a.b" being b inside a; null if it is
// missing.
func (c *Client) ActionGetKey(ctx context.Context, key string) (json.RawMessage, error) {
	call := newCall("action-get", "--", key)
	if err := checkKey(call, key); err != nil {
		return nil, err
	}
	return read[json.RawMessage](ctx, c, call)
}

// ActionSet adds to the action's results, which Juju keeps even if the action
// fails. A key is one or more parts of lower-case letters, digits and inner
// dashes, separated by dots; none is "stdout", "stderr" or either with
// "-encoding". Juju takes values from the command line only: with [Exec] one
// can have 128 KiB.
func (c *Client) ActionSet(ctx context.Context, results map[string]string) error {
	call := Call{Command: "action-set", Args: []string{"--"}, Data: results}
	if err := checkText(call, results); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(results)) {
		if strings.Contains(key, "=") {
			return wrap(call, fmt.Errorf(`key %q has a "="`, key))
		}
		call.Args = append(call.Args, key+"="+results[key])
	}
	return c.write(ctx, call)
}

// ActionFail marks the action as failed, with a message for the operator. It
// goes on running; what it changes is kept if it exits with code 0. Juju has a
// text of its own for an empty message.
func (c *Client) ActionFail(ctx context.Context, message string) error {
	call := Call{Command: "action-fail"}
	if message != "" {
		call.Args = []string{"--", message}
	}
	return c.write(ctx, call)
}

// ActionLog tells the operator about the action's progress, at once.
func (c *Client) ActionLog(ctx context.Context, message string) error {
	return c.write(ctx, Call{Command: "action-log", Args: []string{"--", message}})
}
