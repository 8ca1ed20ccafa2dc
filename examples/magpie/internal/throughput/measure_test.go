// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

func TestMeasure(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"IPv4": "127.0.0.1", "IPv6": "::1"} {
		for _, plain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s plain=%t", name, plain), func(t *testing.T) {
				t.Parallel()
				l, err := tcp(t.Context(), "["+address+"]:0")
				if err != nil && address == "::1" {
					t.Skipf("this machine has no IPv6 on loopback; run this test on one that has: %v", err)
				}
				require.NoError(t, err)
				if plain {
					l = plainListener{Listener: l}
				}
				var served streams
				stop := start(t, l, &throughput.ServerOptions{Ended: served.add})
				defer stop()
				checkRuns(t, target(t, l), func() []throughput.Stream { stop(); return served.get() })
			})
		}
	}
}

// checkRuns measures and compares the runs with what the server saw.
func checkRuns(t *testing.T, to throughput.Target, served func() []throughput.Stream) {
	t.Helper()
	opts := quick(1, 2, 5)
	opts.TotalTime *= 2
	runs, err := measure(t.Context(), to, opts)
	require.NoError(t, err)
	bytes, connections, byRun := int64(0), 0, map[string]int{}
	var order []int
	for _, run := range runs {
		order = append(order, run.Concurrency)
		bytes += run.TransferredBytes
		connections += run.Concurrency
		assert.Equal(t, "magpie/1", run.Node)
		assert.Equal(t, to.Port, run.Port)
		assert.Equal(t, to.Host, run.Destination.String())
		assert.Equal(t, to.Host, run.Source.String(), "of loopback")
		assert.Len(t, run.SourcePorts, run.Concurrency)
		assert.NotContains(t, run.SourcePorts, 0)
		assert.Len(t, run.Sessions, run.Concurrency)
		assert.Positive(t, run.TransferredBytes)
		assert.Positive(t, run.BitsPerSecond)
		assert.Equal(t, run.BitsPerSecond/1000000, run.Mbits)
		assert.True(t, run.MinSpeedCheck.OK)
	}
	assert.IsNonDecreasing(t, order)
	for _, entry := range []int{1, 2, 5} {
		assert.Contains(t, order, entry)
	}
	for _, s := range served() {
		require.NoError(t, s.Err)
		bytes -= s.Bytes
		connections--
		byRun[s.Run]++
		if s.Bytes > 0 {
			assert.Positive(t, s.Elapsed)
		}
	}
	assert.Zero(t, bytes, "bytes that the server saw less")
	assert.Zero(t, connections, "streams that the server saw less")
	assert.Len(t, byRun, len(runs), "IDs of runs")
}

func TestRunJSON(t *testing.T) {
	t.Parallel()
	to := serve(t, listen(t, "127.0.0.1"), nil)
	to.Node = "magpie/7"
	opts := quick(2)
	opts.MinSpeed, _ = throughput.ParseMinSpeed("100%")
	opts.Describe = func(src, dst netip.Addr) throughput.Link {
		return throughput.Link{Interface: "if-" + src.String(), SourceMAC: "aa", DestinationMAC: "bb-" + dst.String(), Speed: 1 << 40}
	}
	before := time.Now().UTC().Truncate(time.Second)
	runs, err := measure(t.Context(), to, opts)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	stamp, err := time.Parse("20060102150405", runs[0].Timestamp)
	require.NoError(t, err)
	assert.WithinRange(t, stamp, before, time.Now())
	assert.Regexp(t, `^0\.0-\d+\.\d$`, runs[0].TimeInterval)

	got, err := json.Marshal(runs[0])
	require.NoError(t, err)
	r := runs[0]
	assert.Equal(t, fmt.Sprintf(`{"src_port":[%d,%d],"dest_port":"%d","dest_node":"magpie/7","session":[1,2],`+
		`"transferred_bytes":%d,"bits_per_second":%d,"src_interface":"if-127.0.0.1","src_mac":"aa","src_ip":"127.0.0.1","dest_ip":"127.0.0.1",`+
		`"timestamp":"%s","time_interval":"%s","concurrency":2,"GBytes_transferred":%v,"Mbits_per_second":%d,"dest_mac":"bb-127.0.0.1",`+
		`"min_speed_check":{"ok":false,"message":"failed: %d \u003c 1099511627776 mbit/s"}}`,
		r.SourcePorts[0], r.SourcePorts[1], to.Port, r.TransferredBytes, r.BitsPerSecond, r.Timestamp, r.TimeInterval, r.GBytes, r.Mbits, r.Mbits), string(got))
	var again throughput.Run
	require.NoError(t, json.Unmarshal(got, &again))
	assert.Equal(t, r, again)
}

