// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
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

// The throughput is measured again when it is held against something else.
func TestIperfIsDueAgain(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.addresses = append(l.addresses, netip.MustParseAddr("192.168.0.5"))
	h, peers := newUnit(t, l, &charmtest.Options{Leader: true, Config: withChecks})
	data := at("10.0.0.1")
	data["iperf_addresses"] = `["192.168.0.1"]`
	peers.Join("magpie/1", data)
	measured := func() []string {
		now := l.measured
		l.measured = nil
		return now
	}
	assert.Equal(t, []string{"magpie/1 at 10.0.0.1"}, measured())
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, measured())
	h.SetConfig(map[string]any{"min_speed": "950"})
	assert.Equal(t, []string{"magpie/1 at 10.0.0.1"}, measured())
	assert.Equal(t, "iperf failed: magpie/1: failed: 940 < 950 mbit/s", h.Status().Message)
	assert.NotContains(t, peers.Local(), "iperf.checked")
	h.SetConfig(map[string]any{"min_speed": "900"})
	assert.Equal(t, []string{"magpie/1 at 10.0.0.1"}, measured())
	assert.Equal(t, "active", h.Status().Status, h.Status().Message)
	h.SetConfig(map[string]any{"iperf_port": 6001})
	assert.Equal(t, []string{"magpie/1 at 10.0.0.1"}, measured())
	h.SetConfig(map[string]any{"iperf_listen_cidr": "192.168.0.0/24"})
	assert.Equal(t, []string{"magpie/1 at 192.168.0.1"}, measured())
	peers.Update("magpie/1", map[string]string{"iperf_addresses": `["192.168.0.7"]`})
	assert.Equal(t, []string{"magpie/1 at 192.168.0.7"}, measured())
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, measured())
}

// The leader tells whose server it waits for.
func TestIperfWaits(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, &charmtest.Options{Leader: true, Config: withChecks})
	peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.1"})
	peers.Join("magpie/2", at("10.0.0.2"))
	assert.Equal(t, charmtest.Status{Status: "active", Message: "Ready, with 2 peers, hostname ok, icmp ok, dns ok, iperf waits for magpie/1"}, plain(h.Status()))
	assert.Equal(t, `["magpie/2"]`, peers.Local()["iperf.checked"])
	peers.Update("magpie/1", map[string]string{"iperf.server": "True"})
	assert.Equal(t, "Ready, with 2 peers, hostname ok, icmp ok, dns ok, iperf ok", h.Status().Message)
	assert.Equal(t, []string{"magpie/2 at 10.0.0.2", "magpie/1 at 10.0.0.1"}, l.measured)
}

// A status has few of many peers.
func TestManyFailures(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, &charmtest.Options{Config: map[string]any{"status": "checks", "check_dns": false}})
	for i := range 119 {
		address := fmt.Sprintf("10.0.0.%d", i+10)
		l.unreachable[address] = "no route to host"
		peers.Join(fmt.Sprintf("magpie/%d", i+1), at(address))
	}
	assert.Equal(t, "icmp failed: magpie/1, magpie/2, magpie/3, magpie/4, magpie/5 and 114 more: 0/20 packets received: no route to host", h.Status().Message)
	result := h.RunAction("ping", nil)
	assert.Equal(t, "119 of 119 peers failed: magpie/1, magpie/2, magpie/3, magpie/4, magpie/5 and 114 more: 0/20 packets received: no route to host", result.Message)
	assert.Contains(t, result.Results["output"], "magpie/119")
}

// TestNetworks is a deployment whose throughput is measured in a network of its own.
func TestNetworks(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.serverAt = map[string]bool{} // but for those of the units
	l.addresses = append(l.addresses, netip.MustParseAddr("192.168.0.5"))
	m := charmtest.NewModel(t, &charmtest.ModelOptions{Seed: 7})
	app := m.DeployCharm("magpie", register(l.system()), 2, &charmtest.DeployOptions{Config: map[string]any{"status": "checks", "iperf_listen_cidr": "192.168.0.0/24"}})
	ready := func() {
		t.Helper()
		m.Settle()
		m.Advance(10 * time.Minute)
		for _, unit := range app.Units() {
			assert.Equal(t, "Ready, with 1 peer, hostname ok, icmp ok, dns ok, iperf ok", unit.Status().Message, unit.Name())
		}
	}
	ready()
	require.NotEmpty(t, l.measured)
	for _, measured := range l.measured {
		assert.Contains(t, measured, " at 192.168.0.5")
	}
	l.measured = nil
	result := app.Units()[0].RunAction("iperf", nil)
	assert.Equal(t, "completed", result.Status, result.Message)
	assert.Equal(t, []string{"magpie/1 at 192.168.0.5"}, l.measured)

	app.SetConfig(map[string]any{"iperf_listen_cidr": ""})
	for _, unit := range app.Units() {
		result := unit.RunAction("listen", map[string]any{"network-cidr": "fd00::/64"})
		require.Equal(t, "completed", result.Status, result.Message)
	}
	app.SetConfig(map[string]any{"min_speed": "900"}) // so that it is measured again
	ready()
	result = app.Units()[0].RunAction("iperf", map[string]any{"network-cidr": "fd00::/64"})
	assert.Equal(t, "completed", result.Status, result.Message)
}

// TestThreeUnits is a deployment: three units that check each other, of which one leaves.
func TestThreeUnits(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.serverAt = map[string]bool{} // but for those of the units
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
