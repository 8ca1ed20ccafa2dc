// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestFlushNothing(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	require.NoError(t, store.Flush(t.Context()))
	require.NoError(t, rel.Local().Update(t.Context(), map[string]string{}))
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Calls(), "hook commands")
}

// One relation-set per changed databag: by endpoint, then ID, the unit's before
// the application's; in each the keys are sorted.
func TestFlushOrder(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	ids := []hookcmd.RelationID{{Endpoint: "db", ID: 12}, peers1, {Endpoint: "cache", ID: 40}, db3}
	for _, id := range ids {
		agent.Relations[id.String()] = &testagent.Relation{App: "other", Bags: map[string]map[string]string{}}
	}
	store := newStore(agent)
	for _, id := range ids {
		rel := store.Relation(id, "")
		require.NoError(t, rel.LocalApp().Set(t.Context(), "c", "3"))
		require.NoError(t, rel.Local().Set(t.Context(), "b", "2"))
		require.NoError(t, rel.Local().Update(t.Context(), map[string]string{"a": "1", "d": "4"}))
	}
	asked := len(agent.Calls())
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{
		`relation-set -r cache:40 --file - < {"a": "1", "b": "2", "d": "4"}`,
		`relation-set -r cache:40 --app --file - < {"c": "3"}`,
		`relation-set -r db:3 --file - < {"a": "1", "b": "2", "d": "4"}`,
		`relation-set -r db:3 --app --file - < {"c": "3"}`,
		`relation-set -r db:12 --file - < {"a": "1", "b": "2", "d": "4"}`,
		`relation-set -r db:12 --app --file - < {"c": "3"}`,
		`relation-set -r peers:1 --file - < {"a": "1", "b": "2", "d": "4"}`,
		`relation-set -r peers:1 --app --file - < {"c": "3"}`,
	}, agent.Calls()[asked:], "hook commands of Flush")
}

// Only what differs from what was read is sent, and nothing is read to find out.
func TestFlushChanges(t *testing.T) {
	t.Parallel()
	write := map[string]string{"new": "1", "same": "1", "changed": "2", "deleted": "", "absent": ""}
	for _, test := range []struct {
		name  string
		read  func(ctx context.Context, bag relation.Databag) error
		calls []string
	}{
		{
			"read as a whole",
			func(ctx context.Context, bag relation.Databag) error { _, err := bag.All(ctx); return err },
			[]string{getOwn, setOwn + `{"changed": "2", "deleted": "", "new": "1"}`},
		},
		{
			"read one key",
			func(ctx context.Context, bag relation.Databag) error { _, err := bag.Get(ctx, "other"); return err },
			[]string{getOwn, setOwn + `{"changed": "2", "deleted": "", "new": "1"}`},
		},
		{
			"not read",
			func(context.Context, relation.Databag) error { return nil },
			[]string{setOwn + `{"absent": "", "changed": "2", "deleted": "", "new": "1", "same": "1"}`},
		},
	} {
		for _, readFirst := range []bool{true, false} {
			name := test.name + ", after the writes"
			if readFirst {
				name = test.name + ", before the writes"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				agent, store, rel := newDB()
				agent.Relations["db:3"].Bags["app/0"] = map[string]string{"same": "1", "changed": "1", "deleted": "1", "other": "1"}
				if readFirst {
					require.NoError(t, test.read(t.Context(), rel.Local()))
				}
				require.NoError(t, rel.Local().Update(t.Context(), write))
				if !readFirst {
					require.NoError(t, test.read(t.Context(), rel.Local()))
				}
				for range 2 { // the second has nothing to send
					require.NoError(t, store.Flush(t.Context()))
				}
				assert.Equal(t, test.calls, agent.Calls(), "hook commands")
				assert.Equal(t, map[string]string{"same": "1", "changed": "2", "new": "1", "other": "1"},
					agent.Relations["db:3"].Bags["app/0"], "our databag, as the agent has it")
			})
		}
	}
}

// If a databag that was read is as it was, there is no relation-set.
func TestFlushUnchanged(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	all(t, rel.Local())
	require.NoError(t, rel.Local().Set(t.Context(), "mine", "zero"))
	require.NoError(t, rel.Local().Delete(t.Context(), "nope"))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{getOwn}, agent.Calls(), "hook commands")

	require.NoError(t, rel.Local().Set(t.Context(), "mine", "one"))
	require.NoError(t, rel.Local().Set(t.Context(), "mine", "zero"))
	require.NoError(t, rel.Local().Set(t.Context(), "new", "1"))
	require.NoError(t, rel.Local().Delete(t.Context(), "new"))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{getOwn}, agent.Calls(), "hook commands, after writes that were taken back")
}

