// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

func TestPingAction(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	assert.Equal(t, "there are no peers to check", h.RunAction("ping", nil).Message)
	peers.Join("magpie/1", at("10.0.0.1"))
	peers.Join("magpie/2", at("10.0.0.2"))
	result := h.RunAction("ping", nil)
	require.Equal(t, "completed", result.Status, result.Message)
	assert.JSONEq(t, `{"magpie/1": "ok", "magpie/2": "ok"}`, result.Results["output"].(string))
	assert.Equal(t, 20, l.pings[1].Tries)
	assert.Equal(t, 50*time.Millisecond, l.pings[1].Interval)
	assert.Equal(t, 2*time.Second, l.pings[1].Timeout)

	l.unreachable["10.0.0.2"] = ""
	peers.Join("magpie/3", at(""))
	result = h.RunAction("ping", map[string]any{"tries": 3, "interval": 0.5, "timeout": 1, "required-mtu": 9000})
	assert.Equal(t, "failed", result.Status)
	assert.Equal(t, "2 of 3 peers failed: magpie/2: 0/3 packets received; magpie/3: the peer has no address yet", result.Message)
	assert.JSONEq(t, `{"magpie/1": "ok", "magpie/2": "0/3 packets received", "magpie/3": "the peer has no address yet"}`, result.Results["output"].(string),
		"the results are there though it failed")
	assert.Equal(t, 9000, l.pings[2].MTU)
	assert.Equal(t, metrics.Run{Check: "ping", Model: "testmodel", Unit: "magpie/0", Time: time.Unix(1e9, 0), Peers: []metrics.Peer{
		{Unit: "magpie/1", OK: true}, {Unit: "magpie/2"}, {Unit: "magpie/3"},
	}}, l.records[len(l.records)-1])
	for _, action := range []string{"ping", "info"} {
		assert.Equal(t, `parameter "required-mtu": must be 0, or from 576 to 65535`, h.RunAction(action, map[string]any{"required-mtu": 70000}).Message)
	}
}

func TestDNSAction(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	peers.Join("magpie/1", at("10.0.0.1"))
	result := h.RunAction("dns", map[string]any{"server": "10.0.0.53", "tries": 2, "timeout": 1})
	require.Equal(t, "completed", result.Status, result.Message)
	assert.JSONEq(t, `{"magpie/1": {"reverse": {"hostnames": ["magpie-1.example"], "ok": true},
		"forward": {"magpie-1.example": {"ips": ["10.0.0.1"], "ok": true, "match": true}}}}`, result.Results["output"].(string))
	assert.Equal(t, "10.0.0.53", l.lookups[0].Server)
	assert.Equal(t, 2, l.lookups[0].Tries)
	assert.Equal(t, time.Second, l.lookups[0].Timeout)

	l.unnamed["10.0.0.1"] = true
	peers.Join("magpie/2", at("\x1b"))
	result = h.RunAction("dns", nil)
	assert.Equal(t, `2 of 2 peers failed: magpie/1: no such name; magpie/2: cannot read "ingress-address" of the peer's databag: "\x1b" is neither an IP address nor a host name`, result.Message)
	assert.Contains(t, result.Results["output"], "magpie/2")
	assert.Equal(t, `parameter "server": must be an IP address, or one with a port`, h.RunAction("dns", map[string]any{"server": "x"}).Message)
}

func TestIperfAction(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	for i, address := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		data := at(address)
		data["iperf_addresses"] = `["192.168.0.` + address[len(address)-1:] + `"]`
		peers.Join([]string{"magpie/1", "magpie/2", "magpie/10"}[i], data)
	}
	result := h.RunAction("iperf", map[string]any{"concurrency-progression": "1,3", "tag": "night"})
	require.Equal(t, "completed", result.Status, result.Message)
	var runs []throughput.Run
	require.NoError(t, json.Unmarshal([]byte(result.Results["output"].(string)), &runs))
	require.Len(t, runs, 6)
	assert.Equal(t, "magpie/1", runs[0].Node)
	assert.Equal(t, "eth0", runs[0].SourceInterface)
	assert.Equal(t, uint16(5001), runs[0].Port)
	assert.Equal(t, "magpie/1, connections: 1, 940 mbit/s", result.Log[0])
	last := l.records[len(l.records)-1]
	assert.Equal(t, "night", last.Tag)
	assert.Equal(t, &metrics.Throughput{BitsPerSecond: 940e6, Concurrency: 3}, last.Peers[2].Throughput)

	l.measured = nil
	result = h.RunAction("iperf", map[string]any{"units": "magpie/10 magpie/2", "network-cidr": "192.168.0.0/24", "min-speed": "80%", "port": 5002})
	require.Equal(t, "completed", result.Status, result.Message)
	assert.Equal(t, []string{"magpie/10 at 192.168.0.3", "magpie/2 at 192.168.0.2"}, l.measured)

	l.slow["10.0.0.1"], l.unreachable["10.0.0.2"] = true, "connection refused"
	result = h.RunAction("iperf", map[string]any{"min-speed": "900", "concurrency-progression": "2"})
	assert.Equal(t, "failed", result.Status)
	assert.Equal(t, "2 of 3 peers failed: magpie/1: failed: 94 < 900 mbit/s; magpie/2: connection refused", result.Message)
	require.NoError(t, json.Unmarshal([]byte(result.Results["output"].(string)), &runs))
	assert.Len(t, runs, 2, "what was measured is there")

	for want, params := range map[string]map[string]any{
		`parameter "units": there is no peer "magpie/7"`:                                         {"units": "magpie/7"},
		`parameter "concurrency-progression": must be numbers from 1 to 256, which "two" is not`: {"concurrency-progression": "two"},
		`parameter "concurrency-progression": must be numbers from 1 to 256, which "257" is not`: {"concurrency-progression": "256 257"},
		`parameter "concurrency-progression": must have a number at least`:                       {"concurrency-progression": " "},
		`parameter "network-cidr": must be a network, like 10.0.0.0/24 or fd00::/64`:             {"network-cidr": "x"},
	} {
		assert.Equal(t, want, h.RunAction("iperf", params).Message)
	}
	assert.Contains(t, h.RunAction("iperf", map[string]any{"tag": strings.Repeat("x", 256)}).Message, "tag : maxLength")
	assert.Contains(t, h.RunAction("iperf", map[string]any{"min-speed": 1.5}).Message, "given 1.5")
	assert.Contains(t, h.RunAction("iperf", map[string]any{"min-speed": "fast"}).Message, `parameter "min-speed": "fast" is no speed`)
	assert.Equal(t, "3 of 3 peers failed: magpie/1, magpie/2, magpie/10: no address of the peer is inside the network",
		h.RunAction("iperf", map[string]any{"network-cidr": "172.16.0.0/12"}).Message)
}

