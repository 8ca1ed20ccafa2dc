// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestEngineRunsAsManyHooksAsItMay(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{0, 1, 3} {
		y := newYard(t, &juju.Options{Seed: uint64(parallel)})
		want := max(parallel, 1)
		var mu sync.Mutex
		together, here := make(chan struct{}), 0
		y.every = func(ctx context.Context, h *juju.Hook, _ *hookcmd.Client) error {
			mu.Lock()
			if here++; here == want {
				close(together)
			}
			mu.Unlock()
			if h.Name() == "install" {
				select {
				case <-together:
				case <-time.After(patience):
					return assert.AnError
				}
			}
			for range 3 {
				runtime.Gosched()
			}
			return nil
		}
		y.deploy("app", "peers: {peers: app}", 5)
		y.start(parallel)
		y.settle()
		assert.Equal(t, want, y.most, "hooks at once")
		assert.Empty(t, y.double)
		assert.NotContains(t, y.hooks(), "app/0 install failed")
		assert.Len(t, endOf(y.m.Unit("app/0"), "peers").Members(y.m.Unit("app/0")), 4)
	}
}

func TestEngineRunsOneHookOfAUnit(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 2)
	y.start(4)
	y.settle()
	y.forget()
	g := y.gate("app/0 config-changed")
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	g.wait()
	_, err := y.m.Unit("app/0").RunCommands("x", -1, "")
	require.NoError(t, err)
	app.UpdateStatus()
	y.ran("app/1 update-status")
	for _, r := range y.e.Running() {
		assert.Equal(t, []string{"app/0", "config-changed"}, []string{r.Unit, r.Hook})
		assert.Equal(t, juju.Began, r.Kind)
		assert.NotZero(t, r.Run)
	}
	assert.Len(t, y.e.Running(), 1)
	assert.Empty(t, of("app/0", y.hooks()))
	g.open(nil)
	y.settle()
	assert.Equal(t, []string{"config-changed", "juju-exec", "update-status"}, of("app/0", y.hooks()))
	assert.Empty(t, y.e.Running())
	assert.Empty(t, y.double)
}

// machines is principals app/0 and app/1 with sub/0 and sub/1, and other/0, which
// has nothing to do with them.
func machines(t *testing.T, opts *juju.Options) (y *yard, sub map[string]string) {
	t.Helper()
	y = newYard(t, opts)
	y.deploy("app", hostCharm, 2)
	y.deploy("other", "", 1)
	app := y.deploy("sub", subCharm, 0)
	_, err := y.m.Relate("sub", "host", "app", "info")
	require.NoError(t, err)
	y.start(8)
	y.settle()
	sub = make(map[string]string)
	for principal, u := range subsOf(app) {
		sub[principal] = u.Name
	}
	require.Len(t, sub, 2)
	y.forget()
	return y, sub
}

func TestEngineRunsOneHookOfAMachine(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"principal", "subordinate"} {
		y, sub := machines(t, nil)
		holds, waits := "app/0", sub["app/0"]
		if first == "subordinate" {
			holds, waits = waits, holds
		}
		g := y.gate(holds + " run-commands")
		_, err := y.m.Unit(holds).RunCommands("x", -1, "")
		require.NoError(t, err)
		g.wait()
		for _, app := range y.m.Applications() {
			require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		}
		for _, hook := range []string{"other/0", "app/1", sub["app/1"]} {
			y.ran(hook + " config-changed")
		}
		_, err = y.m.Unit("other/0").RunCommands("x", -1, "")
		require.NoError(t, err)
		y.ran("other/0 juju-exec") // for which the engine has looked at all that wait
		assert.Empty(t, of(waits, y.hooks()), first)
		assert.Len(t, y.e.Running(), 1)
		g.open(nil)
		y.settle()
		assert.Equal(t, []string{"config-changed"}, of(waits, y.hooks()), first)
		assert.Equal(t, []string{"juju-exec", "config-changed"}, of(holds, y.hooks()), first)
	}
}

