// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// steady are options of one run.
func steady(streams int, d time.Duration) *throughput.Options {
	return &throughput.Options{Concurrency: []int{streams}, BatchTime: d, TotalTime: d}
}

// BenchmarkLoopback is the throughput of runs of 200 ms, connecting included.
func BenchmarkLoopback(b *testing.B) {
	for _, n := range []int{1, 4} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) {
			to := serve(b, listen(b, "127.0.0.1"), nil)
			b.ReportAllocs()
			var moved int64
			rounds := int64(0)
			for b.Loop() {
				runs, err := measure(b.Context(), to, steady(n, 200*time.Millisecond))
				require.NoError(b, err)
				moved += runs[0].TransferredBytes
				rounds++
			}
			b.SetBytes(moved / rounds)
		})
	}
}

// BenchmarkIperf measures with iperf 2 and with this package in turn, for a second
// each, and reports the ratio of what they say: the sum of all rounds.
func BenchmarkIperf(b *testing.B) {
	path, err := exec.LookPath("iperf")
	if err != nil {
		b.Skip("iperf is not on PATH; install Debian's package iperf to run this benchmark")
	}
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) {
			to := serve(b, listen(b, "127.0.0.1"), nil)
			port := iperfServer(b, path)
			var ours, theirs float64
			measureOurs := func() {
				runs, err := measure(b.Context(), to, steady(n, time.Second))
				require.NoError(b, err)
				ours += float64(runs[0].BitsPerSecond)
			}
			measureTheirs := func() { theirs += iperf(b, path, port, n) }
			rounds := 0.0
			for b.Loop() {
				for range 3 { // each is first as often as it is second
					measureOurs()
					measureTheirs()
					measureTheirs()
					measureOurs()
					rounds += 2
				}
			}
			b.ReportMetric(ours/theirs, "ours/iperf")
			b.ReportMetric(ours/rounds/1e9, "ours-Gbit/s")
			b.ReportMetric(theirs/rounds/1e9, "iperf-Gbit/s")
		})
	}
}

// iperfServer starts an iperf server and returns its port.
func iperfServer(b *testing.B, path string) string {
	b.Helper()
	l := listen(b, "127.0.0.1")
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(b, err)
	require.NoError(b, l.Close())
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, path, "-s", "-p", port, "-B", "127.0.0.1")
	require.NoError(b, server.Start())
	b.Cleanup(func() { cancel(); _ = server.Wait() })
	require.Eventually(b, func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}, patience, 10*time.Millisecond, "iperf does not listen")
	return port
}

// iperf returns the bits per second of all streams of a run of one second.
func iperf(b *testing.B, path, port string, streams int) float64 {
	b.Helper()
	client := exec.CommandContext(b.Context(), path, "-c", "127.0.0.1", "-p", port, "-t", "1", "-P", strconv.Itoa(streams), "--reportstyle", "c")
	out, err := client.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, client.Start())
	reader := csv.NewReader(out)
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	require.NoError(b, err)
	require.NoError(b, client.Wait())
	sum, found := 0.0, 0
	for _, line := range lines {
		require.GreaterOrEqual(b, len(line), 9, "fields of a line of iperf")
		if line[5] == "-1" { // the sum, which not every version writes
			continue
		}
		speed, err := strconv.ParseFloat(line[8], 64)
		require.NoError(b, err)
		sum += speed
		found++
	}
	require.Equal(b, streams, found, "streams of iperf")
	return sum
}
