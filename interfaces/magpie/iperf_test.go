// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// reactive is what units of the reactive charm write, as it was recorded.
func reactive(values map[string]string) map[string]string {
	data := map[string]string{
		"ingress-address": "10.5.0.10", "private-address": "10.5.0.10", "egress-subnets": "10.5.0.10/32",
		"iperf_addresses": `["10.5.0.10", "127.0.0.1", "192.168.0.4"]`,
	}
	for key, value := range values {
		data[key] = value
	}
	return data
}

// A unit can share its relation with units of the reactive charm.
func TestPeersOfTheReactiveCharm(t *testing.T) {
	t.Parallel()
	n := newNest(t, &charmtest.Options{JujuVersion: "3.6.26", TextOnly: true})
	peers := n.Peers("magpie")
	peers.Join("magpie/1", reactive(map[string]string{"iperf.server": "True"}))
	peers.Join("magpie/2", reactive(map[string]string{"iperf.checked": `['None magpie/1', 'None magpie/10']`}))
	peers.Join("magpie/3", reactive(map[string]string{"iperf.checked": `["['None magpie/1', 'None magpie/10'] magpie/2"]`, "iperf.server": "False"}))
	assert.Equal(t, []string{"magpie/1", "magpie/2", "magpie/10"}, ask(n, (*magpie.Peers).IperfChecked), "names, not parts of them, however they are nested")
	assert.Equal(t, []string{"magpie/1"}, units(ask(n, (*magpie.Peers).ReadyIperfServers)), `"False" is false`)
	n.do(func(ctx context.Context, p *magpie.Peers) error {
		nodes, missing, err := p.NodesIn(ctx, netip.MustParsePrefix("192.168.0.0/24"))
		assert.Equal(t, []string{"magpie/1", "magpie/2", "magpie/3"}, units(nodes))
		assert.Empty(t, missing)
		assert.Equal(t, ip("192.168.0.4"), nodes[0].Address)
		return err
	})
	for _, line := range n.Logs() {
		assert.NotContains(t, line.Message, "malformed")
	}
}

// What has been checked is one list, written once, which does not grow by being
// written again, as the reactive charm's does.
func TestSetIperfChecked(t *testing.T) {
	t.Parallel()
	n := newNest(t, &charmtest.Options{TextOnly: true})
	peers := n.Peers("magpie")
	peers.Join("magpie/1", reactive(map[string]string{"iperf.checked": `['None magpie/2']`}))
	check := func(ctx context.Context, p *magpie.Peers) error {
		return p.SetIperfChecked(ctx, []string{"magpie/10", "magpie/1", "magpie/10"})
	}
	n.do(check)
	assert.Equal(t, `["magpie/1","magpie/10"]`, peers.Local()["iperf.checked"])
	n.ResetCalls()
	n.do(check)
	assert.Equal(t, []string{"relation-ids", "relation-get"}, commands(n), "nothing has changed")
	n.do(func(ctx context.Context, p *magpie.Peers) error { return p.SetIperfChecked(ctx, nil) })
	assert.NotContains(t, peers.Local(), "iperf.checked")

	n.todo = func(ctx context.Context, p *magpie.Peers) error { return p.SetIperfChecked(ctx, []string{"magpie\n"}) }
	assert.Equal(t, `cannot tell that unit "magpie\n" was measured: that is no name of a unit`, n.RunAction("do", nil).Message)
	for _, name := range []string{"EVIL/1", "magpie/007", "a b/1", "magpie/+1"} {
		n.todo = func(ctx context.Context, p *magpie.Peers) error { return p.SetIperfChecked(ctx, []string{name}) }
		assert.Contains(t, n.RunAction("do", nil).Message, "that is no name of a unit", name)
	}
}

// What an upgraded unit has written itself as the reactive charm is written anew.
func TestOwnDataOfTheReactiveCharm(t *testing.T) {
	t.Parallel()
	n := newNest(t, &charmtest.Options{JujuVersion: "3.6.26"})
	peers := n.Peers("magpie")
	before := peers.Local()
	peers.SetLocal(map[string]string{"iperf.checked": `['None magpie/1']`, "iperf_addresses": "[", "iperf.server": "True"})
	n.do(func(ctx context.Context, p *magpie.Peers) error { return p.ClearIperfServerReady(ctx) })
	assert.Equal(t, `["magpie/1"]`, peers.Local()["iperf.checked"])
	assert.NotContains(t, peers.Local(), "iperf.server")
	assert.NotContains(t, peers.Local(), "iperf_addresses")
	for _, key := range []string{"ingress-address", "private-address", "egress-subnets"} {
		assert.NotEmpty(t, before[key])
		assert.Equal(t, before[key], peers.Local()[key], "what Juju writes stays")
	}
}

