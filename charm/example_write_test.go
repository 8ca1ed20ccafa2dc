// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// A value that may be zero is told from one that is not there.
func ExampleStored_Lookup() {
	register := func(c *charm.Charm) {
		limit := charm.NewStored[int](c, "limit")
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			n, ok, err := limit.Lookup(ctx)
			if err != nil {
				return err
			}
			fmt.Println(n, ok)
			return nil
		})
	}
	for _, stored := range []map[string]string{nil, {"limit": "0"}} {
		if _, err := charmtest.Run(register, events.UpdateStatus{}, charmtest.State{Metadata: keeper, Stored: stored}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 0 false
	// 0 true
}

func ExampleStored_Delete() {
	register := func(c *charm.Charm) {
		limit := charm.NewStored[int](c, "limit")
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { return limit.Delete(ctx) })
	}
	before := charmtest.State{Metadata: keeper, Stored: map[string]string{"limit": "3", "starts": "1"}}
	after, err := charmtest.Run(register, events.UpdateStatus{}, before)
	fmt.Println(after.Stored, err)
	// Output: map[starts:1] <nil>
}

// A program that runs state-get itself sees what the charm has stored.
func ExampleCharm_Flush() {
	register := func(c *charm.Charm) {
		limit := charm.NewStored[int](c, "limit")
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if err := limit.Set(ctx, 3); err != nil {
				return err
			}
			before, err := c.HookCommands().StateGet(ctx) // as that program does
			if err != nil {
				return err
			}
			if err := c.Flush(ctx); err != nil {
				return err
			}
			after, err := c.HookCommands().StateGet(ctx)
			fmt.Println(before, after)
			return err
		})
	}
	if _, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: keeper}); err != nil {
		fmt.Println(err)
	}
	// Output: map[] map[limit:3]
}
