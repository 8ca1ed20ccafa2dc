// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// busy is app/0 and app/1 of a settled model, and a hook of app/0 that runs.
func busy(t *testing.T, opts *juju.Options, metadata string) (y *yard, app *juju.Application, g *gate) {
	t.Helper()
	y = newYard(t, opts)
	charm := parse(t, "app", metadata, "act: {}")
	app, err := y.m.Deploy(juju.Deployment{Charm: charm, Executor: y, Units: 2})
	require.NoError(t, err)
	y.start(4)
	y.settle()
	y.forget()
	g = y.gate("app/0 run-commands")
	_, err = app.Units()[0].RunCommands("x", -1, "")
	require.NoError(t, err)
	g.wait()
	return y, app, g
}

func TestAddUnitsWhileHooksRun(t *testing.T) {
	t.Parallel()
	y, app, g := busy(t, nil, "peers: {peers: app}")
	added, err := app.AddUnits(2)
	require.NoError(t, err)
	y.ran("app/2 start")
	y.ran("app/3 start")
	assert.Empty(t, of("app/0", y.hooks()))
	g.open(nil)
	y.settle()
	assert.Equal(t, []string{"app/0", "app/1", "app/3"}, members(added[0], "peers"))
	assert.Equal(t, []string{"app/1", "app/2", "app/3"}, members(app.Units()[0], "peers"))
}

func TestRemoveAUnitWhoseHookRuns(t *testing.T) {
	t.Parallel()
	for _, end := range []error{nil, errKilled} {
		y, app, g := busy(t, nil, "peers: {peers: app}")
		u := app.Units()[0]
		require.NoError(t, u.Remove())
		assert.Equal(t, juju.Dying, u.Life())
		require.Error(t, u.Remove())
		g.open(end)
		y.settle()
		assert.Equal(t, juju.Dead, u.Life())
		own := of("app/0", y.hooks())
		assert.Equal(t, []string{"peers-relation-departed", "stop", "remove"}, own[1:])
		assert.Contains(t, y.hooks(), "app/1 peers-relation-departed")
		assert.True(t, app.Units()[0].IsLeader())
	}
}

func TestRemoveAnApplicationWhoseHooksRun(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.1.0", "3.6.26"} {
		y := newYard(t, &juju.Options{Version: version})
		app := y.deploy("app", "requires: {db: mysql}\npeers: {peers: app}", 2)
		y.deploy("mysql", mysqlCharm, 2)
		_, err := y.m.Relate("app", "db", "mysql", "server")
		require.NoError(t, err)
		gates := []*gate{y.gate("app/0 db-relation-joined"), y.gate("app/1 db-relation-changed"), y.gate("mysql/0 server-relation-joined")}
		y.start(8)
		for _, g := range gates {
			g.wait()
		}
		require.NoError(t, app.Remove())
		for _, g := range gates {
			g.open(nil)
		}
		y.settle()
		assert.Nil(t, y.m.Application("app"))
		var gone []string
		for _, r := range y.told(juju.Gone) {
			gone = append(gone, r.Unit)
		}
		assert.ElementsMatch(t, []string{"app/0", "app/1"}, gone)
		for _, unit := range []string{"app/0", "app/1"} {
			own := of(unit, y.hooks())
			assert.Equal(t, []string{"stop", "remove"}, own[len(own)-2:])
			assert.Contains(t, own, "db-relation-broken")
		}
		for _, unit := range []string{"mysql/0", "mysql/1"} {
			own := ofEndpoint("server", of(unit, y.hooks()))
			assert.Equal(t, "broken", own[len(own)-1], unit)
			assert.Equal(t, count(own, "joined"), count(own, "departed"), unit)
		}
	}
}

