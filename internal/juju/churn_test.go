// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const twoContainers = "containers: {web: {}, db: {}}\npeers: {peers: peers}"

func TestPebbleReadyComesAnyTimeAfterInstall(t *testing.T) {
	t.Parallel()
	orders := make(map[string]bool)
	for seed := range uint64(40) {
		s := newStage(t, &juju.Options{CAAS: true, Seed: seed})
		s.deploy("app", twoContainers, "", 1)
		hooks := of("app/0", s.settle())
		assert.Equal(t, "install", hooks[0])
		assert.Equal(t, []string{"install", "peers-relation-created", "leader-elected", "config-changed", "start"},
			without(hooks, "web-pebble-ready", "db-pebble-ready"))
		assert.Len(t, hooks, 7)
		started := slices.Index(hooks, "start")
		web, db := slices.Index(hooks, "web-pebble-ready"), slices.Index(hooks, "db-pebble-ready")
		switch {
		case web < started && db < started:
			orders["both before start"] = true
		case web > started && db > started:
			orders["both after start"] = true
		default:
			orders["one before start"] = true
		}
		if web < db {
			orders["web first"] = true
		} else {
			orders["db first"] = true
		}
	}
	assert.Len(t, orders, 5)
}

func TestWhatPebbleTells(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true})
	u := s.deploy("app", twoContainers, "", 1).Units()[0]
	s.settle()
	var seen []events.Event
	s.play = func(_ string, h *juju.Hook, _ *hookcmd.Client) error {
		seen = append(seen, h.Event())
		return nil
	}
	require.NoError(t, u.Notice("web", "7", "example.com/done"))
	require.NoError(t, u.CheckFailed("web", "up"))
	require.NoError(t, u.CheckRecovered("web", "up"))
	require.NoError(t, u.RestartWorkload("db"))
	assert.ErrorContains(t, u.RestartWorkload("cache"), `cannot have container "cache" of unit app/0 send pebble-ready: its charm has no such container`)
	s.settle()
	web := events.WorkloadRef{Container: "web"}
	assert.Equal(t, []events.Event{
		events.PebbleCustomNotice{WorkloadRef: web, NoticeID: "7", NoticeType: "custom", NoticeKey: "example.com/done"},
		events.PebbleCheckFailed{WorkloadRef: web, Check: "up"}, events.PebbleCheckRecovered{WorkloadRef: web, Check: "up"},
		events.PebbleReady{WorkloadRef: events.WorkloadRef{Container: "db"}},
	}, seen)
}

// A hook about a workload that fails is no error of the unit: it comes again.
func TestPebbleReadyThatFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true})
	u := s.deploy("app", twoContainers, "", 1).Units()[0]
	s.in("app/0 web-pebble-ready", func(*juju.Hook, *hookcmd.Client) error {
		assert.NotEqual(t, "error", u.Workload().Status)
		return assert.AnError
	})
	hooks := of("app/0", s.settle())
	assert.Len(t, without(hooks, "web-pebble-ready"), len(hooks)-2)
	assert.Equal(t, "web-pebble-ready", hooks[len(hooks)-1])
	assert.Equal(t, 5*time.Second, s.m.Now().Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
}

func TestChurn(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.1.0", "3.6.26"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, &juju.Options{CAAS: true, Version: version})
			app := s.deploy("app", twoContainers, "", 2)
			s.settle()
			u := app.Units()[1]
			address := u.Address()
			require.NoError(t, u.Churn())
			hooks := s.settle()
			own := without(of("app/1", hooks), "leader-settings-changed")
			assert.Equal(t, []string{"stop", "upgrade-charm", "config-changed", "start"}, own[:4])
			assert.ElementsMatch(t, []string{"web-pebble-ready", "db-pebble-ready"}, own[4:])
			assert.NotEqual(t, address, u.Address())
			assert.Equal(t, []string{"peers-relation-changed"}, of("app/0", hooks), "it is told of the address")
			assert.Equal(t, u.Address(), app.Ends()[0].UnitData(u)["ingress-address"])
			// And once more: the unit is as it was.
			require.NoError(t, u.Churn())
			assert.Equal(t, own[:4], without(of("app/1", s.settle()), "leader-settings-changed")[:4])
			require.NoError(t, u.Remove())
			assert.Equal(t, []string{"peers-relation-departed", "stop", "remove"}, of("app/1", s.settle()))
		})
	}
}

func TestChurnForgetsWhatFailed(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true, NoRetry: true})
	s.play = func(hook string, _ *juju.Hook, _ *hookcmd.Client) error {
		if hook == "app/0 update-status" {
			return assert.AnError
		}
		return nil
	}
	u := s.deploy("app", "containers: {web: {}}", someActions, 1).Units()[0]
	s.settle()
	_, _, err := s.m.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.Error(t, err)
	assert.Equal(t, "error", u.Workload().Status)
	require.NoError(t, u.Churn())
	act, err := u.RunAction("loose", nil) // waits for the new pod
	require.NoError(t, err)
	assert.Equal(t, []string{"stop", "upgrade-charm", "config-changed", "start", "web-pebble-ready"}, without(of("app/0", s.settle()), "loose"))
	assert.Equal(t, "completed", act.Status)
	assert.NotEqual(t, "error", u.Workload().Status)
}

