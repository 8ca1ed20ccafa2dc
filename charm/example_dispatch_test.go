// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// What Juju tells of the unit takes no hook command.
func ExampleCharm_Environment() {
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Start) error {
			env := c.Environment()
			fmt.Println(c.Unit(), "of", c.Application(), "in", env.ModelName, "on machine", env.Machine, "in", env.Zone)
			fmt.Println("Juju", env.JujuVersion, "proxy", env.Proxies.HTTP)
			return nil
		})
	}
	state, err := charmtest.Run(register, events.Start{}, charmtest.State{
		Metadata: storeMetadata, Unit: "store/2", ModelName: "shop", Machine: "5", Zone: "eu-1", JujuVersion: "3.6.26",
		Proxies: charm.Proxies{HTTP: "http://proxy:3128"},
	})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(state.Calls), "hook commands")
	// Output:
	// store/2 of store in shop on machine 5 in eu-1
	// Juju 3.6.26 proxy http://proxy:3128
	// 0 hook commands
}

// The log is the unit's, which "juju debug-log" shows; in a charm that [charm.Main]
// runs, log/slog writes there as well.
func ExampleCharm_Logger() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			c.Logger().InfoContext(ctx, "serving", "port", 8080, "hosts", []string{"a", "b"})
			c.Logger().WithGroup("db").WarnContext(ctx, "slow", "seconds", 3)
			return nil
		})
	}
	state, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: storeMetadata})
	if err != nil {
		fmt.Println(err)
	}
	for _, line := range state.Logs {
		fmt.Println(line.Level, line.Message)
	}
	// Output:
	// INFO serving port=8080 hosts="[a b]"
	// WARNING slow db.seconds=3
}

// After an error nothing of the dispatch is sent that was to be sent at its end, and
// Juju calls the charm again with the same event.
func ExampleHandlerError() {
	register := func(c *charm.Charm) {
		starts := charm.NewStored[int](c, "starts")
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if err := starts.Set(ctx, 1); err != nil {
				return err
			}
			return errors.New("no disk")
		})
	}
	state, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: storeMetadata})
	var failure *charm.HandlerError
	if errors.As(err, &failure) {
		fmt.Println(failure.Event.Name(), "failed:", failure.Err)
	}
	fmt.Println("stored:", len(state.Stored))
	// Output:
	// start failed: no disk
	// stored: 0
}
