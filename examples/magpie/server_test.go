// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Where the server listens is what the configuration says, and the action listen; and
// where peers look that know nothing of that.
func TestListen(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.addresses = append(l.addresses, netip.MustParseAddr("192.168.0.5"))
	h, peers := newUnit(t, l, nil)
	h.SetConfig(map[string]any{"iperf_listen_cidr": "192.168.0.0/24", "iperf_port": 6001, "metrics_port": 9000})
	assert.Equal(t, "10.0.0.5:6001,192.168.0.5:6001", l.flag("-listen"))
	assert.Equal(t, "10.0.0.5:9000", l.flag("-metrics"))

	result := h.RunAction("listen", map[string]any{"network-cidr": "fd00::/64", "listener-count": 2})
	require.Equal(t, "completed", result.Status, result.Message)
	assert.JSONEq(t, `{"listening": ["10.0.0.5:6001", "10.0.0.5:6002", "[fd00::5]:6001", "[fd00::5]:6002"]}`, result.Results["output"].(string))
	const both = "10.0.0.5:6001,10.0.0.5:6002,[fd00::5]:6001,[fd00::5]:6002"
	assert.Equal(t, both, l.flag("-listen"))
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, both, l.flag("-listen"), "until the action is run again")

	result = h.RunAction("listen", map[string]any{"network-cidr": "172.16.0.0/12"})
	assert.Equal(t, "no address of this machine is in the network 172.16.0.0/12", result.Message)
	assert.Empty(t, result.Results, "it is not told where it listens")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, both, l.flag("-listen"), "an action that has failed changes nothing")
	result = h.RunAction("listen", map[string]any{"network-cidr": "fd00::"})
	assert.Equal(t, `parameter "network-cidr": must be a network, like 10.0.0.0/24 or fd00::/64`, result.Message)
	result = h.RunAction("listen", map[string]any{"network-cidr": "10.0.0.0/24"})
	assert.JSONEq(t, `{"listening": ["10.0.0.5:6001"]}`, result.Results["output"].(string), "each address once")
	result = h.RunAction("listen", nil)
	assert.JSONEq(t, `{"listening": ["10.0.0.5:6001", "192.168.0.5:6001"]}`, result.Results["output"].(string))

	h.SetConfig(map[string]any{"iperf_listen_cidr": "172.16.0.0/12"})
	assert.Equal(t, charmtest.Status{Status: "blocked", Message: "no address of this machine is in the network 172.16.0.0/12"}, plain(h.Status()))
	assert.NotContains(t, peers.Local(), "iperf.server", "peers do not measure it")
	h.RunAction("info", nil)
	assert.Equal(t, "blocked", h.Status().Status, "an action does not mend it")
}

// An action listen that cannot start the server has it listen where it did.
func TestListenFails(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	h.RunAction("listen", map[string]any{"listener-count": 2})
	const before = "10.0.0.5:5001,10.0.0.5:5002"
	l.serverFails, l.failsFor = "port 5003 is in use at 10.0.0.5: set the option iperf_port", ":5003"
	result := h.RunAction("listen", map[string]any{"listener-count": 3})
	assert.Equal(t, "neither throughput nor metrics are served: port 5003 is in use at 10.0.0.5: set the option iperf_port", result.Message)
	assert.Empty(t, result.Results)
	assert.Equal(t, before, l.flag("-listen"))
	assert.NotEmpty(t, l.listens, "it runs again before there is a hook")
	assert.Equal(t, "True", peers.Local()["iperf.server"])
	assert.Equal(t, "[5001/tcp 5002/tcp 8088/tcp]", fmtPorts(h))
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, before, l.flag("-listen"))
	assert.Equal(t, "active", h.Status().Status)
}

// Ports that stay are open all the time.
func TestListenKeepsPortsOpen(t *testing.T) {
	t.Parallel()
	h, _ := newUnit(t, newLab(), nil)
	h.Emit(events.Start{})
	for _, count := range []int{3, 2, 1} {
		h.ResetCalls()
		require.Equal(t, "completed", h.RunAction("listen", map[string]any{"listener-count": count}).Status)
		for _, call := range h.Calls("close-port") {
			assert.NotContains(t, call.Args, "5001/tcp")
		}
	}
	assert.Equal(t, "[5001/tcp 8088/tcp]", fmtPorts(h))
	h.RunAction("listen", map[string]any{"listener-count": 3})
	assert.Equal(t, "[5001/tcp 5002/tcp 5003/tcp 8088/tcp]", fmtPorts(h))
}

