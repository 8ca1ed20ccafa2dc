// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// assertStatus checks what kind and message the unit's status has.
func assertStatus(ctx context.Context, t *testing.T, c *charm.Charm, kind, message string) {
	t.Helper()
	got, err := c.Status(ctx)
	require.NoError(t, err)
	assert.Equal(t, kind+": "+message, got.Status+": "+got.Message)
}

func TestReplayStatus(t *testing.T) {
	t.Parallel()
	scenes := []scene{
		{name: "status-set/no-message", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.NoError(t, c.SetStatus(ctx, charm.Active("")))
			require.NoError(t, c.SetStatus(ctx, charm.Active("")))
		}},
		{name: "status-set/app-leader", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.NoError(t, c.SetAppStatus(ctx, charm.Active("fine")))
		}},
		{name: "status-set/app-minion", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.ErrorIs(t, c.SetAppStatus(ctx, charm.Active("fine")), hookcmd.ErrNotLeader)
		}},
		{name: "status-get/app-minion", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			_, err := c.AppStatus(ctx)
			require.ErrorIs(t, err, hookcmd.ErrNotLeader)
		}},
		{name: "status-get/unit-data-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			assertStatus(ctx, t, c, "active", "all good")
		}},
		{name: "status-set/get-set-get", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			assertStatus(ctx, t, c, "active", "all good")
			require.NoError(t, c.SetStatus(ctx, charm.Blocked("later")))
			assertStatus(ctx, t, c, "blocked", "later") // and not what Juju goes on to tell in this hook
		}},
		{name: "status-set/install-hook-status", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			assertStatus(ctx, t, c, "maintenance", "installing charm software")
		}},
		{name: "status-set/remove-hook-status", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			assertStatus(ctx, t, c, "maintenance", "cleaning up prior to charm deletion")
		}},
		{name: "status-set/start-with-status", register: func(_ *testing.T, c *charm.Charm) {
			charm.OnCollectStatus(c, func(_ context.Context, s *charm.StatusSet) error {
				s.Add(charm.Active("up"))
				return nil
			})
		}},
	}
	for kind, status := range map[string]func(string) charm.Status{
		"active": charm.Active, "blocked": charm.Blocked, "maintenance": charm.Maintenance, "waiting": charm.Waiting,
	} {
		scenes = append(scenes, scene{name: "status-set/" + kind, do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.NoError(t, c.SetStatus(ctx, status("a message")))
			assertStatus(ctx, t, c, kind, "a message")
		}})
	}
	replayScenes(t, scenes)
}

func TestReplayLeadership(t *testing.T) {
	t.Parallel()
	scenes := []scene{
		{name: "is-leader/leader-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			for range 2 { // asked once
				leads, err := c.IsLeader(ctx)
				require.NoError(t, err)
				assert.True(t, leads)
			}
		}},
		// Leadership that is lost after is-leader has been asked.
		{name: "relation-set/app-minion", also: []string{"is-leader/leader-json"}, fails: hookcmd.ErrNotLeader,
			register: func(t *testing.T, c *charm.Charm) {
				charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
					return c.Relation(events.PeerCreated{RelationRef: events.RelationRef{Endpoint: "magpie", ID: 1, App: "magpie"}}).LocalApp().Set(ctx, "a", "1")
				})
			}},
	}
	replayScenes(t, scenes)
	// It was recorded as YAML, which is JSON here.
	within(t, &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Answer{Stdout: recorded(t, "is-leader/minion-yaml")}, call.Command == "is-leader"
	}}, func(ctx context.Context, c *charm.Charm) {
		leads, err := c.IsLeader(ctx)
		require.NoError(t, err)
		assert.False(t, leads)
	})
}

func TestReplayUnit(t *testing.T) {
	t.Parallel()
	version := func(text string) func(ctx context.Context, t *testing.T, c *charm.Charm) {
		return func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.NoError(t, c.SetWorkloadVersion(ctx, text))
			require.NoError(t, c.SetWorkloadVersion(ctx, text), "it is sent once")
		}
	}
	replayScenes(t, []scene{
		{name: "flow/many-kinds-one-commit", register: func(t *testing.T, c *charm.Charm) {
			value := charm.NewStored[int](c, "s")
			charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
				peers := c.Relation(events.PeerCreated{RelationRef: events.RelationRef{Endpoint: "magpie", ID: 1, App: "magpie"}})
				_, err := c.AddSecret(ctx, map[string]charm.SecretValue{"key": charm.NewSecretValue("abc")}, &charm.SecretOptions{Owner: charm.SecretOwnedByUnit})
				return errors.Join(err, peers.Local().Set(ctx, "a", "b"), value.Set(ctx, 1), c.OpenPort(ctx, charm.TCP(8080)),
					c.AddStorage(ctx, "data", 1), c.SetStatus(ctx, charm.Active("done")), c.SetWorkloadVersion(ctx, "2"))
			})
		}},
		{name: "misc/version-set", do: version("1.2.3")},
		{name: "misc/version-set-unicode", do: version("v1-ü")},
		{name: "misc/version-set-empty", do: version("")},
		{name: "misc/reboot-hook-fails", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.NoError(t, c.Reboot(ctx))
		}},
		{name: "config-get/all-flag-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			for range 2 {
				config, err := c.Config(ctx)
				require.NoError(t, err)
				assert.Equal(t, "9007199254740992", string(config["huge"]))
				assert.NotContains(t, config, "nope")
			}
		}},
		{name: "misc/credential-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			for range 2 {
				cloud, err := c.CloudSpec(ctx)
				require.NoError(t, err)
				assert.Equal(t, "KEY", cloud.Credential.Attributes["client-key"].Reveal())
				text, err := json.Marshal(cloud)
				require.NoError(t, err)
				assert.NotContains(t, string(text), "KEY")
			}
		}},
	})
}

func TestReplayLog(t *testing.T) {
	t.Parallel()
	logs := func(level slog.Level, text string) func(ctx context.Context, _ *testing.T, c *charm.Charm) {
		return func(ctx context.Context, _ *testing.T, c *charm.Charm) { c.Logger().Log(ctx, level, text) }
	}
	replayScenes(t, []scene{
		{name: "juju-log/level-WARN", do: logs(slog.LevelWarn, "hello")},
		{name: "juju-log/level-ERROR", do: logs(slog.LevelError, "hello")},
		{name: "juju-log/several-words", do: logs(slog.LevelInfo, "hello to you")},
		{name: "juju-log/percent", do: logs(slog.LevelInfo, "100% %s %d")},
		{name: "juju-log/dash-message-after-dashdash", do: logs(slog.LevelInfo, "-x --y")},
		{name: "juju-log/in-relation-hook", do: logs(slog.LevelInfo, "hello")},
	})
}
