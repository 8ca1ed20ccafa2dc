// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const (
	appCharm   = "requires: {db: mysql, cache: redis}\npeers: {peers: app, ring: app-ring}"
	mysqlCharm = "provides: {server: mysql}\npeers: {cluster: mysql-cluster}"
	redisCharm = "provides: {store: redis}"
	diskCharm  = appCharm + "\nstorage: {data: {type: filesystem}, logs: {type: filesystem, multiple: {range: 2}}}"
)

func TestFirstHooksOnAMachine(t *testing.T) {
	t.Parallel()
	orders := make(map[string]bool)
	seeds(t, 30, func(c *cast) {
		c.deploy("app", diskCharm, 2)
		c.deploy("mysql", mysqlCharm, 1)
		c.relate("app", "mysql")
		c.settle()
		hooks := of("app/0", c.hooks)
		assert.ElementsMatch(t, []string{"data-storage-attached", "logs-storage-attached", "logs-storage-attached"}, hooks[:3], c)
		assert.Equal(t, "install", hooks[3], c)
		created := hooks[4:7]
		assert.ElementsMatch(t, []string{"db-relation-created", "peers-relation-created", "ring-relation-created"}, created, c)
		assert.Equal(t, []string{"leader-elected", "config-changed", "start"}, hooks[7:10], c)
		assert.ElementsMatch(t, []string{
			"db-relation-joined (mysql/0)", "db-relation-changed (mysql/0)", "peers-relation-joined (app/1)",
			"peers-relation-changed (app/1)", "ring-relation-joined (app/1)", "ring-relation-changed (app/1)",
		}, hooks[10:], c)
		orders[strings.Join(created, " ")] = true
		third := "config-changed"
		if c.is36() {
			third = "leader-settings-changed"
		}
		assert.Equal(t, third, of("app/1", c.hooks)[7], c)
	})
	assert.Len(t, orders, 6, "relation-created comes in any order")
}

func TestFirstHooksOnKubernetes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		c := newCast(t, &juju.Options{Seed: seed, CAAS: true})
		c.deploy("app", diskCharm+"\ncontainers: {web: {}}", 1)
		c.settle()
		hooks := of("app/0", without(c.hooks, "app/0 web-pebble-ready"))
		assert.Equal(t, "install", hooks[0], c)
		assert.ElementsMatch(t, []string{"peers-relation-created", "ring-relation-created"}, hooks[1:3], c)
		assert.Equal(t, "leader-elected", hooks[3], c)
		assert.ElementsMatch(t, []string{"data-storage-attached", "logs-storage-attached", "logs-storage-attached"}, hooks[4:7], c)
		assert.Equal(t, []string{"config-changed", "start"}, hooks[7:], c)
		assert.Less(t, slices.Index(c.hooks, "app/0 install"), slices.Index(c.hooks, "app/0 web-pebble-ready"), c)
	}
}

// The first config-changed queues start, before which nothing comes.
func TestNothingComesBetweenTheFirstConfigChangedAndStart(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		app := c.deploy("app", appCharm, 2)
		c.deploy("mysql", mysqlCharm, 1)
		c.in("app/1 config-changed", func(*juju.Hook, *hookcmd.Client) error {
			if c.relate("app", "mysql"); !app.Units()[1].IsLeader() {
				require.NoError(t, app.Units()[1].SetLeader())
			}
			_, err := app.Units()[1].RunCommands("x", -1, "")
			return err
		})
		c.settle()
		hooks := of("app/1", c.hooks)
		i := slices.Index(hooks, "config-changed")
		assert.Equal(t, []string{"run-commands", "start", "db-relation-created", "leader-elected"}, hooks[i+1:i+5], c)
	})
}