// Ports that Juju does not open are a problem that the operator is told.
func TestPortConflict(t *testing.T) {
	t.Parallel()
	h, _ := newUnit(t, newLab(), nil)
	h.Emit(events.Start{})
	h.Intercept(func(call hookcmd.Call) (answer hookcmdtest.Answer, ok bool) {
		if call.Command != "open-port" {
			return answer, false
		}
		return hookcmdtest.Failure(1, `cannot open 6001/tcp (unit "magpie/0"): port range conflicts with 6000-6010/tcp (unit "web/0")`), true
	})
	h.SetConfig(map[string]any{"iperf_port": 6001})
	assert.Equal(t, charmtest.Status{Status: "blocked",
		Message: `ports of the server are not open: cannot open 6001/tcp (unit "magpie/0"): port range conflicts with 6000-6010/tcp (unit "web/0")`}, plain(h.Status()))
	warned := false
	for _, line := range h.Logs() {
		warned = warned || line.Level == "WARNING"
	}
	assert.True(t, warned)
}

// The ports of the throughput and that of the metrics are different ones.
func TestPortsOverlap(t *testing.T) {
	t.Parallel()
	l := newLab()
	h, peers := newUnit(t, l, nil)
	h.SetConfig(map[string]any{"metrics_port": 5003})
	result := h.RunAction("listen", map[string]any{"listener-count": 5})
	assert.Equal(t, "ports 5001 to 5005 of the action listen include metrics_port 5003", result.Message)
	assert.Equal(t, "10.0.0.5:5001", l.flag("-listen"))

	require.Equal(t, "completed", h.RunAction("listen", map[string]any{"listener-count": 2}).Status)
	h.SetConfig(map[string]any{"iperf_port": 5002})
	assert.Equal(t, charmtest.Status{Status: "blocked", Message: "ports 5002 to 5003 of the action listen include metrics_port 5003"}, plain(h.Status()))
	assert.NotContains(t, peers.Local(), "iperf.server")
	h.SetConfig(map[string]any{"iperf_port": 65535})
	assert.Equal(t, "there are no 2 ports from 65535 on for the action listen", h.Status().Message)
	h.SetConfig(map[string]any{"iperf_port": 65534})
	assert.Equal(t, "active", h.Status().Status, h.Status().Message)
	assert.Equal(t, "10.0.0.5:65534,10.0.0.5:65535", l.flag("-listen"))
}

// A server that does not start blocks the unit, and is no failed hook.
func TestServerDoesNotStart(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.serverFails = "port 5001 is in use at 10.0.0.5: set the option iperf_port"
	h, peers := newUnit(t, l, nil)
	h.Emit(events.Start{})
	assert.Equal(t, charmtest.Status{Status: "blocked",
		Message: "neither throughput nor metrics are served: port 5001 is in use at 10.0.0.5: set the option iperf_port"}, plain(h.Status()))
	assert.NotContains(t, peers.Local(), "iperf.server")
	l.serverFails = ""
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "active", h.Status().Status)
}

// The process says which option to set, and serves nothing without being told where.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	host, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	inUse := "port " + port + " is in use at " + host + ": set the option "
	for want, args := range map[string][]string{
		"cannot serve: -dir is missing; hooks give it":     {"-listen", "127.0.0.1:0", "-metrics", "127.0.0.1:0"},
		"cannot serve: -listen is missing; hooks give it":  {"-dir", t.TempDir(), "-metrics", "127.0.0.1:0"},
		"cannot serve: -metrics is missing; hooks give it": {"-dir", t.TempDir(), "-listen", "127.0.0.1:0"},
		"this machine has no address 198.51.100.1":         {"-dir", t.TempDir(), "-listen", "198.51.100.1:5001", "-metrics", "127.0.0.1:0"},
		inUse + "iperf_port":                               {"-dir", t.TempDir(), "-listen", "127.0.0.1:0," + taken.Addr().String(), "-metrics", "127.0.0.1:0"},
		inUse + "metrics_port":                             {"-dir", t.TempDir(), "-listen", "127.0.0.1:0", "-metrics", taken.Addr().String()},
	} {
		assert.EqualError(t, serve(args), want)
	}
}
