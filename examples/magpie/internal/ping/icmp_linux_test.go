// SPDX-License-Identifier: Apache-2.0

package ping_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
)

// quick are options for what is answered.
var quick = packets{Tries: 3, Interval: time.Millisecond, Timeout: time.Minute}

func TestRealPackets(t *testing.T) {
	t.Parallel()
	both := []string{"127.0.0.1", "::1", "::ffff:127.0.0.2", "::1%lo"}
	fourOK := []string{"ok", "ok", "ok", "ok"}
	with := func(change func(*packets)) packets {
		o := quick
		change(&o)
		return o
	}
	for name, row := range map[string]struct {
		machine machine
		want    []string
		rtts    []int
	}{
		"raw": {
			machine{Raw: true, Targets: both, Options: quick},
			fourOK, []int{3, 3, 3, 3},
		},
		"datagram": {
			machine{Datagram: true, Targets: both, Options: quick},
			fourOK, []int{3, 3, 3, 3},
		},
		"neither": {
			machine{Targets: both[:2], Options: quick},
			[]string{
				"cannot send ICMP: needs the capability CAP_NET_RAW, or a group within net.ipv4.ping_group_range",
				"cannot send ICMP: needs the capability CAP_NET_RAW, or a group within net.ipv4.ping_group_range",
			}, []int{0, 0},
		},
		"raw, MTU of the link": {
			machine{Raw: true, Targets: both, Options: with(func(o *packets) { o.MTU = 1500 })},
			fourOK, []int{3, 3, 3, 3},
		},
		"datagram, MTU of the link": {
			machine{Datagram: true, Targets: both, Options: with(func(o *packets) { o.MTU = 1500 })},
			fourOK, []int{3, 3, 3, 3},
		},
		"raw, one byte more": {
			machine{Raw: true, Targets: both[:2], Options: with(func(o *packets) { o.MTU = 1501 })},
			[]string{
				"packets of 1501 bytes do not pass: the link's MTU is smaller, or the path's",
				"packets of 1501 bytes do not pass: the link's MTU is smaller, or the path's",
			}, []int{0, 0},
		},
		"datagram, one byte more": {
			machine{Datagram: true, Targets: both[:2], Options: with(func(o *packets) { o.MTU = 1501 })},
			[]string{
				"packets of 1501 bytes do not pass: the link's MTU is smaller, or the path's",
				"packets of 1501 bytes do not pass: the link's MTU is smaller, or the path's",
			}, []int{0, 0},
		},
		"no answers": {
			machine{Raw: true, Silent: true, Targets: both[:2], Options: with(func(o *packets) { o.Timeout = time.Millisecond })},
			[]string{"0/3 packets received", "0/3 packets received"}, []int{0, 0},
		},
		"no way, broadcast, no interface": {
			machine{Raw: true, Targets: []string{"10.0.0.1", "127.255.255.255", "fe80::1%e\x1b"}, Options: quick},
			[]string{
				`cannot send to "10.0.0.1": network is unreachable`,
				`cannot send to "127.255.255.255": the address is for broadcasts, or forbidden: permission denied`,
				`cannot send to "fe80::1%e\x1b": the zone is not an interface of this machine`,
			}, []int{0, 0, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.machine.MTU = 1500
			got := row.machine.run(t)
			assert.Equal(t, report{Results: row.want, RTTs: row.rtts}, got)
		})
	}
}

func TestCancelEndsTheWaitForRealAnswers(t *testing.T) {
	t.Parallel()
	m := machine{
		MTU: 1500, Raw: true, Silent: true, CancelSoon: true,
		Targets: []string{"127.0.0.1", "::1"},
		Options: packets{Tries: 1, Timeout: time.Hour},
	}
	assert.Equal(t, report{
		Results: []string{
			`0/1 packets received: cannot wait for all answers of "127.0.0.1": context canceled`,
			`0/1 packets received: cannot wait for all answers of "::1": context canceled`,
		},
		RTTs: []int{0, 0},
	}, m.run(t))
}

// This one runs in the network that is there.
func TestPingOfLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1", "::1", "localhost"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			results := ping.Run(t.Context(), []ping.Target{{Address: address}}, quick.options())
			r := results[0]
			if errors.Is(r.Err, ping.ErrPermission) {
				t.Skipf("%v; run it as root, or after sysctl net.ipv4.ping_group_range='0 2147483647'", r)
			} else if errors.Is(r.Err, syscall.EADDRNOTAVAIL) || errors.Is(r.Err, syscall.EAFNOSUPPORT) {
				t.Skipf("%v; run it where lo is up and has the address", r)
			}
			assert.True(t, r.OK(), r)
			assert.Len(t, r.RTTs, 3)
			assert.True(t, r.IP.IsLoopback(), r.IP)
		})
	}
}
