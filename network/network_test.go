// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/network"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// parse reads what network-get prints.
func parse(t *testing.T, text string) network.Network {
	t.Helper()
	var info hookcmd.NetworkInfo
	require.NoError(t, json.Unmarshal([]byte(text), &info))
	return network.Parse("db", info)
}

// recorded reads what network-get was recorded to print.
func recorded(t *testing.T, version, name string, argv ...string) network.Network {
	t.Helper()
	for _, c := range golden.Cases() {
		for _, call := range c.Calls {
			if c.Version == version && c.Name == name && slices.Equal(call.Argv, argv) {
				return parse(t, call.Stdout)
			}
		}
	}
	t.Fatalf("there is no recording %s of Juju %s", name, version)
	return network.Network{}
}

func at(ip, subnet string) network.Address {
	a := network.Address{IP: netip.MustParseAddr(ip)}
	if subnet != "" {
		a.Subnet = netip.MustParsePrefix(subnet)
	}
	return a
}

func TestAsRecorded(t *testing.T) {
	t.Parallel()
	assert.Equal(t, network.Network{
		Binding: "db",
		Interfaces: []network.Interface{
			{Name: "eth0", MAC: "00:16:3e:00:00:04", Addresses: []network.Address{at("10.1.0.4", "10.1.0.0/24"), at("fd00::4", "fd00::/64")}},
			{Name: "eth1", MAC: "00:16:3e:00:00:05", Addresses: []network.Address{at("192.168.7.4", "192.168.7.0/24")}},
		},
		Ingress:       []network.Address{at("10.1.0.4", ""), at("203.0.113.4", "")},
		EgressSubnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.4/32"), netip.MustParsePrefix("192.168.7.0/24")},
	}, recorded(t, "4", "network-get/full-json", "network-get", "--format=json", "db"))

	named := at("10.1.0.4", "10.1.0.0/24")
	named.Host = "magpie-0.example.com"
	assert.Equal(t, network.Network{
		Binding:    "db",
		Interfaces: []network.Interface{{Name: "eth0", MAC: "00:16:3e:00:00:04", Addresses: []network.Address{named}}},
	}, recorded(t, "4", "network-get/hostname-json", "network-get", "--format=json", "website"))
	assert.Equal(t, "10.1.0.4", named.String())

	assert.Equal(t, network.Network{
		Binding:       "db",
		Interfaces:    []network.Interface{{Addresses: []network.Address{at("10.1.33.7", "")}}},
		Ingress:       []network.Address{at("10.152.183.9", "")},
		EgressSubnets: []netip.Prefix{netip.MustParsePrefix("10.152.183.9/32")},
	}, recorded(t, "3.6", "only36/network-get-k8s", "network-get", "--format=json", "db"))
}

func TestNoAddress(t *testing.T) {
	t.Parallel()
	n := recorded(t, "4", "network-get/noaddr", "network-get", "--format=json", "noaddr")
	assert.Equal(t, "eth9", n.Interfaces[0].Name)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, n.EgressSubnets)
	for _, n := range []network.Network{n, {Binding: "db"}} {
		_, err := n.BindAddress()
		require.ErrorIs(t, err, hookcmd.ErrNoAddress)
		require.EqualError(t, err, `cannot get bind address of binding "db": no address found`)
		_, err = n.IngressAddress()
		require.ErrorIs(t, err, hookcmd.ErrNoAddress)
		require.EqualError(t, err, `cannot get ingress address of binding "db": no address found`)
	}
}

// Interfaces without addresses are passed over.
func TestFirstAddresses(t *testing.T) {
	t.Parallel()
	n := parse(t, `{"bind-addresses":[{"interface-name":"a","addresses":[]},{"interface-name":"b","addresses":[{"value":"fe80::1%eth0","cidr":"fe80::/10"},{"value":"10.0.0.1"}]}],
		"ingress-addresses":["web.example.com","10.0.0.9"]}`)
	bind, err := n.BindAddress()
	require.NoError(t, err)
	assert.Equal(t, "fe80::1%eth0", bind.String())
	assert.Equal(t, "fe80::/10", bind.Subnet.String())
	ingress, err := n.IngressAddress()
	require.NoError(t, err)
	assert.Equal(t, network.Address{Host: "web.example.com"}, ingress)
	assert.Equal(t, "web.example.com", ingress.String())
	assert.Empty(t, network.Address{}.String())
}

