// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is written after a savepoint is undone, and only that; it may have been
// flushed, and comes to nothing then.
func TestSavepoint(t *testing.T) {
	t.Parallel()
	for name, flush := range map[string]bool{"not flushed": false, "flushed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, store, rel := newDB()
			ctx := t.Context()
			require.NoError(t, rel.Local().Update(ctx, map[string]string{"a": "1", "b": "1"}))
			undo, err := store.Savepoint(ctx)
			require.NoError(t, err)
			require.NoError(t, rel.Local().Update(ctx, map[string]string{"b": "2", "c": "2"}))
			require.NoError(t, rel.LocalApp().Set(ctx, "d", "2"))
			if flush {
				require.NoError(t, store.Flush(ctx))
				require.NoError(t, rel.Local().Set(ctx, "e", "3"))
			}
			undo()
			b, err := rel.Local().Get(ctx, "b")
			require.NoError(t, err)
			assert.Equal(t, "1", b)
			require.NoError(t, store.Flush(ctx))
			calls := agent.Calls()
			last := calls[len(calls)-1]
			if flush {
				assert.Equal(t, `relation-set -r db:3 --file - < {"b": "1"}`, last)
				assert.NotContains(t, calls[len(calls)-2], `"e"`)
				return
			}
			assert.Equal(t, `relation-set -r db:3 --file - < {"a": "1", "b": "1"}`, last)
			for _, call := range calls[:len(calls)-1] {
				assert.NotContains(t, call, "relation-set")
			}
			require.NoError(t, store.Flush(ctx))
			assert.Len(t, agent.Calls(), len(calls), "nothing is left")
		})
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	require.NoError(t, rel.Local().Set(t.Context(), "a", "1"))
	require.NoError(t, store.Drop(t.Context()))
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Calls())

	cancelled, cancel := context.WithCancel(t.Context())
	undo, err := store.Savepoint(cancelled)
	require.NoError(t, err)
	cancel()
	require.NoError(t, rel.Local().Set(t.Context(), "a", "1"))
	undo() // whatever has become of the context
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Calls())
}
