// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"net/netip"
	"strings"
)

// Path is how packets leave this machine for an address. What is unknown is
// the zero value, which is written as an empty text.
type Path struct {
	Interface string     `json:"src_interface"` // "lo" for an address of this machine
	SourceMAC string     `json:"src_mac"`       // of the interface
	Source    netip.Addr `json:"src_ip"`
	Gateway   netip.Addr `json:"gateway"` // not valid if the address is on the link
	// NeighbourMAC is that of the next hop: of the gateway, if there is one,
	// else of the address itself.
	NeighbourMAC string `json:"dest_mac"`
}

// Reach returns how packets leave for an address. Nothing is sent: the MAC of a
// neighbour is known only if the machine exchanged packets with it lately, and
// that of an IPv6 neighbour only with [Options.NeighbourDump].
//
// The files do not say which of several addresses of an interface the kernel
// prefers as the source. Where more than one fits, Source is unknown; a
// connection's own local address knows better. A link-local address is on any
// interface: unless its zone names one, or there is but one, nothing is known.
func (m *Machine) Reach(to netip.Addr) Path {
	to = to.Unmap()
	switch {
	case to.IsUnspecified():
		return Path{}
	case to.Is4():
		return m.reach4(to)
	case to.Is6():
		return m.reach6(to)
	}
	return Path{}
}

func (m *Machine) reach4(to netip.Addr) Path {
	local := m.locals4()
	if to.IsLoopback() || contains(local, to) {
		return Path{Interface: loopback, Source: to}
	}
	routes := m.routes4()
	r, ok := longestMatch(routes, to)
	if !ok {
		return Path{}
	}
	p := m.path(r)
	next := to
	if r.gateway.IsValid() {
		next = r.gateway
	}
	p.Source = source4(routes, r.nic, local, next)
	p.NeighbourMAC = m.arp(r.nic, next)
	return p
}

func (m *Machine) reach6(to netip.Addr) Path {
	if to.IsLoopback() {
		return Path{Interface: loopback, Source: to}
	}
	r, ok := longestMatch(m.routes6(), to)
	switch {
	case !ok:
		return Path{}
	case r.local:
		return Path{Interface: loopback, Source: to.WithZone("")}
	}
	p := m.path(r)
	next := to.WithZone("")
	if r.gateway.IsValid() {
		next = r.gateway
	}
	p.Source = m.source6(r.nic, to.WithZone(""))
	p.NeighbourMAC = m.neighbour6(r.nic, next)
	return p
}

// path returns what a route says by itself.
func (m *Machine) path(r route) Path {
	return Path{Interface: r.nic, Gateway: r.gateway, SourceMAC: parseMAC(m.attribute(r.nic, "address"))}
}

// source4 returns the address of the interface in the network in which next
// is; if there is no such network, as for a gateway outside of it, the
// machine's only address.
func source4(routes []route, nic string, local []netip.Prefix, next netip.Addr) netip.Addr {
	var network netip.Prefix
	for _, r := range routes {
		onLink := r.nic == nic && !r.gateway.IsValid() && !r.reject
		if onLink && r.to.Contains(next) && (!network.IsValid() || r.to.Bits() > network.Bits()) {
			network = r.to
		}
	}
	var inside, all []netip.Addr
	for _, l := range local {
		if !l.IsSingleIP() || l.Addr().IsLoopback() {
			continue
		}
		all = append(all, l.Addr())
		if network.IsValid() && network.Contains(l.Addr()) {
			inside = append(inside, l.Addr())
		}
	}
	switch {
	case len(inside) == 1:
		return inside[0]
	case len(all) == 1:
		return all[0]
	}
	return netip.Addr{}
}

// arp returns the MAC of a neighbour in /proc/net/arp; empty if the kernel has
// not learned it.
//
//	IP address       HW type     Flags       HW address            Mask     Device
//	192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
func (m *Machine) arp(nic string, of netip.Addr) string {
	const complete = 0x2
	for _, line := range m.table("arp") {
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != nic {
			continue
		}
		address, err := netip.ParseAddr(f[0])
		flags, ok := hexadecimal(f[2])
		if err == nil && address == of && ok && flags&complete != 0 {
			return parseMAC(f[3])
		}
	}
	return ""
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(address) {
			return true
		}
	}
	return false
}
