// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// pair is two related applications of two units each, settled.
func pair(c *cast) *juju.Relation {
	c.t.Helper()
	c.deploy("app", "requires: {db: mysql}\npeers: {peers: app}", 2)
	c.deploy("mysql", "provides: {server: mysql}", 2)
	r := c.relate("app", "mysql")
	c.settle()
	return r
}

// Each survivor of juju remove-relation is told that the other side's units go.
func TestRemoveRelationSeenFromBothSides(t *testing.T) {
	t.Parallel()
	seeds(t, 20, func(c *cast) {
		r := pair(c)
		require.NoError(t, r.Remove())
		c.settle()
		for _, unit := range []string{"app/0", "app/1"} {
			want := []string{"db-relation-departed (mysql/0)", "db-relation-departed (mysql/1)", "db-relation-broken"}
			assert.Equal(t, want, of(unit, c.hooks), c)
		}
		for _, unit := range []string{"mysql/0", "mysql/1"} {
			want := []string{"server-relation-departed (app/0)", "server-relation-departed (app/1)", "server-relation-broken"}
			assert.Equal(t, want, of(unit, c.hooks), c)
		}
		assert.Equal(t, juju.Dead, r.Life())
		assert.Nil(t, c.m.Relation(r.ID))
		again := c.relate("app", "mysql")
		assert.NotEqual(t, r.ID, again.ID)
		assert.Contains(t, c.settle(), "app/0 db-relation-created")
		assert.ErrorContains(t, r.Remove(), "it is being removed")
	})
}

func TestARelationThatNeverHadMembersBreaksWithoutDeparted(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 2)
		c.deploy("mysql", "provides: {server: mysql}", 0)
		r := c.relate("app", "mysql")
		c.settle()
		require.NoError(t, r.Remove())
		assert.ElementsMatch(t, []string{"app/0 db-relation-broken", "app/1 db-relation-broken"}, c.settle(), c)
	})
}

func TestARelationRemovedBeforeItsFirstHookHasNone(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 1)
		c.deploy("mysql", "provides: {server: mysql}", 0)
		c.settle()
		r := c.relate("app", "mysql")
		require.NoError(t, r.Remove())
		assert.Empty(t, c.settle())
		assert.Nil(t, c.m.Relation(r.ID))
	})
}

// The unit has entered the scopes of both relations when the first is created.
func TestARelationRemovedBeforeItsCreatedIsGoneInTheEnd(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		c.deploy("app", appCharm, 1)
		c.deploy("mysql", mysqlCharm, 1)
		c.deploy("redis", redisCharm, 1)
		db, cache := c.relate("app", "mysql"), c.relate("app", "redis")
		var removed *juju.Relation
		remove := func(r *juju.Relation) func(*juju.Hook, *hookcmd.Client) error {
			return func(*juju.Hook, *hookcmd.Client) error {
				if removed != nil {
					return nil
				}
				removed = r
				return r.Remove()
			}
		}
		c.in("app/0 db-relation-created", remove(cache))
		c.in("app/0 cache-relation-created", remove(db))
		c.settle()
		assert.Nil(t, c.m.Relation(removed.ID), c)
		assert.Len(t, c.m.Relations(), 4)
	})
}

// In departed the unit is not listed any more, but its databag can be read.
func TestWhatDepartedSees(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		r := pair(c)
		c.set("mysql/1", "server", false, "k", "v")
		c.in("app/0 db-relation-departed (mysql/1)", func(h *juju.Hook, _ *hookcmd.Client) error {
			out, err := command(h, "relation-list")
			require.NoError(t, err)
			assert.Equal(t, "mysql/0\n", out)
			out, err = command(h, "relation-get", "k", "mysql/1")
			assert.Equal(t, "v\n", out)
			return err
		})
		require.NoError(t, c.m.Unit("mysql/1").Remove())
		assert.Contains(t, c.settle(), "app/0 db-relation-departed (mysql/1)")
		assert.Equal(t, []string{"mysql/0"}, r.End("app").Members(c.m.Unit("app/0")))
	})
}

