// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// The first ingress address, as a text; package network has the whole as
// addresses and subnets.
func ExampleCharm_Network() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			n, err := c.Network(ctx, "db")
			if err != nil {
				return err
			}
			fmt.Println(n.IngressAddresses, n.EgressSubnets)
			return nil
		})
	}
	if _, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: siteMetadata}); err != nil {
		fmt.Println(err)
	}
	// Output: [10.1.0.4] [10.1.0.4/32]
}
