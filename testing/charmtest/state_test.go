// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

var peersRef = events.RelationRef{Endpoint: "magpie", ID: 4, App: "magpie"}

// One event, from a state to the state after it.
func TestRun(t *testing.T) {
	t.Parallel()
	before := charmtest.State{
		Metadata: magpie,
		Stored:   map[string]string{"greeted": "no"},
		Relations: []charmtest.RelationState{{
			Endpoint: "magpie", ID: 4, Local: map[string]string{"a": "b"},
			Units: map[string]map[string]string{"magpie/1": {"ingress-address": "10.0.0.2"}},
		}},
	}
	after, err := charmtest.Run(func(c *charm.Charm) {
		greet(c)
		charm.On(c, func(ctx context.Context, _ events.PeerJoined) error {
			if err := c.SetStatus(ctx, charm.Active("greeted")); err != nil {
				return err
			}
			c.Logger().Info("done")
			return c.HookCommands().StateSet(ctx, map[string]string{"greeted": "yes"})
		})
	}, events.PeerJoined{RelationRef: peersRef, Unit: "magpie/1"}, before)
	require.NoError(t, err)
	assert.Equal(t, "magpie/1=10.0.0.2", after.Relations[0].Local["reached"])
	assert.Equal(t, "b", after.Relations[0].Local["a"])
	assert.Equal(t, map[string]string{"greeted": "yes"}, after.Stored)
	assert.Equal(t, "greeted", after.Status.Message)
	assert.Equal(t, []charmtest.LogLine{{Unit: "magpie/0", Level: "INFO", Message: "magpie:4: done"}}, after.Logs)
	assert.Len(t, after.Calls, 5)

	assert.Equal(t, map[string]string{"a": "b"}, before.Relations[0].Local, "what Run is given does not change")
	assert.Equal(t, map[string]string{"greeted": "no"}, before.Stored)
}

// What comes out goes in again.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	state := charmtest.State{
		Metadata: magpie, Leader: true, Config: map[string]any{"motd": "hi"}, Trust: true, Unit: "magpie/3", WorkloadVersion: "2.7",
		Relations: []charmtest.RelationState{
			{Endpoint: "magpie", ID: 4, LocalApp: map[string]string{"leader": "magpie/3"}, Units: map[string]map[string]string{"magpie/1": nil}},
			{Endpoint: "db", ID: 7, App: "postgresql", Units: map[string]map[string]string{"postgresql/0": {"host": "db"}}, RemoteApp: map[string]string{"x": "y"}},
			{Endpoint: "host", ID: 2, App: "monitor", Units: map[string]map[string]string{"monitor/4": nil}},
		},
		Secrets: []charmtest.SecretState{
			{Owner: "magpie", Label: "root", Rotate: "daily", Revisions: map[int]map[string]string{2: {"password": "b"}, 3: {"password": "c"}}, Tracked: 2, GrantedTo: []string{"postgresql"}},
			{Owner: "magpie/3", Revisions: map[int]map[string]string{1: {"key": "k"}}},
			{Owner: "postgresql", Label: "db", Revisions: map[int]map[string]string{1: {"password": "p"}}, Tracked: 1},
			{URI: "secret:9m4e2mr0ui3e8a215n4g", Revisions: map[int]map[string]string{1: {"token": "t"}}},
		},
		Storage:      []charmtest.Storage{{ID: "data/5", Kind: "filesystem", Location: "/srv"}},
		OpenedPorts:  []hookcmd.EndpointPorts{{PortRange: hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}}},
		Status:       charmtest.Status{Status: "active", Message: "fine"},
		AppStatus:    charmtest.Status{Status: "waiting"},
		Networks:     map[string]charmtest.Network{"db": {IngressAddresses: []string{"10.9.9.9"}}},
		Resources:    map[string]string{"software": "/tmp/software.tar"},
		PlannedUnits: 5, ModelName: "prod", Zone: "a",
	}
	once, err := charmtest.Run(nothing, events.UpdateStatus{}, state)
	require.NoError(t, err)
	require.Len(t, once.Relations, 3)
	assert.Equal(t, "c", once.Secrets[0].Revisions[3]["password"])
	assert.Equal(t, []string{"monitor/4"}, keys(once.Relations[2].Units))
	twice, err := charmtest.Run(nothing, events.UpdateStatus{}, once)
	require.NoError(t, err)
	assert.Equal(t, once, twice)
	for i := range once.Secrets { // the rest is as it was
		state.Secrets[i].URI = once.Secrets[i].URI
	}
	assert.Equal(t, state.Secrets, once.Secrets)
	assert.Equal(t, state.Storage, once.Storage)
	assert.Equal(t, state.OpenedPorts, once.OpenedPorts)
}

