// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestPlannedUnits(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		u.Peers("peers").Join("app/1", nil)
		for _, row := range []struct{ set, want int }{{0, 2}, {5, 5}, {1, 1}, {-1, 0}} {
			u.SetPlannedUnits(row.set)
			assert.Equal(t, []string{"goal-state --format=json"}, u.run(func(ctx context.Context, c *charm.Charm) error {
				for range 2 {
					planned, err := c.PlannedUnits(ctx)
					require.NoError(t, err)
					assert.Equal(t, row.want, planned)
					goal, err := c.GoalState(ctx)
					require.NoError(t, err)
					assert.Len(t, goal.Units, row.want)
					clear(goal.Units) // it is ours
				}
				return nil
			}))
		}
	})
}

// Units that are being removed are no longer planned.
func TestPlannedUnitsAsRecorded(t *testing.T) {
	t.Parallel()
	agent := recordedAnswer(t, "3.6", "only36/goal-state-dying-with-since", "goal-state", "--format=json")
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		planned, err := c.PlannedUnits(ctx)
		require.NoError(t, err)
		assert.Equal(t, 2, planned)
		for range 2 {
			goal, err := c.GoalState(ctx)
			require.NoError(t, err)
			assert.Equal(t, "dying", goal.Units["app/2"].Status+goal.Units["magpie/2"].Status)
			assert.Equal(t, "joined", goal.Relations["db"]["mysql"].Status)
			clear(goal.Relations["db"])
		}
	})
	assert.Len(t, agent.Calls(), 1)
}

// A failure is not kept: it can be asked again.
func TestGoalStateFails(t *testing.T) {
	t.Parallel()
	answers := []hookcmdtest.Answer{hookcmdtest.Failure(1, "no connection"), {Stdout: "not JSON"}, {Stdout: "null"}, {Stdout: `{"units":{"app/0":{"status":"active"}}}`}}
	agent := &testagent.Agent{Intercept: func(hookcmd.Call) (hookcmdtest.Answer, bool) {
		answer := answers[0]
		answers = answers[1:]
		return answer, true
	}}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for _, want := range []string{"no connection", "not JSON", "it printed null"} {
			planned, err := c.PlannedUnits(ctx)
			require.ErrorContains(t, err, want)
			assert.Zero(t, planned)
		}
		planned, err := c.PlannedUnits(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, planned)
	})
}
