// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// doIt registers the action of the recordings, which takes any parameters.
func doIt[Out any](do func(ctx context.Context, t *testing.T, c *charm.Charm) (Out, error)) func(t *testing.T, c *charm.Charm) {
	return func(t *testing.T, c *charm.Charm) {
		charm.OnAction(c, "do-it", func(ctx context.Context, params map[string]any) (Out, error) {
			assert.InDelta(t, 1234567, params["big"], 0)
			return do(ctx, t, c)
		})
	}
}

func TestReplayAction(t *testing.T) {
	t.Parallel()
	params := []string{"action/get-all-json"}
	type result struct{ A string }
	failing := func(message string, out result) func(t *testing.T, c *charm.Charm) {
		return doIt(func(context.Context, *testing.T, *charm.Charm) (result, error) { return out, errors.New(message) })
	}
	returning := func(out map[string]string) func(t *testing.T, c *charm.Charm) {
		return doIt(func(context.Context, *testing.T, *charm.Charm) (map[string]string, error) { return out, nil })
	}
	replayScenes(t, []scene{
		{name: "action/fail", also: params, register: failing("it broke", result{})},
		{name: "action/fail-multiline", also: params, register: failing("one\ntwo ü", result{})},
		{name: "action/fail-then-set", also: params, register: failing("it broke", result{A: "b"})},
		{name: "action/set-value-equals", also: params, register: returning(map[string]string{"a": "b=c"})},
		{name: "action/set-multiline-unicode", also: params, register: returning(map[string]string{"a": "x\ny", "b": "ü✓"})},
		{name: "action/set-empty-value", also: params, register: returning(map[string]string{"a": ""})},
		{name: "action/set-numeric-keys", also: params, register: returning(map[string]string{"500": "x", "5-o-0": "y"})},
		{name: "action/log", also: params, register: doIt(func(ctx context.Context, t *testing.T, c *charm.Charm) (struct{}, error) {
			require.NoError(t, c.ActionLog(ctx, "progress 1"))
			require.NoError(t, c.ActionLog(ctx, "several words"))
			return struct{}{}, nil
		})},
		{name: "action/defaults-only", register: func(t *testing.T, c *charm.Charm) {
			type params struct {
				Big   int64
				Count uint8
				S     string
				Else  *string
			}
			charm.OnAction(c, "typed", func(_ context.Context, p params) (struct{}, error) {
				assert.Equal(t, params{Big: 1234567, Count: 3, S: "dflt"}, p)
				return struct{}{}, nil
			})
		}},
		{name: "action/hook-tools-in-action", also: append(params, "config-get/all-flag-json"), register: doIt(
			func(ctx context.Context, t *testing.T, c *charm.Charm) (struct{}, error) {
				leads, err := c.IsLeader(ctx)
				require.NoError(t, err)
				assert.True(t, leads)
				require.NoError(t, c.SetStatus(ctx, charm.Active("x")))
				return struct{}{}, c.Relation(events.PeerCreated{RelationRef: events.RelationRef{Endpoint: "magpie", ID: 1, App: "magpie"}}).Local().Set(ctx, "a", "b")
			})},
	})
}