func keys[V any](m map[string]V) []string {
	var all []string
	for key := range maps.Keys(m) {
		all = append(all, key)
	}
	return all
}

// A unit that departs is in Units before, and not after.
func TestRunDeparted(t *testing.T) {
	t.Parallel()
	state := charmtest.State{Metadata: magpie, Relations: []charmtest.RelationState{{
		Endpoint: "magpie", ID: 4, Units: map[string]map[string]string{"magpie/1": {"words": "farewell"}, "magpie/2": nil},
	}}}
	var units []string
	var words string
	var self bool
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerDeparted) (err error) {
			self = ev.Self
			if units, err = c.Relation(ev).Units(ctx); err != nil {
				return err
			}
			words, err = c.Relation(ev).Remote(ev.Unit).Get(ctx, "words")
			return err
		})
	}
	after, err := charmtest.Run(register, events.PeerDeparted{RelationRef: peersRef, Unit: "magpie/1"}, state)
	require.NoError(t, err)
	assert.Equal(t, []string{"magpie/2"}, units)
	assert.Equal(t, "farewell", words)
	assert.False(t, self)
	assert.Equal(t, []string{"magpie/2"}, keys(after.Relations[0].Units))

	// We leave, and magpie/1 stays.
	_, err = charmtest.Run(register, events.PeerDeparted{RelationRef: peersRef, Unit: "magpie/1", Self: true}, state)
	require.NoError(t, err)
	assert.True(t, self)
}

// Events of applications have no unit.
func TestRunApplicationChanged(t *testing.T) {
	t.Parallel()
	ref := events.RelationRef{Endpoint: "db", ID: 1, App: "postgresql"}
	state := charmtest.State{Metadata: magpie, Relations: []charmtest.RelationState{{
		Endpoint: "db", ID: 1, App: "postgresql", RemoteApp: map[string]string{"database": "orders"},
	}}}
	var seen diary
	_, err := charmtest.Run(seen.register, events.RelationChanged{RelationRef: ref}, state)
	require.NoError(t, err)
	assert.Equal(t, []events.Event{events.RelationChanged{RelationRef: ref}}, seen.take("magpie/0"))

	after, err := charmtest.Run(nothing, events.RelationBroken{RelationRef: ref}, state)
	require.NoError(t, err)
	assert.Empty(t, after.Relations)
}

func TestRunAction(t *testing.T) {
	t.Parallel()
	state := charmtest.State{Metadata: magpie, Params: map[string]any{"host": "db", "tries": 5}}
	after, err := charmtest.Run(pinger, events.Action{Action: "ping"}, state)
	require.NoError(t, err)
	assert.Equal(t, "completed", after.Action.Status)
	assert.Equal(t, map[string]any{"reply": map[string]any{"host": "db", "tries": "5"}}, after.Action.Results)

	state.Params = map[string]any{"tries": 5}
	after, err = charmtest.Run(pinger, events.Action{Action: "ping"}, state)
	require.NoError(t, err)
	assert.Equal(t, "error", after.Action.Status, "Juju has not run the charm")
	assert.Empty(t, after.Calls)
}

// A charm that fails is an error, and what it did is not kept.
func TestRunFails(t *testing.T) {
	t.Parallel()
	fail := true
	var seen diary
	state := charmtest.State{Metadata: magpie, Relations: []charmtest.RelationState{{
		Endpoint: "magpie", ID: 4, Units: map[string]map[string]string{"magpie/1": nil},
	}}}
	after, err := charmtest.Run(flaky(&fail, &seen), events.PeerChanged{RelationRef: peersRef, Unit: "magpie/1"}, state)
	var failure *charmtest.HookError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "magpie-relation-changed", failure.Hook)
	assert.Equal(t, "failed", failure.Outcome)
	require.ErrorContains(t, err, "no space left on device")
	assert.NotContains(t, after.Relations[0].Local, "last")
	require.NotEmpty(t, after.Logs)
	for _, ev := range []events.Event{
		events.PeerJoined{RelationRef: peersRef, Unit: "magpie/1"},
		events.PeerChanged{RelationRef: peersRef, Unit: "magpie/1"},
		events.PeerDeparted{RelationRef: peersRef, Unit: "magpie/1"},
	} {
		fail = true
		after, err := charmtest.Run(flaky(&fail, &seen), ev, state)
		require.Error(t, err)
		fail = false
		after, err = charmtest.Run(flaky(&fail, &seen), ev, after) // Juju's next try
		require.NoError(t, err, ev.Name())
		assert.Equal(t, ev.Name(), after.Relations[0].Local["last"])
	}

	_, err = charmtest.Run(func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Action) error { return assert.AnError })
	}, events.Action{Action: "ping"}, charmtest.State{Metadata: magpie, Params: map[string]any{"host": "db"}})
	require.ErrorIs(t, err, assert.AnError)
	require.ErrorAs(t, err, &failure)
}