// What it wrote last is read, even if there was no changed of it.
func TestDepartedReadsWhatTheUnitWroteLast(t *testing.T) {
	t.Parallel()
	seeds(t, 1, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 1)
		mysql := c.madeUp("mysql", 1)
		c.relate("app", "mysql")
		end := c.enter(mysql, 0)
		want := "0\n"
		c.play = func(hook string, h *juju.Hook, _ *hookcmd.Client) error {
			if about(h) == "" {
				return nil
			}
			out, err := command(h, "relation-get", "n")
			assert.Equal(t, want, out, hook)
			return err
		}
		c.settle()
		write(t, end, c.m.Unit("mysql/0"), "n", "1")
		require.NoError(t, end.Leave(c.m.Unit("mysql/0")))
		want = "1\n"
		assert.Equal(t, []string{"app/0 db-relation-departed (mysql/0)"}, c.settle())
	})
}

func TestWhatBrokenSees(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		r := pair(c)
		c.set("mysql/0", "server", true, "k", "v")
		checked := false
		c.in("app/0 db-relation-broken", func(h *juju.Hook, _ *hookcmd.Client) error {
			checked = true
			env := h.Environ()
			assert.Contains(t, env, "JUJU_REMOTE_APP=mysql")
			assert.Contains(t, env, "JUJU_REMOTE_UNIT=")
			for args, want := range map[string]string{
				"relation-list": "", "relation-ids db": "", "relation-list --app": "mysql\n",
				"relation-get k": "v\n", "relation-get k mysql --app": "v\n", fmt.Sprintf("relation-list -r db:%d --app", r.ID): "mysql\n",
				"relation-set a=b": "", "relation-get a app/0": "b\n",
			} {
				words := fields(args)
				out, err := command(h, words[0], words[1:]...)
				require.NoError(t, err, args)
				if words[0] != "relation-get" || words[1] != "a" { // which reads what was written before or after
					assert.Equal(t, want, out, args)
				}
			}
			return nil
		})
		require.NoError(t, r.Remove())
		c.settle()
		assert.True(t, checked)
	})
}

