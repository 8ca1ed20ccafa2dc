// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// greet is a charm that notes whom it has reached.
func greet(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
		rel := c.Relation(ev)
		addr, err := rel.Remote(ev.Unit).Get(ctx, "ingress-address")
		if err != nil {
			return err
		}
		return rel.Local().Set(ctx, "reached", ev.Unit+"="+addr)
	})
}

func TestPeersExistFromTheStart(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, greet, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	assert.Empty(t, peers.Units(), "the unit is never among its own peers")
	assert.Equal(t, map[string]string{"ingress-address": "10.1.0.4", "egress-subnets": "10.1.0.4/32"}, peers.Local(), "what Juju writes")
	assert.Equal(t, "magpie:0", peers.String())

	peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.2"})
	assert.Equal(t, "magpie/1=10.0.0.2", peers.Local()["reached"])
	assert.Equal(t, []string{"magpie/1"}, peers.Units())
}

// Each method sends the events that Juju would, in its order.
func TestRelationEvents(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})

	db := h.Relate("db", "postgresql")
	ref := events.RelationRef{Endpoint: "db", ID: db.ID(), App: "postgresql"}
	assert.Equal(t, ref, db.Ref())
	db.Join("postgresql/0", map[string]string{"host": "10.0.0.9"})
	db.Join("postgresql/1", nil)
	db.Update("postgresql/0", map[string]string{"host": "10.0.0.10"})
	db.Update("postgresql/0", map[string]string{"host": "10.0.0.10"}) // nothing has changed: no event
	db.UpdateApp(map[string]string{"database": "orders"})
	db.UpdateApp(map[string]string{"database": "orders"})
	db.Depart("postgresql/1")
	assert.Equal(t, []events.Event{
		events.RelationCreated{RelationRef: ref},
		events.RelationJoined{RelationRef: ref, Unit: "postgresql/0"},
		events.RelationChanged{RelationRef: ref, Unit: "postgresql/0"},
		events.RelationJoined{RelationRef: ref, Unit: "postgresql/1"},
		events.RelationChanged{RelationRef: ref, Unit: "postgresql/1"},
		events.RelationChanged{RelationRef: ref, Unit: "postgresql/0"},
		events.RelationChanged{RelationRef: ref}, // of the application: no unit
		events.RelationDeparted{RelationRef: ref, Unit: "postgresql/1", DepartingUnit: "postgresql/1"},
	}, seen.take(h.Unit()))
	assert.Equal(t, "10.0.0.10", db.Remote("postgresql/0")["host"])
	assert.Equal(t, map[string]string{"database": "orders"}, db.RemoteApp())
	assert.Nil(t, db.Remote("postgresql/7"))

	db.Break()
	assert.Equal(t, []events.Event{
		events.RelationDeparted{RelationRef: ref, Unit: "postgresql/0", DepartingUnit: "postgresql/0"},
		events.RelationBroken{RelationRef: ref},
	}, seen.take(h.Unit()))
}

// An event can be sent again, as Juju does after an agent was killed.
func TestEmitARelationEvent(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	peers.Join("magpie/1", nil)
	seen.take(h.Unit())

	again := events.PeerChanged{RelationRef: peers.Ref(), Unit: "magpie/1"}
	h.Emit(again)
	assert.Equal(t, []events.Event{again}, seen.take(h.Unit()))
}

// A unit that has departed is not in relation-list, but its databag can be read.
func TestDepartedUnit(t *testing.T) {
	t.Parallel()
	var units []string
	var last string
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerDeparted) (err error) {
			if units, err = c.Relation(ev).Units(ctx); err != nil {
				return err
			}
			last, err = c.Relation(ev).Remote(ev.Unit).Get(ctx, "words")
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	peers.Join("magpie/1", nil)
	peers.Join("magpie/2", map[string]string{"words": "farewell"})
	peers.Depart("magpie/2")
	assert.Equal(t, []string{"magpie/1"}, units)
	assert.Equal(t, "farewell", last)
	assert.Equal(t, "farewell", peers.Remote("magpie/2")["words"])
	peers.Join("magpie/2", nil) // it comes back
	assert.Equal(t, []string{"magpie/1", "magpie/2"}, peers.Units())
}

// A unit that vanishes, as Juju 4 has it, is still in relation-list and can be read;
// goal-state does not have it.
func TestVanishedUnit(t *testing.T) {
	t.Parallel()
	var seen diary
	var units []string
	var goal hookcmd.GoalState
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			rel, err := c.Peers(ctx, "magpie")
			if err != nil {
				return err
			}
			if units, err = rel.Units(ctx); err != nil {
				return err
			}
			goal, err = c.GoalState(ctx)
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	peers.Join("magpie/1", map[string]string{"words": "nothing"})
	seen.take(h.Unit())
	peers.Vanish("magpie/1")
	assert.Empty(t, seen.take(h.Unit()), "no event")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"magpie/1"}, units)
	assert.Equal(t, []string{"magpie/0"}, slices.Collect(maps.Keys(goal.Units)))
	assert.Equal(t, "nothing", peers.Remote("magpie/1")["words"])

	requireFailure(t, "cannot have magpie/1 vanish from relation magpie:0: Juju 4 misses departures from peer relations only", func(t testing.TB) {
		old := charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie, JujuVersion: "3.6.26"})
		old.Peers("magpie").Join("magpie/1", nil)
		old.Peers("magpie").Vanish("magpie/1")
	})
}