func TestSetConfigWhileConfigChangedRuns(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 1)
	g := y.gate("app/0 config-changed")
	y.start(2)
	g.wait()
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	require.NoError(t, app.SetConfig(map[string]any{"n": 2}))
	g.open(nil)
	var n string
	y.ever("app/0 config-changed", func(ctx context.Context, _ *juju.Hook, c *hookcmd.Client) error {
		value, err := c.ConfigGet(ctx)
		n = string(value["n"])
		return err
	})
	y.settle()
	assert.Equal(t, 2, count(y.hooks(), "app/0 config-changed"))
	assert.Equal(t, "2", n)
}

func TestRelateAndUnrelateWhileHooksRun(t *testing.T) {
	t.Parallel()
	y, app, g := busy(t, nil, "requires: {db: mysql}")
	y.deploy("mysql", mysqlCharm, 1)
	r, err := y.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	y.ran("app/1 db-relation-changed")
	joined := y.gate("app/0 db-relation-joined")
	g.open(nil)
	joined.wait()
	require.NoError(t, r.Remove())
	y.ran("app/1 db-relation-broken")
	joined.open(nil)
	y.settle()
	assert.Nil(t, y.m.Relation(r.ID))
	assert.Equal(t, []string{"created", "joined", "changed", "departed", "broken"}, ofEndpoint("db", of("app/0", y.hooks())))
	assert.Empty(t, app.Ends())
}

// What a leader wrote is refused if it is none any more at the end of its hook.
func TestSetLeaderWhileTheLeadersHookRuns(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "peers: {peers: app}", 2)
	y.start(2)
	y.settle()
	y.forget()
	var led []bool
	let, entered := make(chan struct{}), make(chan struct{}, 2)
	y.ever("app/0 config-changed", func(ctx context.Context, h *juju.Hook, c *hookcmd.Client) error {
		leads, err := c.IsLeader(ctx)
		if led = append(led, leads); err != nil || !leads {
			return err
		}
		err = c.RelationSetApp(ctx, idOf(endOf(h.Unit(), "peers")), map[string]string{"k": "v"})
		entered <- struct{}{}
		<-let
		return err
	})
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	<-entered
	require.NoError(t, app.Units()[1].SetLeader())
	y.ran("app/1 leader-elected")
	close(let)
	y.settle()
	assert.Equal(t, []string{"config-changed flush refused", "config-changed"}, of("app/0", y.hooks()))
	assert.Equal(t, []bool{true, false}, led)
	assert.Nil(t, app.Ends()[0].AppData())
}

func TestKillAgent(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"app/0", "app/1"} { // the leader, and another
		y := newYard(t, nil)
		app := y.deploy("app", "", 3)
		y.start(4)
		y.settle()
		y.forget()
		hook := unit + " config-changed"
		g := y.gate(hook)
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		g.wait()
		again := y.gate(hook)
		require.NoError(t, y.m.Unit(unit).KillAgent())
		again.wait()
		assert.Equal(t, []string{"config-changed killed"}, of(unit, y.hooks()), "its context has ended")
		if unit == "app/0" {
			require.NotEqual(t, unit, app.Leader().Name)
			y.ran(app.Leader().Name + " leader-elected")
		} else {
			assert.Equal(t, "app/0", app.Leader().Name)
		}
		again.open(nil)
		y.settle()
		assert.Equal(t, []string{"config-changed killed", "config-changed"}, of(unit, y.hooks()), "it has run again")
	}
}

func TestKillAgentOfTheOnlyUnit(t *testing.T) {
	t.Parallel()
	y := newYard(t, &juju.Options{CAAS: true})
	app := y.deploy("app", "containers: {web: {}}", 1)
	y.start(1)
	y.settle()
	y.forget()
	u := app.Units()[0]
	require.NoError(t, u.KillAgent()) // nothing runs
	y.settle()
	assert.ElementsMatch(t, []string{"app/0 start", "app/0 web-pebble-ready"}, y.hooks())
	assert.True(t, u.IsLeader(), "there is no other")

	madeUp, err := app.AddMadeUpUnit(8)
	require.NoError(t, err)
	assert.EqualError(t, madeUp.KillAgent(), "cannot kill the agent of unit app/8: it is made up")
	require.NoError(t, u.Remove())
	y.settle()
	assert.EqualError(t, u.KillAgent(), "cannot kill the agent of unit app/0: it is dead")
}