// Juju takes what an operator types for a number where it is one.
func TestIperfActionTakesNumbers(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	peers.Join("magpie/1", at("10.0.0.1"))
	result := h.RunAction("iperf", map[string]any{"min-speed": 950, "concurrency-progression": 1, "tag": 2024})
	assert.Equal(t, "1 of 1 peers failed: magpie/1: failed: 940 < 950 mbit/s", result.Message)
	assert.Contains(t, result.Results["output"], `"message": "failed: 940 < 950 mbit/s"`, "for people to read")
	assert.Equal(t, []string{"magpie/1, connections: 1, 940 mbit/s"}, result.Log)
	assert.Equal(t, "2024", l.records[len(l.records)-1].Tag)
}

// While peers are measured, the metrics tell of those that were, and of no others.
func TestIperfActionGetsOn(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	peers.Join("magpie/1", at("10.0.0.1"))
	peers.Join("magpie/2", at(""))
	peers.Join("magpie/3", at("10.0.0.3"))
	h.RunAction("iperf", map[string]any{"concurrency-progression": "1"})
	measured := &metrics.Throughput{BitsPerSecond: 940e6, Concurrency: 1}
	first, second, third := metrics.Peer{Unit: "magpie/1", OK: true, Throughput: measured}, metrics.Peer{Unit: "magpie/2"}, metrics.Peer{Unit: "magpie/3", OK: true, Throughput: measured}
	require.Len(t, l.records, 3)
	assert.Equal(t, []metrics.Peer{first, second}, l.records[0].Peers)
	assert.Equal(t, []metrics.Peer{first, second, third}, l.records[1].Peers)
	assert.Equal(t, l.records[1], l.records[2], "the end")

	l.interruptedAt = "10.0.0.3"
	result := h.RunAction("iperf", map[string]any{"concurrency-progression": "1"})
	assert.Equal(t, "measuring was interrupted: context canceled", result.Message)
	assert.Contains(t, result.Results["output"], `"dest_node": "magpie/1"`, "what was measured is there")
	assert.Equal(t, []metrics.Peer{first, second}, l.records[len(l.records)-1].Peers, "it is no failure of magpie/3")
}

// What was found is not lost if the metrics cannot be told.
func TestResultsThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.recordFails = true
	h, peers := newUnit(t, l, nil)
	peers.Join("magpie/1", at("10.0.0.1"))
	for _, action := range []string{"ping", "dns", "iperf"} {
		result := h.RunAction(action, nil)
		assert.Equal(t, "completed", result.Status, result.Message)
		assert.Contains(t, result.Results["output"], "magpie/1")
	}
	warnings := 0
	for _, line := range h.Logs() {
		if strings.Contains(line.Message, `the metrics do not tell of a check cause="no space left on device"`) {
			assert.Equal(t, "WARNING", line.Level)
			warnings++
		}
	}
	assert.NotZero(t, warnings)
}

func TestInfoAction(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, _ := newUnit(t, l, nil)
	result := h.RunAction("info", nil)
	require.Equal(t, "completed", result.Status, result.Message)
	assert.JSONEq(t, `{"primary iface": "eth0", "link speed": 1000, "lldp": {"port description": "lldpd is not installed", "ports": []},
		"bonds": {"checked": false, "bonds": {}}, "mtu": {"local mtu": 1500, "required": 0, "ok": true},
		"hostname": {"hostname": "node5", "errors": ""}}`, result.Results["output"].(string))

	result = h.RunAction("info", map[string]any{"required-mtu": 9000, "bonds-to-check": "bond0"})
	assert.Equal(t, "failed", result.Status)
	assert.Contains(t, result.Message, "bonds: bond0: ")
	assert.Contains(t, result.Message, "; mtu: it is 1500, and must be 9000")
	assert.Contains(t, result.Results["output"], `"local mtu": 1500`)
}

func TestAdvertiseAction(t *testing.T) {
	t.Parallel()
	h, peers := newUnit(t, newLab(), nil)
	result := h.RunAction("advertise", nil)
	require.Equal(t, "completed", result.Status, result.Message)
	assert.Equal(t, `["10.0.0.5","fd00::5"]`, result.Results["output"])
	assert.Equal(t, `["10.0.0.5","fd00::5"]`, peers.Local()["iperf_addresses"])
}
