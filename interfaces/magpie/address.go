// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/network"
)

// The keys of a unit's databag.
const (
	ingressKey   = "ingress-address" // Juju's
	privateKey   = "private-address" // Juju's, up to 3.6
	addressesKey = "iperf_addresses"
	serverKey    = "iperf.server"
	checkedKey   = "iperf.checked"
)

// maxValue is how many bytes of a peer's value are looked at.
const maxValue = 64 << 10

// addressIn returns the address by which a peer is reached.
func addressIn(values map[string]string) (network.Address, error) {
	for _, key := range []string{ingressKey, privateKey} {
		if text := values[key]; text != "" {
			return parseAddress(key, text)
		}
	}
	return network.Address{}, ErrNoAddress
}

// addressInside returns the first address of a peer inside a network.
func addressInside(values map[string]string, prefix netip.Prefix) (network.Address, error) {
	address, err := addressIn(values)
	if err == nil && prefix.Contains(address.IP) {
		return address, nil
	}
	malformed := err
	if values[addressesKey] != "" {
		if err == ErrNoAddress {
			malformed = nil // there are others
		}
		advertised, err := parseList(addressesKey, values[addressesKey])
		if err != nil {
			malformed = err
		}
		for _, text := range advertised {
			address, err := parseAddress(addressesKey, text)
			if err != nil {
				malformed = err
			} else if prefix.Contains(address.IP) {
				return address, nil
			}
		}
	}
	if malformed != nil {
		return network.Address{}, malformed
	}
	return network.Address{}, ErrNotInside
}

// parseAddress returns an IP address or a host name.
func parseAddress(key, text string) (network.Address, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" { // a zone means something to the peer only
		return network.Address{IP: ip.Unmap()}, nil
	}
	if isHostName(text) {
		return network.Address{Host: text}, nil
	}
	return network.Address{}, &MalformedError{key, quote(text) + " is neither an IP address nor a host name"}
}

// isHostName reports whether a text is a host name by RFC 1123, or one with the
// underscores that internal names have; it may end with a dot.
func isHostName(text string) bool {
	text = strings.TrimSuffix(text, ".")
	if len(text) > 253 {
		return false
	}
	numeric := true
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case '0' <= c && c <= '9':
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '_':
				numeric = false
			default:
				return false
			}
		}
	}
	return !numeric // an IP address that is none
}

// parseList returns the texts of a JSON list.
func parseList(key, text string) ([]string, error) {
	if len(text) > maxValue {
		return nil, &MalformedError{key, fmt.Sprintf("it has %d bytes, of at most %d", len(text), maxValue)}
	}
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, &MalformedError{key, quote(text) + " is no JSON list of texts"}
	}
	return list, nil
}

// quote returns the beginning of a text, as it can be logged.
func quote(text string) string {
	const most = 64
	if len(text) <= most {
		return fmt.Sprintf("%+q", text)
	}
	end := most
	for !utf8.RuneStart(text[end]) && end > most-utf8.UTFMax {
		end--
	}
	return fmt.Sprintf("%+q...", text[:end])
}
