// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const declared = `
type: charm
name: names
summary: for tests
description: for tests
peers:
  friends: {interface: friends}
requires:
  db: {interface: mysql}
storage:
  data: {type: filesystem}
actions:
  reload: {}
`

// What a charm registers for a name that its charmcraft.yaml does not have would never
// be called: the first event says so.
func TestRegisteredNames(t *testing.T) {
	t.Parallel()
	for want, register := range map[string]func(*charm.Charm){
		`charm.OnRelation: the charm has no endpoint "dbs", but db, friends`: func(c *charm.Charm) {
			charm.OnRelation(c, "dbs", func(context.Context, events.RelationChanged) error { return nil })
		},
		`charm.OnRelation: endpoint "db" is no peer endpoint: its events are of the Relation types`: func(c *charm.Charm) {
			charm.OnRelation(c, "db", func(context.Context, events.PeerJoined) error { return nil })
		},
		`charm.OnRelation: endpoint "friends" is a peer endpoint, whose events are of the Peer types`: func(c *charm.Charm) {
			charm.OnRelation(c, "friends", func(context.Context, events.RelationJoined) error { return nil })
		},
		`charm.WatchPeers: endpoint "db" is no peer endpoint: its events are of the Relation types`: func(c *charm.Charm) { charm.WatchPeers(c, "db") },
		`charm.OnStorage: the charm has no storage "dta", but data`: func(c *charm.Charm) {
			charm.OnStorage(c, "dta", func(context.Context, events.StorageAttached) error { return nil })
		},
		`charm.OnContainer: the charm has no container "web": its charmcraft.yaml declares none`: func(c *charm.Charm) {
			charm.OnContainer(c, "web", func(context.Context, events.PebbleReady) error { return nil })
		},
		`charm.OnAction: the charm has no action "relaod", but reload`: func(c *charm.Charm) {
			charm.OnAction(c, "relaod", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			h := charmtest.New(t, register, &charmtest.Options{Metadata: declared})
			assert.ErrorContains(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), want)
			_, err := charmtest.Run(register, events.UpdateStatus{}, charmtest.State{Metadata: declared})
			assert.ErrorContains(t, err, want)
		})
	}
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.OnRelation(c, "db", func(context.Context, events.RelationEvent) error { return nil })
		charm.OnRelation(c, "friends", func(context.Context, events.RelationEvent) error { return nil })
		charm.OnSecret(c, "any label", func(context.Context, events.SecretChanged) error { return nil })
	}, &charmtest.Options{Metadata: declared})
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, h.Logs())
}

// What a charm asks the time of is the model, whose time a test moves; a deferral is as
// old as that.
func TestNow(t *testing.T) {
	t.Parallel()
	var told time.Time
	var age time.Duration
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			told = c.Now()
			if d, again := charm.Deferred(ctx); again {
				age = told.Sub(d.Since)
			}
			return charm.Defer("always")
		}).Name("start")
	}, &charmtest.Options{Metadata: declared})
	h.Emit(events.Start{})
	require.Equal(t, h.Now(), told)
	h.Advance(48 * time.Hour)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, h.Now(), told)
	assert.GreaterOrEqual(t, age, 48*time.Hour)
}
