// SPDX-License-Identifier: Apache-2.0

// Command sdk is the charm that the benchmark is about. It reads the databags
// of all peers, and tells them and the operator how many have an address.
package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

func main() { charm.Main(register) }

func register(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
		peers, err := c.Peers(ctx, "peers")
		if err != nil {
			return err
		}
		units, err := peers.RemoteAll(ctx)
		if err != nil {
			return err
		}
		reached := 0
		for _, unit := range units {
			_, ok, err := unit.Lookup(ctx, "ingress-address")
			if err != nil {
				return err
			}
			if ok {
				reached++
			}
		}
		if err := peers.Local().Set(ctx, "reached", strconv.Itoa(reached)); err != nil {
			return err
		}
		return c.SetStatus(ctx, charm.Active(fmt.Sprintf("%d peers", reached)))
	})
}