func TestEngineRunsHooksOfPodsAtOnce(t *testing.T) {
	t.Parallel()
	y, sub := machines(t, &juju.Options{CAAS: true})
	g := y.gate("app/0 run-commands")
	_, err := y.m.Unit("app/0").RunCommands("x", -1, "")
	require.NoError(t, err)
	g.wait()
	require.NoError(t, y.m.Application("sub").SetConfig(map[string]any{"n": 1}))
	y.ran(sub["app/0"] + " config-changed")
	assert.Empty(t, of("app/0", y.hooks()))
	g.open(nil)
	y.settle()
}

// All hooks of a machine's units follow each other, whatever happens to them.
func TestEngineNeverRunsTwoHooksOfAMachine(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		y := newYard(t, &juju.Options{Seed: seed})
		var mu sync.Mutex
		on := make(map[*juju.Unit]string) // by principal the unit whose charm runs
		var double []string
		y.every = func(_ context.Context, h *juju.Hook, c *hookcmd.Client) error {
			host := h.Unit()
			if p := host.Principal(); p != nil {
				host = p
			}
			mu.Lock()
			if other := on[host]; other != "" {
				double = append(double, h.Unit().Name+" beside "+other)
			}
			on[host] = h.Unit().Name
			mu.Unlock()
			_, _ = c.IsLeader(t.Context())
			runtime.Gosched()
			mu.Lock()
			delete(on, host)
			mu.Unlock()
			return nil
		}
		app := y.deploy("app", hostCharm, 2)
		y.deploy("one", "subordinate: true\nrequires: {host: {interface: machine, scope: container}}", 0)
		y.deploy("two", "subordinate: true\nrequires: {host: {interface: machine, scope: container}}", 0)
		y.start(4)
		for _, sub := range []string{"one", "two"} {
			_, err := y.m.Relate(sub, "host", "app", map[string]string{"one": "info", "two": "more"}[sub])
			require.NoError(t, err)
		}
		_, err := app.AddUnits(2)
		require.NoError(t, err)
		require.NoError(t, app.Units()[0].Remove())
		y.settle()
		assert.Empty(t, double, seed)
		assert.Len(t, y.m.Application("one").Units(), 3)
		assert.Len(t, y.m.Application("two").Units(), 3)
		y.e.Stop()
	}
}

// Units without agents are on machines, too, and have no hooks.
func TestMachinesWithMadeUpUnits(t *testing.T) {
	t.Parallel()
	for _, engine := range []bool{false, true} {
		y := newYard(t, nil)
		app := y.deploy("app", hostCharm, 1)
		sub := y.deploy("sub", subCharm, 0)
		host, err := app.AddMadeUpUnit(7)
		require.NoError(t, err)
		_, err = sub.AddSubordinate(7, host)
		require.NoError(t, err)
		_, err = sub.AddMadeUpSubordinate(1, y.m.Unit("app/0"))
		require.NoError(t, err)
		if engine {
			y.start(2)
			y.settle()
			assert.Contains(t, y.hooks(), "sub/7 start")
		} else {
			_, err := y.m.Settle(t.Context(), nil)
			require.NoError(t, err)
		}
		assert.Equal(t, "unknown", y.m.Unit("sub/7").Workload().Status)
		assert.Equal(t, "unknown", y.m.Unit("app/0").Workload().Status)
	}
}

// With one hook at a time the seed decides the order, as it does in Settle.
func TestEngineFollowsTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, engine bool) []string {
		y := newYard(t, &juju.Options{Seed: seed})
		y.fails("app/1 config-changed", 2)
		y.deploy("app", "peers: {peers: app}\nrequires: {db: mysql}", 3)
		y.deploy("mysql", "provides: {server: mysql}", 2)
		_, err := y.m.Relate("app", "db", "mysql", "server")
		require.NoError(t, err)
		if !engine {
			_, err := y.m.Settle(t.Context(), nil)
			require.NoError(t, err)
		} else {
			y.start(1)
			y.settle()
		}
		var trace traceText
		require.NoError(t, y.m.WriteTrace(&trace, 0))
		return strings.Split(string(trace), "\n")
	}
	for seed := range uint64(5) {
		want := run(seed, false)
		assert.Equal(t, want, run(seed, true), seed)
	}
	assert.False(t, slices.Equal(run(1, true), run(2, true)))
}

func TestAModelHasOneEngine(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	y.start(1)
	assert.PanicsWithValue(t, "the model has an engine already", func() { y.m.Start(juju.EngineOptions{}) })
}
