// SPDX-License-Identifier: Apache-2.0

package ping_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
)

// pingFunc is a network.
type pingFunc func(ctx context.Context, e ping.Echo) (ping.Answers, error)

func (f pingFunc) Ping(ctx context.Context, e ping.Echo) (ping.Answers, error) { return f(ctx, e) }

// answering is a network in which so many packets are answered, at most.
func answering(most int) pingFunc {
	return func(_ context.Context, e ping.Echo) (ping.Answers, error) {
		return ping.Answers{Sent: e.Tries, RTTs: make([]time.Duration, min(most, e.Tries))}, nil
	}
}

// failing is a network that fails after so many packets, which were answered.
func failing(sent int, err error) pingFunc {
	return func(context.Context, ping.Echo) (ping.Answers, error) {
		return ping.Answers{Sent: sent, RTTs: make([]time.Duration, sent)}, err
	}
}

func noLookup(context.Context, string) ([]netip.Addr, error) {
	return nil, errors.New("the test asks no resolver")
}

// one returns the result of one address.
func one(t *testing.T, address string, o ping.Options) ping.Result {
	t.Helper()
	if o.Lookup == nil {
		o.Lookup = noLookup
	}
	results := ping.Run(t.Context(), []ping.Target{{Name: "magpie/1", Address: address}}, &o)
	require.Len(t, results, 1)
	assert.Equal(t, "magpie/1", results[0].Name)
	assert.Equal(t, address, results[0].Address)
	return results[0]
}

func TestResultsAreThoseOfTheTargetsInOrder(t *testing.T) {
	t.Parallel()
	network := pingFunc(func(_ context.Context, e ping.Echo) (ping.Answers, error) {
		rtts := make([]time.Duration, e.To.As4()[3])
		return ping.Answers{Sent: 3, RTTs: rtts}, nil
	})
	var targets []ping.Target
	for i := range 4 {
		targets = append(targets, ping.Target{Name: fmt.Sprintf("magpie/%d", i), Address: fmt.Sprintf("10.0.0.%d", i)})
	}
	results := ping.Run(t.Context(), targets, &ping.Options{Pinger: network})
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprint(r.Name, " ", r.IP, " ", r))
	}
	assert.Equal(t, []string{
		"magpie/0 10.0.0.0 0/3 packets received",
		"magpie/1 10.0.0.1 1/3 packets received",
		"magpie/2 10.0.0.2 2/3 packets received",
		"magpie/3 10.0.0.3 ok",
	}, got)
	assert.Empty(t, ping.Run(t.Context(), nil, nil))
}

func TestDefaultsAndSizes(t *testing.T) {
	t.Parallel()
	small := ping.Echo{Tries: 20, Interval: 50 * time.Millisecond, Timeout: 2 * time.Second, Size: 56}
	for name, row := range map[string]struct {
		address string
		options ping.Options
		want    func(*ping.Echo)
	}{
		"no options":     {"10.0.0.1", ping.Options{}, func(*ping.Echo) {}},
		"mapped address": {"::ffff:10.0.0.1", ping.Options{}, func(e *ping.Echo) { e.To = netip.MustParseAddr("10.0.0.1") }},
		"zone":           {"fe80::1%eth7", ping.Options{}, func(*ping.Echo) {}},
		"MTU of IPv4":    {"10.0.0.1", ping.Options{MTU: 9000}, func(e *ping.Echo) { e.Size, e.DontFragment = 8972, true }},
		"MTU of IPv6":    {"fd00::1", ping.Options{MTU: 9000}, func(e *ping.Echo) { e.Size, e.DontFragment = 8952, true }},
		"least MTU":      {"10.0.0.1", ping.Options{MTU: 52}, func(e *ping.Echo) { e.Size, e.DontFragment = 24, true }},
		"all options": {
			"10.0.0.1",
			ping.Options{Tries: 3, Interval: time.Second, Timeout: time.Minute},
			func(e *ping.Echo) { e.Tries, e.Interval, e.Timeout = 3, time.Second, time.Minute },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := small
			if ip, err := netip.ParseAddr(row.address); assert.NoError(t, err) {
				want.To = ip
			}
			row.want(&want)
			var got ping.Echo
			row.options.Pinger = pingFunc(func(_ context.Context, e ping.Echo) (ping.Answers, error) {
				got = e
				return ping.Answers{Sent: e.Tries, RTTs: make([]time.Duration, e.Tries)}, nil
			})
			r := one(t, row.address, row.options)
			assert.Equal(t, "ok", r.String())
			assert.Equal(t, want, got)
		})
	}
}

