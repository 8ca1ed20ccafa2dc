// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
)

// TestPrimary is number 13 of the published charm's bugs: no text is split.
func TestPrimary(t *testing.T) {
	t.Parallel()
	both := with(onlyIPv6(), map[string]string{"proc/net/route": routeHeader + route4("wlan0", "0.0.0.0/0", "10.0.0.1", 0x3, 4096)})
	several := with(machine(), map[string]string{"proc/net/route": routeHeader +
		route4("ens1", "0.0.0.0/0", "10.0.0.1", 0x3, 200) +
		route4("ens2", "0.0.0.0/0", "10.0.1.1", 0x3, 100) +
		route4("ens3", "0.0.0.0/0", "10.0.2.1", 0x3, 100) +
		route4("ens4", "0.0.0.0/0", "10.0.3.1", 0x2, 0) +
		route4("*", "0.0.0.0/0", "0.0.0.0", 0x201, 0) +
		route4("ens5", "10.0.0.0/8", "0.0.0.0", 0x1, 0)})
	for name, test := range map[string]struct {
		tree fstest.MapFS
		want string
	}{
		"machine":               {machine(), "bond0"},
		"virtual machine":       {virtualMachine(), "ens3"},
		"container":             {container(), ""},
		"only IPv6":             {onlyIPv6(), "eth0"},
		"IPv4 before IPv6":      {both, "wlan0"},
		"lowest metric":         {several, "ens2"},
		"nothing":               {fstest.MapFS{}, ""},
		"a point-to-point link": {files(map[string]string{"proc/net/route": routeHeader + route4("ppp0", "0.0.0.0/0", "0.0.0.0", 0x1, 0)}), "ppp0"},
	} {
		assert.Equal(t, test.want, newMachine(test.tree).Primary(), name)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	type fields struct{ nic, mac, source, gateway, neighbour string }
	twoSources := with(machine(), map[string]string{"proc/net/fib_trie": fibLoopback + fibLocal("10.0.0.5") + fibLocal("10.0.0.50") + fibLocal("10.0.100.5")})
	unnumbered := with(virtualMachine(), map[string]string{"proc/net/route": routeHeader +
		route4("ens3", "0.0.0.0/0", "169.254.1.1", 0x3, 0) + route4("ens3", "169.254.1.1/32", "0.0.0.0", 0x5, 0)})
	long := with(virtualMachine(), map[string]string{"proc/net/route": virtualRoutes() + strings.Repeat(" ", 9<<20)})
	linkLocals := with(onlyIPv6(), map[string]string{"proc/net/ipv6_route": ipv6Route("fe80::/64", "eth0") + ipv6Route("fe80::/64", "eth1")})
	overlapping := files(map[string]string{
		"proc/net/route": routeHeader + route4("eth0", "0.0.0.0/0", "10.0.0.1", 0x3, 0) + route4("eth0", "10.0.0.0/24", "0.0.0.0", 0x1, 0) +
			route4("eth1", "10.0.0.0/30", "0.0.0.0", 0x1, 0) +
			route4("eth2", "10.1.0.0/16", "0.0.0.0", 0x1, 200) + route4("eth1", "10.1.0.0/16", "0.0.0.0", 0x1, 100) +
			route4("eth3", "10.1.0.0/16", "0.0.0.0", 0x1, 300) + route4("eth4", "10.1.1.0/24", "0.0.0.0", 0x0, 0) +
			route4("eth5", "10.1.0.0/16", "0.0.0.0", 0x1, 100) +
			"eth6 zz 0 1 0 0 0 0\neth6 " + host4("10.1.1.0") + " 00000000 0001 0 0 0 " + host4("255.0.255.0") + "\n",
		"proc/net/fib_trie": fibLocal("10.0.0.5") + fibLocal("10.0.0.2") + "/33 host LOCAL\n/x host LOCAL\n",
	})
	oddLocal := with(virtualMachine(), map[string]string{"proc/net/fib_trie": "|-- 2001:db8::1\n/128 host LOCAL\n|-- x\n/32 host LOCAL\n"})
	odd6 := with(onlyIPv6(), map[string]string{"proc/net/ipv6_route": ipv6Route("2001:db8::/64", "eth0") +
		strings.Replace(ipv6Route("2001:db8::/80", "eth1"), " 00000001 eth1", " 00000000 eth1", 1) +
		strings.Replace(ipv6Route("2001:db8::/80", "eth2"), " 00 ", " 40 ", 1) +
		strings.Replace(ipv6Route("2001:db8::/80", "eth3"), "50", "81", 1)})
	bond, vlan := "aa:bb:cc:00:00:01", "aa:bb:cc:00:00:01"
	for name, test := range map[string]struct {
		tree fstest.MapFS
		to   string
		want fields
	}{
		"on the link":                    {machine(), "10.0.0.6", fields{"bond0", bond, "10.0.0.5", "", "52:54:00:00:00:06"}},
		"IPv4 in IPv6":                   {machine(), "::ffff:10.0.0.6", fields{"bond0", bond, "10.0.0.5", "", "52:54:00:00:00:06"}},
		"by the default route":           {machine(), "8.8.8.8", fields{"bond0", bond, "10.0.0.5", "10.0.0.1", "52:54:00:00:00:01"}},
		"longest prefix, other metric":   {machine(), "10.0.100.6", fields{"bond0.100", vlan, "10.0.100.5", "", "52:54:00:00:01:06"}},
		"gateway without neighbour":      {machine(), "10.9.1.1", fields{"bond0.100", vlan, "10.0.100.5", "10.0.100.1", ""}},
		"incomplete":                     {machine(), "10.0.0.7", fields{"bond0", bond, "10.0.0.5", "", ""}},
		"incomplete with an old MAC":     {machine(), "10.0.0.8", fields{"bond0", bond, "10.0.0.5", "", ""}},
		"no neighbour":                   {machine(), "10.0.0.9", fields{"bond0", bond, "10.0.0.5", "", ""}},
		"rejected":                       {machine(), "10.66.0.1", fields{}},
		"own address":                    {machine(), "10.0.100.5", fields{"lo", "", "10.0.100.5", "", ""}},
		"loopback":                       {machine(), "127.1.2.3", fields{"lo", "", "127.1.2.3", "", ""}},
		"any address":                    {machine(), "0.0.0.0", fields{}},
		"IPv6 without route":             {machine(), "2001:db8::1", fields{}},
		"which source is unknown":        {twoSources, "10.0.0.6", fields{"bond0", bond, "", "", "52:54:00:00:00:06"}},
		"source of another interface":    {overlapping, "8.8.8.8", fields{"eth0", "", "", "10.0.0.1", ""}},
		"no IPv6 address as a source":    {oddLocal, "192.0.2.1", fields{"ens3", "02:fc:00:00:00:01", "", "", "02:fc:00:00:00:05"}},
		"lowest metric, then the first":  {overlapping, "10.1.1.1", fields{"eth1", "", "", "", ""}},
		"IPv6 routes that are none":      {odd6, "2001:db8::9", fields{"eth0", "02:fc:00:00:00:01", "2001:db8::2", "", ""}},
		"virtual machine":                {virtualMachine(), "192.0.2.1", fields{"ens3", "02:fc:00:00:00:01", "192.0.2.2", "", "02:fc:00:00:00:05"}},
		"gateway outside of all":         {unnumbered, "8.8.8.8", fields{"ens3", "02:fc:00:00:00:01", "192.0.2.2", "169.254.1.1", ""}},
		"half a table would be wrong":    {long, "192.0.2.1", fields{}},
		"no source":                      {container(), "172.17.0.3", fields{"eth0", "02:42:ac:11:00:02", "", "", ""}},
		"no route":                       {container(), "8.8.8.8", fields{}},
		"no files":                       {fstest.MapFS{}, "8.8.8.8", fields{}},
		"no files and loopback":          {fstest.MapFS{}, "127.0.0.1", fields{"lo", "", "127.0.0.1", "", ""}},
		"no files and IPv6 loopback":     {fstest.MapFS{}, "::1", fields{"lo", "", "::1", "", ""}},
		"IPv6 on the link":               {onlyIPv6(), "2001:db8::9", fields{"eth0", "02:fc:00:00:00:01", "2001:db8::2", "", ""}},
		"IPv6 by the default route":      {onlyIPv6(), "2620:fe::fe", fields{"eth0", "02:fc:00:00:00:01", "2001:db8::2", "2001:db8::1", ""}},
		"IPv6 by a link-local gateway":   {onlyIPv6(), "2001:db8:1::1", fields{"eth0", "02:fc:00:00:00:01", "2001:db8::2", "fe80::9", ""}},
		"IPv6 own address":               {onlyIPv6(), "2001:db8::2", fields{"lo", "", "2001:db8::2", "", ""}},
		"IPv4 in a machine of IPv6":      {onlyIPv6(), "192.0.2.1", fields{}},
		"link-local, but one interface":  {onlyIPv6(), "fe80::9", fields{"eth0", "02:fc:00:00:00:01", "fe80::fc:ff:fe00:1", "", ""}},
		"link-local with zone":           {linkLocals, "fe80::9%eth0", fields{"eth0", "02:fc:00:00:00:01", "fe80::fc:ff:fe00:1", "", ""}},
		"link-local with other zone":     {onlyIPv6(), "fe80::9%eth7", fields{}},
		"link-local on which interface?": {linkLocals, "fe80::9", fields{}},
		"own link-local address":         {onlyIPv6(), "fe80::fc:ff:fe00:1%eth0", fields{"lo", "", "fe80::fc:ff:fe00:1", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newMachine(test.tree).Reach(netip.MustParseAddr(test.to))
			text := func(a netip.Addr) string {
				if !a.IsValid() {
					return ""
				}
				return a.String()
			}
			assert.Equal(t, test.want, fields{got.Interface, got.SourceMAC, text(got.Source), text(got.Gateway), got.NeighbourMAC})
		})
	}
	assert.Zero(t, newMachine(machine()).Reach(netip.Addr{}), "no address")
}

func virtualRoutes() string { return string(virtualMachine()["proc/net/route"].Data) }

// ipv6Route is a line of /proc/net/ipv6_route to a network on the link.
func ipv6Route(to, nic string) string {
	prefix := netip.MustParsePrefix(to)
	zero := strings.Repeat("0", 32)
	b := prefix.Addr().As16()
	return strings.Join([]string{hexText(b[:]), hexText([]byte{byte(prefix.Bits())}), zero, "00", zero, "00000100", "00000001", "00000000", "00000001", nic}, " ") + "\n"
}

func hexText(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

func TestSourceIPv6(t *testing.T) {
	t.Parallel()
	address := func(a, length, scope, flags string) string {
		b := netip.MustParseAddr(a).As16()
		return hexText(b[:]) + " 04 " + length + " " + scope + " " + flags + " eth0\n"
	}
	for name, test := range map[string]struct{ addresses, want string }{
		"the same kind":               {address("fd00::1", "40", "00", "80") + address("2001:db8::2", "40", "00", "80"), "2001:db8::2"},
		"another kind is used":        {address("fd00::1", "40", "00", "80"), "fd00::1"},
		"longest common prefix":       {address("2001:db8:f::1", "40", "00", "80") + address("2001:db8::2", "40", "00", "80"), "2001:db8::2"},
		"a common prefix and no more": {address("2001:db8::8", "40", "00", "80") + address("2001:db8::2", "40", "00", "80"), ""},
		"no duplicate or tentative":   {address("2001:db8::8", "40", "00", "c8") + address("2001:db8::2", "40", "00", "80"), "2001:db8::2"},
		"no link-local":               {address("fe80::1", "40", "20", "80"), ""},
		"lines that are none":         {"2001 04 40 00 80 eth0\n\x00\n" + address("2001:db8::2", "ff", "00", "80") + "a b c d e eth0", ""},
	} {
		got := newMachine(with(onlyIPv6(), map[string]string{"proc/net/if_inet6": test.addresses})).Reach(netip.MustParseAddr("2001:db8::9"))
		want, _ := netip.ParseAddr(test.want)
		assert.Equal(t, want, got.Source, name)
		assert.Equal(t, "eth0", got.Interface, name)
	}
}

func TestPathJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(newMachine(container()).Reach(netip.MustParseAddr("172.17.0.3")))
	require.NoError(t, err)
	assert.JSONEq(t, `{"src_interface": "eth0", "src_mac": "02:42:ac:11:00:02", "src_ip": "", "gateway": "", "dest_mac": ""}`, string(text))
}

// neighbour is a message of a dump of neighbours.
func neighbour(kind uint16, index uint32, address, mac []byte) []byte {
	order := binary.NativeEndian
	attribute := func(kind uint16, value []byte) []byte {
		b := order.AppendUint16(nil, uint16(4+len(value)))
		b = append(order.AppendUint16(b, kind), value...)
		return append(b, make([]byte, (4-len(b)%4)%4)...)
	}
	body := order.AppendUint32(append(order.AppendUint32([]byte{10, 0, 0, 0}, index), 2, 0, 0, 0), 0)[:12]
	if mac != nil {
		body = append(body, attribute(2, mac)...)
	}
	body = append(body, attribute(1, address)...)
	b := order.AppendUint32(nil, uint32(16+len(body)))
	b = order.AppendUint16(b, kind)
	return append(append(b, make([]byte, 10)...), body...)
}

func TestNeighbourDump(t *testing.T) {
	t.Parallel()
	to := netip.MustParseAddr("2001:db8::9")
	mac := []byte{2, 0, 0, 0, 0, 0xab}
	found := neighbour(28, 4, to.AsSlice(), mac)
	other := neighbour(28, 4, netip.MustParseAddr("2001:db8::8").AsSlice(), []byte{2, 0, 0, 0, 0, 1})
	done := []byte{0, 0, 0, 0}
	for name, test := range map[string]struct {
		dump []byte
		err  error
		want string
	}{
		"found":             {dump: append(append(other, found...), done...), want: "02:00:00:00:00:ab"},
		"not among others":  {dump: other},
		"incomplete":        {dump: neighbour(28, 4, to.AsSlice(), nil)},
		"other interface":   {dump: neighbour(28, 5, to.AsSlice(), mac)},
		"other message":     {dump: neighbour(3, 4, to.AsSlice(), mac)},
		"IPv4":              {dump: neighbour(28, 4, []byte{10, 0, 0, 1}, mac)},
		"cut":               {dump: found[:len(found)-1]},
		"length of nothing": {dump: make([]byte, 64)},
		"an error":          {dump: found, err: errors.New("no netlink")},
	} {
		m := link.New(onlyIPv6(), &link.Options{NeighbourDump: func() ([]byte, error) { return test.dump, test.err }})
		got := m.Reach(to)
		assert.Equal(t, test.want, got.NeighbourMAC, name)
		assert.Equal(t, "eth0", got.Interface, name)
	}
	byGateway := link.New(onlyIPv6(), &link.Options{NeighbourDump: func() ([]byte, error) {
		return neighbour(28, 4, netip.MustParseAddr("2001:db8::1").AsSlice(), mac), nil
	}}).Reach(netip.MustParseAddr("2620:fe::fe"))
	assert.Equal(t, "02:00:00:00:00:ab", byGateway.NeighbourMAC)
}

// TestDumpNeighbours asks this machine's kernel: it may have no neighbour, but
// what it says ends with a message.
func TestDumpNeighbours(t *testing.T) {
	t.Parallel()
	data, err := link.DumpNeighbours()
	if err != nil {
		t.Skipf("the kernel does not answer by netlink (%v): run the test where a sandbox does not forbid it", err)
	}
	assert.GreaterOrEqual(t, len(data), 16)
}

// TestRecordedRoutes is what a little-endian processor's kernel wrote.
func TestRecordedRoutes(t *testing.T) {
	t.Parallel()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the recording is of a little-endian processor, and this one is not: run the test on amd64 or arm64")
	}
	m := link.New(files(map[string]string{"proc/net/route": "" +
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0                                                                               \n" +
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0                                                                               \n"}), nil)
	assert.Equal(t, "eth0", m.Primary())
	assert.Equal(t, netip.MustParseAddr("192.0.2.1"), m.Reach(netip.MustParseAddr("8.8.8.8")).Gateway)
	assert.False(t, m.Reach(netip.MustParseAddr("192.0.2.9")).Gateway.IsValid())
}

func FuzzReach(f *testing.F) {
	add := func(tree fstest.MapFS, to string) {
		text := func(name string) string {
			if file := tree["proc/net/"+name]; file != nil {
				return string(file.Data)
			}
			return ""
		}
		f.Add(text("route"), text("ipv6_route"), text("arp"), text("fib_trie"), text("if_inet6"),
			neighbour(28, 4, netip.MustParseAddr("2001:db8::9").AsSlice(), []byte{1, 2, 3, 4, 5, 6}), to)
	}
	add(machine(), "10.0.0.6")
	add(virtualMachine(), "8.8.8.8")
	add(onlyIPv6(), "2001:db8::9")
	add(onlyIPv6(), "fe80::1%eth0")
	f.Add("eth0 0 0 3 0 0 0 0\n* x", "0 0 0 0 0 0 0 0 0 0", "10.0.0.1 0x1 0x2 x * eth0", "|-- x\n/33 host LOCAL", "0 0 0 0 0 0", []byte{20}, "1.2.3.4")
	f.Fuzz(func(t *testing.T, route, ipv6Route, arp, fibTrie, ifInet6 string, dump []byte, to string) {
		m := link.New(with(onlyIPv6(), map[string]string{
			"proc/net/route": route, "proc/net/ipv6_route": ipv6Route, "proc/net/arp": arp, "proc/net/fib_trie": fibTrie, "proc/net/if_inet6": ifInet6,
		}), &link.Options{NeighbourDump: func() ([]byte, error) { return dump, nil }})
		assert.LessOrEqual(t, len(m.Primary()), 15)
		address, err := netip.ParseAddr(to)
		if err != nil {
			return
		}
		p := m.Reach(address)
		if p.Interface == "" {
			assert.Zero(t, p, "without an interface nothing is known")
		}
		_, err = json.Marshal(p)
		require.NoError(t, err)
	})
}
