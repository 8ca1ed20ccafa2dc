// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Each databag is read once, as a whole, when it is first asked for.
func TestViewReadsOnce(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	for range 2 {
		value, ok, err := rel.Remote("mysql/2").Lookup(t.Context(), "host")
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, "two", value)

		value, ok, err = rel.Remote("mysql/2").Lookup(t.Context(), "nope")
		require.NoError(t, err)
		assert.False(t, ok)
		assert.Empty(t, value)

		assert.Equal(t, "10.0.1.2", get(t, rel.Remote("mysql/2"), "ingress-address"))
		assert.Empty(t, get(t, rel.Remote("mysql/2"), "nope"))
		assert.Equal(t, map[string]string{"ingress-address": "10.0.1.2", "host": "two"}, all(t, rel.Remote("mysql/2")))

		assert.Equal(t, map[string]string{"version": "8"}, all(t, rel.RemoteApp()))
		assert.Equal(t, map[string]string{"ingress-address": "10.0.0.1", "mine": "zero"}, all(t, rel.Local()))
		assert.Equal(t, map[string]string{"shared": "old"}, all(t, rel.LocalApp()))
		assert.Equal(t, "8", get(t, store.Relation(db3, "mysql").RemoteApp(), "version"))
	}
	assert.Equal(t, []string{getMySQL2, getMySQL, getOwn, getOwnApp}, agent.Calls(), "hook commands")
}

func TestStoresShareNothing(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	require.NoError(t, rel.Local().Set(t.Context(), "mine", "one"))

	assert.Equal(t, "zero", get(t, newStore(agent).Relation(db3, "mysql").Local(), "mine"), "in another dispatch")
	assert.Equal(t, []string{getOwn}, agent.Calls(), "hook commands")
}

func TestAllIsCopy(t *testing.T) {
	t.Parallel()
	_, _, rel := newDB()
	for _, bag := range []relation.Reader{rel.Remote("mysql/2"), rel.RemoteApp(), rel.Local(), rel.LocalApp()} {
		want := all(t, bag)
		require.NotEmpty(t, want)
		got := all(t, bag)
		clear(got)
		got["intruder"] = "1"
		assert.Equal(t, want, all(t, bag))
	}
}

// Juju prints null for some empty databags.
func TestNullDatabag(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	agent.Relations["db:3"].Bags["app/0"] = nil

	content := all(t, rel.Local())
	assert.NotNil(t, content)
	assert.Empty(t, content)
	require.NoError(t, rel.Local().Set(t.Context(), "k", "v"))
	assert.Equal(t, map[string]string{"k": "v"}, all(t, rel.Local()))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, map[string]string{"k": "v"}, all(t, rel.Local()))
}

// Without a unit relation-get would read somebody else's databag.
func TestRemoteWithoutName(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	view := rel.Remote("")

	_, err := view.Get(t.Context(), "host")
	require.ErrorContains(t, err, "empty")
	_, _, err = view.Lookup(t.Context(), "host")
	require.ErrorContains(t, err, "empty")
	_, err = view.All(t.Context())
	require.ErrorContains(t, err, "empty")
	_, err = relation.Load[struct{ Host string }](t.Context(), view)
	require.ErrorContains(t, err, "empty")
	assert.Empty(t, agent.Calls(), "hook commands")
}

func TestRemoteApp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		id    hookcmd.RelationID
		known string
		want  map[string]string
		calls []string
	}{
		{"known", db3, "mysql", map[string]string{"version": "8"}, []string{getMySQL}},
		{"not known", db3, "", map[string]string{"version": "8"}, []string{appOfDB, getMySQL}},
		{"peers, known", peers1, "app", map[string]string{"token": "secret:1"}, []string{getPeersApp}},
		{"peers, not known", peers1, "", map[string]string{"token": "secret:1"}, []string{appOfPeers, getPeersApp}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent := newAgent()
			rel := newStore(agent).Relation(test.id, test.known)
			for range 2 {
				assert.Equal(t, test.want, all(t, rel.RemoteApp()))
			}
			_, err := rel.App(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.calls, agent.Calls(), "hook commands")
		})
	}
}

