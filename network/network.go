// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// Network is what Juju knows of the network of a binding. Each list can be empty.
type Network struct {
	Binding    string      // "db"; of a relation, "db:3"
	Interfaces []Interface // that the workload is to listen at
	// Ingress are the addresses by which others reach this unit, the one that
	// Juju writes to databags first.
	Ingress []Address
	// EgressSubnets are those that this unit's traffic to others comes from.
	// What Juju says here that is neither a subnet nor an address is left out.
	EgressSubnets []netip.Prefix
}

// Interface is a network interface.
type Interface struct {
	Name      string // "eth0"; empty on Kubernetes
	MAC       string // "00:16:3e:00:00:04"; can be empty
	Addresses []Address
}

// Address is an address, a host name, or both.
type Address struct {
	IP     netip.Addr   // not valid if Juju knows a host name only, as it can be on Kubernetes
	Host   string       // the host name, or the name that IP was looked up from; can be empty
	Subnet netip.Prefix // of an interface's IP; not valid if Juju does not tell
}

// String returns the IP address or, if there is none, the host name.
func (a Address) String() string {
	if a.IP.IsValid() {
		return a.IP.String()
	}
	return a.Host
}

// Of returns the network of a binding, as [charm.Charm.Network] does.
func Of(ctx context.Context, c *charm.Charm, binding string) (Network, error) {
	info, err := c.Network(ctx, binding)
	if err != nil {
		return Network{}, err
	}
	return Parse(binding, info), nil
}

// OfRelation returns the network of one relation, as [charm.Charm.RelationNetwork]
// does.
func OfRelation(ctx context.Context, c *charm.Charm, rel *relation.Relation) (Network, error) {
	info, err := c.RelationNetwork(ctx, rel)
	if err != nil {
		return Network{}, err
	}
	return Parse(rel.String(), info), nil
}

// BindAddress returns the first address of the first interface that has one, for
// the workload to listen at. [hookcmd.ErrNoAddress] if there is none.
func (n Network) BindAddress() (Address, error) {
	for _, i := range n.Interfaces {
		if len(i.Addresses) > 0 {
			return i.Addresses[0], nil
		}
	}
	return Address{}, fmt.Errorf("cannot get bind address of binding %q: %w", n.Binding, hookcmd.ErrNoAddress)
}

// IngressAddress returns the first address by which others reach this unit.
// [hookcmd.ErrNoAddress] if there is none.
func (n Network) IngressAddress() (Address, error) {
	if len(n.Ingress) > 0 {
		return n.Ingress[0], nil
	}
	return Address{}, fmt.Errorf("cannot get ingress address of binding %q: %w", n.Binding, hookcmd.ErrNoAddress)
}

// Parse returns the network of a binding that Juju described in texts.
func Parse(binding string, info hookcmd.NetworkInfo) Network {
	n := Network{Binding: binding}
	for _, from := range info.BindAddresses {
		i := Interface{Name: from.InterfaceName, MAC: from.MACAddress}
		for _, a := range from.Addresses {
			address := addressOf(a.Value)
			if address.IP.IsValid() {
				address.Host = a.Hostname
				address.Subnet, _ = netip.ParsePrefix(a.CIDR)
			}
			i.Addresses = append(i.Addresses, address)
		}
		n.Interfaces = append(n.Interfaces, i)
	}
	for _, text := range info.IngressAddresses {
		n.Ingress = append(n.Ingress, addressOf(text))
	}
	for _, text := range info.EgressSubnets {
		subnet, err := netip.ParsePrefix(text)
		if err != nil {
			ip, _ := netip.ParseAddr(text)
			subnet, err = ip.Prefix(ip.BitLen())
		}
		if err == nil && subnet.IsValid() {
			n.EgressSubnets = append(n.EgressSubnets, subnet)
		}
	}
	return n
}

// addressOf reads an address; what is none is a host name.
func addressOf(text string) Address {
	if ip, err := netip.ParseAddr(text); err == nil {
		return Address{IP: ip}
	}
	return Address{Host: text}
}