// The remote application can be of another model.
func TestRunRemoteModel(t *testing.T) {
	t.Parallel()
	const uuid = "11111111-0bad-400d-8000-4b1d0d06f00d"
	var got string
	_, err := charmtest.Run(func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.RelationCreated) (err error) {
			got, err = c.Relation(ev).Model(ctx)
			return err
		})
	}, events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 1, App: "postgresql"}}, charmtest.State{
		Metadata: magpie, Relations: []charmtest.RelationState{{Endpoint: "db", ID: 1, App: "postgresql", Model: uuid}},
	})
	require.NoError(t, err)
	assert.Equal(t, uuid, got)
}

// Secrets of a state: who owns them, and what the unit has read.
func TestRunSecrets(t *testing.T) {
	t.Parallel()
	const uri = "secret:9m4e2mr0ui3e8a215n4g"
	var passwords []string
	state := charmtest.State{
		Metadata:  magpie,
		Relations: []charmtest.RelationState{{Endpoint: "db", ID: 1, App: "postgresql"}},
		Secrets: []charmtest.SecretState{{
			URI: uri, Owner: "postgresql", Label: "db", Tracked: 1,
			Revisions: map[int]map[string]string{1: {"password": "one"}, 2: {"password": "two"}},
		}},
	}
	after, err := charmtest.Run(follow(&passwords), events.SecretChanged{SecretRef: events.SecretRef{ID: uri, Label: "db"}}, state)
	require.NoError(t, err)
	assert.Equal(t, []string{"two"}, passwords)
	assert.Equal(t, 2, after.Secrets[0].Tracked)

	var seen diary
	state = charmtest.State{
		Metadata: magpie, Leader: true,
		Secrets: []charmtest.SecretState{{URI: uri, Owner: "magpie", Label: "root", Rotate: "daily", Revisions: map[int]map[string]string{1: {"password": "one"}}}},
	}
	after, err = charmtest.Run(owner(&seen), events.SecretRotate{SecretRef: events.SecretRef{ID: uri, Label: "root"}}, state)
	require.NoError(t, err)
	assert.Equal(t, map[int]map[string]string{1: {"password": "one"}, 2: {"password": "rotated"}}, after.Secrets[0].Revisions)
	after, err = charmtest.Run(owner(&seen), events.SecretRemove{SecretRef: events.SecretRef{ID: uri, Label: "root"}, Revision: 1}, after)
	require.NoError(t, err)
	assert.Equal(t, map[int]map[string]string{2: {"password": "rotated"}}, after.Secrets[0].Revisions)
}

// Storage of a state: none unless it says so, but for what the charm requires.
func TestRunStorage(t *testing.T) {
	t.Parallel()
	var seen diary
	ref := events.StorageRef{Storage: "data", ID: "data/5", Kind: "filesystem", Location: "/srv"}
	state := charmtest.State{Metadata: magpie, Storage: []charmtest.Storage{{ID: "data/5", Kind: "filesystem", Location: "/srv"}}}
	_, err := charmtest.Run(seen.register, events.StorageAttached{StorageRef: ref}, state)
	require.NoError(t, err)
	assert.Equal(t, []events.Event{events.StorageAttached{StorageRef: ref}}, seen.take("magpie/0"))
	after, err := charmtest.Run(nothing, events.StorageDetaching{StorageRef: ref}, state)
	require.NoError(t, err)
	assert.Empty(t, after.Storage)
}

// A subordinate, and Juju 3.6.
func TestRunSubordinate(t *testing.T) {
	t.Parallel()
	var seen diary
	ref := events.RelationRef{Endpoint: "host", ID: 0, App: "ubuntu"}
	state := charmtest.State{
		Metadata: agentCharm, Principal: "ubuntu/3", JujuVersion: "3.6.26", LeaderSettings: map[string]string{"a": "b"},
		Relations: []charmtest.RelationState{{Endpoint: "host", App: "ubuntu", Units: map[string]map[string]string{"ubuntu/3": nil}}},
	}
	after, err := charmtest.Run(seen.register, events.RelationJoined{RelationRef: ref, Unit: "ubuntu/3"}, state)
	require.NoError(t, err)
	assert.Equal(t, []events.Event{events.RelationJoined{RelationRef: ref, Unit: "ubuntu/3"}}, seen.take("monitor/0"))
	assert.Equal(t, "b", after.LeaderSettings["a"])
}
