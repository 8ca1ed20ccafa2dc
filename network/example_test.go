// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/network"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func Example() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			n, err := network.Of(ctx, c, "db")
			if err != nil {
				return err
			}
			bind, err := n.BindAddress()
			if err != nil {
				return err
			}
			fmt.Println("listening at", bind, "in", bind.Subnet)
			for _, subnet := range n.EgressSubnets {
				fmt.Println("private:", subnet.Addr().IsPrivate())
			}
			return nil
		})
	}
	if _, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: metadata}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// listening at 10.1.0.4 in 10.1.0.0/16
	// private: true
}
