// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// withState registers a handler of a charm with values at these keys.
func withState[T any](c *charm.Charm, do func(ctx context.Context, values []*charm.Stored[T]), keys ...string) {
	values := make([]*charm.Stored[T], len(keys))
	for i, key := range keys {
		values[i] = charm.NewStored[T](c, key)
	}
	charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { do(ctx, values); return nil })
}

// assertStored checks the value that is stored; nil: none is.
func assertStored[T any](ctx context.Context, t *testing.T, want *T, s *charm.Stored[T]) {
	t.Helper()
	got, ok, err := s.Lookup(ctx)
	require.NoError(t, err)
	if assert.Equal(t, want != nil, ok) && ok {
		assert.Equal(t, *want, got)
	}
}

func TestReplayState(t *testing.T) {
	t.Parallel()
	one, two, five := 1, 2, 5
	replayScenes(t, []scene{
		{name: "state/get-all-json", register: func(t *testing.T, c *charm.Charm) {
			withState(c, func(ctx context.Context, values []*charm.Stored[int]) { // read by one state-get
				assertStored(ctx, t, &five, values[0])
				assertStored(ctx, t, nil, values[1])
				_, err := values[2].Get(ctx)
				require.ErrorContains(t, err, `cannot read state "k1": invalid character 'v'`)
				_, err = values[3].Get(ctx)
				require.ErrorContains(t, err, `cannot read state "empty": unexpected end of JSON`)
			}, "num", "nope", "k1", "empty")
			object := charm.NewStored[map[string]int](c, "json")
			charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
				assertStored(ctx, t, &map[string]int{"a": 1}, object)
				return nil
			})
		}},
		{name: "state/get-all-empty-json", register: func(t *testing.T, c *charm.Charm) {
			withState(c, func(ctx context.Context, values []*charm.Stored[int]) {
				assertStored(ctx, t, nil, values[0])
			}, "num")
		}},
		{name: "state/set", register: func(t *testing.T, c *charm.Charm) {
			withState(c, func(ctx context.Context, values []*charm.Stored[int]) {
				require.NoError(t, values[1].Set(ctx, 2))
				require.NoError(t, values[0].Set(ctx, 1))
				require.NoError(t, c.Flush(ctx))
				assertStored(ctx, t, &one, values[0])
				assertStored(ctx, t, &two, values[1])
				assertStored(ctx, t, &five, values[2])
			}, "a", "b", "num")
		}},
		{name: "state/set-key-with-slash-dot", register: func(t *testing.T, c *charm.Charm) {
			withState(c, func(ctx context.Context, values []*charm.Stored[int]) {
				require.NoError(t, values[0].Set(ctx, 1))
			}, "a/b.c")
		}},
		{name: "state/delete", register: func(t *testing.T, c *charm.Charm) {
			withState(c, func(ctx context.Context, values []*charm.Stored[int]) {
				require.NoError(t, values[0].Delete(ctx))
				require.NoError(t, c.Flush(ctx))
				assertStored(ctx, t, nil, values[0])
				assertStored(ctx, t, &five, values[1])
			}, "k1", "num")
		}},
		{name: "state/delete-missing", register: func(t *testing.T, c *charm.Charm) {
			withState(c, func(ctx context.Context, values []*charm.Stored[int]) {
				require.NoError(t, values[0].Delete(ctx))
			}, "nope")
		}},
	})
}

// What a library sends past Stored comes back as the error that it is.
func TestReplayStateThatIsTooLarge(t *testing.T) {
	t.Parallel()
	replayScenes(t, []scene{{name: "state/set-big-key", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
		err := c.HookCommands().StateSet(ctx, map[string]string{strings.Repeat("k", 257): "v"})
		require.ErrorIs(t, err, hookcmd.ErrTooLarge)
	}}})
}

// Keys that state-set was recorded to refuse are refused before it is run.
func TestReplayStateKeys(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{"state/set-big-key": "the key has 257 bytes, of at most 256", "state/set-empty-key": "the key is empty"} {
		for _, version := range golden.Versions {
			refused, ok := caseOf(version, name)
			require.True(t, ok)
			require.NotZero(t, refused.Calls[0].Code)
			key, _, _ := strings.Cut(refused.Calls[0].Argv[1], "=")
			assert.PanicsWithValue(t, fmt.Sprintf("charm.NewStored: cannot use key %q: %s", key, rule), func() {
				_, _ = run(t, &replay{t: t}, events.UpdateStatus{}, func(c *charm.Charm) { charm.NewStored[int](c, key) })
			})
		}
	}
}
