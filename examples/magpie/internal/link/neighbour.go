// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// neighbour6 returns the MAC of an IPv6 neighbour by the dump of the kernel's
// neighbours: messages of rtnetlink(7) in the order of the processor's bytes.
func (m *Machine) neighbour6(nic string, of netip.Addr) string {
	const (
		headerLength     = 16 // struct nlmsghdr
		newNeighbour     = 28
		neighbourLength  = 12 // struct ndmsg
		attributeAddress = 1
		attributeMAC     = 2
	)
	index, ok := m.number(math.MaxInt32, nic, "ifindex")
	if m.dump == nil || !ok {
		return ""
	}
	data, err := m.dump()
	if err != nil {
		return ""
	}
	for len(data) >= headerLength {
		length := binary.NativeEndian.Uint32(data)
		if length < headerLength || uint64(length) > uint64(len(data)) {
			return ""
		}
		kind, message := binary.NativeEndian.Uint16(data[4:]), data[headerLength:length]
		data = data[min(align(int(length)), len(data)):]
		if kind != newNeighbour || len(message) < neighbourLength || int64(binary.NativeEndian.Uint32(message[4:])) != index {
			continue
		}
		attributes := attributes(message[neighbourLength:])
		address, _ := netip.AddrFromSlice(attributes[attributeAddress])
		if address == of {
			return parseMAC(strings.ReplaceAll(fmt.Sprintf("% x", attributes[attributeMAC]), " ", ":"))
		}
	}
	return ""
}

// attributes returns the attributes of a message by their types.
func attributes(data []byte) map[uint16][]byte {
	const headerLength = 4
	found := map[uint16][]byte{}
	for len(data) >= headerLength {
		length := int(binary.NativeEndian.Uint16(data))
		if length < headerLength || length > len(data) {
			break
		}
		found[binary.NativeEndian.Uint16(data[2:])] = data[headerLength:length]
		data = data[min(align(length), len(data)):]
	}
	return found
}

// align rounds up to the four bytes of netlink.
func align(n int) int { return (n + 3) &^ 3 }
