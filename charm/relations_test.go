// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

// within runs do in a handler of an update-status.
func within(t *testing.T, agent *testagent.Agent, do func(ctx context.Context, c *charm.Charm)) {
	t.Helper()
	_, err := run(t, agent, events.UpdateStatus{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { do(ctx, c); return nil })
	})
	require.NoError(t, err)
}

func TestPeers(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(2)
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		rel, err := c.Peers(ctx, "peers")
		require.NoError(t, err)
		assert.Equal(t, "peers:1", rel.String())
		app, err := rel.App(ctx)
		require.NoError(t, err)
		assert.Equal(t, "app", app)
	})
	assert.Equal(t, []string{"relation-ids --format=json -- peers"}, agent.Calls(), "the application needs no asking")
}

func TestPeersNotYetThere(t *testing.T) {
	t.Parallel()
	within(t, &testagent.Agent{}, func(ctx context.Context, c *charm.Charm) {
		_, err := c.Peers(ctx, "peers")
		require.ErrorIs(t, err, hookcmd.ErrRelationNotFound)
		assert.EqualError(t, err, `cannot find peer relation "peers": relation not found: it is not created yet, or there is no such endpoint`)
	})
}

// juju/juju #19631
func TestSeveralPeerRelations(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		units map[string][]string
		want  int
	}{
		{map[string][]string{"peers:1": {"app/1", "app/2"}, "peers:7": {"app/1"}}, 1},
		{map[string][]string{"peers:1": {"app/1"}, "peers:7": {"app/1", "app/2"}}, 7},
		{map[string][]string{"peers:2": {"app/1"}, "peers:10": {"app/2"}}, 10},
	} {
		agent := &testagent.Agent{Relations: map[string]*testagent.Relation{}}
		for id, units := range row.units {
			agent.Relations[id] = &testagent.Relation{App: "app", Units: units}
		}
		within(t, agent, func(ctx context.Context, c *charm.Charm) {
			rel, err := c.Peers(ctx, "peers")
			require.NoError(t, err)
			assert.Equal(t, row.want, rel.ID())
		})
		assert.Len(t, agent.Calls(), 3, "relation-ids, and relation-list for each")
		require.Len(t, agent.Logs(), 1)
		assert.Contains(t, agent.Logs()[0], "WARNING several peer relations on one endpoint endpoint=peers count=2")
	}
}

func TestZeroStatus(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		require.ErrorContains(t, c.SetStatus(ctx, charm.Status{}), "it is the zero Status; use charm.Active")
	})
	assert.Empty(t, agent.Calls())
}

func TestBrokenRelation(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Unit: "app/0", Relations: map[string]*testagent.Relation{
		"db:3": {App: "mysql", Hidden: true, Bags: map[string]map[string]string{"mysql": {"host": "h"}, "app/0": {"a": "1"}}},
		"db:5": {App: "pg"},
	}}
	ref := events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}
	_, err := run(t, agent, events.RelationBroken{RelationRef: ref}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.RelationBroken) error {
			others, err := c.Relations(ctx, "db")
			require.NoError(t, err)
			require.Len(t, others, 1)
			assert.Equal(t, 5, others[0].ID())
			assert.False(t, others[0].Broken())

			rel := c.Relation(ev)
			assert.True(t, rel.Broken())
			units, err := rel.Units(ctx)
			require.NoError(t, err)
			assert.Empty(t, units)
			host, err := rel.RemoteApp().Get(ctx, "host")
			require.NoError(t, err)
			assert.Equal(t, "h", host)
			ours, err := rel.Local().Get(ctx, "a")
			require.NoError(t, err)
			assert.Equal(t, "1", ours)
			return nil
		})
	})
	require.NoError(t, err)
}

func TestLeadershipIsKeptAsLongAsJujuHoldsToIt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		leader bool
		after  time.Duration
		calls  int
	}{
		{true, 29 * time.Second, 1},
		{true, 30 * time.Second, 2},
		{false, time.Hour, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			agent := &testagent.Agent{Leader: row.leader}
			within(t, agent, func(ctx context.Context, c *charm.Charm) {
				for range 2 {
					leader, err := c.IsLeader(ctx)
					require.NoError(t, err)
					assert.Equal(t, row.leader, leader)
					time.Sleep(row.after)
				}
			})
			assert.Len(t, agent.Calls(), row.calls, "leader %v after %v", row.leader, row.after)
		})
	}
}
