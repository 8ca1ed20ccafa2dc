// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// All relations of an endpoint, with all units of each, as they are now.
func ExampleCharm_Relations() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			databases, err := c.Relations(ctx, "db")
			if err != nil {
				return err
			}
			for _, db := range databases {
				app, err := db.App(ctx)
				if err != nil {
					return err
				}
				units, err := db.RemoteAll(ctx) // in one round
				if err != nil {
					return err
				}
				fmt.Println(db, db.Endpoint(), db.ID(), app)
				for _, unit := range units {
					address, err := unit.Get(ctx, "ingress-address")
					if err != nil {
						return err
					}
					fmt.Println(unit.Unit, address)
				}
			}
			return nil
		})
	}
	_, err := charmtest.Run(register, events.UpdateStatus{}, charmtest.State{
		Metadata: siteMetadata,
		Relations: []charmtest.RelationState{
			{Endpoint: "db", ID: 3, App: "mysql", Units: map[string]map[string]string{"mysql/0": {"ingress-address": "10.0.0.1"}}},
			{Endpoint: "db", ID: 7, App: "mariadb", Units: map[string]map[string]string{
				"mariadb/0": {"ingress-address": "10.0.1.1"}, "mariadb/1": {"ingress-address": "10.0.1.2"},
			}},
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// db:3 db 3 mysql
	// mysql/0 10.0.0.1
	// db:7 db 7 mariadb
	// mariadb/0 10.0.1.1
	// mariadb/1 10.0.1.2
}

// A peer relation is not there before install has been.
func ExampleCharm_Peers() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.Hook) error {
			peers, err := c.Peers(ctx, "store")
			if errors.Is(err, hookcmd.ErrRelationNotFound) {
				fmt.Println(ev.Name()+":", "not yet")
				return nil
			}
			if err != nil {
				return err
			}
			units, err := peers.Units(ctx)
			fmt.Println(ev.Name()+":", units)
			return err
		})
	}
	m := charmtest.NewModel(example{}, nil) // in a test, its *testing.T
	m.DeployCharm("store", register, 1, &charmtest.DeployOptions{Metadata: storeMetadata})
	m.Settle()
	// Output:
	// install: not yet
	// store-relation-created: []
	// leader-elected: []
	// config-changed: []
	// start: []
}
