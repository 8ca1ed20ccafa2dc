// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// FuzzPeerData has one peer write anything: the other one is as it was, and what is
// logged is what can be shown on a terminal.
func FuzzPeerData(f *testing.F) {
	f.Add("10.0.0.1", `["10.0.0.1", "127.0.0.1"]`, "True", `['None magpie/1', "['None magpie/1'] magpie/2"]`)
	f.Add("fe80::1%eth0", `["fd00::1"]`, "false", `["magpie/1"]`)
	f.Add("a-host.local.", `{}`, "\x1b[2J", `[[["magpie/1"`)
	f.Add("", `null`, "nil", "[\u202e]")
	f.Fuzz(func(t *testing.T, address, addresses, server, checked string) {
		data := map[string]string{"ingress-address": address, "iperf_addresses": addresses, "iperf.server": server, "iperf.checked": checked}
		for _, value := range data {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				t.Skip("Juju refuses such a value")
			}
		}
		n := newNest(t, &charmtest.Options{})
		peers := n.Peers("magpie")
		peers.Join("magpie/1", data)
		peers.Join("magpie/2", map[string]string{"ingress-address": "10.0.0.2", "iperf.server": "True"})
		n.do(func(ctx context.Context, p *magpie.Peers) error {
			nodes, err := p.Nodes(ctx)
			assert.NoError(t, err)
			assert.Len(t, nodes, 2)
			assert.Equal(t, magpie.Node{Unit: "magpie/2", Address: ip("10.0.0.2")}, nodes[1])
			assert.True(t, printable(nodes[0].Address.String()), "address %q", nodes[0].Address)
			assert.NotEqual(t, nodes[0].Err == nil, nodes[0].Address.String() == "", "an address or an error")
			inside, missing, err := p.NodesIn(ctx, netip.MustParsePrefix("10.0.0.0/24"))
			assert.NoError(t, err)
			assert.Len(t, append(inside, missing...), 2)
			ready, err := p.ReadyIperfServers(ctx)
			assert.NoError(t, err)
			assert.Equal(t, "magpie/2", ready[len(ready)-1].Unit)
			_, err = p.IperfChecked(ctx)
			return err
		})
		n.Emit(events.UpdateStatus{})
		for _, line := range n.Logs() {
			assert.True(t, printable(strings.ReplaceAll(line.Message, "\n", "")), "logged %q", line.Message)
		}
	})
}

// printable reports whether a text does nothing to a terminal, or to who reads it.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}
