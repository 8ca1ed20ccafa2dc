// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestTheLastHooksOfAUnit(t *testing.T) {
	t.Parallel()
	seeds(t, 20, func(c *cast) {
		app := c.deploy("app", diskCharm, 2)
		c.deploy("mysql", mysqlCharm, 1)
		c.deploy("redis", redisCharm, 1)
		c.relate("app", "mysql")
		c.relate("app", "redis")
		c.settle()
		u := app.Units()[1]
		require.NoError(t, u.Remove())
		assert.ErrorContains(t, u.Remove(), "it is dying")
		require.NoError(t, app.SetConfig(nil))
		hooks := of("app/1", c.settle())
		detached, others, peers, last := hooks[:3], hooks[3:7], hooks[7:9], hooks[9:]
		assert.ElementsMatch(t, []string{"data-storage-detaching", "logs-storage-detaching", "logs-storage-detaching"}, detached, c)
		assert.Equal(t, []string{"departed (mysql/0; app/1 leaves)", "broken"}, ofEndpoint("db", others), c)
		assert.Equal(t, []string{"departed (redis/0; app/1 leaves)", "broken"}, ofEndpoint("cache", others), c)
		assert.ElementsMatch(t, []string{
			"peers-relation-departed (app/0; app/1 leaves)", "ring-relation-departed (app/0; app/1 leaves)",
		}, peers, "no broken of peers: %s", c)
		assert.Equal(t, []string{"stop", "remove"}, last, c)
		assert.Equal(t, juju.Dead, u.Life())
		assert.Empty(t, u.Storage())
		assert.NotContains(t, app.Units(), u)
		assert.ErrorContains(t, u.Remove(), "it is dead")
	})
}

// Juju 3.6 tells them as soon as the unit is dying. Juju 4 tells peers when it is
// dead, and others when it has left their relation.
func TestWhenSurvivorsAreToldOfARemovedUnit(t *testing.T) {
	t.Parallel()
	early := false
	seeds(t, 20, func(c *cast) {
		pair(c)
		require.NoError(t, c.m.Unit("app/1").Remove())
		hooks := c.settle()
		peer, other := "app/0 peers-relation-departed (app/1)", "mysql/0 server-relation-departed (app/1)"
		if c.is36() {
			assert.Contains(t, hooks, peer)
			assert.Contains(t, hooks, other)
			early = early || before(hooks, peer, "app/1 stop") && before(hooks, other, "app/1 db-relation-broken")
			return
		}
		assert.True(t, before(hooks, "app/1 remove", peer), c)
		assert.True(t, before(hooks, "app/1 db-relation-broken", other), c)
	})
	assert.True(t, early)
}

// In 3.6 even if the unit that goes is in error, and stays.
func TestSurvivorsOfAUnitInError(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]string{
		"3.6.26": {"app/0 peers-relation-departed (app/1)", "mysql/0 server-relation-departed (app/1)", "mysql/1 server-relation-departed (app/1)"},
		"4.1.0":  {},
	} {
		c := newCast(t, &juju.Options{Version: version, NoRetry: true})
		pair(c)
		c.fails("app/1 db-relation-changed (mysql/0)", 1)
		c.set("mysql/0", "server", false, "k", "v")
		require.Equal(t, "error", c.m.Unit("app/1").Workload().Status)
		require.NoError(t, c.m.Unit("app/1").Remove())
		assert.ElementsMatch(t, want, c.settle(), version)
		assert.Equal(t, juju.Dying, c.m.Unit("app/1").Life(), "it does nothing before it is resolved")
		require.NoError(t, c.m.Unit("app/1").Resolve(false))
		assert.Equal(t, []string{
			"db-relation-changed (mysql/0)", "db-relation-departed (mysql/0; app/1 leaves)", "db-relation-departed (mysql/1; app/1 leaves)",
			"db-relation-broken", "peers-relation-departed (app/0; app/1 leaves)", "stop", "remove",
		}, of("app/1", c.settle()))
		assert.Equal(t, juju.Dead, c.m.Unit("app/1").Life())
	}
}

func TestRemovingAnApplication(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		r := pair(c)
		app := c.m.Application("app")
		require.NoError(t, app.Remove())
		assert.ErrorContains(t, app.Remove(), "it is being removed")
		_, err := app.AddUnits(1)
		assert.ErrorContains(t, err, "it is being removed")
		hooks := c.settle()
		for _, unit := range []string{"app/0", "app/1"} {
			own := without(of(unit, hooks), "peers-relation-departed (app/0; app/1 leaves)", "peers-relation-departed (app/1; app/0 leaves)")
			assert.Equal(t, []string{
				"db-relation-departed (mysql/0; " + unit + " leaves)", "db-relation-departed (mysql/1; " + unit + " leaves)", "db-relation-broken", "stop", "remove",
			}, own, c)
		}
		assert.Equal(t, []string{"server-relation-departed (app/0)", "server-relation-departed (app/1)", "server-relation-broken"}, of("mysql/0", hooks), c)
		assert.Equal(t, juju.Dead, r.Life())
		assert.Nil(t, c.m.Application("app"))
		assert.Len(t, c.m.Relations(), 0)
		c.deploy("app", "requires: {db: mysql}", 1)
		assert.Contains(t, c.settle(), "app/0 install", "the name is free again")
	})
}

