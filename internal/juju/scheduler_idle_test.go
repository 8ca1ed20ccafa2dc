// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// configurable deploys units of a charm with an option "n" and peers, and
// settles.
func (c *cast) configurable(units int) *juju.Application {
	c.t.Helper()
	charm := configured(c.t, "app", "peers: {peers: app}")
	app, err := c.m.Deploy(juju.Deployment{Charm: charm, Executor: c, Units: units})
	require.NoError(c.t, err)
	c.settle()
	return app
}

// configured returns a charm with options, of which name, summary and description
// are added.
func configured(t *testing.T, name, metadata string) *charmdir.Charm {
	t.Helper()
	charm, err := charmdir.Parse(charmdir.Files{
		Metadata: []byte("name: " + name + "\nsummary: x\ndescription: x\n" + metadata + "\n"),
		Config:   []byte("options: {n: {type: int, default: 0}, s: {type: string}}"),
	})
	require.NoError(t, err)
	return charm
}

func TestConfigChangedRunsOnceForWhatChangedBeforeIt(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		app := c.configurable(2)
		both := []string{"app/0 config-changed", "app/1 config-changed"}
		for n := range 5 {
			require.NoError(t, app.SetConfig(map[string]any{"n": n + 1, "s": "x"}))
		}
		assert.ElementsMatch(t, both, c.settle())
		require.NoError(t, app.SetConfig(map[string]any{"n": 5}))
		assert.Empty(t, c.settle(), "the same value")
		require.NoError(t, app.SetConfig(map[string]any{"n": 7}))
		require.NoError(t, app.SetConfig(map[string]any{"s": "y"}))
		require.NoError(t, app.SetConfig(map[string]any{"n": 5, "s": "x"}))
		assert.Empty(t, c.settle(), "set and set back")
		require.NoError(t, app.SetConfig(nil, "n", "s"))
		assert.ElementsMatch(t, both, c.settle(), "back to what it was at first")
		require.NoError(t, app.SetConfig(map[string]any{"n": 0}))
		assert.Empty(t, c.settle(), "the default")
		assert.Error(t, app.SetConfig(map[string]any{"n": 9, "none": 1}))
		assert.Empty(t, c.settle())
	})
}

// A change while config-changed runs makes another one; unless it is undone.
func TestConfigThatChangesDuringConfigChanged(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	app := c.configurable(1)
	values := []int{2, 3, 3}
	c.in("app/0 config-changed", func(*juju.Hook, *hookcmd.Client) error {
		n := values[0]
		values = values[1:]
		return app.SetConfig(map[string]any{"n": n})
	})
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	assert.Equal(t, []string{"app/0 config-changed", "app/0 config-changed", "app/0 config-changed"}, c.settle())
	assert.Empty(t, values)
}

func TestConfigChangedComesBeforeRelationHooks(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		app := c.configurable(2)
		peers := app.Ends()[0]
		write(t, peers, app.Units()[1], "k", "v")
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		assert.Equal(t, []string{"config-changed", "peers-relation-changed (app/1)"}, of("app/0", c.settle()))
	})
}

func TestUpdateStatusRunsEveryFiveMinutesWhenNothingElseDoes(t *testing.T) {
	t.Parallel()
	seeds(t, 2, func(c *cast) {
		app := c.configurable(2)
		c.hooks = nil
		_, err := c.m.Advance(t.Context(), 16*time.Minute, nil)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{
			"app/0 update-status", "app/1 update-status", "app/0 update-status",
			"app/1 update-status", "app/0 update-status", "app/1 update-status",
		}, c.hooks)
		c.hooks = nil
		c.m.Pass(5 * time.Minute) // the tick comes before the hook
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		assert.ElementsMatch(t, []string{"app/0 config-changed", "app/1 config-changed"}, c.settle(), "it is swallowed")
		c.m.Pass(5 * time.Minute)
		_, err = app.Units()[0].RunCommands("x", -1, "")
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"app/0 run-commands", "app/0 update-status", "app/1 update-status"}, c.settle(), "juju-exec does not swallow it")
		c.in("app/1 config-changed", func(*juju.Hook, *hookcmd.Client) error {
			c.m.Pass(5 * time.Minute)
			return nil
		})
		require.NoError(t, app.SetConfig(map[string]any{"n": 2}))
		assert.Contains(t, c.settle(), "app/1 update-status", "a tick during a hook is not")
	})
}

func TestNoUpdateStatusBeforeStartOrInError(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	c.fails("app/0 install", 1)
	u := c.deploy("app", "peers: {peers: app}", 1).Units()[0]
	c.m.Pass(time.Hour)
	assert.Equal(t, []string{"app/0 install"}, c.settle())
	c.m.Pass(time.Hour)
	assert.Empty(t, c.settle())
	require.NoError(t, u.Resolve(false))
	assert.Equal(t, []string{"install", "peers-relation-created", "leader-elected", "config-changed", "start"}, of("app/0", c.settle()))
	c.fails("app/0 update-status", 1)
	c.m.Pass(5 * time.Minute)
	assert.Equal(t, []string{"app/0 update-status"}, c.settle())
	c.m.Pass(time.Hour)
	require.NoError(t, u.Resolve(false))
	assert.Equal(t, []string{"app/0 update-status"}, c.settle(), "the ticks meanwhile are swallowed by the retry")
}
