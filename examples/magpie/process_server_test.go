// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProcessesServer is the process of a real unit, in what an operator and a machine
// do to it.
func TestProcessesServer(t *testing.T) {
	t.Parallel()
	d := run(t)
	unit := d.addresses()[0]
	first := serverOf(t, unit)

	d.settle("refresh magpie")
	assert.Equal(t, first, serverOf(t, unit), "an upgrade to the same program keeps it")
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	d.settle("update-status")
	assert.NotEqual(t, first, serverOf(t, unit), "the next hook has it run again")
	assert.Contains(t, d.do("status"), "Ready, with 0 peers")

	port := freePort(t, unit)
	d.settle(fmt.Sprintf("config magpie iperf_port=%d iperf_listen_cidr=127.0.0.1/32", port))
	require.Contains(t, d.do("status"), "Ready, with 0 peers")
	requireServed(t, netip.AddrPortFrom(unit, port))
	requireServed(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))

	d.settle("add-unit magpie") // which wants the same address of the same machine
	assert.Contains(t, d.do("status"), fmt.Sprintf("neither throughput nor metrics are served: port %d is in use at 127.0.0.1: set the option iperf_port", port))
	d.settle(`config magpie iperf_listen_cidr=""`, "update-status")
	require.NotContains(t, d.do("status"), "in use")
	output := d.do("run magpie/0 iperf batch-time=1 total-run-time=1 concurrency-progression=1 min-speed=1 tag=7")
	assert.Contains(t, output, "action iperf on magpie/0: completed")
	assert.Contains(t, output, ">= 1 mbit/s")

	taken := listenAt(t, netip.AddrPortFrom(unit, 0))
	d.settle(fmt.Sprintf("config magpie metrics_port=%d", portOf(taken)))
	assert.Contains(t, d.do("status"), fmt.Sprintf("neither throughput nor metrics are served: port %d is in use at %v: set the option metrics_port", portOf(taken), unit))
	require.NoError(t, taken.Close())
	d.settle("update-status")
	assert.NotContains(t, d.do("status"), "in use")

	assert.Contains(t, d.do("run magpie/0 listen listener-count=2"), "action listen on magpie/0: completed")
	requireServed(t, netip.AddrPortFrom(unit, port+1))
	taken = listenAt(t, netip.AddrPortFrom(unit, port+2))
	assert.Contains(t, d.do("run magpie/0 listen listener-count=3"),
		fmt.Sprintf("action listen on magpie/0: failed: neither throughput nor metrics are served: port %d is in use at %v: set the option iperf_port", port+2, unit))
	requireServed(t, netip.AddrPortFrom(unit, port+1))
	require.NoError(t, taken.Close())
	assert.Zero(t, d.end())
}

// serverOf returns the number of the process that serves for a unit.
func serverOf(t *testing.T, unit netip.Addr) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range files {
		line, _ := os.ReadFile(file) // it may have ended
		if bytes.Contains(line, []byte("\x00serve\x00")) && bytes.Contains(line, []byte("\x00-listen\x00"+unit.String()+":")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			require.NoError(t, err)
			return pid
		}
	}
	require.Fail(t, "no process serves", "for %v", unit)
	return 0
}

// freePort returns a port, below that of other programs, that with the two above it is
// free at an address and at 127.0.0.1.
func freePort(t *testing.T, unit netip.Addr) uint16 {
	t.Helper()
	for port := uint16(20000); port < 30000; port += 3 {
		free := true
		for _, ip := range []netip.Addr{unit, netip.MustParseAddr("127.0.0.1")} {
			for p := port; p < port+3; p++ {
				var config net.ListenConfig
				l, err := config.Listen(t.Context(), "tcp", netip.AddrPortFrom(ip, p).String())
				if err != nil {
					free = false
					continue
				}
				require.NoError(t, l.Close())
			}
		}
		if free {
			return port
		}
	}
	require.Fail(t, "no port is free")
	return 0
}

func listenAt(t *testing.T, address netip.AddrPort) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", address.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// requireServed fails unless there is a server at an address.
func requireServed(t *testing.T, address netip.AddrPort) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address.String(), time.Minute)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
