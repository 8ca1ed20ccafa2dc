// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// An interface library registers handlers of its own, and calls back with what its
// interface means. Database, of this test, has the type Host; a charm can have it
// on several endpoints.
func Example_interfaceLibrary() {
	register := func(c *charm.Charm) {
		configure := func(ctx context.Context, host Host) error {
			return c.SetStatus(ctx, charm.Active(host.Endpoint+" is at "+host.Name))
		}
		NewDatabase(c, "db").OnHost(configure)
		NewDatabase(c, "cache").OnHost(configure)
	}
	state := charmtest.State{Metadata: keeper, Relations: []charmtest.RelationState{
		{Endpoint: "cache", ID: 7, App: "redis", RemoteApp: map[string]string{"host": "10.0.0.7"}},
	}}
	changed := events.RelationChanged{RelationRef: events.RelationRef{Endpoint: "cache", ID: 7, App: "redis"}}
	state, err := charmtest.Run(register, changed, state)
	fmt.Println(state.Status.Message, err)
	fmt.Println(state.Stored)
	// Output:
	// cache is at 10.0.0.7 <nil>
	// map[database/cache/seen:"10.0.0.7"]
}

func ExampleCharm_Use() {
	register := func(c *charm.Charm) {
		c.Use(func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) error {
				err := next(ctx, ev)
				fmt.Println(ev.Name(), "failed:", err != nil && !charm.IsDefer(err))
				return err
			}
		})
		charm.On(c, func(ctx context.Context, ev events.Start) error { return nil })
	}
	_, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: keeper})
	fmt.Println(err)
	// Output:
	// start failed: false
	// <nil>
}

// A library that acts in every dispatch, actions included.
func ExampleOnDispatch() {
	register := func(c *charm.Charm) {
		charm.OnDispatch(c, func(_ context.Context, ev events.Event) error {
			fmt.Println(ev.Name())
			return nil
		})
		charm.OnAction(c, "look", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
	}
	state, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: keeper})
	fmt.Println(err)
	_, err = charmtest.Run(register, events.Action{Action: "look"}, state)
	fmt.Println(err)
	// Output:
	// start
	// <nil>
	// look
	// <nil>
}
