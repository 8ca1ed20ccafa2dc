// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestFailedHooksAreRetriedAfterTwiceTheTimeUpToFiveMinutes(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		var at []time.Duration
		var contexts []string
		start := c.m.Now()
		u := c.deploy("app", appCharm, 1).Units()[0]
		c.in("app/0 config-changed", func(h *juju.Hook, _ *hookcmd.Client) error {
			at = append(at, c.m.Now().Sub(start))
			contexts = append(contexts, h.ContextID())
			if len(at) < 10 {
				return assert.AnError
			}
			return nil
		})
		_, err := c.m.Settle(t.Context(), &juju.SettleOptions{Attempts: 20})
		require.NoError(t, err)
		s := time.Second
		assert.Equal(t, []time.Duration{0, 5 * s, 15 * s, 35 * s, 75 * s, 155 * s, 315 * s, 615 * s, 915 * s, 1215 * s}, at)
		assert.NotEqual(t, contexts[0], contexts[1])
		assert.Equal(t, "unknown", u.Workload().Status)
	})
}

// Nothing else of the unit goes on, but actions and juju-exec.
func TestAFailedHookBlocksTheUnit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		c := newCast(t, &juju.Options{NoRetry: true, Seed: seed})
		charm := parse(t, "app", appCharm+"\nstorage: {data: {type: filesystem, multiple: {range: 0+}}}", "act: {}")
		app, err := c.m.Deploy(juju.Deployment{Charm: charm, Executor: c, Units: 2})
		require.NoError(t, err)
		u := app.Units()[1]
		c.fails("app/1 start", 1) // which is queued
		c.settle()
		assert.Equal(t, juju.Status{Status: "error", Message: `hook failed: "start"`, Data: map[string]any{"hook": "start"}, Since: c.m.Now()}, u.Workload())
		c.deploy("mysql", mysqlCharm, 1)
		c.relate("app", "mysql")
		require.NoError(t, u.SetLeader())
		_, err = u.AddStorage("data", 1)
		require.NoError(t, err)
		c.m.Pass(time.Hour)
		assert.Empty(t, of("app/1", c.settle()))
		_, err = u.RunAction("act", nil)
		require.NoError(t, err)
		_, err = u.RunCommands("x", -1, "")
		require.NoError(t, err)
		assert.Equal(t, []string{"act", "run-commands"}, of("app/1", c.settle()))
		require.NoError(t, u.Resolve(false))
		hooks := of("app/1", c.settle())
		assert.Equal(t, []string{"start", "db-relation-created", "leader-elected", "data-storage-attached"}, hooks[:4], c)
		assert.NotContains(t, hooks, "update-status", "it is taken for done")
		assert.ErrorContains(t, u.Resolve(false), "it is not in error")
	}
}

func TestTheErrorOfARelationHook(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	c.deploy("app", "requires: {db: mysql}", 1)
	c.deploy("mysql", "provides: {server: mysql}", 1)
	r := c.relate("app", "mysql")
	c.fails("app/0 db-relation-joined (mysql/0)", 1)
	c.settle()
	status := c.m.Unit("app/0").Workload()
	assert.Equal(t, `hook failed: "db-relation-joined"`, status.Message)
	assert.Equal(t, map[string]any{"hook": "db-relation-joined", "relation-id": r.ID, "remote-unit": "mysql/0"}, status.Data)
}

// The hook is run again with the same parameters, and then once more, if there
// is something newer.
func TestTheSameHookIsRetried(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	c.deploy("app", "requires: {db: mysql}", 1)
	mysql := c.madeUp("mysql", 3)
	c.relate("app", "mysql")
	end := c.enter(mysql, 0, 1)
	c.settle()
	c.fails("app/0 db-relation-changed (mysql/1)", 1)
	write(t, end, c.m.Unit("mysql/1"), "k", "v")
	c.settle()
	write(t, end, c.m.Unit("mysql/1"), "k", "w")
	write(t, end, c.m.Unit("mysql/0"), "k", "w")
	require.NoError(t, end.Leave(c.m.Unit("mysql/0")))
	assert.Empty(t, c.settle())
	require.NoError(t, c.m.Unit("app/0").Resolve(false))
	assert.Equal(t, []string{"changed (mysql/1)", "departed (mysql/0)", "changed (mysql/1)"}, ofEndpoint("db", of("app/0", c.settle())))
}

