// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"context"
	"net/netip"
	"slices"

	"github.com/charmsmith/charmsmith/network"
	"github.com/charmsmith/charmsmith/relation"
)

// AdvertiseAddresses tells the peers all addresses of this unit, for their
// [Peers.NodesIn]. local are those of its network interfaces, of IPv4 and IPv6;
// without any they are those that Juju knows for the endpoint. Addresses that others
// cannot reach are left out: those of the loopback interface, unless Juju says that the
// endpoint is bound to them, link-local and multicast ones. It asks network-get, and
// writes if something has changed; addresses change, so it is for every hook, or at
// least for Start and ConfigChanged. It does nothing before Juju has created the
// relation.
func (p *Peers) AdvertiseAddresses(ctx context.Context, local []netip.Addr) error {
	relations, err := p.charm.PeerRelations(ctx, p.endpoint)
	if err != nil || len(relations) == 0 {
		return err
	}
	bound, err := p.bound(ctx)
	if err != nil {
		return err
	}
	if len(local) == 0 {
		local = bound
	}
	addresses := make([]string, 0, len(local))
	for _, ip := range local {
		ip = ip.Unmap().WithZone("")
		unreachable := ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || !ip.IsValid()
		if !unreachable || ip.IsValid() && slices.Contains(bound, ip) {
			addresses = append(addresses, ip.String())
		}
	}
	slices.Sort(addresses)
	return p.publish(ctx, relations, func(data *unitData) { data.Addresses = slices.Compact(addresses) })
}

// bound returns the addresses that the endpoint is bound to, by Juju.
func (p *Peers) bound(ctx context.Context) ([]netip.Addr, error) {
	net, err := network.Of(ctx, p.charm, p.endpoint)
	if err != nil {
		return nil, err
	}
	var bound []netip.Addr
	add := func(addresses []network.Address) {
		for _, a := range addresses {
			if a.IP.IsValid() {
				bound = append(bound, a.IP.Unmap().WithZone(""))
			}
		}
	}
	for _, i := range net.Interfaces {
		add(i.Addresses)
	}
	add(net.Ingress)
	return bound, nil
}

// publish writes what change makes of this unit's data to its databags, if that is
// something else.
func (p *Peers) publish(ctx context.Context, relations []*relation.Relation, change func(*unitData)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rel := range relations {
		own, err := rel.Local().All(ctx)
		if err != nil {
			return err
		}
		data := ownData(own)
		change(&data)
		if err := relation.Save(ctx, rel.Local(), data); err != nil {
			return err
		}
	}
	return nil
}

// ownData returns what is in our databag. What cannot be read there, as an older
// version can have written it, is written anew.
func ownData(own map[string]string) unitData {
	data := unitData{Ingress: own[ingressKey], Private: own[privateKey]}
	data.Addresses, _ = parseList(addressesKey, own[addressesKey])
	data.Server = own[serverKey]
	data.Checked, _ = parseChecked(own[checkedKey])
	return data
}
