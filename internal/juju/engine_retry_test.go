// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestEngineRetriesWithoutWaiting(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 2)
	y.start(2)
	y.settle()
	y.forget()
	start := y.m.Now()
	var at []time.Duration
	y.ever("app/0 config-changed", func(context.Context, *juju.Hook, *hookcmd.Client) error {
		if at = append(at, y.m.Now().Sub(start)); len(at) < 5 {
			return assert.AnError
		}
		return nil
	})
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	y.settle()
	s := time.Second
	assert.Equal(t, []time.Duration{0, 5 * s, 15 * s, 35 * s, 75 * s}, at)
	assert.Equal(t, "unknown", app.Units()[0].Workload().Status)
	assert.Equal(t, []string{"config-changed"}, of("app/1", y.hooks()))
}

// Time does not move while something runs.
func TestEngineRetriesWhenNothingElseRuns(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 3)
	y.start(2)
	y.settle()
	start := y.m.Now()
	y.fails("app/0 config-changed", 1)
	g := y.gate("app/1 config-changed")
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	g.wait()
	y.ran("app/0 config-changed failed")
	y.ran("app/2 config-changed")
	_, err := y.m.Unit("app/2").RunCommands("x", -1, "")
	require.NoError(t, err)
	y.ran("app/2 juju-exec")
	assert.Zero(t, y.m.Now().Sub(start))
	assert.Equal(t, `hook failed: "config-changed"`, app.Units()[0].Workload().Message)
	g.open(nil)
	y.settle()
	assert.Equal(t, 5*time.Second, y.m.Now().Sub(start))
}

func TestEngineGivesUpAfterAttempts(t *testing.T) {
	t.Parallel()
	y := newYard(t, &juju.Options{Attempts: 3})
	app := y.deploy("app", "", 2)
	y.start(2)
	y.settle()
	y.forget()
	start, u := y.m.Now(), app.Units()[0]
	y.ever("app/0 config-changed", func(context.Context, *juju.Hook, *hookcmd.Client) error { return assert.AnError })
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	y.settle()
	failed := "config-changed failed"
	assert.Equal(t, []string{failed, failed, failed}, of("app/0", y.hooks()))
	assert.Equal(t, 15*time.Second, y.m.Now().Sub(start))
	assert.Equal(t, "error", u.Workload().Status)
	assert.Equal(t, assert.AnError, u.Failure())
	assert.Equal(t, []string{"config-changed"}, of("app/1", y.hooks()), "others go on")

	y.forget()
	require.NoError(t, u.Resolve(false))
	y.settle()
	assert.Equal(t, []string{failed, failed, failed}, of("app/0", y.hooks()), "it begins anew")

	y.forget()
	app.UpdateStatus()
	_, err := u.RunCommands("x", -1, "")
	require.NoError(t, err)
	y.settle()
	assert.Equal(t, []string{"juju-exec"}, of("app/0", y.hooks()))

	y.forget()
	require.NoError(t, u.Resolve(true))
	y.settle()
	assert.Empty(t, of("app/0", y.hooks()), "what was due before is done with it")
	assert.Equal(t, "unknown", u.Workload().Status)
	app.UpdateStatus()
	y.settle()
	assert.Equal(t, []string{"update-status"}, of("app/0", y.hooks()))

	y.ever("app/0 config-changed", nil)
	y.fails("app/0 config-changed", 2)
	y.forget()
	require.NoError(t, app.SetConfig(map[string]any{"n": 2}))
	y.settle()
	assert.Equal(t, []string{failed, failed, "config-changed"}, of("app/0", y.hooks()))
}

func TestEngineLeavesFailedHooksAloneWithoutRetry(t *testing.T) {
	t.Parallel()
	y := newYard(t, &juju.Options{NoRetry: true})
	y.deploy("app", "", 1)
	y.fails("app/0 install", 2)
	y.start(1)
	for n := range 2 {
		y.settle()
		assert.Equal(t, n+1, count(y.hooks(), "app/0 install failed"))
		require.NoError(t, y.m.Unit("app/0").Resolve(false))
	}
	y.settle()
	assert.Contains(t, y.hooks(), "app/0 start")
}

// A hook that is retried for ever is a model that does not settle.
func TestEngineRetriesForEverWithoutAttempts(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	y.deploy("app", "", 1)
	y.ever("app/0 install", func(context.Context, *juju.Hook, *hookcmd.Client) error { return assert.AnError })
	y.start(1)
	var unsettled *juju.SettleError
	require.ErrorAs(t, y.settles(), &unsettled)
	y.ever("app/0 install", nil)
	y.settle()
	assert.Contains(t, y.hooks(), "app/0 start")
}

func TestEngineGivesUpAWorkloadsHookAfterAttempts(t *testing.T) {
	t.Parallel()
	y := newYard(t, &juju.Options{CAAS: true, Attempts: 3})
	y.deploy("app", "containers: {web: {}, db: {}}", 1)
	hook := "app/0 web-pebble-ready"
	y.ever(hook, func(context.Context, *juju.Hook, *hookcmd.Client) error { return assert.AnError })
	y.start(2)
	y.settle()
	assert.Equal(t, 3, count(y.hooks(), hook+" failed"))
	u := y.m.Unit("app/0")
	assert.Equal(t, "unknown", u.Workload().Status, "it is no error of the unit")
	assert.Contains(t, y.hooks(), "app/0 db-pebble-ready")
	assert.Contains(t, y.hooks(), "app/0 start")
	y.settle()
	assert.Equal(t, 3, count(y.hooks(), hook+" failed"))

	y.forget()
	require.NoError(t, u.CheckFailed("db", "up"))
	y.ever("app/0 db-pebble-check-failed", func(context.Context, *juju.Hook, *hookcmd.Client) error { return assert.AnError })
	y.settle()
	assert.Equal(t, 3, count(y.hooks(), "app/0 db-pebble-check-failed failed"))

	y.forget()
	y.ever(hook, nil)
	y.fails(hook, 2)
	require.NoError(t, u.RestartWorkload("web"))
	y.settle()
	assert.Equal(t, []string{hook + " failed", hook + " failed", hook}, y.hooks())
}
