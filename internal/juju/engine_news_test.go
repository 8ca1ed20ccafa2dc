// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// A charm that is refreshed while install runs was installed from the old one.
func TestEngineRefreshDuringInstall(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 1)
	g := y.gate("app/0 install")
	y.start(1)
	g.wait()
	require.NoError(t, app.Refresh(app.Charm(), y))
	g.open(nil)
	y.settle()
	assert.Contains(t, y.hooks(), "app/0 upgrade-charm")
}

func TestEngineRefreshDuringUpgrade(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 1)
	y.start(1)
	y.settle()
	g := y.gate("app/0 upgrade-charm")
	require.NoError(t, app.Refresh(app.Charm(), y))
	g.wait()
	require.NoError(t, app.Refresh(app.Charm(), y))
	g.open(nil)
	y.settle()
	assert.Equal(t, 2, count(y.hooks(), "app/0 upgrade-charm"))
}

// What the leader sets while leader-settings-changed runs is news.
func TestEngineLeaderSettings(t *testing.T) {
	t.Parallel()
	y := newYard(t, &juju.Options{Version: "3.6.26"})
	app := y.deploy("app", "", 2)
	y.start(2)
	y.settle()
	var got string
	y.ever("app/1 leader-settings-changed", func(ctx context.Context, h *juju.Hook, c *hookcmd.Client) error {
		out, err := command(h, "leader-get", "k")
		got = out
		return err
	})
	g := y.gate("app/1 leader-settings-changed")
	app.SetLeaderSettings(map[string]string{"k": "1"})
	g.wait()
	app.SetLeaderSettings(map[string]string{"k": "2"})
	g.open(nil)
	y.settle()
	assert.Equal(t, "2\n", got)
}

// What stays of secrets of a hook that 3.6 refused is told.
func TestEngineSecretsOfARefusedFlush(t *testing.T) {
	t.Parallel()
	y, _ := reporting(t, &juju.Options{Version: "3.6.26"})
	y.m.RefuseNextFlush()
	r := y.does(nil, "secret-add key=value")
	require.Equal(t, juju.FlushRefused, r.Outcome)
	require.Len(t, y.m.Secrets(), 1)
	assert.Len(t, r.Changes, 1)
}

// A juju-exec that comes in the last moment runs before the unit is dead.
func TestEngineCommandsOfADyingUnit(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 1)
	y.start(1)
	y.settle()
	u := app.Units()[0]
	g := y.gate("app/0 remove")
	require.NoError(t, u.Remove())
	g.wait()
	c, err := u.RunCommands("x", -1, "")
	require.NoError(t, err)
	g.open(nil)
	y.settle()
	assert.True(t, c.Done)
	assert.Equal(t, juju.Dead, u.Life())
}

func TestEngineNow(t *testing.T) {
	t.Parallel()
	var clock otherClock
	y := newYard(t, &juju.Options{Now: clock.now})
	clock.move(1e9)
	assert.Equal(t, clock.now(), y.m.Now())
}

func TestEngineWorkloadRetryAfterChurn(t *testing.T) {
	t.Parallel()
	y := newYard(t, &juju.Options{CAAS: true})
	app := y.deploy("app", "containers: {web: {}}", 2)
	y.start(2)
	y.settle()
	y.forget()
	u := app.Units()[0]
	hold := y.gate("app/1 run-commands")
	_, _ = app.Units()[1].RunCommands("x", -1, "")
	hold.wait()
	y.fails("app/0 web-pebble-ready", 1)
	require.NoError(t, u.RestartWorkload("web"))
	y.ran("app/0 web-pebble-ready failed")
	require.NoError(t, u.KillAgent()) // which looks at Pebble anew
	y.ran("app/0 web-pebble-ready")
	hold.open(nil)
	y.settle()
	assert.Equal(t, 1, count(y.hooks(), "app/0 web-pebble-ready"))
}
