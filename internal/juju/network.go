// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Network is what network-get tells of a binding.
type Network struct {
	Interfaces       []Interface
	IngressAddresses []string
	EgressSubnets    []string
	Err              string // it cannot be told, and why
}

// Interface is a network interface.
type Interface struct {
	Name, MAC string
	Addresses []InterfaceAddress
}

// InterfaceAddress is an address of an interface.
type InterfaceAddress struct{ Value, CIDR, Hostname string }

// subnetOf returns the subnet of one address.
func subnetOf(address string) string {
	if strings.Contains(address, ":") {
		return address + "/128"
	}
	return address + "/32"
}

// hasBinding reports whether the application's charm has the binding: an
// endpoint, an extra binding, or the endpoint that every application has.
func (a *Application) hasBinding(binding string) bool {
	if _, ok := a.charm.Endpoints[binding]; ok {
		return true
	}
	return binding == "juju-info" || slices.Contains(a.charm.ExtraBindings, binding)
}

// network returns the unit's network of a binding, in a relation of the binding
// if rel is not negative; "" is the default binding. What was not said is as if
// there were one network.
func (u *Unit) network(binding string, rel int) Network {
	if u.networks == nil && u.app.networks == nil {
		return u.plannedNetwork()
	}
	keys := [3]string{binding, binding, ""}
	if rel >= 0 {
		keys[0] = binding + ":" + strconv.Itoa(rel)
	}
	for _, key := range keys {
		if n, ok := u.networks[key]; ok {
			return n
		}
		if n, ok := u.app.networks[key]; ok {
			return n
		}
	}
	return u.plannedNetwork()
}

// plannedNetwork is the network that all units of a model are in.
func (u *Unit) plannedNetwork() Network {
	if u.address == "" {
		return Network{}
	}
	n := Network{IngressAddresses: []string{u.address}, EgressSubnets: []string{subnetOf(u.address)}}
	address := InterfaceAddress{Value: u.address}
	if u.app.model.opts.CAAS { // of which the agent tells no more
		n.Interfaces = []Interface{{Addresses: []InterfaceAddress{address}}}
		return n
	}
	name, mac := "eth0", ""
	if ip, err := netip.ParseAddr(u.address); err == nil && ip.Is4() {
		b := ip.As4()
		mac = fmt.Sprintf("00:16:3e:%02x:%02x:%02x", b[1], b[2], b[3])
		address.CIDR = netip.PrefixFrom(ip, 16).Masked().String()
		if ip.IsLoopback() {
			name, mac, address.CIDR = "lo", "", "127.0.0.0/8"
		}
	}
	n.Interfaces = []Interface{{Name: name, MAC: mac, Addresses: []InterfaceAddress{address}}}
	return n
}

// privateAddress returns the first address of the default binding; "" if there
// is none. A name that the address came from is preferred.
func (u *Unit) privateAddress() string {
	if a, ok := u.network("", -1).firstAddress(); ok {
		return cmp.Or(a.Hostname, a.Value)
	}
	return u.address
}

// firstAddress returns the first address of the interfaces, if they have one.
func (n Network) firstAddress() (InterfaceAddress, bool) {
	for _, i := range n.Interfaces {
		if len(i.Addresses) > 0 {
			return i.Addresses[0], true
		}
	}
	return InterfaceAddress{}, false
}

// agentKeys returns what the agent writes to the unit's databag of a relation,
// which nobody changes.
func (u *Unit) agentKeys(e *End) map[string]string {
	if u.networks != nil || u.app.networks != nil {
		n := u.network(e.Endpoint.Name, e.rel.ID)
		return u.keysOf(n.IngressAddresses, n.EgressSubnets)
	}
	if u.address == "" {
		return nil
	}
	if u.planned["ingress-address"] != u.address {
		u.planned = u.keysOf([]string{u.address}, []string{subnetOf(u.address)})
	}
	return u.planned
}

func (u *Unit) keysOf(ingress, egress []string) map[string]string {
	keys := make(map[string]string, 3)
	if len(ingress) > 0 {
		keys["ingress-address"] = ingress[0]
		if u.app.model.is36 {
			keys["private-address"] = ingress[0]
		}
	}
	if len(egress) > 0 {
		keys["egress-subnets"] = strings.Join(egress, ",")
	}
	return keys
}
