// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// The flags of a route in /proc/net, as of linux/route.h and ipv6_route.h.
const (
	routeUp      = 0x1
	routeGateway = 0x2
	routeReject  = 0x200
	routeLocal   = 0x80000000
)

const loopback = "lo"

// route is a line of /proc/net/route or /proc/net/ipv6_route.
type route struct {
	to      netip.Prefix
	gateway netip.Addr // not valid if the destination is on the link
	metric  uint64
	nic     string
	reject  bool // unreachable, prohibited, a black hole
	local   bool // an address of this machine
}

// Primary returns the name of the interface of the default route; empty if
// there is none. Of several routes it is the one with the lowest metric, of
// those the first; IPv4 goes before IPv6, since their metrics have different
// scales.
func (m *Machine) Primary() string {
	for _, routes := range [][]route{m.routes4(), m.routes6()} {
		var best *route
		for i, r := range routes {
			if r.to.Bits() == 0 && !r.reject && r.nic != loopback && (best == nil || r.metric < best.metric) {
				best = &routes[i]
			}
		}
		if best != nil {
			return best.nic
		}
	}
	return ""
}

// longestMatch returns the route to the address: the longest prefix, then the
// lowest metric, then the first. Where interfaces have equal routes to a
// link-local address, only its zone tells which one is meant.
func longestMatch(routes []route, to netip.Addr) (route, bool) {
	zone := to.Zone()
	to = to.WithZone("")
	scoped := to.Is6() && (to.IsLinkLocalUnicast() || to.IsMulticast())
	var best *route
	ambiguous := false
	for i, r := range routes {
		if !r.to.Contains(to) || scoped && zone != "" && r.nic != zone {
			continue
		}
		switch {
		case best == nil || r.to.Bits() > best.to.Bits():
			best, ambiguous = &routes[i], false
		case r.to.Bits() < best.to.Bits():
		case scoped && r.nic != best.nic:
			ambiguous = true
		case r.metric < best.metric:
			best = &routes[i]
		}
	}
	if best == nil || best.reject || ambiguous {
		return route{}, false
	}
	return *best, true
}

// routes4 returns the routes of /proc/net/route, which has those of the main
// table without the machine's own addresses.
//
//	Iface Destination Gateway  Flags RefCnt Use Metric Mask     MTU Window IRTT
//	eth0  00000000    010200C0 0003  0      0   100    00000000 0   0      0
func (m *Machine) routes4() []route {
	var routes []route
	for _, line := range m.table("route") {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		to, toOK := hostOrder4(f[1])
		gateway, gatewayOK := hostOrder4(f[2])
		mask, maskOK := hostOrder4(f[7])
		flags, flagsErr := strconv.ParseUint(f[3], 16, 32)
		metric, metricErr := strconv.ParseUint(f[6], 10, 32)
		bits, bitsOK := prefixLength(mask)
		if !toOK || !gatewayOK || !maskOK || !bitsOK || flagsErr != nil || metricErr != nil || flags&routeUp == 0 {
			continue
		}
		r := route{to: netip.PrefixFrom(to, bits).Masked(), metric: metric, nic: f[0], reject: flags&routeReject != 0}
		if flags&routeGateway != 0 && !gateway.IsUnspecified() {
			r.gateway = gateway
		}
		if validName(r.nic) {
			routes = append(routes, r)
		}
	}
	return routes
}

// routes6 returns the routes of /proc/net/ipv6_route, the machine's own
// addresses among them; without those that are for some sources only. All
// numbers are hexadecimal.
//
//	destination length source length gateway metric references uses flags interface
func (m *Machine) routes6() []route {
	var routes []route
	for _, line := range m.table("ipv6_route") {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != "00" {
			continue
		}
		to, toOK := address6(f[0])
		gateway, gatewayOK := address6(f[4])
		bits, bitsErr := strconv.ParseUint(f[1], 16, 8)
		metric, metricErr := strconv.ParseUint(f[5], 16, 32)
		flags, flagsErr := strconv.ParseUint(f[8], 16, 32)
		if !toOK || !gatewayOK || bitsErr != nil || metricErr != nil || flagsErr != nil || flags&routeUp == 0 {
			continue
		}
		r := route{
			to: netip.PrefixFrom(to, int(bits)).Masked(), metric: metric, nic: f[9],
			reject: flags&routeReject != 0, local: flags&routeLocal != 0,
		}
		if flags&routeGateway != 0 && !gateway.IsUnspecified() {
			r.gateway = gateway
		}
		if validName(r.nic) {
			routes = append(routes, r)
		}
	}
	return routes
}

// hostOrder4 reads an address that the kernel wrote as a number: in the order
// of the processor's bytes.
func hostOrder4(text string) (netip.Addr, bool) {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil || len(text) != 8 {
		return netip.Addr{}, false
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(n))
	return netip.AddrFrom4(b), true
}

// prefixLength returns the number of leading ones of a netmask.
func prefixLength(mask netip.Addr) (int, bool) {
	if !mask.Is4() {
		return 0, false
	}
	b := mask.As4()
	inverse := ^binary.BigEndian.Uint32(b[:])
	bits := 32
	for ; inverse&1 == 1; inverse >>= 1 {
		bits--
	}
	return bits, inverse == 0
}

func address6(text string) (netip.Addr, bool) {
	var b [16]byte
	if len(text) != 2*len(b) {
		return netip.Addr{}, false
	}
	if _, err := hex.Decode(b[:], []byte(text)); err != nil {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16(b), true
}
