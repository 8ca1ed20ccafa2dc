// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// madeUp deploys an application without a charm, whose units do what a test says.
func (c *cast) madeUp(name string, units int) *juju.Application {
	c.t.Helper()
	app, err := c.m.Deploy(juju.Deployment{Name: name, Units: units})
	require.NoError(c.t, err)
	return app
}

// enter has units of a made-up application enter its first relation.
func (c *cast) enter(app *juju.Application, units ...int) *juju.End {
	c.t.Helper()
	end := app.Ends()[0]
	for _, n := range units {
		require.NoError(c.t, end.Enter(c.m.Unit(fmt.Sprintf("%s/%d", app.Name, n)), map[string]string{"n": fmt.Sprint(n)}))
	}
	return end
}

func write(t *testing.T, end *juju.End, u *juju.Unit, key, value string) {
	t.Helper()
	_, err := end.Write(u, map[string]string{key: value})
	require.NoError(t, err)
}

func TestChangedFollowsJoinedOfTheSameUnit(t *testing.T) {
	t.Parallel()
	between := make(map[string]bool)
	seeds(t, 40, func(c *cast) {
		c.deploy("app", appCharm, 3)
		c.deploy("mysql", mysqlCharm, 2)
		c.deploy("redis", redisCharm, 2)
		c.relate("app", "mysql")
		c.relate("app", "redis")
		c.settle()
		for _, unit := range []string{"app/0", "app/1", "app/2", "mysql/0", "mysql/1", "redis/0", "redis/1"} {
			checkGrammar(t, c, unit)
			hooks := of(unit, c.hooks)
			for i, hook := range hooks {
				changed := strings.Replace(hook, "-joined", "-changed", 1)
				if changed != hook && hooks[i+1] != changed {
					between[hooks[i+1]] = true
				}
			}
		}
	})
	assert.NotEmpty(t, between, "hooks of other relations may come between them")
}

// Even if the unit has left meanwhile.
func TestChangedFollowsJoinedOfAUnitThatHasLeft(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(c *cast, end *juju.End) error{
		"the unit leaves":         func(c *cast, end *juju.End) error { return end.Leave(c.m.Unit("mysql/0")) },
		"the unit is removed":     func(c *cast, _ *juju.End) error { return c.m.Unit("mysql/0").Remove() },
		"the relation is removed": func(_ *cast, end *juju.End) error { return end.Relation().Remove() },
		"the relation suspends":   func(_ *cast, end *juju.End) error { return end.Relation().Suspend(true) },
	} {
		seeds(t, 1, func(c *cast) {
			c.deploy("app", "requires: {db: mysql}", 1)
			mysql := c.madeUp("mysql", 1)
			c.relate("app", "mysql")
			end := c.enter(mysql, 0)
			c.in("app/0 db-relation-joined (mysql/0)", func(*juju.Hook, *hookcmd.Client) error { return leave(c, end) })
			hooks := ofEndpoint("db", of("app/0", c.settle()))
			assert.Equal(t, []string{"joined (mysql/0)", "changed (mysql/0)", "departed (mysql/0)"}, hooks[1:4], name)
		})
	}
}

func TestAnAppLevelChangedCanComeFirst(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 1)
		mysql := c.madeUp("mysql", 1)
		c.relate("app", "mysql")
		end := c.enter(mysql, 0)
		end.WriteApp(map[string]string{"k": "v"})
		c.in("app/0 db-relation-changed (mysql)", func(h *juju.Hook, _ *hookcmd.Client) error {
			assert.Empty(t, members(h.Unit(), "db"))
			out, err := command(h, "relation-get", "-", "mysql", "--app")
			assert.Equal(t, "k: v\n", out)
			return err
		})
		hooks := ofEndpoint("db", of("app/0", c.settle()))
		assert.Equal(t, []string{"created", "changed (mysql)", "joined (mysql/0)", "changed (mysql/0)"}, hooks, c)
	})
}

