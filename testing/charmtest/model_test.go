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
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

var ofMagpie = &charmtest.DeployOptions{Metadata: magpie}

// The first hooks of a unit are those of a Model with one unit.
func TestFirstHooks(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, nil)
	m.DeployCharm("magpie", seen.register, 1, &charmtest.DeployOptions{
		Metadata: database + "storage: {data: {type: filesystem}}\npeers: {members: {interface: db}}\n",
	})
	m.Settle()
	assert.Equal(t, []string{
		"data-storage-attached", "install", "members-relation-created", "leader-elected", "config-changed", "start",
	}, seen.names("magpie/0"))
	assert.False(t, m.Step(), "nothing is left to do")
}

// Step runs the hooks one by one: the charm, and its unit, can be looked at
// between them.
func TestStep(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, nil)
	var seen diary
	app := m.DeployCharm("magpie", seen.register, 1, ofMagpie)
	require.True(t, m.Step())
	assert.Equal(t, []string{"install"}, seen.names("magpie/0"))
	assert.Equal(t, charmtest.Status{Status: "maintenance", Message: "installing charm software", Since: m.Now()}, app.Unit("magpie/0").Status())
	assert.Equal(t, 1, m.Steps())
}

// Peer relations cannot be used before they are created.
func TestPeersInInstall(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, nil)
	var inInstall error
	m.DeployCharm("magpie", func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			_, inInstall = c.Peers(ctx, "magpie")
			return nil
		})
	}, 1, ofMagpie)
	m.Settle()
	require.ErrorIs(t, inInstall, hookcmd.ErrRelationNotFound)
}

// Units see what others have written: with ops that takes a controller.
func TestUnitsMeet(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, &charmtest.ModelOptions{Seed: 7})
	app := m.DeployCharm("magpie", greet, 2, ofMagpie)
	m.Settle()
	assert.Equal(t, "magpie/1="+app.Unit("magpie/1").Address(), app.Unit("magpie/0").Databag("magpie")["reached"])
	peers := app.Peers("magpie")
	assert.Equal(t, []string{"magpie/0"}, peers.Joined("magpie/1"))

	added := app.AddUnits(1)
	require.Len(t, added, 1)
	assert.Equal(t, "magpie/2", added[0].Name())
	app.RemoveUnit("magpie/0")
	m.Settle()
	assert.Equal(t, []string{"magpie/2"}, peers.Joined("magpie/1"))
	assert.Equal(t, []string{"magpie/1", "magpie/2"}, names(app.Units()))
	assert.Equal(t, names(app.Units()), names(m.Units()))
	assert.Contains(t, peers.Unit("magpie/0"), "reached", "the databag of a unit that is gone stays")
	assert.NotNil(t, app.Leader())
}

func names(units []*charmtest.Unit) []string {
	var names []string
	for _, u := range units {
		names = append(names, u.Name())
	}
	return names
}

// serve is a database that tells its clients a secret, ask is a client.
func serve(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.RelationCreated) error {
		leader, err := c.IsLeader(ctx)
		if err != nil || !leader {
			return err
		}
		uri, err := c.HookCommands().SecretAdd(ctx, content("hunter2"), &hookcmd.SecretSettings{Label: ev.App})
		if err != nil {
			return err
		}
		if err := c.HookCommands().SecretGrant(ctx, uri, hookcmd.RelationID{Endpoint: ev.Endpoint, ID: ev.ID}, ""); err != nil {
			return err
		}
		return c.Relation(ev).LocalApp().Set(ctx, "credentials", uri)
	})
}

