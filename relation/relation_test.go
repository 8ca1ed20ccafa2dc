// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestRelation(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()

	assert.Equal(t, "db", rel.Endpoint())
	assert.Equal(t, 3, rel.ID())
	assert.Equal(t, "db:3", rel.String())
	assert.False(t, rel.Broken())
	assert.Same(t, rel, store.Relation(db3, ""), "the relation of the same ID")
	app, err := rel.App(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "mysql", app, "which the relation still knows")
	assert.NotSame(t, rel, store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 4}, "mysql"), "the relation of another ID")
	assert.Empty(t, agent.Calls(), "hook commands")
}

func TestApp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		id    hookcmd.RelationID
		known string
		want  string
		calls []string
	}{
		{"known", db3, "mysql", "mysql", nil},
		{"not known", db3, "", "mysql", []string{appOfDB}},
		{"peers, known", peers1, "app", "app", nil},
		{"peers, not known", peers1, "", "app", []string{appOfPeers}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent := newAgent()
			rel := newStore(agent).Relation(test.id, test.known)
			for range 2 {
				app, err := rel.App(t.Context())
				require.NoError(t, err)
				assert.Equal(t, test.want, app)
			}
			assert.Equal(t, test.calls, agent.Calls(), "hook commands")
		})
	}
}

// What an event tells of a relation is not asked for, even if the relation was
// listed before.
func TestAppBecomesKnown(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	store := newStore(agent)
	list, err := store.List(t.Context(), "db")
	require.NoError(t, err)
	require.Len(t, list, 1)

	assert.Same(t, list[0], store.Relation(db3, "mysql"))
	app, err := list[0].App(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "mysql", app)
	assert.NotContains(t, agent.Calls(), appOfDB)
}

func TestModel(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	for range 2 {
		uuid, err := rel.Model(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "deadbeef-0bad-400d-8000-4b1d0d06f00d", uuid)
	}
	assert.Equal(t, []string{"relation-model-get --format=json -r db:3"}, agent.Calls(), "hook commands")
}

func TestList(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	agent.Relations["db:12"] = &testagent.Relation{App: "mariadb"}
	agent.Relations["db:101"] = &testagent.Relation{App: "percona"}
	agent.Relations["db-admin:4"] = &testagent.Relation{App: "mysql"}
	store := newStore(agent)
	known := store.Relation(db3, "mysql")

	for range 2 {
		list, err := store.List(t.Context(), "db")
		require.NoError(t, err)
		require.Len(t, list, 3)
		assert.Same(t, known, list[0])
		assert.Equal(t, "db:12", list[1].String(), "Juju prints it before db:3")
		assert.Equal(t, "db:101", list[2].String())
		clear(list) // it is a copy
	}
	for range 2 {
		none, err := store.List(t.Context(), "nope")
		require.NoError(t, err)
		assert.Empty(t, none)
	}
	assert.Equal(t, []string{
		"relation-ids --format=json -- db",
		"relation-ids --format=json -- nope",
	}, agent.Calls(), "hook commands")
}

// A relation that breaks is not listed, but its databags can be read and written.
func TestBroken(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	agent.Relations["db:3"].Hidden = true
	agent.Relations["db:3"].Units = nil
	agent.Relations["db:12"] = &testagent.Relation{App: "mariadb"}
	store := newStore(agent)
	store.SetBroken(db3)
	rel := store.Relation(db3, "mysql")

	assert.True(t, rel.Broken())
	list, err := store.List(t.Context(), "db")
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "db:12", list[0].String())
	assert.False(t, list[0].Broken())

	units, err := rel.Units(t.Context())
	require.NoError(t, err)
	assert.Empty(t, units)
	all, err := rel.RemoteAll(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)

	assert.Equal(t, "8", get(t, rel.RemoteApp(), "version"))
	assert.Equal(t, "zero", get(t, rel.Local(), "mine"))
	require.NoError(t, rel.Local().Delete(t.Context(), "mine"))
	require.NoError(t, store.Flush(t.Context()))
	assert.NotContains(t, agent.Relations["db:3"].Bags["app/0"], "mine")
}

// SetBroken reaches a relation that somebody already has.
func TestSetBrokenLater(t *testing.T) {
	t.Parallel()
	_, store, rel := newDB()
	store.SetBroken(db3)
	assert.True(t, rel.Broken())
	app, err := rel.App(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "mysql", app)
}

