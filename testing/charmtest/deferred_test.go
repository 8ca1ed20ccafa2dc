// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// Each kind of event can be deferred in a test, and comes out as it went in.
func TestRunDeferred(t *testing.T) {
	t.Parallel()
	db := events.RelationRef{Endpoint: "db", ID: 7, App: "postgresql"}
	all := []events.Event{
		events.Start{}, events.UpgradeCharm{}, events.LeaderElected{},
		events.PeerJoined{RelationRef: peersRef, Unit: "magpie/1"},
		events.PeerChanged{RelationRef: peersRef},
		events.PeerDeparted{RelationRef: peersRef, Unit: "magpie/9", DepartingUnit: "magpie/9"},
		events.PeerDeparted{RelationRef: peersRef, Unit: "magpie/9", Synthetic: true},
		events.RelationCreated{RelationRef: db},
		events.RelationDeparted{RelationRef: db, Unit: "postgresql/3"},
		events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: "data/5", Kind: "filesystem", Location: "/srv"}},
		events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g", Label: "a label"}},
		events.SecretRemove{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g"}, Revision: 3},
	}
	state := charmtest.State{
		Metadata: magpie, Leader: true,
		Stored: map[string]string{"count": "3"},
		Relations: []charmtest.RelationState{
			{Endpoint: "magpie", ID: 4, Units: map[string]map[string]string{"magpie/1": nil}},
			{Endpoint: "db", ID: 7, App: "postgresql"},
		},
		Storage: []charmtest.Storage{{ID: "data/5", Kind: "filesystem", Location: "/srv"}},
	}
	for _, ev := range all {
		state.Deferred = append(state.Deferred, charm.DeferredEvent{Event: ev, Handler: "all"})
	}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	state.Deferred[1].Deferral = charm.Deferral{Since: since, Times: 7, Failures: 3, Reason: "x"}
	given := len(state.Deferred)

	var got []events.Event
	var told charm.Deferral
	register := func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, ev events.Hook) error {
			if d, again := charm.Deferred(ctx); again {
				got = append(got, ev)
				if ev == (events.UpgradeCharm{}) {
					told = d
				}
				return charm.Defer("again")
			}
			return nil
		}).Name("all")
	}
	out, err := charmtest.Run(register, events.UpdateStatus{}, state)
	require.NoError(t, err)
	assert.Equal(t, all, got)
	assert.Equal(t, state.Deferred[1].Deferral, told)
	assert.Equal(t, map[string]string{"count": "3"}, out.Stored, "without them")
	assert.Equal(t, map[string]string{"count": "3"}, state.Stored, "what is given does not change")
	require.Len(t, out.Deferred, given)
	for i, d := range out.Deferred {
		assert.Equal(t, all[i], d.Event)
		assert.Equal(t, "again", d.Reason)
		assert.False(t, d.Since.IsZero())
	}
	assert.Equal(t, charm.Deferral{Since: since, Times: 8, Failures: 3, Reason: "again"}, out.Deferred[1].Deferral)

	got = nil
	again, err := charmtest.Run(register, events.UpdateStatus{}, out) // what comes out goes in again
	require.NoError(t, err)
	assert.Equal(t, all, got)
	assert.Equal(t, 9, again.Deferred[1].Times)
}

// Of closures with one name, the ordinal tells which.
func TestRunDeferredOrdinal(t *testing.T) {
	t.Parallel()
	var called []int
	register := func(c *charm.Charm) {
		c.EnableDefer()
		for i := range 3 {
			charm.On(c, func(ctx context.Context, _ events.Start) error {
				if called = append(called, i); i == 1 {
					return charm.Defer("")
				}
				return nil
			})
		}
	}
	out, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: magpie})
	require.NoError(t, err)
	require.Len(t, out.Deferred, 1)
	assert.Equal(t, 1, out.Deferred[0].Ordinal)
	called = nil
	_, err = charmtest.Run(register, events.UpdateStatus{}, out)
	require.NoError(t, err)
	assert.Equal(t, []int{1}, called)
}

func TestRunDeferredMisuse(t *testing.T) {
	t.Parallel()
	for want, state := range map[string]charmtest.State{
		"State.Deferred[0] has no Event or no Handler": {Deferred: []charm.DeferredEvent{{Event: events.Start{}}}},
		"State.Deferred[1]: cannot describe ": {Deferred: []charm.DeferredEvent{
			{Event: events.Start{}, Handler: "a"}, {Event: events.PeerJoined{RelationRef: peersRef, Unit: "magpie/0"}, Handler: "a"},
		}},
		`both State.Deferred and State.Stored["charmsmith.deferred"] have deferred events; set one of them`: {
			Stored: map[string]string{"charmsmith.deferred": "[]"}, Deferred: []charm.DeferredEvent{{Event: events.Start{}, Handler: "a"}},
		},
	} {
		state.Metadata = magpie
		_, err := charmtest.Run(nothing, events.Start{}, state)
		assert.ErrorContains(t, err, want)
	}
}

// What cannot be read is an error, and left where it is.
func TestRunDeferredUnreadable(t *testing.T) {
	t.Parallel()
	state := charmtest.State{Metadata: magpie, Stored: map[string]string{"charmsmith.deferred": "yes"}}
	out, err := charmtest.Run(nothing, events.Start{}, state)
	require.ErrorContains(t, err, `cannot read deferred events in state "charmsmith.deferred": invalid character`)
	assert.Equal(t, state.Stored, out.Stored)
	assert.Empty(t, out.Deferred)
	errs, _ := record(func(t testing.TB) {
		charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie, State: state.Stored}).Deferred()
	})
	assert.Contains(t, errs, `cannot read deferred events in state "charmsmith.deferred": invalid character`)
	errs, _ = record(func(t testing.TB) {
		charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie, State: map[string]string{"charmsmith.deferred": `[{"env":[]}]`}}).Deferred()
	})
	assert.Contains(t, errs, `cannot read deferred events in state "charmsmith.deferred": cannot parse event`)
}

// A Harness tells what is deferred between two events.
func TestHarnessDeferred(t *testing.T) {
	t.Parallel()
	ready := false
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(context.Context, events.PeerEvent) error {
			if ready {
				return nil
			}
			return charm.Defer("not ready")
		}).Name("peers")
	}, &charmtest.Options{Metadata: magpie})
	assert.Empty(t, h.Deferred())
	h.Peers("magpie").Join("magpie/1", nil)
	require.Len(t, h.Deferred(), 2)
	assert.Equal(t, "magpie-relation-joined", h.Deferred()[0].Event.Name())
	assert.Equal(t, "magpie-relation-changed", h.Deferred()[1].Event.Name())
	ready = true
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, h.Deferred())
}

// Other keys of the state, numbers among them, are no deferred events.
func TestDeferredAmongOtherState(t *testing.T) {
	t.Parallel()
	register := func(c *charm.Charm) {
		c.EnableDefer()
		seven := charm.NewStored[string](c, "7")
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			return errors.Join(seven.Set(ctx, "days"), charm.Defer(""))
		})
	}
	h := charmtest.New(t, register, &charmtest.Options{Metadata: magpie})
	h.Emit(events.Start{})
	assert.Len(t, h.Deferred(), 1)
	out, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: magpie})
	require.NoError(t, err)
	assert.Len(t, out.Deferred, 1)
	assert.Equal(t, map[string]string{"7": `"days"`}, out.Stored)
}