// It tells of the config as it is now, so there is nothing left to tell.
func TestAConfigChangedThatFailedTellsOfTheLatestConfig(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"failed": assert.AnError, "killed": errKilled} {
		c := newCast(t, &juju.Options{NoRetry: true})
		app := c.configurable(1)
		once := true
		c.in("app/0 config-changed", func(*juju.Hook, *hookcmd.Client) error {
			if once {
				once = false
				require.NoError(t, app.SetConfig(map[string]any{"n": 2}))
				return failure
			}
			return nil
		})
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		hooks := c.settle()
		if name == "failed" {
			require.NoError(t, app.Units()[0].Resolve(false))
			hooks = append(hooks, c.settle()...)
		}
		assert.Equal(t, []string{"app/0 config-changed", "app/0 config-changed"}, hooks, name)
	}
}

func TestResolveBeginsTheBackOffAnew(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	u := c.configurable(1).Units()[0]
	var at []time.Duration
	start := c.m.Now()
	c.in("app/0 update-status", func(*juju.Hook, *hookcmd.Client) error {
		if at = append(at, c.m.Now().Sub(start)); len(at) == 6 {
			return nil
		}
		return assert.AnError
	})
	c.m.Pass(5 * time.Minute)
	step := func() bool { return c.m.Step(t.Context()) }
	require.True(t, step())   // fails at 300 s, for 5 s
	c.m.Pass(5 * time.Second) // 305 s
	require.True(t, step())   // for 10 s
	c.m.Pass(8 * time.Second) // 313 s
	require.False(t, step())  // not yet
	require.NoError(t, u.Resolve(false))
	require.True(t, step())   // for 5 s, until 318 s
	c.m.Pass(2 * time.Second) // 315 s, when it was due at first
	require.False(t, step())
	c.settle()
	s := time.Second
	assert.Equal(t, []time.Duration{300 * s, 305 * s, 313 * s, 318 * s, 328 * s, 348 * s}, at)
}

func TestNoRetry(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	u := c.configurable(1).Units()[0]
	c.fails("app/0 update-status", 2)
	_, err := c.m.Advance(t.Context(), time.Hour, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, count(c.hooks, "app/0 update-status"))
	require.NoError(t, u.Resolve(false))
	assert.Equal(t, []string{"app/0 update-status"}, c.settle())
	assert.Equal(t, "error", u.Workload().Status)
	require.NoError(t, u.Resolve(false))
	c.settle()
	assert.NotEqual(t, "error", u.Workload().Status)
}

// A hook that is skipped is taken for done, in all that follows from it.
func TestResolveNoRetry(t *testing.T) {
	t.Parallel()
	first := []string{
		"data-storage-attached", "install", "db-relation-created", "leader-elected", "config-changed", "start",
		"db-relation-joined (mysql/0)", "db-relation-changed (mysql/0)",
	}
	last := []string{"data-storage-detaching", "stop", "remove"}
	for i, failing := range first {
		c := newCast(t, &juju.Options{NoRetry: true})
		skip := func(hooks []string) { // each of them fails
			t.Helper()
			u := c.m.Unit("app/0")
			for _, hook := range hooks {
				c.fails("app/0 "+hook, 1)
				require.Equal(t, []string{"app/0 " + hook}, c.settle())
				require.NoError(t, u.Resolve(true))
			}
		}
		u := c.deploy("app", "requires: {db: mysql}\nstorage: {data: {type: filesystem}}", 1).Units()[0]
		mysql := c.madeUp("mysql", 1)
		r := c.relate("app", "mysql")
		c.enter(mysql, 0)
		c.fails("app/0 "+failing, 1)
		assert.Equal(t, first[:i+1], of("app/0", c.settle()))
		require.NoError(t, u.Resolve(true))
		assert.Equal(t, append([]string(nil), first[i+1:]...), of("app/0", c.settle()), failing)
		assert.Equal(t, []string{"mysql/0"}, members(u, "db"), failing)

		require.NoError(t, r.Remove())
		skip([]string{"db-relation-departed (mysql/0)", "db-relation-broken"})
		assert.Empty(t, c.settle())
		assert.Nil(t, c.m.Relation(r.ID), "the unit has left the scope")
		require.NoError(t, u.Remove())
		skip(last)
		assert.Empty(t, c.settle())
		assert.Equal(t, juju.Dead, u.Life())
	}
}

