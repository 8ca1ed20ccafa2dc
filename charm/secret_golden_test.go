// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// recordedSecret answers each command as Juju did one of that name, of values as
// base64 another.
type recordedSecret []golden.Call

func (r recordedSecret) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	isBase64 := func(args []string) bool { return strings.HasSuffix(args[len(args)-1], "#base64") }
	for _, c := range r {
		if c.Argv[0] == call.Command && isBase64(c.Argv) == isBase64(call.Args) {
			if c.Code != 0 {
				return nil, hookcmd.NewError(call, c.Code, c.Stderr)
			}
			return []byte(c.Stdout), nil
		}
	}
	return nil, hookcmd.NewError(call, 1, "ERROR this was not recorded\n")
}

// What Juju was recorded to print of secrets is read as what it says.
func TestRecordedSecrets(t *testing.T) {
	t.Parallel()
	read := 0
	for _, c := range golden.Cases() {
		if c.File != "secret.json" {
			continue
		}
		for i, call := range c.Calls {
			usable := call.Code != 2 && slices.Contains(call.Argv, "--format=json") && !strings.HasSuffix(call.Argv[len(call.Argv)-1], "#base64") &&
				!slices.Contains([]string{"nope", "token"}, call.Argv[len(call.Argv)-1]) || call.Argv[0] == "secret-ids" && strings.HasPrefix(call.Stdout, "null")
			if !usable {
				continue
			}
			read++
			err := charm.Run(t.Context(), func(ch *charm.Charm) {
				charm.On(ch, func(ctx context.Context, _ events.Start) error {
					checkRecordedSecret(ctx, t, ch, c.Name, call)
					return nil
				})
			}, &charm.Options{Env: environ(t, events.Start{}), Runner: recordedSecret(c.Calls[i:])})
			require.NoError(t, err)
		}
	}
	assert.Greater(t, read, 25)
}

func checkRecordedSecret(ctx context.Context, t *testing.T, c *charm.Charm, name string, call golden.Call) {
	t.Helper()
	id := secretID
	for _, arg := range call.Argv {
		if uri, err := charm.ParseSecretURI(arg); err == nil {
			id = uri.ID()
		}
	}
	uri, err := charm.ParseSecretURI(id)
	require.NoError(t, err, name)
	switch call.Argv[0] {
	case "secret-get":
		content, err := c.Secret(uri).Get(ctx)
		if call.Code != 0 {
			assert.True(t, isOneOf(err, hookcmd.ErrSecretNotFound, hookcmd.ErrPermission), "%s: %v", name, err)
			return
		}
		require.NoError(t, err, name)
		var want map[string]string
		require.NoError(t, json.Unmarshal([]byte(call.Stdout), &want), name)
		assert.Len(t, content, len(want), name)
		for key, value := range want {
			if strings.Contains(value, "\ufffd") {
				value = "\xff\xe0" // as a later call shows: "/+A="
			}
			assert.Equal(t, value, content[key].Reveal(), "%s: %s", name, key)
		}
	case "secret-info-get":
		info, err := c.Secret(uri).Info(ctx)
		if call.Code != 0 {
			assert.ErrorIs(t, err, hookcmd.ErrSecretNotFound, name)
			return
		}
		if slices.Contains(call.Argv, "--label") {
			info, err = c.SecretByLabel("mine").Info(ctx)
		}
		require.NoError(t, err, name)
		var want map[string]struct{ Revision int }
		require.NoError(t, json.Unmarshal([]byte(call.Stdout), &want), name)
		assert.Equal(t, want[info.URI.ID()].Revision, info.Revision, name)
		assert.Positive(t, info.Revision, name)
	case "secret-ids":
		own, err := c.Secrets(ctx)
		require.NoError(t, err, name)
		assert.Empty(t, own, name)
	}
}

func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