// Reads see what this dispatch wrote, by whatever name they reach the databag.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, bag relation.Databag){
		"not read before": func(*testing.T, relation.Databag) {},
		"read before":     func(t *testing.T, bag relation.Databag) { t.Helper(); all(t, bag) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent := newAgent()
			agent.Relations["peers:1"].Bags["app/0"] = map[string]string{"keep": "1", "change": "1", "delete": "1", "empty": "1"}
			agent.Relations["peers:1"].Bags["app"] = map[string]string{"keep": "1", "change": "1", "delete": "1", "empty": "1"}
			store := newStore(agent)
			rel := store.Relation(peers1, "app")

			for _, same := range []struct {
				written relation.Databag
				read    relation.View
			}{{rel.Local(), rel.Remote("app/0")}, {rel.LocalApp(), rel.RemoteApp()}} {
				prepare(t, same.written)
				ctx := t.Context()
				require.NoError(t, same.written.Set(ctx, "change", "2"))
				require.NoError(t, same.written.Set(ctx, "new", "2"))
				require.NoError(t, same.written.Set(ctx, "empty", ""))
				require.NoError(t, same.written.Delete(ctx, "delete"))
				require.NoError(t, same.written.Delete(ctx, "absent"))
				require.NoError(t, same.written.Update(ctx, map[string]string{"twice": "1", "gone": "1"}))
				require.NoError(t, same.written.Update(ctx, map[string]string{"twice": "2", "gone": ""}))

				for range 2 { // before and after Flush
					for _, bag := range []readable{same.written, same.read} {
						for key, want := range map[string]string{
							"keep": "1", "change": "2", "new": "2", "empty": "", "delete": "", "absent": "", "twice": "2", "gone": "",
						} {
							value, ok, err := bag.Lookup(ctx, key)
							require.NoError(t, err)
							assert.Equal(t, want, value, "key %s", key)
							assert.Equal(t, want != "", ok, "key %s is there", key)
							assert.Equal(t, want, get(t, bag, key), "key %s", key)
						}
						assert.Equal(t, map[string]string{"keep": "1", "change": "2", "new": "2", "twice": "2"}, all(t, bag))
					}
					require.NoError(t, store.Flush(ctx))
				}
			}
		})
	}
}

// What was written is known, before and after Flush; only for the rest the
// databag is read.
func TestWrittenKeysAreNotRead(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	require.NoError(t, rel.Local().Set(t.Context(), "k", "v"))
	require.NoError(t, rel.Local().Delete(t.Context(), "mine"))
	for range 2 {
		assert.Equal(t, "v", get(t, rel.Local(), "k"))
		assert.Empty(t, get(t, rel.Local(), "mine"))
		require.NoError(t, store.Flush(t.Context()))
	}
	require.Equal(t, []string{setOwn + `{"k": "v", "mine": ""}`}, agent.Calls(), "hook commands")

	assert.Equal(t, "10.0.0.1", get(t, rel.Local(), "ingress-address"))
	assert.Equal(t, map[string]string{"ingress-address": "10.0.0.1", "k": "v"}, all(t, rel.Local()))
	assert.Equal(t, getOwn, agent.Calls()[1], "hook command for the other keys")
	assert.Len(t, agent.Calls(), 2, "hook commands")
}

// An update that fails changes nothing, wherever the mistake stands in it.
func TestUpdateInvalid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, key, value, says string }{
		{"empty key", "", "v", "key is empty"},
		{"empty key and value", "", "", "key is empty"},
		{"key not UTF-8", "caf\xe9", "v", `key "caf\xe9" is not valid UTF-8`},
		{"value not UTF-8", "k", "hunter2\xff", `value of "k" is not valid UTF-8`},
		{"value with a surrogate", "k", "\xed\xa0\x80", `value of "k" is not valid UTF-8`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent, store, rel := newDB()
			for member, bag := range map[string]relation.Databag{"app/0": rel.Local(), "app": rel.LocalApp()} {
				assertSays := func(err error) {
					t.Helper()
					require.ErrorContains(t, err, "cannot write databag of "+member+" in relation db:3: ")
					require.ErrorContains(t, err, test.says)
					assert.NotContains(t, err.Error(), "hunter2", "values can be secret")
				}
				assertSays(bag.Set(t.Context(), test.key, test.value))
				good := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "mine": ""}
				good[test.key] = test.value
				assertSays(bag.Update(t.Context(), good))
			}
			require.NoError(t, store.Flush(t.Context()))
			assert.Empty(t, agent.Calls(), "hook commands")
			assert.Equal(t, map[string]string{"ingress-address": "10.0.0.1", "mine": "zero"}, all(t, rel.Local()))
			assert.Equal(t, map[string]string{"shared": "old"}, all(t, rel.LocalApp()))
		})
	}
	t.Run("delete the empty key", func(t *testing.T) {
		t.Parallel()
		_, _, rel := newDB()
		require.ErrorContains(t, rel.Local().Delete(t.Context(), ""), "key is empty")
	})
}