// A retry that is killed is no failure any more: it runs at once.
func TestAKilledRetryIsNotInError(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	u := c.configurable(1).Units()[0]
	ends := []error{assert.AnError, errKilled, nil}
	c.in("app/0 config-changed", func(*juju.Hook, *hookcmd.Client) error {
		end := ends[0]
		ends = ends[1:]
		return end
	})
	require.NoError(t, u.Application().SetConfig(map[string]any{"n": 1}))
	assert.Len(t, c.settle(), 1)
	require.NoError(t, u.Resolve(false))
	require.True(t, c.m.Step(t.Context()))
	assert.NotEqual(t, "error", u.Workload().Status)
	assert.Equal(t, []string{"app/0 config-changed"}, c.settle())
}

// A hook that a signal ended runs again at once. Nothing of what it wrote is
// kept, and what it reads is read again.
func TestKilledHooksRunAgainAtOnce(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		app := c.configurable(2)
		u := app.Units()[0]
		start := c.m.Now()
		var contexts []string
		c.in("app/0 update-status", func(h *juju.Hook, client *hookcmd.Client) error {
			contexts = append(contexts, h.ContextID())
			config, err := client.ConfigGet(t.Context())
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint(len(contexts)), string(config["n"]))
			require.NoError(t, client.StateSet(t.Context(), map[string]string{"k": fmt.Sprint(len(contexts))}))
			require.NoError(t, set(h, "peers", false, "k", fmt.Sprint(len(contexts))))
			if len(contexts) == 1 {
				require.NoError(t, app.SetConfig(map[string]any{"n": 2}))
				assert.Empty(t, u.State())
				return errKilled
			}
			assert.Empty(t, u.State(), "nothing is flushed")
			return nil
		})
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		c.settle()
		_, err := c.m.Advance(t.Context(), 5*time.Minute, nil)
		require.NoError(t, err)
		c.hooks = of("app/0", c.hooks)
		assert.Equal(t, []string{"update-status", "update-status", "config-changed"}, c.hooks[len(c.hooks)-3:])
		assert.Equal(t, 5*time.Minute, c.m.Now().Sub(start))
		assert.NotEqual(t, contexts[0], contexts[1])
		assert.Equal(t, map[string]string{"k": "2"}, u.State())
		assert.Equal(t, "2", endOf(u, "peers").UnitData(u)["k"])
	})
}

// juju-exec does not wait for it.
func TestCommandsComeBeforeAKilledHook(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	once := true
	c.in("app/0 install", func(h *juju.Hook, _ *hookcmd.Client) error {
		if !once {
			return nil
		}
		once = false
		_, err := h.Unit().RunCommands("x", -1, "")
		require.NoError(t, err)
		return errKilled
	})
	c.deploy("app", "", 1)
	assert.Equal(t, []string{"install", "run-commands", "install", "leader-elected", "config-changed", "start"}, of("app/0", c.settle()))
}

func TestARefusedFlushFailsTheHook(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		u := c.configurable(1).Units()[0]
		start := c.m.Now()
		c.in("app/0 config-changed", func(h *juju.Hook, _ *hookcmd.Client) error { return set(h, "peers", false, "k", "v") })
		c.m.RefuseNextFlush()
		require.NoError(t, u.Application().SetConfig(map[string]any{"n": 1}))
		require.True(t, c.m.Step(t.Context()))
		assert.Equal(t, `hook failed: "config-changed"`, u.Workload().Message)
		assert.NotContains(t, endOf(u, "peers").UnitData(u), "k")
		assert.Equal(t, []string{"app/0 config-changed"}, c.settle())
		assert.Equal(t, "v", endOf(u, "peers").UnitData(u)["k"])
		assert.Equal(t, 5*time.Second, c.m.Now().Sub(start))
	})
}
