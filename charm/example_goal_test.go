// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// A cluster that forms only when all of its units are there.
func ExampleCharm_PlannedUnits() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			planned, err := c.PlannedUnits(ctx)
			if err != nil {
				return err
			}
			peers, err := c.Peers(ctx, "store")
			if err != nil {
				return err
			}
			others, err := peers.Units(ctx)
			if err != nil {
				return err
			}
			if there := len(others) + 1; there < planned {
				return c.SetStatus(ctx, charm.Waiting(fmt.Sprintf("%d of %d units are there", there, planned)))
			}
			return c.SetStatus(ctx, charm.Active(""))
		})
	}
	h := charmtest.New(example{}, register, &charmtest.Options{Metadata: storeMetadata})
	h.SetPlannedUnits(2) // juju deploy -n 2
	h.Emit(events.Start{})
	fmt.Println(h.Status().Status, h.Status().Message)
	h.Peers("store").Join("store/1", nil)
	fmt.Println(h.Status().Status, h.Status().Message)
	// Output:
	// waiting 1 of 2 units are there
	// active
}
