// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// otherClock is a clock that a test moves.
type otherClock struct{ since atomic.Int64 }

var clockStart = time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)

func (c *otherClock) now() time.Time       { return clockStart.Add(time.Duration(c.since.Load())) }
func (c *otherClock) move(d time.Duration) { c.since.Add(int64(d)) }

func TestEngineWithAnotherClock(t *testing.T) {
	t.Parallel()
	var clock otherClock
	y := newYard(t, &juju.Options{Now: clock.now})
	app := y.deploy("app", "", 2)
	y.start(2)
	y.settle()
	assert.Equal(t, clockStart, y.m.Now())
	for _, r := range y.told(juju.Began, juju.Ended) {
		assert.Equal(t, clockStart, r.At)
	}

	y.forget()
	clock.move(5*time.Minute - 1)
	y.settle()
	assert.Empty(t, y.hooks())
	clock.move(1)
	y.settle()
	assert.ElementsMatch(t, []string{"app/0 update-status", "app/1 update-status"}, y.hooks())
	assert.Equal(t, clockStart.Add(5*time.Minute), app.Units()[0].CharmStatus().Since.Add(5*time.Minute))
	assert.Equal(t, clockStart.Add(5*time.Minute), y.m.Now())

	y.forget()
	clock.move(time.Hour)
	y.settle()
	assert.Len(t, y.hooks(), 2, "it is due once, however long that was")
	clock.move(5 * time.Minute)
	y.settle()
	assert.Len(t, y.hooks(), 4)
}

// The model's time moves ahead to a retry, and stays ahead. Reports do not.
func TestEngineRetriesAheadOfAnotherClock(t *testing.T) {
	t.Parallel()
	var clock otherClock
	y := newYard(t, &juju.Options{Now: clock.now})
	app := y.deploy("app", "", 1)
	y.start(1)
	y.settle()
	y.forget()
	y.fails("app/0 config-changed", 2)
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	y.settle()
	assert.Equal(t, []string{"app/0 config-changed failed", "app/0 config-changed failed", "app/0 config-changed"}, y.hooks())
	assert.Equal(t, clockStart.Add(15*time.Second), y.m.Now())
	for _, r := range y.told(juju.Began, juju.Ended) {
		assert.Equal(t, clockStart, r.At)
	}
	y.forget()
	clock.move(5*time.Minute - 16*time.Second)
	y.m.Note("now")
	assert.Equal(t, clockStart.Add(5*time.Minute-time.Second), y.m.Now())
	assert.Equal(t, clock.now(), y.reportOf("now").At)
	y.settle()
	assert.Empty(t, y.hooks())
	clock.move(time.Second)
	y.settle()
	assert.Equal(t, []string{"app/0 update-status"}, y.hooks())
}

// reportOf waits for the report of a note.
func (y *yard) reportOf(note string) (report juju.Report) {
	y.t.Helper()
	require.Eventually(y.t, func() bool {
		for _, r := range y.told(juju.Noted) {
			if r.Text == note {
				report = r
				return true
			}
		}
		return false
	}, patience, time.Millisecond, note)
	return report
}

// What another clock says is due does not wait for the rest of the model.
func TestEngineRetriesByAnotherClockWhileHooksRun(t *testing.T) {
	t.Parallel()
	var clock otherClock
	y := newYard(t, &juju.Options{Now: clock.now})
	app := y.deploy("app", "", 2)
	y.start(2)
	y.settle()
	y.forget()
	y.fails("app/0 config-changed", 1)
	g := y.gate("app/1 config-changed")
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	g.wait()
	y.ran("app/0 config-changed failed")
	clock.move(5 * time.Second)
	y.m.Note("wake up")
	y.ran("app/0 config-changed")
	assert.Len(t, y.e.Running(), 1)
	g.open(nil)
	y.settle()
}

// The engine itself waits for the next timer.
func TestEngineWakesUpByAnotherClock(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	now := func() time.Time { return clockStart.Add(time.Since(begun)) }
	var ahead atomic.Int64
	y := newYard(t, &juju.Options{Now: func() time.Time { return now().Add(time.Duration(ahead.Load())) }})
	y.deploy("app", "", 1)
	y.start(1)
	y.settle()
	ahead.Store(int64(5*time.Minute - time.Since(begun) + 20*time.Millisecond))
	y.settle()
	y.ran("app/0 update-status")
}

