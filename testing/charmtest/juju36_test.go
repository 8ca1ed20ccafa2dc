// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// What Juju 3.6 has that 4 has not.
func TestJuju36(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie, JujuVersion: "3.6.26"})
	assert.Equal(t, "10.1.0.4", h.Peers("magpie").Local()["private-address"])
	all := []events.Event{
		events.PreSeriesUpgrade{TargetBase: "ubuntu@24.04/stable", TargetSeries: "noble"},
		events.PostSeriesUpgrade{},
		events.LeaderSettingsChanged{},
	}
	for _, ev := range all {
		h.Emit(ev)
	}
	assert.Equal(t, all, seen.take(h.Unit()))
}

func TestLeaderSettings(t *testing.T) {
	t.Parallel()
	var seen diary
	var primary string
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.LeaderSettingsChanged) (err error) {
			primary, _, err = c.HookCommands().LeaderGetKey(ctx, "primary")
			return err
		})
		charm.On(c, func(ctx context.Context, _ events.LeaderElected) error {
			return c.HookCommands().LeaderSet(ctx, map[string]string{"primary": c.Unit()})
		})
	}, &charmtest.Options{Metadata: magpie, JujuVersion: "3.6.26"})
	h.SetLeaderSettings(map[string]string{"primary": "magpie/1", "a": "b"})
	h.SetLeaderSettings(map[string]string{"primary": "magpie/1"}) // nothing new: no event
	assert.Equal(t, "magpie/1", primary)
	assert.Equal(t, []string{"leader-settings-changed"}, seen.names(h.Unit()))

	h.SetLeader(true)
	assert.Equal(t, map[string]string{"primary": "magpie/0", "a": "b"}, h.LeaderSettings())
}

// A Model of 3.6 sends leader-settings-changed itself.
func TestLeaderSettingsOfAModel(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, &charmtest.ModelOptions{JujuVersion: "3.6.26"})
	app := m.DeployCharm("magpie", seen.register, 2, &charmtest.DeployOptions{Metadata: magpie})
	m.Settle()
	seen.take("magpie/1")
	require.NoError(t, app.Leader().Exec(func(ctx context.Context, hook *hookcmd.Client) error {
		return hook.LeaderSet(ctx, map[string]string{"primary": "magpie/0"})
	}))
	assert.Equal(t, []string{"leader-settings-changed"}, seen.names("magpie/1"))
	assert.Equal(t, map[string]string{"primary": "magpie/0"}, app.LeaderSettings())
}