// The agent's errors are the caller's, and what failed is asked again.
func TestErrors(t *testing.T) {
	t.Parallel()
	onEachRunner(t, func(t *testing.T, agent *testagent.Agent, runner hookcmd.Runner) {
		store := newStore(runner)

		gone := store.Relation(db3, "mysql").Remote("mysql/7")
		_, err := gone.All(t.Context())
		require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)
		var e *hookcmd.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "relation-get", e.Command)
		_, _, err = gone.Lookup(t.Context(), "host")
		require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)
		_, err = gone.Get(t.Context(), "host")
		require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)

		none := store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 99}, "")
		for name, ask := range map[string]func() error{
			"Units":     func() error { _, err := none.Units(t.Context()); return err },
			"App":       func() error { _, err := none.App(t.Context()); return err },
			"Model":     func() error { _, err := none.Model(t.Context()); return err },
			"RemoteAll": func() error { _, err := none.RemoteAll(t.Context()); return err },
			"RemoteApp": func() error { _, err := none.RemoteApp().All(t.Context()); return err },
			"its key":   func() error { _, err := none.RemoteApp().Get(t.Context(), "k"); return err },
			"Local":     func() error { _, err := none.Local().Get(t.Context(), "k"); return err },
		} {
			require.ErrorIs(t, ask(), hookcmd.ErrRelationNotFound, name)
		}
		asked := len(agent.Calls())
		_, err = none.Units(t.Context())
		require.ErrorIs(t, err, hookcmd.ErrRelationNotFound, "when asked again")
		assert.Len(t, agent.Calls(), asked+1, "hook commands")
	})
}

// After a failure the same is asked for again, and succeeds.
func TestErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	failing := true
	agent.Intercept = func(hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "the controller is away"), failing
	}
	store := newStore(agent)
	rel := store.Relation(db3, "")
	steps := map[string]func(ctx context.Context) error{
		"List":      func(ctx context.Context) error { _, err := store.List(ctx, "db"); return err },
		"Units":     func(ctx context.Context) error { _, err := rel.Units(ctx); return err },
		"App":       func(ctx context.Context) error { _, err := rel.App(ctx); return err },
		"Model":     func(ctx context.Context) error { _, err := rel.Model(ctx); return err },
		"RemoteAll": func(ctx context.Context) error { _, err := rel.RemoteAll(ctx); return err },
		"All":       func(ctx context.Context) error { _, err := rel.Local().All(ctx); return err },
		"RemoteApp": func(ctx context.Context) error { _, err := rel.RemoteApp().All(ctx); return err },
		"Set":       func(ctx context.Context) error { return rel.LocalApp().Set(ctx, "k", "v") },
	}
	for name, step := range steps {
		require.ErrorContains(t, step(t.Context()), "the controller is away", name)
	}
	failing = false
	for name, step := range steps {
		require.NoError(t, step(t.Context()), name)
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	agent, _, rel := newDB()

	_, err := rel.Remote("mysql/2").All(ended)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "two", get(t, rel.Remote("mysql/2"), "host"), "with another context")
	assert.Equal(t, []string{getMySQL2}, agent.Calls(), "hook commands")
}

// Many goroutines read, write and list; each thing is still read once.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	store := newStore(newSocket(t, agent, nil))
	keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}

	var wait sync.WaitGroup
	for _, key := range keys {
		wait.Go(func() {
			ctx := t.Context()
			list, err := store.List(ctx, "db")
			if !assert.NoError(t, err) || !assert.Len(t, list, 1) {
				return
			}
			rel := list[0]
			for _, value := range []string{"1", "2", "3"} {
				assert.NoError(t, rel.Local().Set(ctx, key, value))
				assert.NoError(t, rel.LocalApp().Set(ctx, key, value))
				got, err := rel.Local().Get(ctx, key)
				assert.NoError(t, err)
				assert.Equal(t, value, got, "own write of key %s", key)
				_, err = rel.LocalApp().All(ctx)
				assert.NoError(t, err)
				got, err = rel.Remote("mysql/2").Get(ctx, "host")
				assert.NoError(t, err)
				assert.Equal(t, "two", got)
				got, err = rel.RemoteApp().Get(ctx, "version")
				assert.NoError(t, err)
				assert.Equal(t, "8", got)
				remotes, err := rel.RemoteAll(ctx)
				assert.NoError(t, err)
				assert.Len(t, remotes, 2)
				_, err = rel.Model(ctx)
				assert.NoError(t, err)
				store.SetBroken(db3)
				assert.True(t, store.Relation(db3, "mysql").Broken())
			}
			assert.NoError(t, store.Flush(ctx))
		})
	}
	wait.Wait()

	for _, member := range []string{"app/0", "app"} {
		for _, key := range keys {
			assert.Equal(t, "3", agent.Relations["db:3"].Bags[member][key], "key %s of %s", key, member)
		}
	}
	count := make(map[string]int)
	for _, call := range agent.Calls() {
		count[call]++
	}
	for _, once := range []string{
		"relation-ids --format=json -- db", listDB, getMySQL, getMySQL2, getMySQL10, getOwnApp,
		"relation-model-get --format=json -r db:3",
	} {
		assert.Equal(t, 1, count[once], "times that %q ran", once)
	}
	assert.LessOrEqual(t, count[appOfDB], 1, "times that the remote application was asked for")
	assert.Zero(t, count[getOwn], "times that our databag was read: all that was asked for had been written")
}
