// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// The events of workload containers are emitted; a charm that has some is on
// Kubernetes.
func TestWorkloadEvents(t *testing.T) {
	t.Parallel()
	var seen diary
	var machine string
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.OnContainer(c, "app", func(_ context.Context, ev events.PebbleReady) error {
			machine = c.Environment().Machine
			return nil
		})
	}, &charmtest.Options{Metadata: web})
	app := events.WorkloadRef{Container: "app"}
	all := []events.Event{
		events.PebbleReady{WorkloadRef: app},
		events.PebbleCustomNotice{WorkloadRef: app, NoticeID: "3", NoticeType: "custom", NoticeKey: "example.com/done"},
		events.PebbleCheckFailed{WorkloadRef: app, Check: "http"},
		events.PebbleCheckRecovered{WorkloadRef: app, Check: "http"},
	}
	for _, ev := range all {
		h.Emit(ev)
	}
	assert.Equal(t, all, seen.take(h.Unit()))
	assert.Empty(t, machine)
}

// In a Model Pebble tells when it likes.
func TestWorkloadEventsOfAModel(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, &charmtest.ModelOptions{Kubernetes: true})
	unit := m.DeployCharm("web", seen.register, 1, &charmtest.DeployOptions{Metadata: web}).Units()[0]
	m.Settle()
	assert.ElementsMatch(t, []string{
		"install", "leader-elected", "config-changed", "start", "app-pebble-ready", "proxy-pebble-ready",
	}, seen.names("web/0"))

	unit.RestartWorkload("app")
	m.Settle()
	unit.Notice("app", "3", "example.com/done")
	m.Settle()
	unit.CheckFailed("app", "http")
	m.Settle()
	unit.CheckRecovered("app", "http")
	m.Settle()
	app := events.WorkloadRef{Container: "app"}
	assert.Equal(t, []events.Event{
		events.PebbleReady{WorkloadRef: app},
		events.PebbleCustomNotice{WorkloadRef: app, NoticeID: "3", NoticeType: "custom", NoticeKey: "example.com/done"},
		events.PebbleCheckFailed{WorkloadRef: app, Check: "http"},
		events.PebbleCheckRecovered{WorkloadRef: app, Check: "http"},
	}, seen.take("web/0"))

	unit.Restart()
	m.Settle()
	names := seen.names("web/0")
	assert.Equal(t, "stop", names[0])
	assert.ElementsMatch(t, []string{"stop", "upgrade-charm", "config-changed", "start", "app-pebble-ready", "proxy-pebble-ready"}, names)

	unit.RestartAgent()
	m.Settle()
	assert.ElementsMatch(t, []string{"start", "app-pebble-ready", "proxy-pebble-ready"}, seen.names("web/0"))
}
