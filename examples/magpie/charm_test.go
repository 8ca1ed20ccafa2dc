// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
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
	assert.Equal(t, "[5001/tcp 8088/tcp]", fmt.Sprint(opened(h)))

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

// opened returns the unit's open ports.
func opened(h *charmtest.Harness) (ports []string) {
	for _, p := range h.OpenedPorts() {
		ports = append(ports, p.PortRange.String())
	}
	return ports
}

// Where the server listens is what the configuration says, and the action listen.
func TestListen(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.addresses = append(l.addresses, netip.MustParseAddr("192.168.0.5"))
	h, peers := newUnit(t, l, nil)
	h.SetConfig(map[string]any{"iperf_listen_cidr": "192.168.0.0/24", "iperf_port": 6001, "metrics_port": 9000})
	assert.Equal(t, "192.168.0.5:6001", l.flag("-listen"))
	assert.Equal(t, "10.0.0.5:9000", l.flag("-metrics"))

	result := h.RunAction("listen", map[string]any{"network-cidr": "fd00::/64", "listener-count": 2})
	require.Equal(t, "completed", result.Status, result.Message)
	assert.JSONEq(t, `{"listening": ["[fd00::5]:6001", "[fd00::5]:6002"]}`, result.Results["output"].(string))
	assert.Equal(t, "[fd00::5]:6001,[fd00::5]:6002", l.flag("-listen"))
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "[fd00::5]:6001,[fd00::5]:6002", l.flag("-listen"), "until the action is run again")

	result = h.RunAction("listen", map[string]any{"network-cidr": "172.16.0.0/12"})
	assert.Equal(t, "no address of this machine is in the network 172.16.0.0/12", result.Message)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "[fd00::5]:6001,[fd00::5]:6002", l.flag("-listen"), "an action that has failed changes nothing")
	result = h.RunAction("listen", map[string]any{"network-cidr": "fd00::"})
	assert.Equal(t, `cannot read network "fd00::": must be like 10.0.0.0/24 or fd00::/64`, result.Message)
	result = h.RunAction("listen", nil)
	assert.JSONEq(t, `{"listening": ["192.168.0.5:6001"]}`, result.Results["output"].(string))

	h.SetConfig(map[string]any{"iperf_listen_cidr": "172.16.0.0/12"})
	assert.Equal(t, charmtest.Status{Status: "blocked", Message: "no address of this machine is in the network 172.16.0.0/12"}, plain(h.Status()))
	assert.NotContains(t, peers.Local(), "iperf.server", "peers do not measure it")
}

// A server that does not start blocks the unit, and is no failed hook.
func TestServerDoesNotStart(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.serverFails = "cannot listen at 10.0.0.5:5001: the port is in use"
	h, peers := newUnit(t, l, nil)
	h.Emit(events.Start{})
	assert.Equal(t, charmtest.Status{Status: "blocked", Message: "the server does not start: cannot listen at 10.0.0.5:5001: the port is in use"}, plain(h.Status()))
	assert.NotContains(t, peers.Local(), "iperf.server")
	l.serverFails = ""
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "active", h.Status().Status)
}

// Each wrong option blocks the unit, and is named.
func TestWrongConfig(t *testing.T) {
	t.Parallel()
	for option, row := range map[string]struct {
		value any
		want  string
	}{
		"status":            {"loud", `must be "quiet" or "checks"`},
		"ping_tries":        {0, "must be from 1 to 1000"},
		"ping_interval":     {0.0, "must be from 0.001 to 60"},
		"ping_timeout":      {61, "must be from 1 to 60"},
		"required_mtu":      {100, "must be 0, or from 576 to 65535"},
		"dns_server":        {"ns.example", "must be an IP address, or one with a port"},
		"dns_tries":         {11, "must be from 1 to 10"},
		"dns_time":          {0, "must be from 1 to 60"},
		"min_speed":         {"fast", `"fast"`},
		"iperf_duration":    {0, "must be from 1 to 600"},
		"iperf_listen_cidr": {"10.0.0.1", "must be like 10.0.0.0/24 or fd00::/64"},
		"iperf_port":        {0, "must be from 1 to 65535"},
		"metrics_port":      {5001, "must be from 1 to 65535, and not iperf_port"},
	} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			h, _ := newUnit(t, newLab(), nil)
			h.SetConfig(map[string]any{option: row.value})
			assert.Equal(t, "blocked", h.Status().Status)
			assert.Contains(t, h.Status().Message, option)
			assert.Contains(t, h.Status().Message, row.want)
			h.ResetConfig(option)
			assert.Equal(t, "active", h.Status().Status, h.Status().Message)
		})
	}
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
}