func TestWhatIsNotPinged(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		address string
		options ping.Options
		want    string
	}{
		"nothing":            {"", ping.Options{}, `cannot ping "": it is neither an IP address nor a host name`},
		"control characters": {"a\x1b[2J\u009b", ping.Options{}, `cannot ping "a\x1b[2J\u009b": it is neither an IP address nor a host name`},
		"zone of controls":   {"fe80::1%\x1b[2J", ping.Options{Pinger: failing(0, errors.New("bad \x1b zone"))}, `cannot send to "fe80::1%\x1b[2J": bad \x1b zone`},
		"port":               {"10.0.0.1:80", ping.Options{}, `cannot ping "10.0.0.1:80": it is neither an IP address nor a host name`},
		"option of ping":     {"-f", ping.Options{}, `cannot ping "-f": it is neither an IP address nor a host name`},
		"two dots":           {"a..b", ping.Options{}, `cannot ping "a..b": it is neither an IP address nor a host name`},
		"unspecified":        {"0.0.0.0", ping.Options{}, `cannot ping "0.0.0.0": it is no unit's address`},
		"multicast":          {"ff02::1%eth0", ping.Options{}, `cannot ping "ff02::1%eth0": it is the address of many machines`},
		"mapped multicast":   {"::ffff:224.0.0.1", ping.Options{}, `cannot ping "::ffff:224.0.0.1": it is the address of many machines`},
		"broadcast":          {"255.255.255.255", ping.Options{}, `cannot ping "255.255.255.255": it is the address of many machines`},
		"no zone":            {"fe80::1", ping.Options{}, `cannot ping "fe80::1": a link-local address needs a zone, as in "fe80::1%eth0"`},
		"tries":              {"::1", ping.Options{Tries: -1}, `cannot ping "::1": the number of tries is -1`},
		"interval":           {"::1", ping.Options{Interval: -1}, `cannot ping "::1": the interval is -1ns`},
		"timeout":            {"::1", ping.Options{Timeout: -1}, `cannot ping "::1": the timeout is -1ns`},
		"small MTU of IPv4":  {"127.0.0.1", ping.Options{MTU: 51}, `cannot ping "127.0.0.1": an MTU of 51 bytes is not within 52 and 65535`},
		"small MTU of IPv6":  {"::1", ping.Options{MTU: 71}, `cannot ping "::1": an MTU of 71 bytes is not within 72 and 65535`},
		"large MTU":          {"::1", ping.Options{MTU: 65536}, `cannot ping "::1": an MTU of 65536 bytes is not within 72 and 65535`},
		"negative MTU":       {"::1", ping.Options{MTU: -1}, `cannot ping "::1": an MTU of -1 bytes is not within 72 and 65535`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.options.Pinger == nil {
				row.options.Pinger = pingFunc(func(context.Context, ping.Echo) (ping.Answers, error) {
					return ping.Answers{}, errors.New("the test expects no packet")
				})
			}
			r := one(t, row.address, row.options)
			assert.Equal(t, row.want, r.String())
			assert.Error(t, r.Err)
			assert.False(t, r.OK())
		})
	}
}

func TestALongAddressIsCut(t *testing.T) {
	t.Parallel()
	r := one(t, strings.Repeat("a", 10<<20), ping.Options{Pinger: answering(20)})
	assert.Less(t, len(r.String()), 400)
	assert.Contains(t, r.String(), "neither an IP address nor a host name")
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")
	for name, row := range map[string]struct {
		addresses []netip.Addr
		err       error
		ip        netip.Addr
		want      string
	}{
		"the first":                    {addresses: []netip.Addr{v6, v4}, ip: v6, want: "ok"},
		"the first that can be pinged": {addresses: []netip.Addr{netip.MustParseAddr("fe80::1"), v4}, ip: v4, want: "ok"},
		"mapped":                       {addresses: []netip.Addr{netip.AddrFrom16(v4.As16())}, ip: v4, want: "ok"},
		"none":                         {want: `cannot ping "magpie-1.example": it has no addresses`},
		"multicast":                    {addresses: []netip.Addr{netip.MustParseAddr("224.0.0.1")}, want: `cannot ping "magpie-1.example": it is the address of many machines`},
		"no such":                      {err: &net.DNSError{Err: "x", Name: "\x1b", IsNotFound: true}, want: `cannot resolve "magpie-1.example": no such host`},
		"no answer":                    {err: &net.DNSError{Err: "x", Name: "\x1b", IsTimeout: true}, want: `cannot resolve "magpie-1.example": no DNS server answers in time`},
		"server's text":                {err: &net.DNSError{Err: "server \"\x1b\" misbehaves"}, want: `cannot resolve "magpie-1.example": server "\x1b" misbehaves`},
		"other error":                  {err: errors.New("bad\n"), want: `cannot resolve "magpie-1.example": bad\n`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := one(t, "magpie-1.example", ping.Options{
				Pinger: answering(20),
				Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
					assert.Equal(t, "magpie-1.example", host)
					return row.addresses, row.err
				},
			})
			assert.Equal(t, row.want, r.String())
			assert.Equal(t, row.ip, r.IP)
		})
	}
}

