// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// pinger is a charm with the action ping.
func pinger(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, _ events.Action) error {
		params, err := c.HookCommands().ActionGet(ctx)
		if err != nil {
			return err
		}
		var host string
		if err := json.Unmarshal(params["host"], &host); err != nil {
			return err
		}
		if err := c.HookCommands().ActionLog(ctx, "pinging "+host); err != nil {
			return err
		}
		if host == "nowhere" {
			return c.HookCommands().ActionFail(ctx, "no route to "+host)
		}
		return c.HookCommands().ActionSet(ctx, map[string]string{"reply.host": host, "reply.tries": string(params["tries"])})
	})
}

func TestAction(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, pinger, &charmtest.Options{Metadata: magpie})
	assert.Equal(t, charmtest.ActionResult{
		Status:  "completed",
		Results: map[string]any{"reply": map[string]any{"host": "db", "tries": "3"}}, // with the default
		Log:     []string{"pinging db"},
	}, h.RunAction("ping", map[string]any{"host": "db"}))
}

// That an action fails is a result, not a failure of the test.
func TestActionFails(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, pinger, &charmtest.Options{Metadata: magpie})
	assert.Equal(t, charmtest.ActionResult{
		Status: "failed", Message: "no route to nowhere", Log: []string{"pinging nowhere"}, Results: map[string]any{},
	}, h.RunAction("ping", map[string]any{"host": "nowhere"}))
}

// Juju checks the parameters before it runs the charm: types, what is required,
// and what is not declared.
func TestActionParameters(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		params map[string]any
		want   string
	}{
		"missing":    {nil, `"host" property is missing and required`},
		"wrong type": {map[string]any{"host": "db", "tries": "many"}, `(root).tries : must be of type integer, given "many"`},
		"undeclared": {map[string]any{"host": "db", "size": 3}, `additional property "size" is not allowed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for version, status := range map[string]string{"4.1.0": "error", "3.6.0": "failed"} {
				if name == "undeclared" && version == "3.6.0" {
					continue // which lets it pass
				}
				h := charmtest.New(t, pinger, &charmtest.Options{Metadata: magpie, JujuVersion: version})
				result := h.RunAction("ping", row.params)
				assert.Equal(t, status, result.Status)
				assert.Contains(t, result.Message, row.want)
				assert.Empty(t, h.Calls(), "the charm has not run")
			}
		})
	}
}

// A charm that fails in an action fails the action. Err is what Juju does not
// tell the operator.
func TestCharmFailsInAnAction(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Action) error { return boom })
	}, &charmtest.Options{Metadata: magpie})
	result := h.RunAction("ping", map[string]any{"host": "db"})
	assert.Equal(t, "failed", result.Status)
	assert.Equal(t, "exit status 1", result.Message)
	require.ErrorIs(t, result.Err, boom)
	assert.Contains(t, result.Results["stderr"], "boom")

	h = charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie})
	assert.Equal(t, `action "ping" not implemented`, h.RunAction("ping", map[string]any{"host": "db"}).Message)
}

// juju exec: a script with the unit's hook commands. What it writes is kept if it
// succeeds.
func TestExec(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	peers.Join("magpie/1", map[string]string{"words": "hello"})
	id := hookcmd.RelationID{Endpoint: "magpie", ID: peers.ID()}

	require.NoError(t, h.Exec(func(ctx context.Context, hook *hookcmd.Client) error {
		return hook.RelationSet(ctx, id, map[string]string{"by": "hand"})
	}))
	assert.Equal(t, "hand", peers.Local()["by"])
	assert.Equal(t, []string{"relation-set -r magpie:0 --file -"}, lines(h.Calls()))

	boom := errors.New("boom")
	require.ErrorIs(t, h.Exec(func(ctx context.Context, hook *hookcmd.Client) error {
		require.NoError(t, hook.RelationSet(ctx, id, map[string]string{"by": "nobody"}))
		return boom
	}), boom)
	assert.Equal(t, "hand", peers.Local()["by"])

	require.NoError(t, peers.Exec("magpie/1", func(ctx context.Context, hook *hookcmd.Client) error {
		bag, err := hook.RelationGet(ctx, id, "magpie/1")
		assert.Equal(t, "hello", bag["words"])
		return err
	}))
	require.ErrorContains(t, h.Exec(func(context.Context, *hookcmd.Client) error { panic("oh no") }), "the script panicked: oh no")
}

// lines returns the command lines of hook commands.
func lines(calls []charmtest.Call) []string {
	var lines []string
	for _, c := range calls {
		lines = append(lines, c.String())
	}
	return lines
}
