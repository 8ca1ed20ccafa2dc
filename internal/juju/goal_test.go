// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// goal returns what goal-state tells a unit now, as "status" or "status +minutes".
func (s *stage) goal(unit string) (units map[string]string, relations map[string]map[string]string) {
	s.t.Helper()
	var goal hookcmd.GoalState
	before := s.play
	defer func() { s.play = before }()
	s.play = func(_ string, _ *juju.Hook, c *hookcmd.Client) (err error) {
		goal, err = c.GoalState(s.t.Context())
		return err
	}
	_, _, err := s.m.Dispatch(s.t.Context(), s.m.Unit(unit), events.UpdateStatus{})
	require.NoError(s.t, err)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	show := func(all map[string]hookcmd.GoalStatus) map[string]string {
		shown := make(map[string]string)
		for name, status := range all {
			shown[name] = status.Status
			if since := status.Since.Sub(start); since != 0 {
				shown[name] += " +" + since.String()
			}
		}
		return shown
	}
	relations = make(map[string]map[string]string)
	for endpoint, remote := range goal.Relations {
		relations[endpoint] = show(remote)
	}
	return show(goal.Units), relations
}

type statuses = map[string]string

func TestGoalState(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	app := s.deploy("app", "requires: {db: {interface: mysql}}\nprovides: {web: http}\npeers: {peers: peers}", "", 3)
	s.deploy("mysql", "provides: {server: mysql}", "", 2)
	s.deploy("lone", "provides: {server: mysql}", "", 0)
	_, err := s.m.Deploy(juju.Deployment{Name: "proxy"})
	require.NoError(t, err)
	s.settle()
	units, relations := s.goal("app/0")
	assert.Equal(t, statuses{"app/0": "unknown", "app/1": "unknown", "app/2": "unknown"}, units)
	assert.Empty(t, relations, "peers are left out")

	_, err = s.m.Advance(t.Context(), time.Minute, nil)
	require.NoError(t, err)
	_, err = s.m.Relate("app", "db", "lone", "server")
	require.NoError(t, err)
	_, err = s.m.Relate("app", "web", "proxy", "")
	require.NoError(t, err)
	relation, err := s.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	_, relations = s.goal("app/0")
	assert.Equal(t, statuses{"mysql": "joining +1m0s", "mysql/0": "unknown", "mysql/1": "unknown", "lone": "joining +1m0s"}, relations["db"],
		"units that are not in the relation are in the goal")
	s.in("app/1 db-relation-created", func(_ *juju.Hook, c *hookcmd.Client) error {
		return c.StatusSet(t.Context(), "waiting", "")
	})
	s.settle()

	// A unit that is to go stays in the goal until it is dead.
	require.NoError(t, app.Units()[2].Remove())
	units, relations = s.goal("app/0")
	assert.Equal(t, statuses{"app/0": "unknown", "app/1": "waiting +1m0s", "app/2": "dying"}, units)
	assert.Equal(t, statuses{"mysql": "joined +1m0s", "mysql/0": "unknown", "mysql/1": "unknown", "lone": "joined +1m0s"}, relations["db"])
	assert.Equal(t, statuses{"proxy": "joined +1m0s"}, relations["web"])
	s.settle()
	units, _ = s.goal("app/1")
	assert.Equal(t, statuses{"app/0": "unknown", "app/1": "waiting +1m0s"}, units)

	require.NoError(t, relation.Suspend(true))
	_, relations = s.goal("app/0")
	assert.Equal(t, "suspending +1m0s", relations["db"]["mysql"])
	s.settle()
	_, relations = s.goal("app/0")
	assert.Equal(t, "suspended +1m0s", relations["db"]["mysql"])
	require.NoError(t, relation.Suspend(false))
	s.settle()
	_, relations = s.goal("app/0")
	assert.Equal(t, "joined +1m0s", relations["db"]["mysql"])
	require.NoError(t, relation.Remove())
	s.settle()
	_, relations = s.goal("app/0")
	assert.Equal(t, statuses{"lone": "joined +1m0s"}, relations["db"])
}

func TestGoalStateOfOtherKinds(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", "provides: {info: machine, web: http}", "", 2)
	s.deploy("sub", "subordinate: true\nrequires: {host: {interface: machine, scope: container}}", "", 0)
	_, err := s.m.Relate("sub", "host", "app", "info")
	require.NoError(t, err)
	for _, name := range []string{"saas", "consumer"} {
		_, err = s.m.Deploy(juju.Deployment{Name: name, ModelUUID: "cafecafe-0bad-400d-8000-4b1d0d06f00d", Units: 1})
		require.NoError(t, err)
	}
	s.deploy("web", "requires: {in: http}", "", 1)
	_, err = s.m.Relate("web", "in", "saas", "web") // we consume
	require.NoError(t, err)
	_, err = s.m.Relate("consumer", "web", "app", "web") // we offer
	require.NoError(t, err)
	s.settle()
	_, relations := s.goal("web/0")
	assert.Equal(t, map[string]map[string]string{"in": {"saas": "joined"}}, relations, "the units of another model are not known")
	units, relations := s.goal("app/0")
	assert.Equal(t, statuses{"app/0": "unknown", "app/1": "unknown"}, units)
	own := "sub/0"
	if s.m.Unit(own).Principal().Name != "app/0" {
		own = "sub/1"
	}
	assert.Equal(t, map[string]map[string]string{"info": {"sub": "joined", own: "unknown"}}, relations,
		"of subordinates only its own, and nothing of who consumes an offer")
	units, relations = s.goal("sub/0")
	assert.Empty(t, units, "as Juju has it")
	assert.Equal(t, statuses{"app": "joined", "app/0": "unknown", "app/1": "unknown"}, relations["host"])
}

func TestPlannedUnits(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	app := s.deploy("app", "", "", 3)
	s.settle()
	app.SetPlannedUnits(5)
	units, _ := s.goal("app/1")
	assert.Equal(t, statuses{"app/0": "unknown", "app/1": "unknown", "app/2": "unknown", "app/3": "waiting", "app/4": "waiting"}, units)
	app.SetPlannedUnits(1)
	units, _ = s.goal("app/1")
	assert.Equal(t, statuses{"app/1": "unknown"}, units)
	app.SetPlannedUnits(-1)
	units, _ = s.goal("app/1")
	assert.Empty(t, units)
	app.SetPlannedUnits(0)
	units, _ = s.goal("app/1")
	assert.Len(t, units, 3)
	app.SetGoalState(&hookcmd.GoalState{Units: map[string]hookcmd.GoalStatus{"app/9": {Status: "active"}}})
	units, _ = s.goal("app/1")
	assert.Len(t, units, 1)
	app.SetGoalState(nil)
	units, _ = s.goal("app/1")
	assert.Len(t, units, 3)
}
