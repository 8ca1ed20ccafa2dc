// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// agentOf returns what the status of a unit's agent is, "executing install".
func agentOf(u *juju.Unit) string {
	status, hook := u.Agent()
	if hook != "" {
		status += " " + hook
	}
	return status
}

func TestAgent(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{NoRetry: true})
	var seen []string
	s.play = func(hook string, h *juju.Hook, _ *hookcmd.Client) error {
		seen = append(seen, hook+": "+agentOf(h.Unit()))
		if hook == "app/0 start" {
			return errors.New("no")
		}
		return nil
	}
	app := s.deploy("app", "requires: {db: mysql}", "backup: {}", 1)
	u := app.Units()[0]
	assert.Equal(t, "allocating", agentOf(u))
	s.settle()
	assert.Equal(t, "error", u.Workload().Status)
	assert.Equal(t, "idle", agentOf(u), "in error")
	_, err := u.RunAction("backup", nil)
	require.NoError(t, err)
	_, err = u.RunCommands("true", -1, "")
	require.NoError(t, err)
	s.settle()
	require.NoError(t, u.Resolve(true))
	s.settle()
	app.UpdateStatus()
	s.settle()
	assert.Equal(t, []string{
		"app/0 install: executing install", "app/0 leader-elected: executing leader-elected",
		"app/0 config-changed: executing config-changed", "app/0 start: executing start",
		"app/0 backup: executing action backup", "app/0 run-commands: executing juju-exec",
		"app/0 update-status: idle",
	}, seen)

	s = newStage(t, &juju.Options{NoRetry: true})
	s.in("app/0 install", func(*juju.Hook, *hookcmd.Client) error { return errors.New("no") })
	u = s.deploy("app", "", "", 1).Units()[0]
	s.settle()
	assert.Equal(t, "idle", agentOf(u), "its install has failed")
	made, err := s.m.Application("app").AddMadeUpUnit(7)
	require.NoError(t, err)
	assert.Equal(t, "idle", agentOf(made), "made up")
}

func TestMachine(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", hostCharm, "", 2)
	sub := s.deploy("sub", subCharm, "", 0)
	_, err := s.m.Relate("sub", "host", "app", "info")
	require.NoError(t, err)
	s.settle()
	assert.Equal(t, "1", s.m.Unit("app/1").Machine())
	for principal, u := range subsOf(sub) {
		assert.Equal(t, s.m.Unit(principal).Machine(), u.Machine())
	}
	s = newStage(t, &juju.Options{CAAS: true})
	assert.Empty(t, s.deploy("app", "", "", 1).Units()[0].Machine())
}

func TestApplicationLife(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{NoRetry: true})
	app := s.deploy("app", "", "", 1)
	s.settle()
	assert.Equal(t, juju.Alive, app.Life())
	s.in("app/0 stop", func(*juju.Hook, *hookcmd.Client) error { return errors.New("no") })
	require.NoError(t, app.Remove())
	s.settle()
	assert.Equal(t, juju.Dying, app.Life())
}

func TestRelationStatus(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{NoRetry: true})
	s.deploy("app", "requires: {db: mysql}", "", 1)
	s.deploy("mysql", "provides: {server: mysql}", "", 1)
	r, err := s.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	assert.Equal(t, "joining", r.Status())
	s.settle()
	assert.Equal(t, "joined", r.Status())
	require.NoError(t, r.Suspend(true))
	assert.Equal(t, "suspending", r.Status())
	s.settle()
	assert.Equal(t, "suspended", r.Status())
	require.NoError(t, r.Suspend(false))
	s.settle()
	assert.Equal(t, "joined", r.Status())
	s.in("mysql/0 server-relation-broken", func(*juju.Hook, *hookcmd.Client) error { return errors.New("no") })
	require.NoError(t, r.Remove())
	s.settle()
	assert.Equal(t, "broken", r.Status())
}