// A target ends with its first failure, and the others are measured nevertheless.
func TestMeasureFailure(t *testing.T) {
	t.Parallel()
	gone := listen(t, "127.0.0.1")
	to := target(t, gone)
	require.NoError(t, gone.Close())
	to.Node = "magpie/2"
	good := serve(t, listen(t, "127.0.0.1"), nil)
	runs, err := throughput.Measure(t.Context(), []throughput.Target{to, good, {Node: "magpie/3"}}, quick(3))
	require.EqualError(t, err, fmt.Sprintf(`cannot measure throughput to "magpie/2" in 3 streams: cannot connect to "127.0.0.1:%d": nothing listens at the port: connection refused`, to.Port)+
		"\n"+`cannot measure throughput to "magpie/3": it has no host or no port`)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	var failed *throughput.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, to, failed.Target)
	assert.Equal(t, 3, failed.Concurrency)
	require.Len(t, runs, 1)
	assert.Equal(t, good.Node, runs[0].Node)
}

// A server that refuses a run does not take the runs before it back, and there are
// none after it.
func TestMeasureRefused(t *testing.T) {
	t.Parallel()
	to := serve(t, listen(t, "127.0.0.1"), &throughput.ServerOptions{MaxStreams: 2})
	runs, err := measure(t.Context(), to, quick(1, 2, 2, 2, 2, 3, 1))
	require.EqualError(t, err, fmt.Sprintf(`cannot measure throughput to "magpie/1" in 3 streams: cannot open a stream to "127.0.0.1:%d": the server refuses: it has the 2 streams that it takes at a time`, to.Port))
	var order []int
	for _, run := range runs {
		order = append(order, run.Concurrency)
	}
	assert.Equal(t, []int{1, 2, 2, 2, 2}, order)
}

func TestMeasureOneAfterAnother(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []string
	note := func(event string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
	}
	var targets []throughput.Target
	for _, name := range []string{"magpie/1", "magpie/2"} {
		l := plainListener{Listener: listen(t, "127.0.0.1"), accepted: func() { note("accepted " + name) }}
		to := serve(t, l, nil)
		to.Node = name
		targets = append(targets, to)
	}
	opts := quick(1, 2)
	opts.Ran = func(r throughput.Run) {
		opts.Concurrency[1] = 5 // too late: Measure has its own
		note(fmt.Sprintf("ran %s %d", r.Node, r.Concurrency))
	}
	runs, err := throughput.Measure(t.Context(), targets, opts)
	require.NoError(t, err)
	assert.Len(t, runs, 4)
	assert.Equal(t, []string{
		"accepted magpie/1", "ran magpie/1 1", "accepted magpie/1", "accepted magpie/1", "ran magpie/1 2",
		"accepted magpie/2", "ran magpie/2 1", "accepted magpie/2", "accepted magpie/2", "ran magpie/2 2",
	}, events)
}

func TestMeasureCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("the operator had enough")
	l := plainListener{Listener: listen(t, "127.0.0.1"), read: func(n int) {
		if n > 1000 {
			cancel(because)
		}
	}}
	to := serve(t, l, nil)
	opts := quick(2, 2)
	opts.BatchTime, opts.TotalTime = time.Hour, 2*time.Hour
	runs, err := throughput.Measure(ctx, []throughput.Target{to, to}, opts)
	assert.Empty(t, runs)
	require.ErrorIs(t, err, because)
	require.EqualError(t, err, `cannot measure throughput to "magpie/1" in 2 streams: the operator had enough`+
		"\n"+`cannot measure throughput to "magpie/1": the operator had enough`)
}