func TestCauses(t *testing.T) {
	t.Parallel()
	system := func(errno syscall.Errno) error {
		return &net.OpError{Op: "write", Net: "\x1b", Err: errno}
	}
	for name, row := range map[string]struct {
		network pingFunc
		options ping.Options
		want    string
		is      error
	}{
		"permission": {
			failing(0, ping.ErrPermission), ping.Options{},
			"cannot send ICMP: needs the capability CAP_NET_RAW, or a group within net.ipv4.ping_group_range", ping.ErrPermission,
		},
		"link's MTU": {
			failing(0, system(syscall.EMSGSIZE)), ping.Options{MTU: 9000},
			"packets of 9000 bytes do not pass: the link's MTU is smaller, or the path's", syscall.EMSGSIZE,
		},
		"path's MTU": {
			failing(1, system(syscall.EMSGSIZE)), ping.Options{MTU: 9000},
			"1/1 packets received: packets of 9000 bytes do not pass: the path's MTU is smaller", syscall.EMSGSIZE,
		},
		"network": {
			failing(0, system(syscall.ENETUNREACH)), ping.Options{},
			`cannot send to "10.0.0.1": network is unreachable`, syscall.ENETUNREACH,
		},
		"link goes down": {
			failing(7, system(syscall.ENETDOWN)), ping.Options{},
			`7/7 packets received: cannot send to "10.0.0.1": network is down`, syscall.ENETDOWN,
		},
		"broadcast of a subnet": {
			failing(0, system(syscall.EACCES)), ping.Options{},
			`cannot send to "10.0.0.1": the address is for broadcasts, or forbidden: permission denied`, syscall.EACCES,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.options.Pinger = row.network
			r := one(t, "10.0.0.1", row.options)
			assert.Equal(t, row.want, r.String())
			assert.ErrorIs(t, r.Err, row.is)
			assert.False(t, r.OK())
		})
	}
}

func TestResultText(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		result ping.Result
		text   string
		ok     bool
	}{
		{ping.Result{Sent: 20, Received: 20}, "ok", true},
		{ping.Result{Sent: 20, Received: 19}, "19/20 packets received", false},
		{ping.Result{}, "0/0 packets received", false},
		{ping.Result{Sent: 3, Received: 3, Err: errors.New("cause")}, "3/3 packets received: cause", false},
		{ping.Result{Err: errors.New("cause")}, "cause", false},
	} {
		assert.Equal(t, row.text, row.result.String())
		assert.Equal(t, row.ok, row.result.OK(), "OK of %q", row.text)
	}
}

func TestManyTargetsShareAFewSlots(t *testing.T) {
	t.Parallel()
	const slots = 64
	var now, most atomic.Int32
	full := make(chan struct{})
	var once sync.Once
	network := pingFunc(func(_ context.Context, e ping.Echo) (ping.Answers, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == slots {
			once.Do(func() { close(full) })
		}
		<-full
		return ping.Answers{Sent: 1, RTTs: make([]time.Duration, 1)}, nil
	})
	targets := make([]ping.Target, 3*slots)
	for i := range targets {
		targets[i].Address = "10.0.0.1"
	}
	for _, r := range ping.Run(t.Context(), targets, &ping.Options{Pinger: network}) {
		assert.True(t, r.OK(), r)
	}
	assert.EqualValues(t, slots, most.Load())
}

func TestCancelEndsAllTargets(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	network := pingFunc(func(ctx context.Context, e ping.Echo) (ping.Answers, error) {
		cancel()
		<-ctx.Done()
		return ping.Answers{Sent: 2, RTTs: make([]time.Duration, 1)}, ctx.Err()
	})
	targets := make([]ping.Target, 200)
	for i := range targets {
		targets[i].Address = "10.0.0.1"
	}
	texts := make(map[string]int)
	for _, r := range ping.Run(ctx, targets, &ping.Options{Pinger: network}) {
		assert.ErrorIs(t, r.Err, context.Canceled)
		texts[r.String()]++
	}
	begun := texts[`1/2 packets received: cannot wait for all answers of "10.0.0.1": context canceled`]
	never := texts[`cannot ping "10.0.0.1": context canceled`]
	assert.Positive(t, begun)
	assert.Positive(t, never)
	assert.Equal(t, len(targets), begun+never, "%v", texts)
}

func FuzzAddress(f *testing.F) {
	for _, address := range []string{"10.0.0.1", "fe80::1%eth0", "magpie-1.example", "a\x1b[2J", "::ffff:224.0.0.1", "\u202e", strings.Repeat("a.", 200)} {
		f.Add(address)
	}
	network := pingFunc(func(_ context.Context, e ping.Echo) (ping.Answers, error) {
		return ping.Answers{Sent: 1}, fmt.Errorf("cannot reach %v", e.To)
	})
	f.Fuzz(func(t *testing.T, address string) {
		r := one(t, address, ping.Options{Pinger: network, Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			assert.LessOrEqual(t, len(host), 254)
			assert.NotContains(t, host, " ")
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
		}})
		assert.Less(t, len(r.String()), 5000)
		for _, c := range r.String() {
			require.True(t, c == '…' || unicode.IsPrint(c), "%q has %q", r, c)
		}
		if r.IP.IsValid() {
			assert.False(t, r.IP.IsMulticast() || r.IP.IsUnspecified(), r.IP)
		}
	})
}
