// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// showPort is a charm that shows its option port.
func showPort(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
		config, err := c.HookCommands().ConfigGet(ctx)
		if err != nil {
			return err
		}
		var port int
		if err := json.Unmarshal(config["port"], &port); err != nil {
			return err
		}
		if port < 1024 {
			return c.SetStatus(ctx, charm.Blocked("port is reserved"))
		}
		return c.SetStatus(ctx, charm.Active("listening"))
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, showPort, &charmtest.Options{Metadata: magpie, Config: map[string]any{"motd": "hello"}})
	assert.Equal(t, map[string]any{"port": int64(80), "motd": "hello", "ratio": nil, "debug": false, "credentials": nil}, h.Config())
	assert.Equal(t, "unknown", h.Status().Status, "no event has been sent yet")

	h.SetConfig(map[string]any{"port": 8080})
	assert.Equal(t, "active", h.Status().Status)
	assert.Equal(t, "hello", h.Config()["motd"], "other options stay")

	h.ResetConfig("port")
	assert.Equal(t, "blocked", h.Status().Status)
	assert.EqualValues(t, 80, h.Config()["port"])
}

func TestConfigThatStaysSendsNothing(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})
	h.SetConfig(map[string]any{"port": 80})
	h.ResetConfig("motd")
	assert.Empty(t, seen.take(h.Unit()))
	h.SetConfig(map[string]any{"debug": true, "ratio": 1})
	assert.Equal(t, []events.Event{events.ConfigChanged{}}, seen.take(h.Unit()))
}

// A secret option has the URI of a secret that the operator has granted.
func TestSecretOption(t *testing.T) {
	t.Parallel()
	var password string
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
			config, err := c.HookCommands().ConfigGet(ctx)
			if err != nil {
				return err
			}
			var uri string
			if err := json.Unmarshal(config["credentials"], &uri); err != nil {
				return err
			}
			password, err = readSecret(ctx, c, uri, "password")
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	secret := h.AddUserSecret("db-credentials", map[string]string{"password": "hunter2"})
	h.SetConfig(map[string]any{"credentials": secret.URI()})
	assert.Equal(t, "hunter2", password)
}

func TestLeadership(t *testing.T) {
	t.Parallel()
	var seen diary
	var leads []bool
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			leader, err := c.IsLeader(ctx)
			leads = append(leads, leader)
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	assert.False(t, h.IsLeader())
	h.SetLeader(true)
	h.SetLeader(true) // it is already: no event
	h.SetLeader(false)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"leader-elected", "update-status"}, seen.names(h.Unit()), "Juju does not tell who loses it")
	assert.Equal(t, []bool{true, false}, leads)
}

// Another revision of the charm runs from upgrade-charm on.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie, State: map[string]string{"version": "1"}})
	h.Upgrade(func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.UpgradeCharm) error {
			return c.HookCommands().StateSet(ctx, map[string]string{"version": "2"})
		})
	})
	assert.Equal(t, []string{"upgrade-charm", "config-changed"}, seen.names(h.Unit()))
	assert.Equal(t, map[string]string{"version": "2"}, h.State())
}

func TestResources(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "software.tar")
	require.NoError(t, os.WriteFile(path, []byte("a"), 0o600))
	var got string
	var seen diary
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.Hook) (err error) {
			got, err = c.HookCommands().ResourceGet(ctx, "software")
			return err
		})
	}, &charmtest.Options{Metadata: magpie, Resources: map[string]string{"software": path}})
	h.Emit(events.Install{})
	assert.Equal(t, path, got)

	h.SetResource("software", path+".new") // juju attach-resource
	assert.Equal(t, path+".new", got)
	assert.Equal(t, []string{"install", "upgrade-charm", "config-changed"}, seen.names(h.Unit()))
}

// A resource that nobody has attached is an error of resource-get, as in Juju.
func TestMissingResource(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			_, err := c.HookCommands().ResourceGet(ctx, "software")
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Install{}) }), `resource "software" not found`)
}

// The metadata are found as Options says: from a directory, or at or above that
// of the package.
func TestDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "charmcraft.yaml"), []byte(database), 0o600))
	h := charmtest.New(t, nothing, &charmtest.Options{Dir: dir})
	assert.Equal(t, "database/0", h.Unit())
	h = charmtest.New(t, nothing, &charmtest.Options{Dir: dir, Unit: "orders-db/12"})
	assert.Equal(t, "orders-db/12", h.Unit())
}
