// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// reader is a client, which takes each new token.
type reader struct{ *charm.Charm }

const readerMetadata = `
type: charm
name: reader
summary: Reads archives.
description: A client for the tests.
requires: {archives: {interface: backup-archives}}
`

func registerReader(c *charm.Charm) {
	r := &reader{c}
	charm.OnRelation(c, "archives", r.changed)
	charm.OnSecret(c, "archives", r.tokenChanged)
}

func (r *reader) changed(ctx context.Context, ev events.RelationChanged) error {
	told, err := relation.Load[share](ctx, r.Relation(ev).RemoteApp())
	if err != nil || told.Token.IsZero() {
		return err
	}
	_, err = r.Secret(told.Token).As("archives").Refresh(ctx)
	return err
}

func (r *reader) tokenChanged(ctx context.Context, ev events.SecretChanged) error {
	_, err := r.SecretOf(ev).Refresh(ctx)
	return err
}

// TestCluster is the life of three units and a client: the leader makes the token,
// it changes, the leader is lost, and a unit leaves.
func TestCluster(t *testing.T) {
	t.Parallel()
	for name, textOnly := range map[string]bool{"values": false, "text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := charmtest.NewModel(t, &charmtest.ModelOptions{Seed: 7, TextOnly: textOnly, StorageDir: t.TempDir()})
			app := deploy(m, newSource(t))
			m.Relate("backup:clients", "reader:archives")
			m.Settle()
			requireToken(m, app, 1)
			for _, unit := range app.Units() {
				require.Equal(m, "completed", unit.RunAction("backup", nil).Status)
			}

			m.Advance(time.Hour)
			requireToken(m, app, 2)

			app.Unit("backup/2").SetLeader()
			app.RemoveUnit("backup/0")
			m.Advance(time.Hour)
			requireToken(m, app, 3)
			for _, unit := range app.Units() {
				require.Equal(m, "1.4", unit.WorkloadVersion())
				require.Contains(m, unit.Status().Message, "archives: 1, the last: ")
			}
		})
	}
}

// TestClusterInAnyOrder has it happen in other orders, with charms that are killed
// and leaders that are lost.
func TestClusterInAnyOrder(t *testing.T) {
	t.Parallel()
	source := newSource(t)
	opts := &charmtest.ExploreOptions{
		Schedules: 100,
		Model: charmtest.ModelOptions{
			StorageDir: t.TempDir(),
			Faults:     charmtest.Faults{Kill: 2, RefuseFlush: 1, LoseLeadership: 1, Repeat: 1},
		},
	}
	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
		app := deploy(m, source)
		clients := m.Relate("backup:clients", "reader:archives")
		if m.Pick(2) == 1 {
			m.Settle()
		}
		app.RemoveUnit("backup/1")
		m.Settle()
		requireToken(m, app, 1)
		clients.Remove()
		m.Settle()
		assert.Empty(m, m.Secrets()[0].Info().GrantedTo)
	})
}

func deploy(m *charmtest.Model, source string) *charmtest.Application {
	m.DeployCharm("reader", registerReader, 1, &charmtest.DeployOptions{Metadata: readerMetadata})
	return m.DeployCharm("backup", register, 3, &charmtest.DeployOptions{Config: map[string]any{"source": source}})
}

// requireToken asserts that there is one token, that all use its last revision, and
// that those before are gone.
func requireToken(m *charmtest.Model, app *charmtest.Application, revision int) {
	require.Len(m, m.Secrets(), 1)
	token := m.Secrets()[0]
	require.Equal(m, []int{revision}, token.Info().Revisions)
	require.Equal(m, []string{"reader"}, token.Info().GrantedTo)
	require.Equal(m, revision, token.Tracked("reader/0"))
	for _, unit := range app.Units() {
		require.Equal(m, "active", unit.Status().Status, unit.Name())
		require.Equal(m, token.Content(revision)["token"], served(m, unit.Storage()[0].Location), unit.Name())
	}
}
