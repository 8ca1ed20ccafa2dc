// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// Each part of a charm tells its own status, in every dispatch; the operator sees
// the most urgent.
func ExampleOnCollectStatus() {
	runOnce(events.UpdateStatus{}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(ctx context.Context, set *charm.StatusSet) error { // of the database
			db, err := c.Relations(ctx, "db")
			if err != nil {
				return err
			}
			if len(db) == 0 {
				set.Add(charm.Blocked("needs a relation to db"))
			}
			return nil
		})
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error { // of the service
			set.Add(charm.Active(""))
			return nil
		})
	}, answers{
		"relation-ids --format=json -- db": `[]`,
	})
	// Output:
	// relation-ids --format=json -- db
	// status-set -- blocked needs a relation to db
}

func ExampleStatusSet_Order() {
	runOnce(events.UpdateStatus{}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
			set.Order(charm.Waiting, charm.Blocked)
			set.Add(charm.Blocked("needs a relation to db"))
			set.Add(charm.Waiting("for the machine"))
			return nil
		})
	}, nil)
	// Output:
	// status-set -- waiting for the machine
}

func ExampleCharm_SetStatus() {
	runOnce(events.Install{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			if err := c.SetStatus(ctx, charm.Maintenance("installing")); err != nil {
				return err
			}
			fmt.Println("it takes a while")
			return c.SetStatus(ctx, charm.Active(""))
		})
	}, nil)
	// Output:
	// status-set -- maintenance installing
	// it takes a while
	// status-set -- active
}

func ExampleCharm_Status() {
	runOnce(events.UpdateStatus{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			status, err := c.Status(ctx)
			if err != nil || status.Status != "blocked" {
				return err
			}
			fmt.Println("was blocked:", status.Message)
			return nil
		})
	}, answers{
		"status-get --format=json --include-data": `{"status": "blocked", "message": "no disk", "status-data": {}}`,
	})
	// Output:
	// status-get --format=json --include-data
	// was blocked: no disk
}

func ExampleCharm_AppStatus() {
	runOnce(events.LeaderElected{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.LeaderElected) error {
			app, err := c.AppStatus(ctx)
			if err != nil {
				return err
			}
			active := 0
			for _, unit := range app.Units {
				if unit.Status == "active" {
					active++
				}
			}
			return c.SetAppStatus(ctx, charm.Active(fmt.Sprintf("%d of %d units serve", active, len(app.Units))))
		})
	}, answers{
		"status-get --format=json --include-data --application": `{"application-status": {"status": "unknown", "units":
			{"web/0": {"status": "active"}, "web/1": {"status": "blocked", "message": "no disk"}}}}`,
	})
	// Output:
	// status-get --format=json --include-data --application
	// status-set --application -- active 1 of 2 units serve
}