func TestNoAppLevelChangedOfAPristineBag(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 1)
		mysql := c.madeUp("mysql", 1)
		c.relate("app", "mysql")
		end := c.enter(mysql, 0)
		assert.NotContains(t, c.settle(), "app/0 db-relation-changed (mysql)")
		assert.False(t, end.WriteApp(map[string]string{"k": ""}))
		assert.Empty(t, c.settle())
		end.WriteApp(map[string]string{"k": "v"})
		assert.Equal(t, []string{"app/0 db-relation-changed (mysql)"}, c.settle())
		end.WriteApp(map[string]string{"k": ""})
		assert.Equal(t, []string{"app/0 db-relation-changed (mysql)"}, c.settle(), "it has been written")
	})
}

// As Juju does (juju/juju #20178).
func TestTheLeaderIsToldOfItsOwnPeerAppWrite(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		c.deploy("app", "peers: {peers: app}", 3)
		c.settle()
		want := []string{"app/0 peers-relation-changed (app)", "app/1 peers-relation-changed (app)", "app/2 peers-relation-changed (app)"}
		assert.ElementsMatch(t, want, c.set("app/0", "peers", true, "k", "v"), c)
		assert.ElementsMatch(t, []string{"app/0 peers-relation-changed (app/1)", "app/2 peers-relation-changed (app/1)"},
			c.set("app/1", "peers", false, "k", "v"), "but no unit of its own")
		assert.Empty(t, c.set("app/1", "peers", false, "k", "v"), "equal values are no change")
		assert.Empty(t, c.set("app/0", "peers", true, "k", "v"))
	})
}

func TestWhoWritesInANormalRelationIsNotTold(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 2)
		c.deploy("mysql", "provides: {server: mysql}", 2)
		c.relate("app", "mysql")
		c.settle()
		assert.ElementsMatch(t, []string{"app/0 db-relation-changed (mysql)", "app/1 db-relation-changed (mysql)"}, c.set("mysql/0", "server", true, "k", "v"))
		assert.ElementsMatch(t, []string{"mysql/0 server-relation-changed (app/1)", "mysql/1 server-relation-changed (app/1)"},
			c.set("app/1", "db", false, "k", "v"))
	})
}

// The order within one relation: changed after joined, departed, broken, changed
// of the application, joined, changed of units.
func TestOrderWithinARelation(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		u := c.deploy("app", "requires: {db: mysql}", 1).Units()[0]
		mysql := c.madeUp("mysql", 12)
		c.relate("app", "mysql")
		end := c.enter(mysql, 0, 1, 2, 10)
		c.settle()
		assert.Equal(t, []string{"mysql/0", "mysql/1", "mysql/10", "mysql/2"}, members(u, "db"))
		write(t, end, c.m.Unit("mysql/2"), "k", "v")
		write(t, end, c.m.Unit("mysql/10"), "k", "v")
		c.enter(mysql, 3, 11)
		end.WriteApp(map[string]string{"k": "v"})
		require.NoError(t, end.Leave(c.m.Unit("mysql/1")))
		require.NoError(t, end.Leave(c.m.Unit("mysql/0")))
		assert.Equal(t, []string{
			"departed (mysql/0)", "departed (mysql/1)", "changed (mysql)",
			"joined (mysql/11)", "changed (mysql/11)", "joined (mysql/3)", "changed (mysql/3)",
			"changed (mysql/10)", "changed (mysql/2)",
		}, ofEndpoint("db", of("app/0", c.settle())), c)
		write(t, end, c.m.Unit("mysql/2"), "k", "w")
		end.WriteApp(map[string]string{"k": "w"})
		c.enter(mysql, 4)
		require.NoError(t, end.Relation().Remove())
		assert.Equal(t, []string{
			"departed (mysql/10)", "departed (mysql/11)", "departed (mysql/2)", "departed (mysql/3)", "broken",
		}, ofEndpoint("db", of("app/0", c.settle())), c)
	})
}

