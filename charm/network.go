// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// Network returns the network of a binding, which is the name of an endpoint or
// of an extra binding in charmcraft.yaml, as texts; package network has it as
// addresses. In a relation event of that endpoint it is that of the relation.
// [hookcmd.ErrNoAddress] if the unit has no network there (yet), or the charm no
// such binding.
//
// Juju is asked once in a dispatch. What is returned is the caller's.
func (c *Charm) Network(ctx context.Context, binding string) (hookcmd.NetworkInfo, error) {
	d := c.model()
	if binding == "" {
		return hookcmd.NetworkInfo{}, errors.New("cannot get network: the name of the binding is empty")
	}
	return d.network(ctx, binding, nil)
}

// RelationNetwork is [Charm.Network] for one relation of an endpoint: in relations
// with other models the addresses can be others.
func (c *Charm) RelationNetwork(ctx context.Context, rel *relation.Relation) (hookcmd.NetworkInfo, error) {
	d := c.model()
	if rel == nil {
		return hookcmd.NetworkInfo{}, errors.New("cannot get network: the relation is nil")
	}
	return d.network(ctx, rel.Endpoint(), &hookcmd.RelationID{Endpoint: rel.Endpoint(), ID: rel.ID()})
}

func (d *dispatch) network(ctx context.Context, binding string, rel *hookcmd.RelationID) (hookcmd.NetworkInfo, error) {
	command := "network-get " + binding
	if rel != nil {
		command = "network-get -r " + rel.String()
	}
	shared, err := once(ctx, &d.facts, command, func() (hookcmd.NetworkInfo, error) {
		return d.client.NetworkGet(ctx, binding, rel)
	})
	info := hookcmd.NetworkInfo{
		BindAddresses:    slices.Clone(shared.BindAddresses),
		IngressAddresses: slices.Clone(shared.IngressAddresses),
		EgressSubnets:    slices.Clone(shared.EgressSubnets),
	}
	for i := range info.BindAddresses {
		info.BindAddresses[i].Addresses = slices.Clone(info.BindAddresses[i].Addresses)
	}
	return info, err
}