func TestMeasureErrors(t *testing.T) {
	t.Parallel()
	full := target(t, listen(t, "127.0.0.1")) // nobody accepts
	for name, row := range map[string]struct {
		to   throughput.Target
		want string
		is   error
	}{
		"no such name": {throughput.Target{Host: "no-such.invalid", Port: 1}, `cannot measure throughput to "no-such.invalid:1": cannot resolve host "no-such.invalid": lookup no-such.invalid`, nil},
		"no host name": {throughput.Target{Node: "magpie/2", Host: "no\x1bsuch", Port: 1}, `cannot measure throughput to "magpie/2": cannot reach "no\x1bsuch": it is neither an IP address nor a host name`, nil},
		"long":         {throughput.Target{Node: "magpie/3", Host: strings.Repeat("a", 10<<20), Port: 1}, `cannot measure throughput to "magpie/3": cannot reach "` + strings.Repeat("a", 200) + `"…: it is neither`, nil},
		"no port":      {throughput.Target{Host: "127.0.0.1"}, `cannot measure throughput to "127.0.0.1:0": it has no host or no port`, nil},
		"no host":      {throughput.Target{Node: "magpie/4", Port: 1}, `cannot measure throughput to "magpie/4": it has no host or no port`, nil},
		"silent":       {full, fmt.Sprintf(`cannot measure throughput to "magpie/1" in 1 streams: cannot open a stream to "127.0.0.1:%d": no answer within 1s: i/o timeout`, full.Port), os.ErrDeadlineExceeded},
		"foreign zone": {throughput.Target{Node: "magpie/5", Host: "fe80::1%nope", Port: 1}, `cannot measure throughput to "magpie/5": cannot reach "fe80::1%nope": the zone is not an interface of this machine`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := quick(1)
			if name == "silent" {
				opts.Timeout = time.Second
			}
			_, err := measure(t.Context(), row.to, opts)
			require.ErrorContains(t, err, row.want)
			if row.is != nil {
				require.ErrorIs(t, err, row.is)
			}
		})
	}
}

// A server takes the largest run that there is.
func TestMeasureMaxConcurrency(t *testing.T) {
	t.Parallel()
	to := serve(t, listen(t, "127.0.0.1"), nil)
	runs, err := measure(t.Context(), to, quick(throughput.MaxConcurrency))
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Len(t, runs[0].SourcePorts, throughput.MaxConcurrency)
	_, err = measure(t.Context(), to, quick(1, throughput.MaxConcurrency+1))
	require.EqualError(t, err, "cannot measure throughput: a run has from 1 to 256 streams, not 257")
}

// A host name is looked up, and of its addresses one that answers is taken.
func TestMeasureHostName(t *testing.T) {
	t.Parallel()
	to := serve(t, listen(t, "127.0.0.1"), nil)
	to.Host = "localhost"
	runs, err := measure(t.Context(), to, quick(1))
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, "127.0.0.1", runs[0].Destination.String())
}

func TestReach(t *testing.T) {
	t.Parallel()
	to := serve(t, listen(t, "127.0.0.1"), nil)
	none, here := netip.MustParseAddr("127.0.0.99"), netip.MustParseAddr("127.0.0.1")
	got, err := throughput.Reach(t.Context(), []netip.Addr{none, here}, to.Port)
	require.NoError(t, err)
	assert.Equal(t, netip.AddrPortFrom(here, to.Port), got)
	_, err = throughput.Reach(t.Context(), []netip.Addr{none, none}, to.Port)
	refused := fmt.Sprintf(`cannot connect to "127.0.0.99:%d": nothing listens at the port: connection refused`, to.Port)
	require.EqualError(t, err, refused+"\n"+refused)
}

func TestMeasureOptions(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]throughput.Options{
		"a run has from 1 to 256 streams, not 0":                           {Concurrency: []int{2, 0}},
		"a run has from 1 to 256 streams, not 257":                         {Concurrency: []int{257}},
		"a run takes at least 1ms, not 1µs":                                {BatchTime: time.Microsecond},
		"a run takes at least 1ms, and 2ms for 3 of them leaves 666.666µs": {TotalTime: 2 * time.Millisecond},
	} {
		_, err := measure(t.Context(), throughput.Target{Host: "127.0.0.1", Port: 1}, &opts)
		require.EqualError(t, err, "cannot measure throughput: "+want)
	}
	runs, err := throughput.Measure(t.Context(), nil, nil)
	require.NoError(t, err, "without a target")
	assert.Empty(t, runs)
}