// An action that runs when the agent is killed has failed; another one runs on.
func TestActionsWhileHooksRun(t *testing.T) {
	t.Parallel()
	y, app, g := busy(t, nil, "")
	u := app.Units()[0]
	act := y.gate("app/0 act")
	first, err := u.RunAction("act", nil)
	require.NoError(t, err)
	second, err := u.RunAction("act", nil)
	require.NoError(t, err)
	none, err := u.RunAction("none", nil)
	require.NoError(t, err)
	g.open(nil)
	act.wait()
	commands, err := u.RunCommands("x", -1, "")
	require.NoError(t, err)
	require.NoError(t, u.KillAgent())
	y.settle()
	assert.Equal(t, "terminated", first.Message)
	assert.Equal(t, "failed", first.Status)
	assert.Equal(t, "completed", second.Status)
	assert.Equal(t, "error", none.Status)
	assert.True(t, commands.Done)
	assert.Equal(t, []string{"juju-exec", "action act killed", "action act", "juju-exec"}, of("app/0", y.hooks()))
}

func TestActionsOfAUnitInError(t *testing.T) {
	t.Parallel()
	y, app, g := busy(t, &juju.Options{NoRetry: true}, "")
	u := app.Units()[0]
	y.fails("app/0 update-status", 1)
	app.UpdateStatus()
	g.open(nil)
	y.settle()
	require.Equal(t, "error", u.Workload().Status)
	act, err := u.RunAction("act", nil)
	require.NoError(t, err)
	y.settle()
	assert.Equal(t, "completed", act.Status)
	assert.Equal(t, "error", u.Workload().Status)
}

func TestRefreshWhileHooksRun(t *testing.T) {
	t.Parallel()
	y, app, g := busy(t, nil, "")
	next := &yardExecutor{y, "new"}
	require.NoError(t, app.Refresh(app.Charm(), next))
	y.ran("app/1 config-changed")
	assert.Empty(t, of("app/0", y.hooks()), "it runs on with the old charm")
	g.open(nil)
	y.settle()
	assert.Equal(t, []string{"juju-exec", "upgrade-charm", "config-changed"}, of("app/0", y.hooks()))
	assert.ElementsMatch(t, []string{"app/0 upgrade-charm new", "app/0 config-changed new", "app/1 upgrade-charm new", "app/1 config-changed new"}, next.ran())
}

// yardExecutor is another version of a charm.
type yardExecutor struct {
	y       *yard
	version string
}

func (e *yardExecutor) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	h.Unit().Application().Model().Note("%s %s %s", h.Unit().Name, h.Name(), e.version)
	return e.y.Execute(ctx, h)
}

func (e *yardExecutor) ran() []string {
	var hooks []string
	for _, r := range e.y.told(juju.Noted) {
		if fields := fields(r.Text); fields[len(fields)-1] == e.version {
			hooks = append(hooks, r.Text)
		}
	}
	return hooks
}

func TestChurnWhileHooksRun(t *testing.T) {
	t.Parallel()
	y, app, _ := busy(t, &juju.Options{CAAS: true, Address: func(n int) string { return fmt.Sprintf("127.0.0.%d", n) }}, "containers: {web: {}}")
	u := app.Units()[0]
	require.Equal(t, "127.0.0.1", u.Address())
	require.NoError(t, u.Churn())
	y.settle()
	own := of("app/0", y.hooks())
	assert.Equal(t, []string{"juju-exec killed", "stop"}, own[:2])
	own = slices.DeleteFunc(own[2:], func(hook string) bool { return hook == "web-pebble-ready" })
	assert.Equal(t, []string{"upgrade-charm", "config-changed", "start"}, own)
	assert.Equal(t, "127.0.0.3", u.Address())
	assert.Contains(t, y.hooks(), "app/0 web-pebble-ready")
}
