// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		app    string // the remote application
		listed []string
		want   []string
	}{
		{"none", "mysql", nil, nil},
		{"by number", "mysql", []string{"mysql/1", "mysql/10", "mysql/100", "mysql/2"}, []string{"mysql/1", "mysql/2", "mysql/10", "mysql/100"}},
		{"without our application's, juju/juju #21713", "mysql", []string{"app/0", "app/1", "mysql/0"}, []string{"mysql/0"}},
		{"of an application whose name begins like ours", "app-db", []string{"app-db/0", "app/1"}, []string{"app-db/0"}},
		{"of peers", "app", []string{"app/1", "app/10", "app/2"}, []string{"app/1", "app/2", "app/10"}},
		{"of peers without ourselves", "app", []string{"app/0", "app/1"}, []string{"app/1"}},
		{"of peers that are ourselves only", "app", []string{"app/0"}, nil},
	} {
		for name, known := range map[string]string{"app known": test.app, "app not known": ""} {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				agent := newAgent()
				agent.Relations["db:3"].App = test.app
				agent.Relations["db:3"].Units = test.listed
				rel := newStore(agent).Relation(db3, known)
				for range 2 {
					units, err := rel.Units(t.Context())
					require.NoError(t, err)
					assert.Equal(t, test.want, append([]string(nil), units...))
				}
				calls := []string{listDB}
				if known == "" && test.app == "app" { // the units alone do not tell
					calls = append(calls, "relation-list --format=json --app -r db:3")
				}
				assert.Equal(t, calls, agent.Calls(), "hook commands")
			})
		}
	}
}

// Before the remote application has units, the versions of Juju 4 with
// juju/juju #21713 list our application's only. That is no peer relation.
func TestUnitsAllOfOurApp(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]string{"app known": "mysql", "app not known": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent := newAgent()
			agent.Relations["db:3"].Units = []string{"app/1", "app/2"}
			units, err := newStore(agent).Relation(db3, known).Units(t.Context())
			require.NoError(t, err)
			assert.Empty(t, units, "remote units of db:3, which is a relation to mysql")
		})
	}
}

// If it cannot be told which relation it is, there is an error, and no wrong
// answer is kept.
func TestUnitsOfUnknownApp(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	agent.Relations["db:3"].Units = []string{"app/1", "app/2"}
	failing := true
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "the controller is away"), failing && slices.Contains(call.Args, "--app")
	}
	rel := newStore(agent).Relation(db3, "")
	units, err := rel.Units(t.Context())
	require.ErrorContains(t, err, "the controller is away")
	assert.Empty(t, units)

	failing = false
	units, err = rel.Units(t.Context())
	require.NoError(t, err)
	assert.Empty(t, units)
}

// A remote unit tells the remote application, which need not be asked for.
func TestUnitsTellApp(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	agent.Relations["db:3"].Units = []string{"app/1", "mysql/2"}
	rel := newStore(agent).Relation(db3, "")
	_, err := rel.Units(t.Context())
	require.NoError(t, err)
	app, err := rel.App(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "mysql", app)
	assert.Equal(t, []string{listDB}, agent.Calls(), "hook commands")
}

// What Units returns is the caller's.
func TestUnitsIsCopy(t *testing.T) {
	t.Parallel()
	_, _, rel := newDB()
	want := []string{"mysql/2", "mysql/10"}
	for range 2 {
		units, err := rel.Units(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, units)
		clear(units)
	}
	remotes, err := rel.RemoteAll(t.Context())
	require.NoError(t, err)
	clear(remotes)
	remotes, err = rel.RemoteAll(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, unitsOf(remotes))
}

// In a departed hook the unit is not listed, but its databag can be read.
func TestDepartedUnit(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	agent.Relations["db:3"].Units = []string{"mysql/10"}

	units, err := rel.Units(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"mysql/10"}, units)
	assert.Equal(t, "two", get(t, rel.Remote("mysql/2"), "host"))
}

// RemoteAll reads what is not read yet, and nothing else.
func TestRemoteAll(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	assert.Equal(t, "ten", get(t, rel.Remote("mysql/10"), "host"))
	require.Equal(t, []string{getMySQL10}, agent.Calls(), "hook commands before")

	for range 2 {
		remotes, err := rel.RemoteAll(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"mysql/2", "mysql/10"}, unitsOf(remotes))
		assert.Equal(t, "two", get(t, remotes[0], "host"))
		assert.Equal(t, "ten", get(t, remotes[1], "host"))
	}
	assert.Equal(t, "two", get(t, rel.Remote("mysql/2"), "host"))
	units, err := rel.Units(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"mysql/2", "mysql/10"}, units)
	assert.Equal(t, []string{getMySQL10, listDB, getMySQL2}, agent.Calls(), "hook commands")
}

func TestRemoteAllOfPeers(t *testing.T) {
	t.Parallel()
	agent := newAgent()
	rel := newStore(agent).Relation(peers1, "app")
	remotes, err := rel.RemoteAll(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"app/1"}, unitsOf(remotes))
	assert.Equal(t, map[string]string{"ingress-address": "10.0.0.2"}, all(t, remotes[0]))
	assert.Equal(t, []string{listPeers, "relation-get --format=json -r peers:1 -- - app/1"}, agent.Calls(), "hook commands")
}

// If one databag cannot be read there is an error, and no half of an answer.
func TestRemoteAllFails(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	delete(agent.Relations["db:3"].Bags, "mysql/10")
	remotes, err := rel.RemoteAll(t.Context())
	require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)
	assert.Nil(t, remotes)

	agent.Relations["db:3"].Bags["mysql/10"] = map[string]string{"host": "back"}
	remotes, err = rel.RemoteAll(t.Context())
	require.NoError(t, err)
	require.Len(t, remotes, 2)
	assert.Equal(t, "back", get(t, remotes[1], "host"))
}

func unitsOf(remotes []relation.RemoteUnit) []string {
	var units []string
	for _, remote := range remotes {
		units = append(units, remote.Unit)
	}
	return units
}

// Of some units the databags are read that were not read yet, and no others.
func TestRemoteOf(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(5)
	rel := newStore(agent).Relation(peers1, "app")
	assert.Equal(t, "Hello from app/4", get(t, rel.Remote("app/4"), "greeting"))
	for range 2 {
		remotes, err := rel.RemoteOf(t.Context(), []string{"app/4", "app/2"})
		require.NoError(t, err)
		require.Len(t, remotes, 2)
		for i, unit := range []string{"app/4", "app/2"} {
			assert.Equal(t, unit, remotes[i].Unit)
			assert.Equal(t, "Hello from "+unit, get(t, remotes[i].View, "greeting"))
		}
	}
	assert.Len(t, agent.Calls(), 2, "hook commands: one relation-get per unit")
	none, err := rel.RemoteOf(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	_, err = rel.RemoteOf(t.Context(), []string{"app/1", "app/99"})
	require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)
}

// Units that are gone are not in the relation, though Juju lists them.
func TestSetGone(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(3)
	store := newStore(agent)
	rel := store.Relation(peers1, "app")
	before, err := rel.Units(t.Context())
	require.NoError(t, err)
	require.Len(t, before, 3)
	store.SetGone(peers1, func(unit string) bool { return unit == "app/2" })
	units, err := rel.Units(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"app/1", "app/3"}, units)
	remotes, err := rel.RemoteAll(t.Context())
	require.NoError(t, err)
	assert.Len(t, remotes, 2)
	assert.Equal(t, "Hello from app/2", get(t, rel.Remote("app/2"), "greeting"), "as long as Juju has it")
}