func TestAdvanceStaysAheadOfAnotherClock(t *testing.T) {
	t.Parallel()
	var clock otherClock
	y := newYard(t, &juju.Options{Now: clock.now})
	y.deploy("app", "", 1)
	clock.move(time.Minute)
	_, err := y.m.Advance(t.Context(), 10*time.Second, nil)
	require.NoError(t, err)
	assert.Equal(t, clockStart.Add(70*time.Second), y.m.Now())
	clock.move(time.Minute)
	y.m.Note("sync")
	assert.Equal(t, clockStart.Add(130*time.Second), y.m.Now())
}

func TestLogsGoWhereTheOptionsSay(t *testing.T) {
	t.Parallel()
	var clock otherClock
	var mu sync.Mutex
	var lines []juju.LogLine
	y := newYard(t, &juju.Options{Now: clock.now, Log: func(l juju.LogLine) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, l)
	}})
	y.in("app/0 install", func(ctx context.Context, _ *juju.Hook, c *hookcmd.Client) error {
		clock.move(time.Second)
		return c.JujuLog(ctx, hookcmd.LogWarning, "hm")
	})
	y.deploy("app", "", 1)
	y.start(1)
	y.settle()
	assert.Equal(t, []juju.LogLine{{At: clockStart.Add(time.Second), Unit: "app/0", Module: "unit.app/0.juju-log", Level: "WARNING", Message: "hm"}}, lines)
	assert.Empty(t, y.m.Logs())
}

func TestAddressesOfTheOptions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		var numbers []int
		y := newYard(t, &juju.Options{Version: version, Address: func(n int) string {
			numbers = append(numbers, n)
			return fmt.Sprintf("127.%d.0.1", n)
		}})
		y.deploy("app", "peers: {peers: app}", 2)
		y.start(2)
		y.settle()
		assert.Equal(t, []int{1, 2}, numbers)
		u := y.m.Unit("app/1")
		assert.Equal(t, "127.2.0.1", u.Address())
		bag := endOf(u, "peers").UnitData(u)
		assert.Equal(t, "127.2.0.1", bag["ingress-address"])
		assert.Equal(t, "127.2.0.1/32", bag["egress-subnets"])
		y.in("app/1 update-status", func(ctx context.Context, h *juju.Hook, c *hookcmd.Client) error {
			n, err := c.NetworkGet(ctx, "peers", nil)
			if assert.NoError(t, err) && assert.Len(t, n.BindAddresses, 1) {
				assert.Equal(t, "lo", n.BindAddresses[0].InterfaceName)
				assert.Empty(t, n.BindAddresses[0].MACAddress)
				text, err := command(h, "network-get", "peers", "--format", "json")
				assert.NoError(t, err)
				assert.JSONEq(t, `{"bind-addresses":[{"mac-address":"","interface-name":"lo","addresses":[{"hostname":"","value":"127.2.0.1","cidr":"127.0.0.0/8"}]}],
					"egress-subnets":["127.2.0.1/32"],"ingress-addresses":["127.2.0.1"]}`, text)
			}
			address, err := command(h, "unit-get", "private-address")
			assert.Equal(t, "127.2.0.1\n", address)
			return err
		})
		u.Application().UpdateStatus()
		y.settle()
		assert.Contains(t, y.hooks(), "app/1 update-status")
	})
}

func TestPebbleThatDoesNotAnswerYet(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	y := newYard(t, &juju.Options{CAAS: true, Pebble: func(unit, container string) bool {
		return container == "db" || unit == "app/0" && up.Load()
	}})
	app := y.deploy("app", "containers: {web: {}, db: {}}", 2)
	y.start(2)
	y.settle()
	for _, unit := range []string{"app/0", "app/1"} {
		assert.Contains(t, y.hooks(), unit+" db-pebble-ready")
		assert.NotContains(t, y.hooks(), unit+" web-pebble-ready")
	}
	y.forget()
	up.Store(true)
	require.NoError(t, app.Units()[0].RestartWorkload("web"))
	y.settle()
	assert.Equal(t, []string{"app/0 web-pebble-ready"}, y.hooks())
	y.forget()
	for _, u := range app.Units() {
		require.NoError(t, u.KillAgent())
	}
	y.settle()
	assert.ElementsMatch(t, []string{"start", "web-pebble-ready", "db-pebble-ready"}, without(of("app/0", y.hooks()), "leader-elected"))
	assert.ElementsMatch(t, []string{"start", "db-pebble-ready"}, without(of("app/1", y.hooks()), "leader-elected"))
}
