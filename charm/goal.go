// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"maps"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// GoalState returns what the operator asked the model to become: it includes units
// that are still to be started. Juju is asked once in a dispatch. What is
// returned is the caller's.
func (c *Charm) GoalState(ctx context.Context) (hookcmd.GoalState, error) {
	shared, err := c.model().goalState(ctx)
	goal := hookcmd.GoalState{Units: maps.Clone(shared.Units), Relations: maps.Clone(shared.Relations)}
	for endpoint, members := range goal.Relations {
		goal.Relations[endpoint] = maps.Clone(members)
	}
	return goal, err
}

// PlannedUnits returns how many units the application is to have, this one among
// them, by [Charm.GoalState]: those that there are and those still to be started,
// without those that are being removed. It is what a cluster's size can be decided
// by before all have joined. Of a subordinate Juju can count fewer, down to 0.
func (c *Charm) PlannedUnits(ctx context.Context) (int, error) {
	goal, err := c.model().goalState(ctx)
	planned := 0
	for _, unit := range goal.Units {
		if unit.Status != "dying" {
			planned++
		}
	}
	return planned, err
}

// goalState returns the goal state, which must not be changed.
func (d *dispatch) goalState(ctx context.Context) (hookcmd.GoalState, error) {
	return once(ctx, &d.facts, "goal-state", func() (hookcmd.GoalState, error) {
		return d.client.GoalState(ctx)
	})
}
