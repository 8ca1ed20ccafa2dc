// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

// What is registered for names of charmcraft.yaml can be looked at, and refused, before
// a handler runs.
func TestRegistered(t *testing.T) {
	t.Parallel()
	env, err := events.Environ(events.Start{}, "app/0")
	require.NoError(t, err)
	ran := false
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Start) error { ran = true; return nil })
		charm.OnRelation(c, "db", func(context.Context, events.RelationChanged) error { return nil })
		charm.OnRelation(c, "peers", func(context.Context, events.PeerEvent) error { return nil })
		charm.OnRelation(c, "any", func(context.Context, events.RelationEvent) error { return nil })
		charm.OnStorage(c, "data", func(context.Context, events.StorageAttached) error { return nil })
		charm.OnContainer(c, "web", func(context.Context, events.PebbleReady) error { return nil })
		charm.OnSecret(c, "label", func(context.Context, events.SecretChanged) error { return nil })
		charm.OnAction(c, "run", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
		charm.WatchPeers(c, "peers")
	}
	var got []charm.Registered
	opts := &charm.Options{Env: env, Runner: testagent.Peers(0), Registered: func(registered []charm.Registered) error {
		got = registered
		return errTest
	}}
	require.ErrorIs(t, charm.Run(t.Context(), register, opts), errTest)
	assert.False(t, ran)
	assert.Equal(t, []charm.Registered{
		{By: "charm.OnRelation", Kind: "endpoint", Name: "db", Others: true},
		{By: "charm.OnRelation", Kind: "endpoint", Name: "peers", Peers: true},
		{By: "charm.OnRelation", Kind: "endpoint", Name: "any", Peers: true, Others: true},
		{By: "charm.OnStorage", Kind: "storage", Name: "data"},
		{By: "charm.OnContainer", Kind: "container", Name: "web"},
		{By: "charm.OnAction", Kind: "action", Name: "run"},
		{By: "charm.WatchPeers", Kind: "endpoint", Name: "peers", Peers: true},
	}, got)
}

// The time is the system's, or what the options say.
func TestNow(t *testing.T) {
	t.Parallel()
	env, err := events.Environ(events.Start{}, "app/0")
	require.NoError(t, err)
	moment := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, now := range []func() time.Time{nil, func() time.Time { return moment }} {
		var told time.Time
		before := time.Now()
		require.NoError(t, charm.Run(t.Context(), func(c *charm.Charm) {
			charm.On(c, func(context.Context, events.Start) error { told = c.Now(); return nil })
		}, &charm.Options{Env: env, Runner: testagent.Peers(0), Now: now}))
		if now != nil {
			assert.Equal(t, moment, told)
		} else {
			assert.False(t, told.Before(before))
			assert.False(t, told.After(time.Now()))
		}
	}
}