func TestIperfServerReady(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	n.do(func(ctx context.Context, p *magpie.Peers) error { return p.SetIperfServerReady(ctx) })
	assert.Equal(t, "True", peers.Local()["iperf.server"], "what the reactive charm writes")
	n.do(func(ctx context.Context, p *magpie.Peers) error { return p.ClearIperfServerReady(ctx) })
	assert.NotContains(t, peers.Local(), "iperf.server")

	for i, value := range []string{"True", "true", "1", "False", "false", "None", "", "maybe\x1b[31m", strings.Repeat("x", 1<<20)} {
		peers.Join(fmt.Sprintf("magpie/%d", i+1), map[string]string{"ingress-address": "10.0.0.1", "iperf.server": value})
	}
	ready := ask(n, (*magpie.Peers).ReadyIperfServers)
	assert.Equal(t, []string{"magpie/1", "magpie/2", "magpie/3"}, units(ready))
	var warnings []string
	for _, line := range n.Logs() {
		if line.Level == "WARNING" {
			warnings = append(warnings, line.Message)
		}
	}
	assert.Len(t, warnings, 2)
	assert.Contains(t, warnings[0], `unit=magpie/8`)
	for _, warning := range warnings {
		assert.Less(t, len(warning), 400)
		assert.NotContains(t, warning, "\x1b")
	}
}

// Lists that are none are the peer's fault, and told as such.
func TestIperfCheckedOfHostilePeers(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	for i, value := range []string{`["magpie/7"]`, `magpie/8`, `["magpie/9", "MAGPIE/1"]`, "[" + strings.Repeat("'None magpie/6', ", 1<<16), `["magpie/+5","/5","magpie/99999999999999"]`} {
		peers.Join(fmt.Sprintf("magpie/%d", i+1), map[string]string{"iperf.checked": value})
	}
	assert.Equal(t, []string{"magpie/7", "magpie/9"}, ask(n, (*magpie.Peers).IperfChecked))
	var warned int
	for _, line := range n.Logs() {
		if line.Level == "WARNING" && strings.Contains(line.Message, "a peer's data is malformed") {
			warned++
		}
	}
	assert.Equal(t, 4, warned)
}

func TestAdvertiseAddresses(t *testing.T) {
	t.Parallel()
	all := []string{"127.0.0.1", "::1", "fe80::1%eth0", "169.254.0.1", "224.0.0.1", "0.0.0.0", "10.1.0.5", "::ffff:10.0.0.5", "fd00::5", "10.1.0.5"}
	for _, test := range []struct {
		name, bound string
		local       []string
		want        string
	}{
		{"those that others reach", "10.0.0.5", all, `["10.0.0.5","10.1.0.5","fd00::5"]`},
		{"loopback, if the endpoint is bound to it", "127.0.0.1", all, `["10.0.0.5","10.1.0.5","127.0.0.1","fd00::5"]`},
		{"those of the binding", "10.0.0.7", nil, `["10.0.0.7"]`},
		{"none", "magpie-0.local", []string{"127.0.0.1"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNest(t, nil)
			peers := n.Peers("magpie")
			n.SetNetwork("magpie", charmtest.Network{
				Interfaces: []charmtest.Interface{{Name: "eth0", Addresses: []charmtest.InterfaceAddress{{Value: test.bound}}}},
			})
			var local []netip.Addr
			for _, text := range test.local {
				local = append(local, netip.MustParseAddr(text))
			}
			advertise := func(ctx context.Context, p *magpie.Peers) error { return p.AdvertiseAddresses(ctx, local) }
			n.do(advertise)
			assert.Equal(t, test.want, peers.Local()["iperf_addresses"])
			n.ResetCalls()
			n.do(advertise)
			assert.Equal(t, []string{"relation-ids", "network-get", "relation-get"}, commands(n), "the same again")
		})
	}
}

// The states of one instance are not those of another, and an endpoint has one only.
func TestTwoEndpoints(t *testing.T) {
	t.Parallel()
	joined := make(map[string][]string)
	register := func(endpoints ...string) func(*charm.Charm) {
		return func(c *charm.Charm) {
			for _, endpoint := range endpoints {
				magpie.New(c, endpoint).OnJoined(func(_ context.Context, units []string) error { joined[endpoint] = units; return nil })
			}
		}
	}
	opts := &charmtest.Options{Metadata: strings.Replace(metadata, "peers:", "peers:\n  raven: {interface: magpie}", 1)}
	h := charmtest.New(t, register("magpie", "raven"), opts)
	h.Peers("magpie").Join("magpie/1", nil)
	assert.Equal(t, map[string][]string{"magpie": {"magpie/1"}}, joined)

	twice := charmtest.New(t, register("magpie", "magpie"), opts)
	err := twice.Try(func() { twice.Emit(events.Start{}) })
	assert.ErrorContains(t, err, `the key "magpie/magpie/peers" is used twice`)
}