func TestALaterRelationIsCreatedBeforeItsUnitsJoin(t *testing.T) {
	t.Parallel()
	seeds(t, 20, func(c *cast) {
		c.deploy("app", appCharm, 2)
		c.deploy("mysql", mysqlCharm, 1)
		c.settle()
		c.relate("app", "mysql")
		c.settle()
		for _, unit := range []string{"app/0", "app/1"} {
			want := []string{"db-relation-created", "db-relation-joined (mysql/0)", "db-relation-changed (mysql/0)"}
			assert.Equal(t, want, of(unit, c.hooks), c)
		}
	})
}

// A unit enters the scopes of all its relations before the first
// relation-created: others can see it join before it has run its own.
func TestUnitsCanJoinBeforeTheirOwnRelationCreated(t *testing.T) {
	t.Parallel()
	seen := false
	seeds(t, 40, func(c *cast) {
		c.deploy("app", appCharm, 2)
		c.settle()
		seen = seen || before(c.hooks, "app/0 peers-relation-joined (app/1)", "app/1 peers-relation-created")
	})
	assert.True(t, seen)
}

func TestStorageAddedLaterComesWhenTheUnitIsIdle(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		u := c.deploy("app", "storage: {data: {type: filesystem, multiple: {range: 0+}}}\npeers: {peers: app}", 1).Units()[0]
		c.settle()
		_, err := u.AddStorage("data", 1)
		require.NoError(t, err)
		assert.Equal(t, []string{"app/0 data-storage-attached"}, c.settle())
		require.NoError(t, u.DetachStorage("data/0"))
		assert.Equal(t, []string{"app/0 data-storage-detaching"}, c.settle(), "also while it lives")
		require.NoError(t, u.AttachStorage("data/0"))
		require.NoError(t, u.DetachStorage("data/0"))
		assert.Empty(t, c.settle(), "what was never attached goes without a hook")
	})
}

func TestTheAgentSetsTheStatusAroundHooks(t *testing.T) {
	t.Parallel()
	seeds(t, 1, func(c *cast) {
		u := c.deploy("app", "", 1).Units()[0]
		seen := make(map[string]juju.Status)
		c.play = func(hook string, h *juju.Hook, _ *hookcmd.Client) error {
			seen[strings.TrimPrefix(hook, "app/0 ")] = h.Unit().Workload()
			return nil
		}
		c.settle()
		is := func(status, message string, got juju.Status) {
			t.Helper()
			assert.Equal(t, []string{status, message}, []string{got.Status, got.Message})
		}
		is("maintenance", "installing charm software", seen["install"])
		is("maintenance", "installing charm software", seen["start"])
		is("unknown", "", u.Workload())
		require.NoError(t, u.Remove())
		c.settle()
		is("maintenance", "stopping charm software", seen["stop"])
		is("maintenance", "cleaning up prior to charm deletion", seen["remove"])
		is("terminated", "", u.Workload())
		var messages []string
		for _, s := range u.History() {
			messages = append(messages, s.Status+" "+s.Message)
		}
		assert.Contains(t, messages, "maintenance ", "after stop")
	})
}

// Units that are added while others are busy are told to all, and all to them.
func TestUnitsAddedWhileHooksArePending(t *testing.T) {
	t.Parallel()
	seeds(t, 30, func(c *cast) {
		app := c.deploy("app", appCharm, 3)
		c.deploy("mysql", mysqlCharm, 2)
		c.relate("app", "mysql")
		for range 25 {
			require.True(t, c.m.Step(t.Context()))
		}
		_, err := app.AddUnits(8)
		require.NoError(t, err)
		for range 40 {
			require.True(t, c.m.Step(t.Context()))
		}
		_, err = c.m.Application("mysql").AddUnits(1)
		require.NoError(t, err)
		_, err = c.m.Settle(t.Context(), nil)
		require.NoError(t, err)
		for _, u := range app.Units() {
			assert.Len(t, members(u, "peers"), 10, u.Name)
			assert.Equal(t, []string{"mysql/0", "mysql/1", "mysql/2"}, members(u, "db"), u.Name)
			checkGrammar(t, c, u.Name)
		}
	})
}