// On Kubernetes Juju 4 can have host names where addresses are.
func TestHostNames(t *testing.T) {
	t.Parallel()
	n := parse(t, `{"bind-addresses":[{"addresses":[{"hostname":"app-0.ep.ns.svc","value":"app-0.ep.ns.svc","cidr":""},{"value":"10.0.0.256","cidr":"10.0.0.0/24"}]}],
		"ingress-addresses":["app.ns.svc",""],"egress-subnets":["app.ns.svc","app.ns.svc/32","","10.0.0.1","fd00::1","10.0.0.0/33","10.0.0.7/8"]}`)
	assert.Equal(t, []network.Address{{Host: "app-0.ep.ns.svc"}, {Host: "10.0.0.256"}}, n.Interfaces[0].Addresses)
	assert.Equal(t, []network.Address{{Host: "app.ns.svc"}, {}}, n.Ingress)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("fd00::1/128"), netip.MustParsePrefix("10.0.0.7/8")}, n.EgressSubnets)
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"10.0.0.1", "fd00::1", "fe80::1%eth0", "::ffff:1.2.3.4", "10.0.0.0/8", "web.example.com", "", "%", "1.2.3", "01.2.3.4"} {
		f.Add(text, "10.0.0.0/8", "host")
	}
	f.Fuzz(func(t *testing.T, value, cidr, host string) {
		t.Parallel()
		n := network.Parse("db", hookcmd.NetworkInfo{
			BindAddresses:    []hookcmd.BindAddress{{Addresses: []hookcmd.InterfaceAddress{{Value: value, CIDR: cidr, Hostname: host}}}},
			IngressAddresses: []string{value, cidr}, EgressSubnets: []string{cidr, value},
		})
		bind, err := n.BindAddress()
		require.NoError(t, err)
		if !bind.IP.IsValid() {
			assert.Equal(t, network.Address{Host: value}, bind)
		} else {
			assert.Equal(t, netip.MustParseAddr(value), bind.IP)
			assert.Equal(t, host, bind.Host)
		}
		require.Len(t, n.Ingress, 2)
		for _, subnet := range n.EgressSubnets {
			assert.True(t, subnet.IsValid())
		}
	})
}

const metadata = `
type: charm
name: app
summary: A charm for tests.
description: It has an endpoint.
requires: {db: {interface: sql}}
`

// The network is that of package charm, which keeps what Juju says.
func TestOf(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.1.0", "3.6.26"} {
		for _, textOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, text %v", version, textOnly), func(t *testing.T) {
				t.Parallel()
				var of, ofRelation network.Network
				h := charmtest.New(t, func(c *charm.Charm) {
					charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
						_, err := network.Of(ctx, c, "nosuch")
						require.ErrorIs(t, err, hookcmd.ErrNoAddress)
						relations, err := c.Relations(ctx, "db")
						require.NoError(t, err)
						for range 2 {
							of, err = network.Of(ctx, c, "db")
							require.NoError(t, err)
							ofRelation, err = network.OfRelation(ctx, c, relations[0])
							require.NoError(t, err)
						}
						return nil
					})
				}, &charmtest.Options{Metadata: metadata, JujuVersion: version, TextOnly: textOnly})
				db := h.Relate("db", "mysql")
				h.SetNetwork(db.String(), charmtest.Network{Interfaces: []charmtest.Interface{{Name: "eth7", MAC: "m", Addresses: []charmtest.InterfaceAddress{{Value: "fd00::7", CIDR: "fd00::/64"}}}}})
				h.ResetCalls()
				h.Emit(events.UpdateStatus{})
				assert.Equal(t, "db", of.Binding)
				assert.Equal(t, at("10.1.0.4", "10.1.0.0/16"), of.Interfaces[0].Addresses[0])
				assert.Equal(t, network.Network{
					Binding:       db.String(),
					Interfaces:    []network.Interface{{Name: "eth7", MAC: "m", Addresses: []network.Address{at("fd00::7", "fd00::/64")}}},
					Ingress:       []network.Address{at("fd00::7", "")},
					EgressSubnets: []netip.Prefix{netip.MustParsePrefix("fd00::7/128")},
				}, ofRelation)
				assert.Len(t, h.Calls("network-get"), 3)
			})
		}
	}
}

func TestOfRelationThatIsGone(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			rel := c.Relation(events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 99}})
			_, err := network.OfRelation(ctx, c, rel)
			require.ErrorIs(t, err, hookcmd.ErrRelationNotFound)
			return nil
		})
	}, &charmtest.Options{Metadata: metadata})
	h.Emit(events.UpdateStatus{})
	assert.Len(t, h.Calls("network-get"), 1)
}