// Update keeps nothing of the caller's map.
func TestUpdateCopies(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	values := map[string]string{"a": "1"}
	require.NoError(t, rel.Local().Update(t.Context(), values))
	values["a"] = "2"
	values["b"] = "2"
	require.NoError(t, rel.Local().Update(t.Context(), nil))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{setOwn + `{"a": "1"}`}, agent.Calls(), "hook commands")
}

// An application's databag is for the leader, and it is asked at the call.
func TestLocalAppNeedsLeader(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	agent.Leader = false
	type content struct {
		Shared string `databag:"shared"`
	}
	writes := []func(context.Context) error{
		func(ctx context.Context) error { return rel.LocalApp().Set(ctx, "shared", "new") },
		func(ctx context.Context) error { return rel.LocalApp().Delete(ctx, "shared") },
		func(ctx context.Context) error { return rel.LocalApp().Update(ctx, map[string]string{"a": "1"}) },
		func(ctx context.Context) error { return relation.Save(ctx, rel.LocalApp(), content{"new"}) },
	}
	for i, write := range writes {
		err := write(t.Context())
		require.ErrorIs(t, err, hookcmd.ErrNotLeader, "write %d", i)
		require.ErrorContains(t, err, "cannot write databag of app in relation db:3: ", "write %d", i)
	}
	assert.Equal(t, []string{isLeader, isLeader, isLeader, isLeader}, agent.Calls(), "hook commands")

	require.NoError(t, rel.Local().Set(t.Context(), "k", "v"), "our unit's needs no leadership")
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, map[string]string{"shared": "old"}, all(t, rel.LocalApp()), "as it was before")
	assert.Equal(t, []string{setOwn + `{"k": "v"}`, getOwnApp}, agent.Calls()[len(writes):], "hook commands")
}

func TestLocalAppOfLeader(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	require.NoError(t, rel.LocalApp().Set(t.Context(), "shared", "new"))
	assert.Equal(t, []string{isLeader}, agent.Calls(), "hook commands before Flush")
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{isLeader, setOwnApp + `{"shared": "new"}`}, agent.Calls(), "hook commands")
	assert.Equal(t, map[string]string{"shared": "new"}, agent.Relations["db:3"].Bags["app"])
}

func TestLeadershipUnknown(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	unknown := errors.New("leadership status unknown")
	asked := 0
	store := relation.NewStore(hookcmd.New(agent, nil), "app/0", func(context.Context) (bool, error) {
		asked++
		return true, unknown
	})
	rel := store.Relation(db3, "mysql")

	err := rel.LocalApp().Set(t.Context(), "shared", "new")
	require.ErrorIs(t, err, unknown)
	require.ErrorContains(t, err, "cannot write databag of app in relation db:3: ")
	assert.NotErrorIs(t, err, hookcmd.ErrNotLeader)
	assert.Equal(t, 1, asked, "times asked")
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Calls(), "hook commands")
	assert.Equal(t, "old", get(t, rel.LocalApp(), "shared"))
}

// Reads are never asked for leadership: Juju decides what a unit may read.
func TestLocalAppOfOtherUnits(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	agent.Leader = false
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		denied := call.Command == "relation-get" && call.Args[2] == "db:3" && call.Args[len(call.Args)-1] == "app"
		return hookcmdtest.Failure(1, "permission denied"), denied
	}
	store := newStore(agent)

	assert.Equal(t, "secret:1", get(t, store.Relation(peers1, "app").LocalApp(), "token"))
	loaded, err := relation.Load[struct {
		Shared string `databag:"shared,string"`
	}](t.Context(), store.Relation(db3, "mysql").LocalApp())
	require.ErrorIs(t, err, hookcmd.ErrPermission)
	assert.Empty(t, loaded)
	assert.Equal(t, []string{getPeersApp, getOwnApp}, agent.Calls(), "hook commands")
}

// The databags of one relation, and those of several, have nothing in common.
func TestDatabagsAreSeparate(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	agent.Relations["db:12"] = &testagent.Relation{App: "mysql", Bags: map[string]map[string]string{"app/0": {}, "app": {}}}
	store := newStore(agent)
	rel := store.Relation(db3, "mysql")
	require.NoError(t, rel.Local().Set(t.Context(), "k", "unit"))

	assert.Empty(t, get(t, rel.LocalApp(), "k"), "of our application")
	assert.Empty(t, get(t, rel.RemoteApp(), "k"), "of the remote application")
	assert.Empty(t, get(t, rel.Remote("mysql/2"), "k"), "of a remote unit")
	other := store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 12}, "mysql")
	assert.Empty(t, get(t, other.Local(), "k"), "in another relation")
	assert.Equal(t, "unit", get(t, rel.Local(), "k"))
}