// What was flushed is known, whether the databag was read or not.
func TestFlushAgain(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]bool{"read": true, "not read": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, store, rel := newDB()
			if read {
				all(t, rel.Local())
			}
			write := func(values map[string]string) {
				t.Helper()
				require.NoError(t, rel.Local().Update(t.Context(), values))
				require.NoError(t, store.Flush(t.Context()))
			}
			write(map[string]string{"a": "1", "b": "1", "mine": ""})
			asked := len(agent.Calls())
			write(map[string]string{"a": "1", "b": "1", "mine": ""})
			assert.Empty(t, agent.Calls()[asked:], "hook commands for the same again")
			write(map[string]string{"a": "1", "b": "2", "mine": ""})
			write(map[string]string{"a": ""})
			write(map[string]string{"a": ""})
			write(map[string]string{"mine": "zero"})
			assert.Equal(t, []string{
				setOwn + `{"b": "2"}`,
				setOwn + `{"a": ""}`,
				setOwn + `{"mine": "zero"}`,
			}, agent.Calls()[asked:], "hook commands")
		})
	}
}

// After an error nothing more is sent, and what was not sent is kept.
func TestFlushFails(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	refused := setOwnApp + `{"k": "2"}`
	failing := true
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "cannot write relation settings"), failing && call.Command == "relation-set" && call.Args[2] == "--app"
	}
	require.NoError(t, rel.Local().Set(t.Context(), "k", "1"))
	require.NoError(t, rel.LocalApp().Set(t.Context(), "k", "2"))
	require.NoError(t, store.Relation(peers1, "app").Local().Set(t.Context(), "k", "3"))
	sent := len(agent.Calls())

	err := store.Flush(t.Context())
	require.ErrorIs(t, err, hookcmd.ErrNotLeader)
	var e *hookcmd.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "relation-set", e.Command)
	assert.Equal(t, []string{setOwn + `{"k": "1"}`, refused}, agent.Calls()[sent:], "hook commands")
	assert.Equal(t, "2", get(t, rel.LocalApp(), "k"), "a write that is kept")
	assert.Equal(t, "3", get(t, store.Relation(peers1, "app").Local(), "k"), "a write that is kept")

	failing = false
	sent = len(agent.Calls())
	require.NoError(t, store.Flush(t.Context()))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{refused, `relation-set -r peers:1 --file - < {"k": "3"}`}, agent.Calls()[sent:], "hook commands of the next Flush")
}

func TestFlushContextEnds(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	require.NoError(t, rel.Local().Set(t.Context(), "k", "v"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, store.Flush(ended), context.Canceled)
	assert.Empty(t, agent.Calls(), "hook commands")
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{setOwn + `{"k": "v"}`}, agent.Calls(), "hook commands")
}

// What a failed dispatch wrote is never sent: nobody flushes.
func TestNothingIsSentBeforeFlush(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	require.NoError(t, rel.Local().Set(t.Context(), "k", "v"))
	require.NoError(t, rel.Local().Delete(t.Context(), "mine"))
	require.NoError(t, relation.Save(t.Context(), rel.Local(), struct{ A int }{1}))
	all(t, rel.Local())
	assert.Equal(t, []string{getOwn}, agent.Calls(), "hook commands")
}

// Standard input is JSON that Juju's YAML reader reads without loss.
func TestFlushStdin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, key, value, stdin string }{
		{"plain", "k", "v", `{"k": "v"}`},
		{"looks like another type", "1.50", "null", `{"1.50": "null"}`},
		{"equals sign", "a=b", "=c=", `{"a=b": "=c="}`},
		{"quotes", `"k"`, `it's "v" \`, `{"\"k\"": "it's \"v\" \\"}`},
		{"white space", " k ", " \t\nv\r\n ", "{\" k \": \" \\t\\nv\\u000d\\n \"}"},
		{"HTML", "<k>", "a&b", `{"<k>": "a&b"}`},
		{"Unicode", "schlüssel", "日本 😀", `{"schlüssel": "日本 😀"}`},
		{"line breaks of YAML", "k\u0085", "\u2028\u2029", "{\"k\\u0085\": \"\\u2028\\u2029\"}"},
		{"control characters", "k", "\x00\x1b\x7f", `{"k": "\u0000\u001b\u007f"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent, store, rel := newDB()
			require.NoError(t, rel.Local().Set(t.Context(), test.key, test.value))
			require.NoError(t, store.Flush(t.Context()))
			assert.Equal(t, []string{setOwn + test.stdin}, agent.Calls(), "hook commands")
			assert.Equal(t, test.value, agent.Relations["db:3"].Bags["app/0"][test.key], "the value, as the agent has it")
		})
	}
}
