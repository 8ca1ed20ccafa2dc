// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const leaderSettingsChanged = "leader-settings-changed"

func TestLeaderElectedRunsAtEachElection(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		units := c.configurable(2).Units()
		require.NoError(t, units[1].SetLeader())
		assert.Equal(t, []string{"app/1 leader-elected"}, without(c.settle(), "app/0 "+leaderSettingsChanged))
		require.NoError(t, units[1].SetLeader())
		assert.Empty(t, c.settle())
		require.NoError(t, units[0].SetLeader())
		assert.Equal(t, []string{"app/0 leader-elected"}, without(c.settle(), "app/1 "+leaderSettingsChanged))
	})
}

// Leadership that is lost before the hook runs is as if it had never been won;
// leadership that is won again is told of.
func TestLeaderElectedIsSkippedWhenLeadershipIsLostBefore(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		units := c.configurable(3).Units()
		require.NoError(t, units[1].SetLeader())
		require.NoError(t, units[2].SetLeader())
		hooks := without(c.settle(), "app/0 "+leaderSettingsChanged)
		assert.Equal(t, []string{"app/2 leader-elected"}, hooks, c)
		require.NoError(t, units[1].SetLeader())
		require.NoError(t, units[2].SetLeader())
		assert.Contains(t, c.settle(), "app/2 leader-elected", "it was lost and regained")
	})
}

func TestALeaderElectedThatFailedIsSkippedOnceLeadershipIsLost(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"failed": assert.AnError, "killed": errKilled} {
		c := newCast(t, nil)
		units := c.configurable(2).Units()
		tries := 0
		c.in("app/1 leader-elected", func(*juju.Hook, *hookcmd.Client) error {
			if tries++; tries > 1 {
				return nil
			}
			require.NoError(t, units[0].SetLeader())
			return failure
		})
		require.NoError(t, units[1].SetLeader())
		assert.ElementsMatch(t, []string{"app/1 leader-elected", "app/0 leader-elected"}, c.settle(), name)
		assert.NotEqual(t, "error", units[1].Workload().Status)
		require.NoError(t, units[1].SetLeader())
		assert.Equal(t, []string{"app/1 leader-elected"}, c.settle(), name)
	}
}

// Once is-leader has said false it says so until the hook ends; what it said
// before does not hold until the flush.
func TestLeadershipWithinAHook(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	units := c.configurable(2).Units()
	is := func(want bool, client *hookcmd.Client) {
		t.Helper()
		leader, err := client.IsLeader(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, leader)
	}
	c.do("app/0", func(h *juju.Hook, client *hookcmd.Client) error {
		is(true, client)
		require.NoError(t, units[1].SetLeader())
		is(false, client)
		require.NoError(t, units[0].SetLeader())
		is(false, client)
		return nil
	})
	c.in("app/0 config-changed", func(h *juju.Hook, client *hookcmd.Client) error {
		is(true, client)
		require.NoError(t, set(h, "peers", true, "k", "v"))
		require.NoError(t, units[1].SetLeader())
		return nil
	})
	require.NoError(t, units[0].Application().SetConfig(map[string]any{"n": 1}))
	c.settle()
	assert.Equal(t, `hook failed: "config-changed"`, units[0].Workload().Message)
	assert.Empty(t, units[0].Application().Ends()[0].AppData())
}

// In Juju 3.6 a follower is told of leader settings once at its installation,
// when the leader changes them, and when it is not the leader any more.
func TestLeaderSettingsChanged(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		units := c.configurable(3).Units()
		if !c.is36() {
			assert.NotContains(t, c.hooks, "app/1 "+leaderSettingsChanged)
			return
		}
		for _, unit := range []string{"app/1", "app/2"} {
			assert.Equal(t, []string{"install", "peers-relation-created", leaderSettingsChanged, "config-changed", "start"}, of(unit, c.hooks)[:5], c)
		}
		assert.NotContains(t, c.hooks, "app/0 "+leaderSettingsChanged)
		told := c.do("app/0", func(h *juju.Hook, _ *hookcmd.Client) error {
			_, err := command(h, "leader-set", "k=v")
			return err
		})
		assert.ElementsMatch(t, []string{"app/1 " + leaderSettingsChanged, "app/2 " + leaderSettingsChanged}, told, c)
		require.NoError(t, units[1].SetLeader())
		assert.ElementsMatch(t, []string{"app/1 leader-elected", "app/0 " + leaderSettingsChanged}, c.settle(), c)
		require.NoError(t, units[0].SetLeader())
		assert.Equal(t, []string{"app/0 leader-elected"}, c.settle(), "app/1 knows them: %s", c)
	})
}
