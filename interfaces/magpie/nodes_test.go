// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/network"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func ip(text string) network.Address { return network.Address{IP: netip.MustParseAddr(text)} }

func TestNodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		data map[string]string
		want magpie.Node
	}{
		{"IPv4", at("10.0.0.1"), magpie.Node{Address: ip("10.0.0.1")}},
		{"IPv6", at("fd00::1"), magpie.Node{Address: ip("fd00::1")}},
		{"IPv4 as IPv6", at("::ffff:10.0.0.1"), magpie.Node{Address: ip("10.0.0.1")}},
		{"host name", at("magpie-1.magpie-endpoints.model.svc.cluster.local."), magpie.Node{Address: network.Address{Host: "magpie-1.magpie-endpoints.model.svc.cluster.local."}}},
		{"both of Juju 3.6", map[string]string{"ingress-address": "10.0.0.1", "private-address": "10.9.0.1"}, magpie.Node{Address: ip("10.0.0.1")}},
		{"private-address only", map[string]string{"ingress-address": "", "private-address": "10.9.0.1"}, magpie.Node{Address: ip("10.9.0.1")}},
		{"none", at(""), magpie.Node{Err: magpie.ErrNoAddress}},
		{"an address that is none", at("10.0.0.300"), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"10.0.0.300" is neither an IP address nor a host name`}}},
		{"a zone, which another machine has not", at("fe80::1%eth0"), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"fe80::1%eth0" is neither an IP address nor a host name`}}},
		{"20 KB of a zone", at("fe80::1%" + strings.Repeat("\x01", 20<<10)), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"fe80::1%` + strings.Repeat(`\x01`, 56) + `"... is neither an IP address nor a host name`}}},
		{"a host name with an empty label", at("a..b"), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"a..b" is neither an IP address nor a host name`}}},
		{"a label that begins with a hyphen", at("-a.b"), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"-a.b" is neither an IP address nor a host name`}}},
		{"a label of 64 letters", at(strings.Repeat("a", 64)), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"` + strings.Repeat("a", 64) + `" is neither an IP address nor a host name`}}},
		{"control characters", at("a\x1b[2J\u202eb"), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"a\x1b[2J\u202eb" is neither an IP address nor a host name`}}},
		{"10 MB", at(strings.Repeat("é", 5<<20)), magpie.Node{Err: &magpie.MalformedError{Key: "ingress-address", Reason: `"` + strings.Repeat(`\u00e9`, 32) + `"... is neither an IP address nor a host name`}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNest(t, nil)
			peers := n.Peers("magpie")
			peers.Join("magpie/10", at("10.0.0.10"))
			peers.Join("magpie/9", test.data)
			test.want.Unit = "magpie/9"
			want := []magpie.Node{test.want, {Unit: "magpie/10", Address: ip("10.0.0.10")}}
			assert.Equal(t, want, ask(n, (*magpie.Peers).Nodes), "all, by number")
			assert.Equal(t, want, ask(n, (*magpie.Peers).JoinedNodes))
			peers.Depart("magpie/9")
			assert.Equal(t, want[1:], ask(n, (*magpie.Peers).Nodes))
			if test.want.Address == (network.Address{}) {
				want[0].Err = magpie.ErrNoAddress
			}
			assert.Equal(t, want[:1], ask(n, (*magpie.Peers).DepartedNodes))
		})
	}
}

// Of a peer that Juju has not told of the last address is known, without its databag.
func TestDepartedNodesOfASyntheticDeparture(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	peers.Join("magpie/1", at("10.0.0.1"))
	peers.Update("magpie/1", at("10.0.0.2"))
	n.also = func(c *charm.Charm, _ *magpie.Peers) { charm.WatchPeers(c, "magpie") }
	n.Emit(events.UpdateStatus{})
	peers.Vanish("magpie/1")
	n.Intercept(unreadable("magpie/1"))
	n.ResetCalls()
	n.Emit(events.UpdateStatus{})
	assert.Empty(t, n.Calls("relation-get"))
	assert.Equal(t, []magpie.Node{{Unit: "magpie/1", Address: ip("10.0.0.2")}}, ask(n, (*magpie.Peers).DepartedNodes))
	assert.Empty(t, ask(n, (*magpie.Peers).Nodes))
}

// A peer whose databag Juju does not let be read is told as such, and the others work.
func TestUnreadablePeer(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.1", "iperf.server": "True", "iperf.checked": `["magpie/0"]`})
	peers.Join("magpie/2", at("10.0.0.2"))
	remove := n.Intercept(unreadable("magpie/2"))
	for name, read := range map[string]func(*magpie.Peers, context.Context) ([]magpie.Node, error){"Nodes": (*magpie.Peers).Nodes, "JoinedNodes": (*magpie.Peers).JoinedNodes} {
		nodes := ask(n, read)
		assert.Len(t, nodes, 2, name)
		assert.Equal(t, magpie.Node{Unit: "magpie/1", Address: ip("10.0.0.1")}, nodes[0], name)
		assert.ErrorIs(t, nodes[1].Err, hookcmd.ErrUnitNotFound, name)
	}
	assert.Equal(t, []string{"magpie/1"}, units(ask(n, (*magpie.Peers).ReadyIperfServers)))
	assert.Equal(t, []string{"magpie/0"}, ask(n, (*magpie.Peers).IperfChecked))
	n.do(func(ctx context.Context, p *magpie.Peers) error {
		nodes, missing, err := p.NodesIn(ctx, netip.MustParsePrefix("10.0.0.0/24"))
		assert.Equal(t, []string{"magpie/1"}, units(nodes))
		assert.Equal(t, []string{"magpie/2"}, units(missing))
		return err
	})
	peers.Update("magpie/2", map[string]string{"x": "y"}) // its own hook
	remove()
	assert.Equal(t, []string{"magpie/1", "magpie/2"}, units(ask(n, (*magpie.Peers).Nodes)))
}

// Before Juju has created the relation there are no peers, and nobody to tell.
func TestBeforeTheRelation(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.Intercept(noRelation)
	n.do(func(ctx context.Context, p *magpie.Peers) error {
		nodes, err := p.Nodes(ctx)
		assert.NoError(t, err)
		assert.Empty(t, nodes)
		assert.NoError(t, p.SetIperfServerReady(ctx))
		assert.NoError(t, p.SetIperfChecked(ctx, []string{"magpie/1"}))
		return p.AdvertiseAddresses(ctx, []netip.Addr{netip.MustParseAddr("10.0.0.1")})
	})
	assert.Empty(t, n.Calls("relation-set"))
}

func TestNodesIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		data   map[string]string
		prefix string
		want   string // the address
		err    error
	}{
		{"advertised", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `["10.0.0.1", "10.1.0.1", "10.1.0.2"]`}, "10.1.0.0/16", "10.1.0.1", nil},
		{"IPv6", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `["10.0.0.1", "fd00:1::1"]`}, "fd00:1::/64", "fd00:1::1", nil},
		{"the ingress address first", map[string]string{"ingress-address": "10.1.0.9", "iperf_addresses": `["10.1.0.1"]`}, "10.1.0.0/16", "10.1.0.9", nil},
		{"nothing advertised", at("10.0.0.1"), "10.0.0.0/8", "10.0.0.1", nil},
		{"of another network, which the reactive charm falls back to", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `["10.0.0.1"]`}, "10.1.0.0/16", "", magpie.ErrNotInside},
		{"nothing written", at(""), "10.1.0.0/16", "", magpie.ErrNoAddress},
		{"advertised only", map[string]string{"ingress-address": "", "iperf_addresses": `["10.1.0.1"]`}, "10.1.0.0/16", "10.1.0.1", nil},
		{"advertised only, of another network", map[string]string{"ingress-address": "", "iperf_addresses": `["10.0.0.1"]`}, "10.1.0.0/16", "", magpie.ErrNotInside},
		{"not JSON", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `10.1.0.1`}, "10.1.0.0/16", "",
			&magpie.MalformedError{Key: "iperf_addresses", Reason: `"10.1.0.1" is no JSON list of texts`}},
		{"another type", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `[1, 2]`}, "10.1.0.0/16", "",
			&magpie.MalformedError{Key: "iperf_addresses", Reason: `"[1, 2]" is no JSON list of texts`}},
		{"one of them malformed", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `["\u0007", "10.1.0.1"]`}, "10.1.0.0/16", "10.1.0.1", nil},
		{"only a malformed one", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": `["\u0007"]`}, "10.1.0.0/16", "",
			&magpie.MalformedError{Key: "iperf_addresses", Reason: `"\a" is neither an IP address nor a host name`}},
		{"10 MB", map[string]string{"ingress-address": "10.0.0.1", "iperf_addresses": strings.Repeat("[", 10<<20)}, "10.1.0.0/16", "",
			&magpie.MalformedError{Key: "iperf_addresses", Reason: `it has 10485760 bytes, of at most 65536`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNest(t, nil)
			peers := n.Peers("magpie")
			peers.Join("magpie/1", test.data)
			peers.Join("magpie/2", at(netip.MustParsePrefix(test.prefix).Addr().Next().String()))
			n.do(func(ctx context.Context, p *magpie.Peers) error {
				nodes, missing, err := p.NodesIn(ctx, netip.MustParsePrefix(test.prefix))
				all := append(nodes, missing...)
				assert.Len(t, all, 2, "the others work")
				if test.err != nil {
					assert.Equal(t, []magpie.Node{{Unit: "magpie/1", Err: test.err}}, missing)
				} else {
					assert.Empty(t, missing)
					assert.Equal(t, magpie.Node{Unit: "magpie/1", Address: ip(test.want)}, nodes[0])
				}
				return err
			})
		})
	}
	n := newNest(t, nil)
	n.todo = func(ctx context.Context, p *magpie.Peers) error {
		_, _, err := p.NodesIn(ctx, netip.Prefix{})
		return err
	}
	assert.Equal(t, "cannot find peers inside a network: the network is not valid", n.RunAction("do", nil).Message)
}

// Juju can have several peer relations on one endpoint after a failed upgrade
// (juju/juju #19631): peers are of all of them, and each unit once.
func TestSeveralRelations(t *testing.T) {
	t.Parallel()
	n := newNest(t, &charmtest.Options{TextOnly: true})
	n.Peers("magpie").Join("magpie/1", at("10.0.0.1"))
	n.Intercept(secondRelation)
	n.do(func(ctx context.Context, p *magpie.Peers) error {
		nodes, err := p.Nodes(ctx)
		assert.Equal(t, []magpie.Node{{Unit: "magpie/1", Address: ip("10.7.0.1")}, {Unit: "magpie/2", Address: ip("10.7.0.2")}}, nodes)
		return err
	})
	n.ResetCalls()
	n.do(func(ctx context.Context, p *magpie.Peers) error { return p.SetIperfServerReady(ctx) })
	assert.Len(t, n.Calls("relation-set"), 2, "both databags are written")

	n.SetState(map[string]string{"magpie/magpie/peers": `{"charmsmith-version":1,"data":{"relations":{
		"0":{"joined":[1],"departed":{"3":"10.0.0.3"}},
		"5":{"joined":[9],"departed":{"4":"10.5.0.4"},"addresses":{"8":"10.5.0.8"}},
		"6":{"joined":[9],"addresses":{"8":"10.6.0.8"}},
		"7":{"joined":[1,2],"departed":{"1":"10.7.0.1","3":"10.7.0.3"}}}}}`})
	assert.Equal(t, []string{"magpie/1", "magpie/2"}, units(ask(n, (*magpie.Peers).JoinedNodes)), "of all relations that are there")
	assert.Equal(t, []magpie.Node{{Unit: "magpie/3", Address: ip("10.7.0.3")}, {Unit: "magpie/4", Address: ip("10.5.0.4")}},
		ask(n, (*magpie.Peers).DepartedNodes), "a unit that is in one relation has not departed; addresses are of the newest")
	n.Peers("magpie").Update("magpie/1", map[string]string{"x": "y"})
	assert.NotContains(t, n.State()["magpie/magpie/peers"], "10.5.0.8", "what is known of relations that are gone is dropped")
	assert.NotContains(t, n.State()["magpie/magpie/peers"], `"6"`)
	assert.Contains(t, n.State()["magpie/magpie/peers"], "10.5.0.4", "but who has departed")
	assert.Equal(t, []string{"magpie/1", "magpie/2"}, ask(n, dismissJoined))
	assert.Equal(t, []string{"magpie/3", "magpie/4"}, ask(n, dismissDeparted))
	assert.False(t, ask(n, (*magpie.Peers).Joined))
	assert.False(t, ask(n, (*magpie.Peers).Departed))
}

// Reading costs what it has to: nothing without handlers, and no databag of a peer that
// nobody asks for.
func TestHookCommands(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	for _, unit := range []string{"magpie/1", "magpie/2", "magpie/3"} {
		peers.Join(unit, at("10.0.0.1"))
	}
	n.ResetCalls()
	n.Emit(events.UpdateStatus{})
	assert.Empty(t, n.Calls(), "without handlers")
	n.listen()
	n.ResetCalls()
	n.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"state-get", "relation-ids", "relation-list"}, commands(n), "while the state joined stands")
	ask(n, dismissJoined)
	n.ResetCalls()
	n.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"state-get"}, commands(n), "while none stands")
	n.onJoined = func(ctx context.Context, p *magpie.Peers, _ []string) error { _, err := p.JoinedNodes(ctx); return err }
	n.ResetCalls()
	peers.Join("magpie/4", at("10.0.0.4"))
	assert.Equal(t, []string{"relation-get", "state-get", "relation-ids", "relation-list", "state-set", // joined
		"relation-get", "state-get", "relation-ids", "relation-list"}, commands(n), "JoinedNodes reads the new peer only, once")
}

// commands returns which hook commands were run, without those of the action do.
func commands(n *nest) []string {
	var commands []string
	for _, call := range n.Calls() {
		if call.Command != "action-get" {
			commands = append(commands, call.Command)
		}
	}
	return commands
}
