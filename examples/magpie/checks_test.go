// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

var withChecks = map[string]any{"status": "checks"}

// With checks in every hook the status tells what is broken, and is well again when it
// is mended.
func TestChecks(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, &charmtest.Options{Leader: true, Config: withChecks})
	h.Emit(events.Start{})
	assert.Equal(t, charmtest.Status{Status: "active", Message: "Ready, with 0 peers, hostname ok"}, plain(h.Status()))
	peers.Join("magpie/1", at("10.0.0.1"))
	assert.Equal(t, charmtest.Status{Status: "active", Message: "Ready, with 1 peer, hostname ok, icmp ok, dns ok, iperf ok"}, plain(h.Status()))
	assert.Equal(t, `["magpie/1"]`, peers.Local()["iperf.checked"])
	assert.Equal(t, []string{"magpie/1 at 10.0.0.1"}, l.measured)
	h.Emit(events.UpdateStatus{})
	assert.Len(t, l.measured, 1, "the throughput is measured once")

	l.unreachable["10.0.0.2"] = "connection refused"
	l.unnamed["10.0.0.2"] = true
	peers.Join("magpie/2", at("10.0.0.2"))
	assert.Equal(t, charmtest.Status{Status: "blocked",
		Message: "icmp failed: magpie/2: 0/20 packets received: connection refused, dns failed: magpie/2: no such name, iperf failed: magpie/2: connection refused"}, plain(h.Status()))
	assert.Equal(t, `["magpie/1"]`, peers.Local()["iperf.checked"])
	h.SetConfig(map[string]any{"check_dns": false, "check_iperf": false, "check_local_hostname": false, "required_mtu": 1500})
	assert.Equal(t, "icmp failed: magpie/2: 0/20 packets received: connection refused", h.Status().Message)
	assert.Equal(t, 1500, l.pings[len(l.pings)-1].MTU)
	delete(l.unreachable, "10.0.0.2")
	delete(l.unnamed, "10.0.0.2")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, charmtest.Status{Status: "active", Message: "Ready, with 2 peers, mtu ok, icmp ok"}, plain(h.Status()))
	h.ResetConfig("check_iperf")
	assert.Equal(t, `["magpie/1","magpie/2"]`, peers.Local()["iperf.checked"], "what has failed is measured again")

	checked := len(l.pings)
	h.RunAction("info", nil)
	assert.Len(t, l.pings, checked, "an action checks what it is asked to")
	assert.Equal(t, "active", h.Status().Status)
}

// What is wrong with the machine alone is told without peers.
func TestChecksOfTheMachine(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, _ := newUnit(t, l, &charmtest.Options{Config: withChecks})
	h.SetConfig(map[string]any{"required_mtu": 9000, "check_bonds": "bond0", "check_port_description": true})
	assert.Equal(t, "blocked", h.Status().Status)
	assert.Contains(t, h.Status().Message, "mtu failed: it is 1500, and must be 9000, bonds failed: bond0: ")
	assert.NotContains(t, h.Status().Message, "port description failed", "without lldpd nobody knows")
}

// A unit that does not lead leaves the throughput to the leader, and pings only in a mesh.
func TestChecksOfAFollower(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, &charmtest.Options{Config: map[string]any{"status": "checks", "ping_mesh_mode": false}})
	peers.Join("magpie/1", at("10.0.0.1"))
	assert.Equal(t, "Ready, with 1 peer, hostname ok, dns ok", h.Status().Message)
	assert.Empty(t, l.measured)
	peers.Update("magpie/1", map[string]string{"iperf.checked": `["magpie/0"]`})
	assert.Equal(t, "Ready, with 1 peer, hostname ok, dns ok, iperf ok", h.Status().Message)
}

// TestThreeUnits is a deployment: three units that check each other, of which one leaves.
func TestThreeUnits(t *testing.T) {
	t.Parallel()
	l := newLab()
	m := charmtest.NewModel(t, &charmtest.ModelOptions{Seed: 7})
	app := m.DeployCharm("magpie", register(l.system()), 3, &charmtest.DeployOptions{Config: withChecks})
	m.Settle()
	m.Advance(10 * time.Minute)
	for _, unit := range app.Units() {
		assert.Equal(t, "active", unit.Status().Status, unit.Name())
		assert.Equal(t, "Ready, with 2 peers, hostname ok, icmp ok, dns ok, iperf ok", unit.Status().Message, unit.Name())
	}
	m.MissDeparted(true)
	app.RemoveUnit("magpie/2")
	m.Settle()
	m.Advance(10 * time.Minute)
	require.Len(t, app.Units(), 2)
	for _, unit := range app.Units() {
		assert.Equal(t, "Ready, with 1 peer, hostname ok, icmp ok, dns ok, iperf ok", unit.Status().Message, unit.Name())
	}
	assert.NotZero(t, l.stopped)
}