func TestChurnBeforeStart(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true, NoRetry: true})
	s.in("app/0 install", func(*juju.Hook, *hookcmd.Client) error { return assert.AnError })
	u := s.deploy("app", "containers: {web: {}}", "", 1).Units()[0]
	assert.Equal(t, []string{"install"}, of("app/0", s.settle()))
	require.NoError(t, u.Churn())
	assert.Empty(t, s.settle(), "install is still in error, in the new pod")
	require.NoError(t, u.Resolve(false))
	assert.Equal(t, []string{"install", "leader-elected", "config-changed", "start"}, without(of("app/0", s.settle()), "web-pebble-ready"))
}

// The stop of the old pod fails: the new one finds it in the agent's state, and
// runs it again.
func TestChurnWhoseStopFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true})
	u := s.deploy("app", "containers: {web: {}}", "", 1).Units()[0]
	s.settle()
	s.in("app/0 stop", func(*juju.Hook, *hookcmd.Client) error { return assert.AnError })
	require.NoError(t, u.Churn())
	assert.Equal(t, []string{"stop", "stop", "start", "web-pebble-ready"}, of("app/0", s.settle()))
}

func TestChurnOfARunningCharm(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true})
	u := s.deploy("app", "containers: {web: {}}", "", 1).Units()[0]
	s.settle()
	s.in("app/0 update-status", func(h *juju.Hook, c *hookcmd.Client) error {
		require.NoError(t, c.StateSet(t.Context(), map[string]string{"k": "v"}))
		require.NoError(t, u.Churn())
		assert.Error(t, c.StateSet(t.Context(), map[string]string{"k": "v"}), "it is killed")
		return nil
	})
	_, outcome, _ := s.m.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.Equal(t, juju.Killed, outcome)
	assert.Equal(t, []string{"stop", "upgrade-charm", "config-changed", "start", "web-pebble-ready"}, of("app/0", s.settle()))
	assert.Empty(t, u.State())
}

func TestRestartAgent(t *testing.T) {
	t.Parallel()
	k8s := newStage(t, &juju.Options{CAAS: true})
	u := k8s.deploy("app", "containers: {web: {}}", "", 1).Units()[0]
	k8s.settle()
	require.NoError(t, u.RestartAgent())
	assert.Equal(t, []string{"start", "web-pebble-ready"}, of("app/0", k8s.settle()))
	machines := newStage(t, nil)
	u = machines.deploy("app", "", "", 1).Units()[0]
	machines.settle()
	require.NoError(t, u.RestartAgent())
	assert.Empty(t, machines.settle())
	assert.ErrorContains(t, u.Churn(), "the model is not on Kubernetes")
}

func TestReboot(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", "provides: {info: machine}", "", 2)
	s.deploy("sub", "subordinate: true\nrequires: {host: {interface: machine, scope: container}}", "", 0)
	_, err := s.m.Relate("sub", "host", "app", "info")
	require.NoError(t, err)
	require.NoError(t, s.m.Unit("app/1").Reboot())
	assert.Equal(t, 1, count(of("app/1", s.settle()), "start"), "it had not started yet")
	principal := s.m.Unit("sub/0").Principal()
	require.NoError(t, principal.Reboot())
	assert.ElementsMatch(t, []string{principal.Name + " start", "sub/0 start"}, s.settle())
	assert.Empty(t, s.settle())
	k8s := newStage(t, &juju.Options{CAAS: true})
	u := k8s.deploy("app", "", "", 1).Units()[0]
	assert.ErrorContains(t, u.Reboot(), "the model has no machines")
}

func count(hooks []string, name string) int { return len(hooks) - len(without(hooks, name)) }

func TestSeriesUpgrade(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{Version: "3.6.26"})
	app := s.deploy("app", "", "", 1)
	u := app.Units()[0]
	s.settle()
	assert.ErrorContains(t, u.CompleteSeriesUpgrade(), "none was prepared")
	assert.ErrorContains(t, u.PrepareSeriesUpgrade("jammy"), `"jammy" is no base`)
	s.in("app/0 pre-series-upgrade", func(h *juju.Hook, _ *hookcmd.Client) error {
		assert.Equal(t, events.PreSeriesUpgrade{TargetBase: "ubuntu@22.04/stable", TargetSeries: "jammy"}, h.Event())
		return nil
	})
	require.NoError(t, u.PrepareSeriesUpgrade("ubuntu@22.04/stable"))
	assert.Equal(t, []string{"app/0 pre-series-upgrade"}, s.settle())
	_, err := s.m.Advance(t.Context(), time.Hour, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"app/0 pre-series-upgrade"}, s.hooks, "no hooks meanwhile")
	require.NoError(t, u.Reboot())
	require.NoError(t, u.CompleteSeriesUpgrade())
	assert.Equal(t, []string{"post-series-upgrade", "start"}, of("app/0", s.settle())[:2])
	four := newStage(t, nil)
	u = four.deploy("app", "", "", 1).Units()[0]
	assert.ErrorContains(t, u.PrepareSeriesUpgrade("ubuntu@22.04"), "only Juju 3.6 can do that, not 4.1.0")
}
