// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// The machine reboots when the hook has succeeded, so that what the handler does
// after Reboot is kept.
func ExampleCharm_Reboot() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			if err := c.Reboot(ctx); err != nil {
				return err
			}
			return c.SetWorkloadVersion(ctx, "16.3")
		})
	}
	state, err := charmtest.Run(register, events.Install{}, charmtest.State{Metadata: storeMetadata})
	fmt.Println(state.Calls, state.WorkloadVersion, err)
	// Output: [juju-reboot application-version-set -- 16.3] 16.3 <nil>
}

// The units of another application that are to come, among them those that have not
// joined yet.
func ExampleCharm_GoalState() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			goal, err := c.GoalState(ctx)
			if err != nil {
				return err
			}
			fmt.Println(slices.Sorted(maps.Keys(goal.Units)), slices.Sorted(maps.Keys(goal.Relations["db"])))
			return nil
		})
	}
	_, err := charmtest.Run(register, events.UpdateStatus{}, charmtest.State{
		Metadata: siteMetadata, PlannedUnits: 2,
		Relations: []charmtest.RelationState{{Endpoint: "db", ID: 3, App: "mysql", Units: map[string]map[string]string{"mysql/0": nil}}},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: [web/0 web/1] [mysql mysql/0]
}

// In a relation with another model, the address to tell can be another than that of
// the endpoint.
func ExampleCharm_RelationNetwork() {
	register := func(c *charm.Charm) {
		charm.OnRelation(c, "db", func(ctx context.Context, ev events.RelationCreated) error {
			n, err := c.RelationNetwork(ctx, c.Relation(ev))
			if err != nil {
				return err
			}
			fmt.Println(n.IngressAddresses)
			return nil
		})
	}
	_, err := charmtest.Run(register, events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}}, charmtest.State{
		Metadata:  siteMetadata,
		Relations: []charmtest.RelationState{{Endpoint: "db", ID: 3, App: "mysql"}},
		Networks:  map[string]charmtest.Network{"db:3": {IngressAddresses: []string{"198.51.100.7"}}},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: [198.51.100.7]
}