func TestMembersAreServedByName(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		app := c.deploy("app", "peers: {peers: app}", 12)
		c.settle()
		c.set("app/10", "peers", false, "k", "v")
		for _, u := range app.Units() {
			c.in(u.Name+" config-changed", func(h *juju.Hook, _ *hookcmd.Client) error { return set(h, "peers", false, "k", "w") })
		}
		last, err := app.AddUnits(1)
		require.NoError(t, err)
		hooks := of(last[0].Name, c.settle())
		var joined []string
		for _, hook := range hooks {
			if unit, ok := strings.CutPrefix(hook, "peers-relation-joined "); ok {
				joined = append(joined, unit)
			}
		}
		assert.Len(t, joined, 12)
		assert.True(t, slices.IsSorted(joined), c)
		assert.Equal(t, []string{"(app/0)", "(app/1)", "(app/10)", "(app/11)", "(app/2)"}, joined[:5], c)
	})
}

func TestPeerRelationsAreServedLast(t *testing.T) {
	t.Parallel()
	seeds(t, 20, func(c *cast) {
		app := c.deploy("app", appCharm, 1)
		mysql, redis := c.madeUp("mysql", 2), c.madeUp("redis", 2)
		c.relate("app:db", "mysql")
		c.relate("app:cache", "redis")
		c.settle()
		made, err := app.AddMadeUpUnit(7)
		require.NoError(t, err)
		for _, end := range app.Ends() {
			if end.Other() == end {
				require.NoError(t, end.Enter(made, nil))
			}
		}
		c.enter(mysql, 0, 1)
		c.enter(redis, 0, 1)
		hooks := of("app/0", c.settle())
		assert.Len(t, hooks, 12, c)
		assert.Len(t, append(ofEndpoint("db", hooks[:8]), ofEndpoint("cache", hooks[:8])...), 8, c)
	})
}

func TestWritesBeforeChangedRunsMakeOneHook(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 1)
		mysql := c.madeUp("mysql", 1)
		c.relate("app", "mysql")
		end := c.enter(mysql, 0)
		u := c.m.Unit("mysql/0")
		c.settle()
		for i := range 5 {
			write(t, end, u, "k", fmt.Sprint(i))
			end.WriteApp(map[string]string{"k": fmt.Sprint(i)})
		}
		assert.Equal(t, []string{"app/0 db-relation-changed (mysql)", "app/0 db-relation-changed (mysql/0)"}, c.settle())
		// What is written while changed runs makes another one.
		once := true
		c.in("app/0 db-relation-changed (mysql/0)", func(*juju.Hook, *hookcmd.Client) error {
			if once {
				write(t, end, u, "k", "during")
			}
			once = false
			return nil
		})
		write(t, end, u, "k", "before")
		assert.Equal(t, []string{"app/0 db-relation-changed (mysql/0)", "app/0 db-relation-changed (mysql/0)"}, c.settle())
	})
}

// A unit that leaves and comes back before anybody was told has changed only.
func TestComingBackBeforeDepartedRan(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 1)
		mysql := c.madeUp("mysql", 1)
		c.relate("app", "mysql")
		end := c.enter(mysql, 0)
		u := c.m.Unit("mysql/0")
		write(t, end, u, "old", "1")
		c.settle()
		require.NoError(t, end.Leave(u))
		c.enter(mysql, 0)
		assert.Equal(t, []string{"app/0 db-relation-changed (mysql/0)"}, c.settle())
		assert.NotContains(t, end.UnitData(u), "old", "its databag is a new one")
		require.NoError(t, end.Leave(u))
		assert.Equal(t, []string{"app/0 db-relation-departed (mysql/0)"}, c.settle())
		c.enter(mysql, 0)
		assert.Equal(t, []string{"app/0 db-relation-joined (mysql/0)", "app/0 db-relation-changed (mysql/0)"}, c.settle())
	})
}
