// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// TestUnit is the life of a unit: its server runs, its peers know, and the status tells
// how many they are.
func TestUnit(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	h.Emit(events.Start{})
	assert.Equal(t, charmtest.Status{Status: "active", Message: "Ready, with 0 peers"}, plain(h.Status()))
	assert.Equal(t, "10.0.0.5:5001", l.flag("-listen"))
	assert.Equal(t, "10.0.0.5:8088", l.flag("-metrics"))
	assert.Empty(t, l.specs[0].Env, "nothing of the hook's environment")
	assert.Equal(t, "True", peers.Local()["iperf.server"])
	assert.Equal(t, `["10.0.0.5","fd00::5"]`, peers.Local()["iperf_addresses"])
	assert.Equal(t, "[5001/tcp 8088/tcp]", fmtPorts(h))

	peers.Join("magpie/1", at("10.0.0.1"))
	assert.Equal(t, "Ready, with 1 peer", h.Status().Message)
	peers.Join("magpie/2", at("10.0.0.2"))
	assert.Equal(t, "Ready, with 2 peers", h.Status().Message)
	peers.Depart("magpie/1")
	assert.Equal(t, "Ready, with 1 peer", h.Status().Message)
	peers.Vanish("magpie/2")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "Ready, with 0 peers", h.Status().Message, "though Juju has not told")
	assert.Empty(t, l.pings, "nothing is checked")

	h.Remove()
	assert.NotZero(t, l.stopped)
}

// plain returns a status without its time.
func plain(s charmtest.Status) charmtest.Status {
	return charmtest.Status{Status: s.Status, Message: s.Message}
}

// fmtPorts returns the unit's open ports.
func fmtPorts(h *charmtest.Harness) string {
	var ports []string
	for _, p := range h.OpenedPorts() {
		ports = append(ports, p.PortRange.String())
	}
	return fmt.Sprint(ports)
}

// Each wrong option blocks the unit, and is named, once, with the rule and the value.
func TestWrongConfig(t *testing.T) {
	t.Parallel()
	for option, row := range map[string]struct {
		value any
		want  string
	}{
		"status":            {"loud", `must be "quiet" or "checks" (value "loud")`},
		"ping_tries":        {0, `must be from 1 to 1000 (value "0")`},
		"ping_interval":     {0.0, `must be from 0.001 to 60 (value "0")`},
		"ping_timeout":      {61, `must be from 1 to 60 (value "61")`},
		"required_mtu":      {100, `must be 0, or from 576 to 65535 (value "100")`},
		"dns_server":        {"ns.example", `must be an IP address, or one with a port (value "ns.example")`},
		"dns_tries":         {11, `must be from 1 to 10 (value "11")`},
		"dns_time":          {0, `must be from 1 to 60 (value "0")`},
		"min_speed":         {"fast", `"fast" is no speed: it must be mbit/s, such as "800", or a percentage of the link speed, such as "80%" (value "fast")`},
		"iperf_duration":    {0, `must be from 1 to 600 (value "0")`},
		"iperf_listen_cidr": {"10.0.0.1", `must be a network, like 10.0.0.0/24 or fd00::/64 (value "10.0.0.1")`},
		"iperf_port":        {0, `must be from 1 to 65535 (value "0")`},
		"metrics_port":      {5001, `must be from 1 to 65535, and not iperf_port (value "5001")`},
	} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			h, _ := newUnit(t, newLab(), nil)
			h.SetConfig(map[string]any{option: row.value})
			assert.Equal(t, charmtest.Status{Status: "blocked", Message: `option "` + option + `": ` + row.want}, plain(h.Status()))
			h.ResetConfig(option)
			assert.Equal(t, "active", h.Status().Status, h.Status().Message)
		})
	}
}

// A zone is a network interface of the machine.
func TestZoneOfServer(t *testing.T) {
	t.Parallel()
	h, _ := newUnit(t, newLab(), nil)
	for _, server := range []string{"fe80::1%nosuch", "[fe80::1%nosuch]:53"} {
		assert.Equal(t, `parameter "server": must be an address that this machine can reach: the zone is not an interface of this machine`,
			h.RunAction("dns", map[string]any{"server": server}).Message)
	}
	assert.Equal(t, "there are no peers to check", h.RunAction("dns", map[string]any{"server": "fe80::1%lo"}).Message)
}

// What was found of a peer is forgotten when it departs.
func TestDeparture(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, &charmtest.Options{Leader: true, Config: withChecks})
	peers.Join("magpie/1", at("10.0.0.1"))
	peers.Join("magpie/2", at("10.0.0.2"))
	peers.Depart("magpie/1")
	assert.Equal(t, []string{"magpie/1"}, l.forgot, "by the metrics")
	l.measured = nil
	peers.Join("magpie/1", at("10.0.0.1"))
	assert.Equal(t, []string{"magpie/1 at 10.0.0.1"}, l.measured, "it is measured again, and magpie/2 is not")
	h.Emit(events.UpdateStatus{})
	assert.Len(t, l.forgot, 1)
}

// An agent on the machine is told where the metrics are, and has the dashboard and the
// alert rules.
func TestAgent(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, _ := newUnit(t, l, nil)
	agent := h.Relate("cos-agent", "grafana-agent")
	agent.Join("grafana-agent/0", nil)
	assert.Equal(t, "10.0.0.5:8088,127.0.0.1:8088", l.flag("-metrics"))
	var config struct {
		Jobs       []map[string]any `json:"metrics_scrape_jobs"`
		Rules      map[string]any   `json:"metrics_alert_rules"`
		Dashboards []string         `json:"dashboards"`
	}
	require.NoError(t, json.Unmarshal([]byte(agent.Local()["config"]), &config))
	require.Len(t, config.Jobs, 1)
	assert.Equal(t, []any{map[string]any{"targets": []any{"localhost:8088"}}}, config.Jobs[0]["static_configs"])
	assert.NotEmpty(t, config.Rules)
	assert.Len(t, config.Dashboards, 1)

	h.SetConfig(map[string]any{"metrics_port": 0})
	assert.Equal(t, `option "metrics_port": must be from 1 to 65535, and not iperf_port (value "0")`, h.Status().Message)
}