func TestApplicationsMeet(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, model string }{{"in one model", ""}, {"of two models", "11111111-0bad-400d-8000-4b1d0d06f00d"}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := charmtest.NewModel(t, nil)
			var passwords []string
			m.DeployCharm("magpie", follow(&passwords), 2, ofMagpie)
			m.DeployCharm("postgresql", serve, 1, &charmtest.DeployOptions{Metadata: database, Model: row.model})
			rel := m.Relate("magpie:db", "postgresql")
			m.Settle()
			assert.Equal(t, []string{"hunter2", "hunter2", "hunter2", "hunter2"}, passwords, "each unit has a changed of the application and of its unit")
			require.Len(t, m.Secrets(), 1)
			secret := m.Secrets()[0]
			assert.Equal(t, secret.Info().URI, rel.App("postgresql")["credentials"])
			assert.Equal(t, 1, secret.Tracked("magpie/0"))

			rel.Remove()
			m.Settle()
			assert.True(t, rel.IsGone())
			assert.Empty(t, secret.Info().GrantedTo, "a grant ends with its relation")
		})
	}
}

// What an operator does.
func TestOperator(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, nil)
	app := m.DeployCharm("magpie", func(c *charm.Charm) { seen.register(c); pinger(c) }, 2, &charmtest.DeployOptions{
		Metadata: magpie, Config: map[string]any{"motd": "hello"}, Resources: map[string]string{"software": "/tmp/x"},
	})
	m.Settle()
	seen.take("magpie/0")

	app.SetConfig(map[string]any{"port": 8080})
	m.Settle()
	app.ResetConfig("port")
	m.Settle()
	assert.Equal(t, []string{"config-changed", "config-changed"}, seen.names("magpie/0"))
	assert.Equal(t, "hello", app.Config()["motd"])

	assert.Equal(t, "completed", app.Unit("magpie/0").RunAction("ping", map[string]any{"host": "db"}).Status)
	m.AddUserSecret("token", map[string]string{"token": "x"}).Grant("magpie")
	app.Unit("magpie/1").SetLeader()
	assert.True(t, m.Unit("magpie/1").IsLeader())
	unit := app.Unit("magpie/0")
	data := unit.AddStorage("data")
	m.Settle()
	unit.DetachStorage(data.ID)
	m.Settle()
	app.Unit("magpie/1").AttachStorage(data.ID)
	m.Settle()
	assert.Equal(t, []charmtest.Storage{data}, app.Unit("magpie/1").Storage())
	unit.Reboot()
	m.Settle()
	assert.Equal(t, []string{"ping", "data-storage-attached", "data-storage-detaching", "start"}, seen.names("magpie/0"))

	app.Refresh(nothing, nil)
	m.Settle()
	assert.Empty(t, seen.names("magpie/0"), "the new revision notes nothing")
	app.Remove()
	m.Settle()
	assert.True(t, unit.IsGone())
	assert.Empty(t, m.Units())
}

// A new revision can have other metadata.
func TestRefresh(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, nil)
	app := m.DeployCharm("db", nothing, 1, &charmtest.DeployOptions{Metadata: database})
	m.Settle()
	app.Refresh(seen.register, &charmtest.DeployOptions{Metadata: database + "peers: {members: {interface: db}}\n"})
	m.Settle()
	assert.ElementsMatch(t, []string{"upgrade-charm", "config-changed", "members-relation-created"}, seen.names("db/0"))
}

// Time is the model's: update-status, retries and what secrets do happen when it
// is moved, and nothing sleeps.
func TestTime(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, nil)
	m.DeployCharm("magpie", seen.register, 1, ofMagpie)
	m.Settle()
	seen.take("magpie/0")
	start := m.Now()
	m.Advance(11 * time.Minute)
	assert.Equal(t, []string{"update-status", "update-status"}, seen.names("magpie/0"))
	assert.Equal(t, start.Add(11*time.Minute), m.Now())
}

