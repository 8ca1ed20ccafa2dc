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

func TestRunCommands(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", "requires: {db: mysql}\npeers: {peers: peers}", "", 3)
	s.deploy("mysql", "provides: {server: mysql}", "", 1)
	relation, err := s.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	s.settle()
	u := s.m.Unit("app/0")

	s.in("app/0 run-commands", func(h *juju.Hook, c *hookcmd.Client) error {
		assert.Equal(t, "relation-get x", h.Commands().Script)
		assert.Nil(t, h.Event())
		bag, err := command(h, "relation-get", "--format=json", "ingress-address") // of the one remote unit
		assert.Equal(t, `"`+s.m.Unit("mysql/0").Address()+`"`+"\n", bag)
		require.NoError(t, err)
		_, err = command(h, "relation-set", "a=b")
		return err
	})
	commands, err := u.RunCommands("relation-get x", relation.ID, "")
	require.NoError(t, err)
	// It is flushed like a hook, so the remote unit is told.
	assert.Equal(t, []string{"app/0 run-commands", "mysql/0 server-relation-changed"}, s.settle())
	assert.True(t, commands.Done)
	assert.NoError(t, commands.Err)

	s.in("app/0 run-commands", func(h *juju.Hook, c *hookcmd.Client) error {
		_, err := command(h, "relation-get")
		assert.ErrorContains(t, err, "no relation id specified")
		_, err = command(h, "state-set", "k=v")
		require.NoError(t, err)
		return errors.New("three")
	})
	commands, err = u.RunCommands("x", -1, "")
	require.NoError(t, err)
	assert.Equal(t, []string{"app/0 run-commands"}, s.settle(), "it is not run again")
	assert.Equal(t, 1, commands.Code)
	assert.Equal(t, "three", string(commands.Stderr))
	assert.Empty(t, u.State(), "what failed is not flushed")
	assert.NotEqual(t, "error", u.Workload().Status)

	commands, err = u.RunCommands("x", -1, "")
	require.NoError(t, err)
	s.m.RefuseNextFlush()
	s.in("app/0 run-commands", func(h *juju.Hook, c *hookcmd.Client) error {
		return c.StateSet(t.Context(), map[string]string{"k": "v"})
	})
	s.settle()
	assert.ErrorContains(t, commands.Err, "the controller refused them")
}

func TestRunCommandsNeedsARemoteUnit(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	app := s.deploy("app", "peers: {peers: peers}", "", 3)
	s.settle()
	peers, u := app.Ends()[0].ID(), s.m.Unit("app/0")
	_, err := u.RunCommands("x", peers, "")
	assert.EqualError(t, err, "cannot run commands on unit app/0: unable to determine remote-unit, please disambiguate: app/1, app/2")
	_, err = u.RunCommands("x", peers, "app/0")
	assert.EqualError(t, err, "cannot run commands on unit app/0: unknown remote unit provided: app/0")
	_, err = u.RunCommands("x", 99, "")
	assert.EqualError(t, err, "cannot run commands on unit app/0: unable to find relation id: 99")
	_, err = u.RunCommands("x", -1, "app/1")
	assert.EqualError(t, err, "cannot run commands on unit app/0: remote unit not provided without a relation")
	s.in("app/0 run-commands", func(h *juju.Hook, c *hookcmd.Client) error {
		text, err := command(h, "relation-get", "ingress-address")
		assert.Equal(t, s.m.Unit("app/2").Address()+"\n", text)
		return err
	})
	_, err = u.RunCommands("x", peers, "app/2")
	require.NoError(t, err)
	assert.Equal(t, []string{"app/0 run-commands"}, s.settle())
}
