// SPDX-License-Identifier: Apache-2.0

// Package network has the addresses of a charm's unit as those of net/netip.
//
//	func (p *server) configure(ctx context.Context, _ events.ConfigChanged) error {
//		n, err := network.Of(ctx, p.Charm, "website")
//		if err != nil {
//			return err
//		}
//		listen, err := n.BindAddress()
//		…
//	}
//
// It is a package of its own because net/netip makes each program that links it
// 64 kB larger. [charm.Charm.Network] has the same as texts.
package network