// The databag of our own application, as the leader and as another unit.
func TestApplicationDatabag(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, ev events.ConfigChanged) error {
			peers, err := c.Peers(ctx, "magpie")
			if err != nil {
				return err
			}
			return peers.LocalApp().Set(ctx, "leader", c.Unit())
		})
	}, &charmtest.Options{Metadata: magpie, Leader: true})
	h.Emit(events.ConfigChanged{})
	peers := h.Peers("magpie")
	assert.Equal(t, map[string]string{"leader": "magpie/0"}, peers.LocalApp())

	h.SetLeader(false)
	require.ErrorIs(t, h.Try(func() { h.Emit(events.ConfigChanged{}) }), hookcmd.ErrNotLeader)
	seen.take(h.Unit())
	peers.UpdateApp(map[string]string{"leader": "magpie/1"}) // the new leader writes
	assert.Equal(t, []events.Event{events.PeerChanged{RelationRef: peers.Ref()}}, seen.take(h.Unit()))
	assert.Equal(t, "magpie/1", peers.LocalApp()["leader"])
}

// What was written before the test begins needs no handler.
func TestSetLocal(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	peers.SetLocal(map[string]string{"token": "abc", "ingress-address": ""})
	peers.SetLocalApp(map[string]string{"members": "3"})
	assert.Empty(t, seen.take(h.Unit()))
	assert.Equal(t, map[string]string{"token": "abc", "egress-subnets": "10.1.0.4/32"}, peers.Local())
	assert.Equal(t, map[string]string{"members": "3"}, peers.LocalApp())
}

// When the unit itself leaves, it departs from each other one: Self tells.
func TestRemoveTheUnit(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	peers.Join("magpie/1", nil)
	db := h.Relate("db", "postgresql")
	db.Join("postgresql/0", nil)
	data := h.AddStorage("data")
	seen.take(h.Unit())

	h.Remove()
	assert.Equal(t, []events.Event{
		events.StorageDetaching{StorageRef: events.StorageRef{Storage: "data", ID: data.ID, Kind: "filesystem", Location: data.Location}},
		events.RelationDeparted{RelationRef: db.Ref(), Unit: "postgresql/0", DepartingUnit: "magpie/0", Self: true},
		events.RelationBroken{RelationRef: db.Ref()},
		events.PeerDeparted{RelationRef: peers.Ref(), Unit: "magpie/1", DepartingUnit: "magpie/0", Self: true},
		events.Stop{},
		events.Remove{},
	}, seen.take(h.Unit()))
}

// The units of a relation with scope container are on the same machine.
func TestSubordinates(t *testing.T) {
	t.Parallel()
	t.Run("as the principal", func(t *testing.T) {
		t.Parallel()
		var seen diary
		h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})
		host := h.Relate("host", "monitor")
		host.Join("monitor/4", map[string]string{"port": "9100"})
		assert.Equal(t, []string{"monitor/4"}, host.Units())
		assert.Equal(t, []string{"host-relation-created", "host-relation-joined", "host-relation-changed"}, seen.names(h.Unit()))
	})
	t.Run("as the subordinate", func(t *testing.T) {
		t.Parallel()
		var principal string
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.On(c, func(context.Context, events.RelationJoined) error {
				principal = c.Environment().Principal
				return nil
			})
		}, &charmtest.Options{Metadata: agentCharm, Principal: "ubuntu/3"})
		host := h.Relate("host", "ubuntu")
		host.Join("ubuntu/3", nil)
		assert.Equal(t, []string{"ubuntu/3"}, host.Units())
		assert.Equal(t, "ubuntu/3", principal)
	})
}

// A relation that breaks can be read until the end, and is none of the others.
func TestBrokenRelation(t *testing.T) {
	t.Parallel()
	var left int
	var name string
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.RelationBroken) (err error) {
			all, err := c.Relations(ctx, "db")
			if err != nil {
				return err
			}
			left = len(all)
			name, err = c.Relation(ev).RemoteApp().Get(ctx, "database")
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	db := h.Relate("db", "postgresql")
	db.UpdateApp(map[string]string{"database": "orders"})
	other := h.Relate("db", "mysql")
	db.Break()
	assert.Equal(t, 1, left)
	assert.Equal(t, "orders", name)
	assert.Equal(t, "db:2", other.String())
	h.Relate("db", "postgresql") // once more
}