// Its relations outlive its units, as long as the other side is busy with them.
func TestAnApplicationIsThereUntilItsRelationsAreGone(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	r := pair(c)
	c.fails("mysql/0 server-relation-broken", 1)
	require.NoError(t, c.m.Application("app").Remove())
	c.settle()
	assert.NotNil(t, c.m.Application("app"))
	assert.Empty(t, c.m.Application("app").Units())
	assert.Equal(t, juju.Dying, r.Life())
	require.NoError(t, c.m.Unit("mysql/0").Resolve(true))
	assert.Empty(t, c.settle())
	assert.Nil(t, c.m.Application("app"))
	assert.Equal(t, juju.Dead, r.Life())
}

func TestRemovedBeforeInstall(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		u := c.deploy("app", appCharm, 1).Units()[0]
		require.NoError(t, u.Remove())
		assert.Empty(t, c.settle())
		assert.Equal(t, juju.Dead, u.Life())
		// Storage that was attached on a machine goes with a hook.
		disks := c.deploy("disks", diskCharm, 1).Units()[0]
		require.True(t, c.m.Step(t.Context()))
		attached := of("disks/0", c.hooks)
		require.Len(t, attached, 1)
		require.NoError(t, disks.Remove())
		assert.Len(t, of("disks/0", c.settle()), 1)
		assert.Contains(t, c.hooks[0], "-storage-detaching")
		assert.Equal(t, juju.Dead, disks.Life())
	})
}

// Install is not taken up again for a unit that goes.
func TestRemovedWhenInstallWasKilled(t *testing.T) {
	t.Parallel()
	seeds(t, 1, func(c *cast) {
		u := c.deploy("app", "", 1).Units()[0]
		c.in("app/0 install", func(*juju.Hook, *hookcmd.Client) error {
			require.NoError(t, u.Remove())
			return errKilled
		})
		assert.Equal(t, []string{"app/0 install"}, c.settle())
		assert.Equal(t, juju.Dead, u.Life())
	})
}

func TestRemovedWhenInstallHasFailed(t *testing.T) {
	t.Parallel()
	for name, skip := range map[string]bool{"it is retried": false, "it is skipped": true} {
		c := newCast(t, &juju.Options{NoRetry: true})
		u := c.deploy("app", appCharm, 1).Units()[0]
		c.fails("app/0 install", 1)
		c.settle()
		require.NoError(t, u.Remove())
		assert.Empty(t, c.settle(), name)
		require.NoError(t, u.Resolve(skip))
		want := []string{"app/0 install", "app/0 remove"} // never started: no stop
		if skip {
			want = want[1:]
		}
		assert.Equal(t, want, c.settle(), name)
		assert.Equal(t, juju.Dead, u.Life())
	}
}

func TestRemovedBeforeStart(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		u := c.deploy("app", appCharm, 1).Units()[0]
		c.deploy("mysql", mysqlCharm, 1)
		c.relate("app", "mysql")
		c.in("app/0 leader-elected", func(*juju.Hook, *hookcmd.Client) error { return u.Remove() })
		hooks := of("app/0", c.settle())
		i := slices.Index(hooks, "leader-elected")
		assert.Equal(t, []string{"db-relation-broken", "remove"}, hooks[i+1:], c)
		// What is queued runs even so.
		late := c.deploy("late", "", 1).Units()[0]
		c.in("late/0 config-changed", func(*juju.Hook, *hookcmd.Client) error { return late.Remove() })
		assert.Equal(t, []string{"install", "leader-elected", "config-changed", "start", "stop", "remove"}, of("late/0", c.settle()))
	})
}

// While it is dying, a unit runs nothing of what is for those that stay, but
// actions and juju-exec.
func TestWhatADyingUnitDoesNotRun(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		charm := parse(t, "app", "requires: {db: mysql}\npeers: {peers: app}", "act: {}")
		app, err := c.m.Deploy(juju.Deployment{Charm: charm, Executor: c, Units: 2})
		require.NoError(t, err)
		c.deploy("mysql", mysqlCharm, 1)
		c.settle()
		u := app.Units()[1]
		c.in("app/1 stop", func(*juju.Hook, *hookcmd.Client) error {
			require.NoError(t, app.Units()[0].SetLeader())
			_, err := u.RunAction("act", nil)
			return err
		})
		require.NoError(t, u.SetLeader())
		require.NoError(t, u.Remove())
		c.relate("app", "mysql")
		c.m.Pass(time.Hour) // update-status is due
		_, err = u.RunCommands("x", -1, "")
		require.NoError(t, err)
		assert.Equal(t, []string{"run-commands", "peers-relation-departed (app/0; app/1 leaves)", "stop", "act", "remove"}, of("app/1", c.settle()), c)
	})
}

func TestTheLeadershipGoesOnWhenTheLeaderIsDead(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		app := c.deploy("app", "peers: {peers: app}", 3)
		c.settle()
		require.NoError(t, app.Units()[0].Remove())
		hooks := c.settle()
		next := app.Leader().Name
		assert.NotEqual(t, "app/0", next)
		assert.True(t, before(hooks, "app/0 remove", next+" leader-elected"), c)
		require.NoError(t, app.Units()[0].Remove())
		require.NoError(t, app.Units()[1].Remove())
		c.settle()
		assert.Nil(t, app.Leader())
		_, err := app.AddUnits(1)
		require.NoError(t, err)
		assert.Equal(t, "app/3", app.Leader().Name)
		assert.Contains(t, c.settle(), "app/3 leader-elected")
	})
}
