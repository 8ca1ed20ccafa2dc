// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"net/netip"
	"strconv"
	"strings"
)

// locals4 returns the machine's own IPv4 addresses by /proc/net/fib_trie, the
// only file that has them: each as a prefix, since all of 127.0.0.0/8 is local.
//
//	|-- 192.0.2.2
//	   /32 host LOCAL
func (m *Machine) locals4() []netip.Prefix {
	var local []netip.Prefix
	seen := map[netip.Prefix]bool{} // the tables main and local have the same
	var leaf netip.Addr
	for _, line := range m.table("fib_trie") {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[0] == "|--":
			leaf, _ = netip.ParseAddr(f[1])
		case len(f) == 3 && f[1] == "host" && f[2] == "LOCAL" && leaf.Is4():
			bits, err := strconv.ParseUint(strings.TrimPrefix(f[0], "/"), 10, 8)
			if err != nil {
				continue
			}
			if p := netip.PrefixFrom(leaf, int(bits)).Masked(); p.IsValid() && !seen[p] {
				seen[p] = true
				local = append(local, p)
			}
		}
	}
	return local
}

// source6 returns the address of an interface from which the kernel sends to
// an address: of the same scope, and with the longest common prefix, as of RFC
// 6724. Addresses that are deprecated or not yet verified are left out.
//
//	fd000000000000000000000000000002 04 40 00 82     eth0
//	address, number of the interface, prefix length, scope, flags
func (m *Machine) source6(nic string, to netip.Addr) netip.Addr {
	const unusable = 0x20 | 0x40 | 0x08 // deprecated, tentative, a duplicate
	var best netip.Addr
	longest, unique := -1, true
	for _, line := range m.table("if_inet6") {
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != nic {
			continue
		}
		address, ok := address6(f[0])
		bits, bitsErr := strconv.ParseUint(f[2], 16, 8)
		flags, flagsErr := strconv.ParseUint(f[4], 16, 32)
		if !ok || bitsErr != nil || bits > 128 || flagsErr != nil || flags&unusable != 0 {
			continue
		}
		if address.IsLinkLocalUnicast() != (to.IsLinkLocalUnicast() || to.IsLinkLocalMulticast()) {
			continue
		}
		switch common := min(commonBits(address, to), int(bits)); {
		case common > longest:
			best, longest, unique = address, common, true
		case common == longest:
			unique = false
		}
	}
	if !unique {
		return netip.Addr{}
	}
	return best
}

// commonBits returns how many leading bits are the same.
func commonBits(a, b netip.Addr) int {
	n := 0
	for n < 128 && netip.PrefixFrom(a, n+1).Contains(b) {
		n++
	}
	return n
}

// hexadecimal reads a number as "0x2".
func hexadecimal(text string) (uint64, bool) {
	digits, ok := strings.CutPrefix(text, "0x")
	n, err := strconv.ParseUint(digits, 16, 32)
	return n, ok && err == nil
}
