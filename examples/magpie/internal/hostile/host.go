// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const hostNameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// IsHostName reports whether a text is worth asking a resolver for. A dot at its
// end is fine, and so is an underscore: many have one.
func IsHostName(text string) bool {
	name := strings.TrimSuffix(text, ".")
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.Trim(label, hostNameChars) != "" {
			return false
		}
	}
	return true
}

var (
	errNoZone      = errors.New(`a link-local address needs a zone, as in "fe80::1%eth0"`)
	errForeignZone = errors.New("the zone is not an interface of this machine")
)

// CheckZone returns why this machine cannot send to an address for the sake of
// its zone, for which the system has no better word than "invalid argument".
func CheckZone(ip netip.Addr) error {
	zone := ip.Zone()
	if zone == "" {
		if ip.Is6() && ip.IsLinkLocalUnicast() {
			return errNoZone
		}
		return nil
	}
	if _, err := net.InterfaceByName(zone); err == nil {
		return nil
	}
	if n, err := strconv.Atoi(zone); err == nil {
		if _, err := net.InterfaceByIndex(n); err == nil {
			return nil
		}
	}
	return errForeignZone
}
