// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/network"
)

// Node is a peer unit and where it is.
type Node struct {
	Unit string // "magpie/1"
	// Address is an IP address or a host name; neither if Err is not nil.
	Address network.Address
	// Err is why the peer has no address: [ErrNoAddress], [ErrNotInside], a
	// *[MalformedError] or, if Juju does not let its databag be read,
	// [hookcmd.ErrUnitNotFound] or [hookcmd.ErrPermission].
	Err error
}

// ErrNoAddress is the error of a peer that has written no address.
var ErrNoAddress = errors.New("the peer has no address yet")

// ErrNotInside is the error of a peer none of whose addresses is inside a network.
var ErrNotInside = errors.New("no address of the peer is inside the network")

// MalformedError tells that what a peer has written cannot be read.
type MalformedError struct {
	Key    string // of the databag
	Reason string // with what was written, if at all, quoted and shortened
}

// Error names the key and the reason.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("cannot read %q of the peer's databag: %s", e.Key, e.Reason)
}

// Nodes returns all peers that are there, this unit not among them, by number. Their
// addresses are those by which Juju has peers reach them: "ingress-address" or, if a
// unit of an older Juju has none, "private-address". A peer without one is there too,
// with an Err. None before Juju has created the relation.
func (p *Peers) Nodes(ctx context.Context) ([]Node, error) {
	bags, err := p.bags(ctx, nil)
	return nodesOf(bags), err
}

// JoinedNodes returns those peers that have joined and were not dismissed, as
// [Peers.Nodes] does. It reads their databags only.
func (p *Peers) JoinedNodes(ctx context.Context) ([]Node, error) {
	joined, err := p.joinedUnits(ctx)
	if err != nil || len(joined) == 0 {
		return nil, err
	}
	bags, err := p.bags(ctx, joined)
	return nodesOf(bags), err
}

// DepartedNodes returns those peers that have departed and were not dismissed, by
// number, with the address that they had last. It reads no databag: those may be gone.
func (p *Peers) DepartedNodes(ctx context.Context) ([]Node, error) {
	departed, err := p.departedUnits(ctx)
	if err != nil {
		return nil, err
	}
	now, err := p.stored.Get(ctx)
	if err != nil {
		return nil, err
	}
	nodes := make([]Node, len(departed))
	for i, unit := range departed {
		number, err := unitNumber(unit)
		if err != nil {
			return nil, err
		}
		address := ""
		for _, id := range slices.Sorted(maps.Keys(now.Relations)) { // the newest counts
			address = cmp.Or(now.Relations[id].Departed[number], address)
		}
		nodes[i] = Node{Unit: unit, Err: ErrNoAddress}
		if address != "" {
			nodes[i].Address, nodes[i].Err = parseAddress("ingress-address", address)
		}
	}
	return nodes, nil
}

// NodesIn returns all peers that are there with their address inside a network: the
// one of [Peers.Nodes] if it is, or else the first of those that the peer advertises
// (see [Peers.AdvertiseAddresses]). Peers without one are missing, each with the Err
// that says why. IPv4 addresses that are written as IPv6 are IPv4 addresses.
func (p *Peers) NodesIn(ctx context.Context, prefix netip.Prefix) (nodes, missing []Node, err error) {
	if !prefix.IsValid() {
		return nil, nil, errors.New("cannot find peers inside a network: the network is not valid")
	}
	bags, err := p.bags(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, bag := range bags {
		address, err := network.Address{}, bag.err
		if err == nil {
			address, err = addressInside(bag.values, prefix)
		}
		if node := (Node{bag.unit, address, err}); err == nil {
			nodes = append(nodes, node)
		} else {
			missing = append(missing, node)
		}
	}
	return nodes, missing, nil
}

func nodesOf(bags []bag) []Node {
	var nodes []Node
	for _, b := range bags {
		address, err := network.Address{}, b.err
		if err == nil {
			address, err = addressIn(b.values)
		}
		nodes = append(nodes, Node{b.unit, address, err})
	}
	return nodes
}

// bag is a peer's databag.
type bag struct {
	unit   string
	values map[string]string
	err    error // why it cannot be read
}

// isUnreadable reports whether an error is of one databag, and not of them all: Juju
// lists a unit and does not know it.
func isUnreadable(err error) bool {
	return errors.Is(err, hookcmd.ErrUnitNotFound) || errors.Is(err, hookcmd.ErrPermission)
}

// bags returns the databags of these peers, or of all, of all relations: each peer once,
// by number. Of a peer that is in several relations it is that of the newest.
func (p *Peers) bags(ctx context.Context, only []string) ([]bag, error) {
	relations, err := p.charm.PeerRelations(ctx, p.endpoint)
	if err != nil {
		return nil, err
	}
	var bags []bag
	known := make(map[string]bool)
	for _, rel := range slices.Backward(relations) {
		units, err := rel.Units(ctx)
		if err != nil {
			return nil, err
		}
		units = slices.DeleteFunc(units, func(unit string) bool {
			return known[unit] || only != nil && !slices.Contains(only, unit)
		})
		if _, err := rel.RemoteOf(ctx, units); err != nil && !isUnreadable(err) {
			return nil, err
		}
		for _, unit := range units { // in one round or, if one of them cannot be read, each for itself
			values, err := rel.Remote(unit).All(ctx)
			if err != nil && !isUnreadable(err) {
				return nil, err
			}
			known[unit] = true
			bags = append(bags, bag{unit, values, err})
		}
	}
	slices.SortFunc(bags, func(a, b bag) int { return compareUnits(a.unit, b.unit) })
	return bags, nil
}

// compareUnits sorts magpie/2 before magpie/10, for units of one application.
func compareUnits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