// Failed hooks are retried, until they succeed or somebody resolves them.
func TestRetries(t *testing.T) {
	t.Parallel()
	left := 2
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Install) error {
			if left == 0 {
				return nil
			}
			left--
			return assert.AnError
		})
	}
	m := charmtest.NewModel(t, nil)
	m.DeployCharm("magpie", register, 1, ofMagpie)
	m.Settle()
	assert.Zero(t, left)

	left = 3
	m = charmtest.NewModel(t, &charmtest.ModelOptions{NoRetry: true})
	unit := m.DeployCharm("magpie", register, 1, ofMagpie).Units()[0]
	m.Settle()
	assert.Equal(t, "error", unit.Status().Status)
	assert.Equal(t, map[string]any{"hook": "install"}, unit.Status().Data)
	unit.Resolve()
	m.Settle()
	assert.Equal(t, "error", unit.Status().Status)
	unit.ResolveNoRetry()
	m.Settle()
	assert.NotEqual(t, "error", unit.Status().Status)
}

// A relation can be suspended, and resumed.
func TestSuspend(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, nil)
	m.DeployCharm("magpie", seen.register, 1, ofMagpie)
	m.DeployCharm("postgresql", nothing, 1, &charmtest.DeployOptions{Metadata: database})
	m.Settle()
	seen.take("magpie/0")
	rel := m.Relate("magpie", "postgresql")
	assert.Equal(t, "magpie:db postgresql:server", rel.String())
	m.Settle()
	rel.Suspend()
	m.Settle()
	rel.Resume()
	m.Settle()
	created := []string{"db-relation-created", "db-relation-joined", "db-relation-changed"}
	assert.Equal(t, append(append(created, "db-relation-departed", "db-relation-broken"), created...), seen.names("magpie/0"))
}

// juju exec, in a relation too.
func TestExecOfAModel(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, nil)
	app := m.DeployCharm("magpie", nothing, 2, ofMagpie)
	m.Settle()
	peers := app.Peers("magpie")
	id := hookcmd.RelationID{Endpoint: "magpie", ID: peers.ID()}
	require.NoError(t, app.Unit("magpie/1").Exec(func(ctx context.Context, hook *hookcmd.Client) error {
		return hook.RelationSet(ctx, id, map[string]string{"by": "hand"})
	}))
	var bag map[string]string
	require.NoError(t, app.Unit("magpie/0").ExecIn(peers, "", func(ctx context.Context, hook *hookcmd.Client) (err error) {
		bag, err = hook.RelationGet(ctx, id, "magpie/1")
		return err
	}))
	assert.Equal(t, "hand", bag["by"])
	require.ErrorIs(t, app.Unit("magpie/0").Exec(func(context.Context, *hookcmd.Client) error { return assert.AnError }), assert.AnError)
}

// Juju 4 does not tell the peers of a unit that it is gone (juju/juju #23326).
func TestMissDeparted(t *testing.T) {
	t.Parallel()
	var seen diary
	m := charmtest.NewModel(t, nil)
	m.MissDeparted(true)
	app := m.DeployCharm("magpie", seen.register, 2, ofMagpie)
	m.Settle()
	seen.take("magpie/0")
	app.RemoveUnit("magpie/1")
	m.Settle()
	assert.Empty(t, seen.names("magpie/0"))
	assert.Equal(t, []string{"magpie/1"}, app.Peers("magpie").Joined("magpie/0"), "which it sees for ever")
}

// Subordinates come with the units of their principals, and go with them.
func TestSubordinatesOfAModel(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, nil)
	app := m.DeployCharm("magpie", nothing, 2, ofMagpie)
	monitors := m.DeployCharm("monitor", nothing, 0, &charmtest.DeployOptions{Metadata: agentCharm})
	m.DeployCharm("nodes", nothing, 1, &charmtest.DeployOptions{Metadata: database + "requires: {logs: {interface: syslog}}\n"})
	rel := m.Relate("nodes", "monitor")
	m.Settle()
	require.Equal(t, []string{"monitor/0"}, names(monitors.Units()))
	assert.Equal(t, []string{"nodes/0"}, rel.Joined("monitor/0"))
	m.Application("nodes").RemoveUnit("nodes/0")
	m.Settle()
	assert.Empty(t, monitors.Units())
	assert.Len(t, app.Units(), 2)
}
