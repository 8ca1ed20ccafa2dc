// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// The type of the parameter is what a handler is for: one event, or a family of
// them. All that are for an event are called, in the order of their registration.
func ExampleOn() {
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Install) error { fmt.Println("getting the packages"); return nil })
		charm.On(c, func(context.Context, events.Stop) error { fmt.Println("leaving the cluster"); return nil })
		charm.On(c, func(context.Context, events.Remove) error { fmt.Println("cleaning up"); return nil })
		charm.On(c, func(_ context.Context, ev events.Hook) error { fmt.Println("after any hook:", ev.Name()); return nil })
	}
	for _, ev := range []events.Event{events.Install{}, events.UpdateStatus{}, events.Stop{}, events.Remove{}} {
		if _, err := charmtest.Run(register, ev, charmtest.State{Metadata: storeMetadata}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// getting the packages
	// after any hook: install
	// after any hook: update-status
	// leaving the cluster
	// after any hook: stop
	// cleaning up
	// after any hook: remove
}

// A unit of the database departs, then the relation is broken.
func ExampleOnRelation() {
	register := func(c *charm.Charm) {
		charm.OnRelation(c, "db", func(ctx context.Context, ev events.RelationDeparted) error {
			if ev.Self {
				return nil // it is we who leave: there is nobody to be told
			}
			rel := c.Relation(ev)
			units, err := rel.Units(ctx)
			if err != nil {
				return err
			}
			address, err := rel.Remote(ev.Unit).Get(ctx, "ingress-address") // can still be read
			fmt.Println(ev.Unit, "was at", address, "and there are", units)
			return err
		})
		charm.OnRelation(c, "db", func(_ context.Context, ev events.RelationBroken) error {
			fmt.Println("no more", ev.App, c.Relation(ev).Broken())
			return nil
		})
	}
	db := events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}
	rel := charmtest.RelationState{Endpoint: "db", ID: 3, App: "mysql", Units: map[string]map[string]string{
		"mysql/0": {"ingress-address": "10.0.0.1"}, "mysql/1": {"ingress-address": "10.0.0.2"},
	}}
	state, err := charmtest.Run(register, events.RelationDeparted{RelationRef: db, Unit: "mysql/1", DepartingUnit: "mysql/1"},
		charmtest.State{Metadata: siteMetadata, Relations: []charmtest.RelationState{rel}})
	if err != nil {
		fmt.Println(err)
	}
	state.Relations[0].Units = nil
	if _, err := charmtest.Run(register, events.RelationBroken{RelationRef: db}, state); err != nil {
		fmt.Println(err)
	}
	// Output:
	// mysql/1 was at 10.0.0.2 and there are [mysql/0]
	// no more mysql true
}

// What Pebble tells of the container "web".
func ExampleOnContainer() {
	register := func(c *charm.Charm) {
		charm.OnContainer(c, "web", func(_ context.Context, ev events.PebbleReady) error {
			fmt.Println("starting the services of", ev.Container)
			return nil
		})
		charm.OnContainer(c, "web", func(_ context.Context, ev events.PebbleCustomNotice) error {
			fmt.Println("notice", ev.NoticeKey)
			return nil
		})
		charm.OnContainer(c, "web", func(_ context.Context, ev events.PebbleCheckFailed) error {
			fmt.Println("check", ev.Check, "fails")
			return nil
		})
		charm.OnContainer(c, "web", func(_ context.Context, ev events.PebbleCheckRecovered) error {
			fmt.Println("check", ev.Check, "succeeds")
			return nil
		})
	}
	web := events.WorkloadRef{Container: "web"}
	for _, ev := range []events.Event{
		events.PebbleReady{WorkloadRef: web},
		events.PebbleCustomNotice{WorkloadRef: web, NoticeID: "3", NoticeType: "custom", NoticeKey: "example.com/backup-done"},
		events.PebbleCheckFailed{WorkloadRef: web, Check: "http"},
		events.PebbleCheckRecovered{WorkloadRef: web, Check: "http"},
	} {
		if _, err := charmtest.Run(register, ev, charmtest.State{Metadata: podMetadata}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// starting the services of web
	// notice example.com/backup-done
	// check http fails
	// check http succeeds
}

const podMetadata = `
type: charm
name: site
summary: A charm for examples.
description: It serves a site on Kubernetes.
containers: {web: {}}
`

// A revision that has expired is replaced first, and removed when Juju sends the event
// again, five minutes later: in one hook the one would undo the other.
func ExampleOnSecret() {
	register := func(c *charm.Charm) {
		charm.OnSecret(c, "root", func(ctx context.Context, ev events.SecretExpired) error {
			root := c.SecretOf(ev)
			info, err := root.Info(ctx)
			if err != nil {
				return err
			}
			if info.Revision > ev.Revision {
				return root.RemoveRevision(ctx, ev.Revision)
			}
			return root.SetContent(ctx, newPassword("3"))
		})
	}
	expired := events.SecretExpired{SecretRef: events.SecretRef{ID: rootURI, Label: "root"}, Revision: 2}
	state := charmtest.State{
		Metadata: databaseMetadata, Leader: true,
		Relations: []charmtest.RelationState{{Endpoint: "clients", ID: 1, App: "shop"}},
		Secrets:   []charmtest.SecretState{rootSecret()},
	}
	for range 2 {
		var err error
		if state, err = charmtest.Run(register, expired, state); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(state.Secrets[0].Revisions)
	}
	// Output:
	// map[1:map[password:1] 2:map[password:2] 3:map[password:3]]
	// map[1:map[password:1] 3:map[password:3]]
}
