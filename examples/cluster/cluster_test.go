// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// TestCluster is the life of a cluster: three units find each other, a fourth
// joins, the leader is lost while it writes, and one unit leaves.
func TestCluster(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, &charmtest.ModelOptions{Seed: 7})

	app := m.Deploy("cluster", register, 3)
	m.Settle()
	requireAgreement(m, app, "members: 3, leader: cluster/0")

	app.AddUnits(1)
	m.Settle()
	requireAgreement(m, app, "members: 4, leader: cluster/0")

	app.Unit("cluster/2").SetLeader()
	m.Settle()
	requireAgreement(m, app, "members: 4, leader: cluster/2")

	app.RemoveUnit("cluster/2") // the leader goes: another one takes over, and says so
	m.Settle()
	require.NotNil(m, app.Leader())
	requireAgreement(m, app, "members: 3, leader: "+app.Leader().Name())
}

// requireAgreement asserts that all units show the same.
func requireAgreement(m *charmtest.Model, app *charmtest.Application, message string) {
	for _, unit := range app.Units() {
		require.Equal(m, "active", unit.Status().Status, unit.Name())
		require.Equal(m, message, unit.Status().Message, unit.Name())
	}
}

// TestClusterInAnyOrder has the same happen in a thousand other orders that Juju
// could choose, with charms that are killed, writes that are refused and leaders
// that lose their leadership while they write.
func TestClusterInAnyOrder(t *testing.T) {
	t.Parallel()
	opts := &charmtest.ExploreOptions{
		Schedules: 1000,
		Model:     charmtest.ModelOptions{Faults: charmtest.Faults{Kill: 2, RefuseFlush: 1, LoseLeadership: 1, Repeat: 1}},
	}
	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
		app := m.Deploy("cluster", register, 3)
		if m.Pick(2) == 1 {
			m.Settle()
		}
		app.RemoveUnit("cluster/1")
		m.Settle()
		leader := app.Leader()
		require.NotNil(m, leader)
		assert.Equal(m, []string{"cluster/0", "cluster/2"}, []string{app.Units()[0].Name(), app.Units()[1].Name()})
		requireAgreement(m, app, "members: 2, leader: "+leader.Name())
	})
}

// TestClusterNoticesWhoIsGone has Juju not tell who is gone, as Juju 4 does
// (juju/juju #23326). Nobody has an event of it: the next one tells, whatever it is.
func TestClusterNoticesWhoIsGone(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, nil)
	m.MissDeparted(true)
	app := m.Deploy("cluster", register, 3)
	m.Settle()
	app.RemoveUnit("cluster/1")
	m.Settle()
	m.Advance(10 * time.Minute) // update-status
	requireAgreement(m, app, "members: 2, leader: cluster/0")
}

// TestLeaderWrites is one unit alone: what it writes as the leader, and what it
// makes of others' joining and leaving.
func TestLeaderWrites(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, register, &charmtest.Options{Leader: true})
	members := h.Peers("members")

	members.Join("cluster/1", nil)
	assert.Equal(t, map[string]string{"leader": `"cluster/0"`, "members": `["cluster/0","cluster/1"]`}, members.LocalApp())
	assert.Equal(t, "members: 2, leader: cluster/0", h.Status().Message)

	members.Depart("cluster/1")
	assert.Equal(t, "members: 1, leader: cluster/0", h.Status().Message)
}

// TestLeadershipIsLost is the hardest moment: Juju has said that we lead, and
// refuses what we write as such. The hook fails, nothing is half-written, and
// runs again.
func TestLeadershipIsLost(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, register, &charmtest.Options{Leader: true})
	members := h.Peers("members")

	h.LoseLeadership()
	err := h.Try(func() { members.Join("cluster/1", nil) })
	require.Error(t, err)
	assert.Nil(t, members.LocalApp())

	h.Again() // Juju retries
	assert.Equal(t, "waiting", h.Status().Status, "the new leader has not written yet")
}