// JUJU_DEPARTING_UNIT is the local unit, if it or its application goes, and the
// remote unit otherwise, whoever it is that goes.
func TestDepartingUnit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		remove func(c *cast, r *juju.Relation) error
		want   []string // hooks of app/0
	}{
		"the remote unit goes": {
			func(c *cast, _ *juju.Relation) error { return c.m.Unit("mysql/1").Remove() },
			[]string{"db-relation-departed (mysql/1)"},
		},
		"the relation goes": {
			func(_ *cast, r *juju.Relation) error { return r.Remove() },
			[]string{"db-relation-departed (mysql/0)", "db-relation-departed (mysql/1)", "db-relation-broken"},
		},
		"the relation is suspended": {
			func(_ *cast, r *juju.Relation) error { return r.Suspend(true) },
			[]string{"db-relation-departed (mysql/0)", "db-relation-departed (mysql/1)", "db-relation-broken"},
		},
		"the remote application goes": {
			func(c *cast, _ *juju.Relation) error { return c.m.Application("mysql").Remove() },
			[]string{"db-relation-departed (mysql/0)", "db-relation-departed (mysql/1)", "db-relation-broken"},
		},
		"the local unit goes": {
			func(c *cast, _ *juju.Relation) error { return c.m.Unit("app/0").Remove() },
			[]string{
				"db-relation-departed (mysql/0; app/0 leaves)", "db-relation-departed (mysql/1; app/0 leaves)", "db-relation-broken",
				"peers-relation-departed (app/1; app/0 leaves)", "stop", "remove",
			},
		},
		"the local application goes": {
			func(c *cast, _ *juju.Relation) error { return c.m.Application("app").Remove() },
			[]string{
				"db-relation-departed (mysql/0; app/0 leaves)", "db-relation-departed (mysql/1; app/0 leaves)", "db-relation-broken",
				"peers-relation-departed (app/1; app/0 leaves)", "stop", "remove",
			},
		},
		"a peer goes": {
			func(c *cast, _ *juju.Relation) error { return c.m.Unit("app/1").Remove() },
			[]string{"peers-relation-departed (app/1)"},
		},
	} {
		seeds(t, 5, func(c *cast) {
			require.NoError(t, test.remove(c, pair(c)))
			assert.Equal(t, test.want, without(of("app/0", c.settle()), "leader-elected", "leader-settings-changed"), "%s: %s", name, c)
		})
	}
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		r := pair(c)
		c.set("app/0", "db", false, "k", "v")
		c.set("mysql/0", "server", true, "k", "v")
		require.NoError(t, r.Suspend(true))
		c.settle()
		gone := []string{"db-relation-departed (mysql/0)", "db-relation-departed (mysql/1)", "db-relation-broken"}
		assert.Equal(t, gone, of("app/0", c.hooks), c)
		_, err := c.m.Application("app").AddUnits(1)
		require.NoError(t, err)
		assert.Empty(t, ofEndpoint("db", of("app/2", c.settle())), "a new unit does not enter it")
		require.NoError(t, r.Suspend(false))
		hooks := c.settle()
		for _, unit := range []string{"app/0", "app/2"} {
			own := of(unit, hooks)
			assert.Equal(t, "db-relation-created", own[0], c)
			assert.Contains(t, own, "db-relation-changed (mysql)", "it is told again: %s", c)
			assert.Equal(t, []string{"mysql/0", "mysql/1"}, members(c.m.Unit(unit), "db"))
			checkGrammar(t, c, unit)
		}
		assert.NotContains(t, r.End("app").UnitData(c.m.Unit("app/0")), "k", "the databag is a new one")
		assert.Equal(t, map[string]string{"k": "v"}, r.End("mysql").AppData(), "that of the application is not")
	})
}

// Who has not departed when the relation is resumed, stays.
func TestResumedBeforeItBroke(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		r := pair(c)
		require.NoError(t, r.Suspend(true))
		require.NoError(t, r.Suspend(true), "as it is already")
		require.NoError(t, r.Suspend(false))
		assert.Empty(t, c.settle(), "nobody has noticed")
		c.in("app/0 db-relation-departed (mysql/0)", func(*juju.Hook, *hookcmd.Client) error { return r.Suspend(false) })
		require.NoError(t, r.Suspend(true))
		hooks := of("app/0", c.settle())
		assert.Equal(t, "db-relation-departed (mysql/0)", hooks[0], c)
		assert.NotContains(t, hooks, "db-relation-broken")
		for _, unit := range []string{"app/0", "app/1"} {
			assert.Equal(t, []string{"mysql/0", "mysql/1"}, members(c.m.Unit(unit), "db"), c)
		}
		c.play = nil
		c.in("app/1 db-relation-broken", func(*juju.Hook, *hookcmd.Client) error { return r.Suspend(false) })
		require.NoError(t, r.Suspend(true))
		hooks = of("app/1", c.settle())
		i := slices.Index(hooks, "db-relation-broken")
		assert.Equal(t, "db-relation-created", hooks[i+1], "it is in anew: %s", c)
		assert.Equal(t, []string{"mysql/0", "mysql/1"}, members(c.m.Unit("app/1"), "db"), c)
	})
}

func TestSuspendedThenRemoved(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		r := pair(c)
		require.NoError(t, r.Suspend(true))
		c.settle()
		require.NoError(t, r.Remove())
		assert.Empty(t, c.settle(), "broken does not run twice")
		assert.Nil(t, c.m.Relation(r.ID))
		assert.ErrorContains(t, r.Suspend(false), "it is being removed")
	})
}
