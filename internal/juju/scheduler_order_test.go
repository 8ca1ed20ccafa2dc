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

// Whatever is due at the same time comes in the order of the uniter's resolvers:
// relation-created, leadership, (Pebble,) secrets, actions, juju-exec, storage,
// the charm's upgrade, config-changed, relations, peer relations.
func TestWhatIsDueAtTheSameTimeHasAnOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		c := newCast(t, &juju.Options{Seed: seed, CAAS: seed%2 == 1})
		metadata := "requires: {db: mysql, cache: redis}\npeers: {peers: app}\nstorage: {data: {type: filesystem, multiple: {range: 0+}}}"
		if seed%2 == 1 {
			metadata += "\ncontainers: {web: {}}"
		}
		charm := parse(t, "app", metadata, "act: {}")
		app, err := c.m.Deploy(juju.Deployment{Charm: charm, Executor: c, Units: 2})
		require.NoError(t, err)
		mysql := c.madeUp("mysql", 1)
		c.madeUp("redis", 1)
		c.relate("app:db", "mysql")
		end := c.enter(mysql, 0)
		c.settle()
		u := app.Units()[1]
		uri := ""
		c.do(u.Name, func(h *juju.Hook, _ *hookcmd.Client) error {
			out, err := command(h, "secret-add", "--owner", "unit", "key=one")
			uri = strings.TrimSpace(out)
			return err
		})
		c.do(u.Name, func(h *juju.Hook, _ *hookcmd.Client) error {
			_, err := command(h, "secret-get", uri)
			return err
		})
		c.do(u.Name, func(h *juju.Hook, _ *hookcmd.Client) error {
			write(t, app.Ends()[0], app.Units()[0], "k", "v")
			write(t, end, c.m.Unit("mysql/0"), "k", "v")
			require.NoError(t, app.SetConfig(nil))
			if seed%2 == 0 { // on Kubernetes that is another pod
				require.NoError(t, app.Refresh(charm, nil))
			} else {
				require.NoError(t, u.RestartWorkload("web"))
			}
			_, err := u.AddStorage("data", 1)
			require.NoError(t, err)
			_, err = u.RunCommands("x", -1, "")
			require.NoError(t, err)
			_, err = u.RunAction("act", nil)
			require.NoError(t, err)
			require.NoError(t, u.SetLeader())
			c.relate("app:cache", "redis")
			_, err = command(h, "secret-set", uri, "key=two")
			c.play = nil
			return err
		})
		want := []string{
			"run-commands", "cache-relation-created", "leader-elected", "secret-changed", "act", "run-commands", "data-storage-attached",
			"upgrade-charm", "config-changed", "db-relation-changed (mysql/0)", "peers-relation-changed (app/0)",
		}
		hooks := of(u.Name, c.hooks)
		if seed%2 == 1 {
			want = without(want, "upgrade-charm", "config-changed")
			ready := slices.Index(hooks, "web-pebble-ready")
			assert.Greater(t, ready, slices.Index(hooks, "leader-elected"), c)
			hooks = without(hooks, "web-pebble-ready")
		}
		assert.Equal(t, want, hooks, c)
	}
}

func TestPeerHooksNameTheirOwnApplication(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	app := c.deploy("app", "peers: {peers: app}", 2)
	c.play = func(hook string, h *juju.Hook, _ *hookcmd.Client) error {
		if strings.Contains(hook, "-relation-") {
			assert.Contains(t, h.Environ(), "JUJU_REMOTE_APP=app", hook)
			out, err := command(h, "relation-list")
			require.NoError(t, err)
			assert.NotContains(t, out, h.Unit().Name, "it is not among its peers")
		}
		return nil
	}
	c.settle()
	require.NoError(t, app.Units()[1].Remove())
	assert.Contains(t, c.settle(), "app/0 peers-relation-departed (app/1)")
}

// What the charm says of itself before install, and in start, stays.
func TestAStatusThatTheCharmSetStays(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	c.play = func(hook string, h *juju.Hook, client *hookcmd.Client) error {
		switch hook {
		case "app/0 data-storage-attached":
			return client.StatusSet(t.Context(), "waiting", "for the disk")
		case "app/0 install":
			assert.Equal(t, "for the disk", h.Unit().Workload().Message)
		}
		return nil
	}
	u := c.deploy("app", "storage: {data: {type: filesystem}}", 1).Units()[0]
	c.settle()
	assert.Equal(t, "for the disk", u.Workload().Message)
}

// Units that come after the removal began have no part in a relation.
func TestNewUnitsDoNotEnterADyingRelation(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	r := pair(c)
	c.fails("app/0 db-relation-broken", 1)
	require.NoError(t, r.Remove())
	c.settle()
	_, err := c.m.Application("mysql").AddUnits(1)
	require.NoError(t, err)
	assert.Equal(t, []string{"install", "config-changed", "start"}, of("mysql/2", c.settle()))
	assert.Equal(t, juju.Dying, r.Life(), "a unit in error keeps it")
	require.NoError(t, c.m.Unit("app/0").Resolve(false))
	assert.Equal(t, []string{"app/0 db-relation-broken"}, c.settle())
	assert.Equal(t, juju.Dead, r.Life())
}
