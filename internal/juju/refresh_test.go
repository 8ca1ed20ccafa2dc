// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const oldCharm = "requires: {db: mysql}\nprovides: {old: thing}\nstorage: {data: {type: filesystem, multiple: {range: 1-2}}}"

func TestRefresh(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	app := s.deploy("app", oldCharm, "a: {}", 2)
	s.deploy("mysql", "provides: {server: mysql}", "", 1)
	_, err := s.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	s.settle()
	next := newStage(t, nil)
	next.m = s.m
	charm := parse(t, "app", "requires: {db: mysql}\npeers: {peers: peers}\nstorage: {data: {type: filesystem, multiple: {range: 1+}}, more: {type: filesystem}}", "b: {}")
	require.NoError(t, app.Refresh(charm, next))
	assert.Equal(t, charm, app.Charm())
	assert.Empty(t, s.settle(), "the old version runs no more")
	for _, u := range app.Units() {
		hooks := of(u.Name, next.hooks)
		assert.Equal(t, []string{"upgrade-charm", "config-changed", "peers-relation-created", "peers-relation-joined", "peers-relation-changed"},
			without(hooks, "more-storage-attached"))
		assert.Len(t, hooks, 6)
		assert.Len(t, u.Storage(), 2)
	}
	act, err := app.Units()[0].RunAction("b", nil)
	require.NoError(t, err)
	next.settle()
	assert.Equal(t, "completed", act.Status)
	units, err := app.AddUnits(1)
	require.NoError(t, err)
	s.hooks = nil
	next.settle()
	assert.Contains(t, of(units[0].Name, next.hooks), "install")
	assert.Empty(t, of(units[0].Name, s.hooks))
}

// A unit that is in error keeps its version until that is resolved.
func TestRefreshOfAUnitInError(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{NoRetry: true})
	s.in("app/0 start", func(*juju.Hook, *hookcmd.Client) error { return assert.AnError })
	app := s.deploy("app", oldCharm, "a: {}", 1)
	u := app.Units()[0]
	s.settle()
	next := newStage(t, nil)
	next.m = s.m
	require.NoError(t, app.Refresh(parse(t, "app", oldCharm+"\npeers: {peers: peers}", "b: {}"), next))
	old, err := u.RunAction("a", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"app/0 a"}, s.settle())
	assert.Equal(t, "completed", old.Status)
	require.NoError(t, u.Resolve(false))
	assert.Equal(t, []string{"app/0 start"}, s.settle())
	assert.Equal(t, []string{"upgrade-charm", "config-changed", "peers-relation-created"}, of("app/0", next.hooks))
}

func TestRefreshOnKubernetes(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true})
	app := s.deploy("app", "containers: {web: {}}", "", 2)
	s.settle()
	require.NoError(t, app.Refresh(parse(t, "app", "containers: {web: {}, side: {}}", ""), nil))
	hooks := s.settle()
	for _, u := range app.Units() {
		own := of(u.Name, hooks)
		assert.Equal(t, []string{"stop", "upgrade-charm", "config-changed", "start"}, own[:4])
		assert.ElementsMatch(t, []string{"web-pebble-ready", "side-pebble-ready"}, own[4:])
	}
}

func TestRefreshKeepsConfig(t *testing.T) {
	t.Parallel()
	config := func(text string) *charmdir.Charm {
		charm, err := charmdir.Parse(charmdir.Files{
			Metadata: []byte("name: app\nsummary: x\ndescription: x\n"), Config: []byte("options: {" + text + "}"),
		})
		require.NoError(t, err)
		return charm
	}
	s := newStage(t, nil)
	app, err := s.m.Deploy(juju.Deployment{
		Charm: config("a: {type: int, default: 1}, b: {type: string, default: x}, c: {type: int}, d: {type: int}"), Executor: s, Units: 1,
		Config: map[string]any{"a": 2, "c": 3, "d": 4},
	})
	require.NoError(t, err)
	s.settle()
	require.NoError(t, app.Refresh(config("a: {type: int, default: 7}, b: {type: string, default: 'y'}, c: {type: string}, e: {type: boolean, default: true}"), nil))
	assert.Equal(t, []string{"upgrade-charm", "config-changed"}, of("app/0", s.settle()))
	assert.Equal(t, map[string]any{"a": int64(2), "b": "y", "c": nil, "e": true}, app.Config())
}

func TestRefreshIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	app := s.deploy("app", oldCharm, "", 1)
	s.deploy("mysql", "provides: {server: mysql}", "", 1)
	_, err := s.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	s.settle()
	for metadata, want := range map[string]string{
		"provides: {old: thing}":             `it would break relation "app:db mysql:server"`,
		"requires: {db: postgres}":           `it would break relation "app:db mysql:server"`,
		"requires: {db: mysql}":              `storage "data" is removed, which units have`,
		oldCharm + "\ncontainers: {web: {}}": "a charm with containers needs a model on Kubernetes",
		"requires: {db: mysql}\nstorage: {data: {type: block, multiple: {range: 1-2}}}": `storage "data": type changed from filesystem to block`,
		"requires: {db: mysql}\nstorage: {data: {type: filesystem}}":                    `storage "data": maximum of its range changed from 2 to 1`,
		"subordinate: true\nrequires: {db: {interface: mysql, scope: container}}":       "a principal cannot become a subordinate",
	} {
		assert.ErrorContains(t, app.Refresh(parse(t, "app", metadata, ""), nil), want)
	}
	assert.ErrorContains(t, app.Refresh(nil, nil), "there is no charm")
	made, err := s.m.Deploy(juju.Deployment{Name: "made"})
	require.NoError(t, err)
	assert.EqualError(t, made.Refresh(parse(t, "made", "", ""), nil), `cannot refresh application "made": it is made up`)
	assert.Empty(t, s.settle())
}

func TestLeaderSettings(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{Version: "3.6.26"})
	app := s.deploy("app", "", "", 2)
	hooks := s.settle()
	assert.Equal(t, []string{"install", "leader-elected", "config-changed", "start"}, of("app/0", hooks))
	assert.Equal(t, []string{"install", "leader-settings-changed", "config-changed", "start"}, of("app/1", hooks))
	s.play = func(hook string, h *juju.Hook, c *hookcmd.Client) error {
		switch hook {
		case "app/0 a":
			_, err := command(h, "leader-set", "k=v", "x=")
			return err
		case "app/1 leader-settings-changed":
			text, err := command(h, "leader-get", "k")
			assert.Equal(t, "v\n", text)
			return err
		}
		return nil
	}
	for _, want := range [][]string{{"app/0 run-commands", "app/1 leader-settings-changed"}, {"app/0 run-commands"}} { // the second changes nothing
		s.in("app/0 run-commands", func(h *juju.Hook, _ *hookcmd.Client) error {
			_, err := command(h, "leader-set", "k=v", "x=")
			return err
		})
		_, err := app.Units()[0].RunCommands("x", -1, "")
		require.NoError(t, err)
		assert.Equal(t, want, s.settle())
	}
	assert.Equal(t, map[string]string{"k": "v"}, app.LeaderSettings())
	// Who loses the leadership was never told.
	require.NoError(t, app.Units()[1].SetLeader())
	assert.ElementsMatch(t, []string{"app/1 leader-elected", "app/0 leader-settings-changed"}, s.settle())
}
