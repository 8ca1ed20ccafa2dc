// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestKindsOfStatus(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for kind, status := range map[string]charm.Status{
			"active": charm.Active("a"), "waiting": charm.Waiting("a"), "maintenance": charm.Maintenance("a"), "blocked": charm.Blocked("a"),
		} {
			assert.Equal(t, kind, status.Kind())
			assert.Equal(t, "a", status.Message())
			require.NoError(t, c.SetStatus(ctx, status))
			assert.Equal(t, "status-set -- "+kind+" a", agent.Calls()[len(agent.Calls())-1])
		}
		n := len(agent.Calls())
		assert.EqualError(t, c.SetStatus(ctx, charm.Status{}), "cannot set status: it is the zero Status; use charm.Active, Waiting, Maintenance or Blocked")
		assert.Error(t, c.SetAppStatus(ctx, charm.Status{}))
		assert.Len(t, agent.Calls(), n)
	})
}

func TestMessagesOfStatus(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 8192) // 16 KiB
	for message, want := range map[string]string{
		"":            "",
		"-":           "-",
		"--":          "--",
		"--help":      "--help",
		"a\x00b":      "a\ufffdb",
		"a\xffb":      "a\ufffdb",
		"two\nlines ": "two\nlines ",
		"✓ 日本":        "✓ 日本",
		long:          long,
		long + "!":    strings.Repeat("é", 8190) + "…",
	} {
		status := charm.Blocked(message)
		require.Equal(t, want, status.Message())
		assert.Equal(t, status, charm.Blocked(want))
		for _, text := range []bool{false, true} {
			h := charmtest.New(t, func(c *charm.Charm) {
				charm.On(c, func(ctx context.Context, _ events.Hook) error { return c.SetStatus(ctx, status) })
			}, &charmtest.Options{Metadata: webMetadata, TextOnly: text})
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, want, h.Status().Message)
			assert.Equal(t, "blocked", h.Status().Status)
		}
		assert.True(t, utf8.ValidString(want))
	}
}

func TestSameStatusIsSentOnce(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Leader: true}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for _, status := range []charm.Status{charm.Active(""), charm.Active(""), charm.Active("x"), charm.Waiting("x"), charm.Active("x")} {
			require.NoError(t, c.SetStatus(ctx, status))
			require.NoError(t, c.SetAppStatus(ctx, status))
		}
	})
	assert.Equal(t, []string{
		"status-set -- active ", "status-set --application -- active ",
		"status-set -- active x", "status-set --application -- active x",
		"status-set -- waiting x", "status-set --application -- waiting x",
		"status-set -- active x", "status-set --application -- active x",
	}, agent.Calls())
}

// What may or may not have been set is set again.
func TestStatusThatCouldNotBeSet(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "this unit is not the leader"), strings.Contains(strings.Join(call.Args, " "), "blocked")
	}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for _, set := range []func(context.Context, charm.Status) error{c.SetStatus, c.SetAppStatus} {
			require.NoError(t, set(ctx, charm.Active("")))
			require.ErrorIs(t, set(ctx, charm.Blocked("")), hookcmd.ErrNotLeader)
			require.NoError(t, set(ctx, charm.Active("")))
		}
	})
	assert.Len(t, agent.Calls(), 6)
}

// statusAgent prints what Juju has printed in recordings.
func statusAgent(t *testing.T) *testagent.Agent {
	t.Helper()
	unit, app := recorded(t, "status-get/unit-data-json"), recorded(t, "status-get/app-flag-true")
	agent := &testagent.Agent{Unit: "magpie/0", Leader: true}
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		printed := unit
		if strings.Contains(strings.Join(call.Args, " "), "--application") {
			printed = app
		}
		return hookcmdtest.Answer{Stdout: printed}, call.Command == "status-get"
	}
	return agent
}

// atMagpie runs do in a handler of magpie/0.
func atMagpie(t *testing.T, agent *testagent.Agent, do func(ctx context.Context, c *charm.Charm)) {
	t.Helper()
	env, err := events.Environ(events.UpdateStatus{}, "magpie/0")
	require.NoError(t, err)
	require.NoError(t, charm.Run(t.Context(), func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { do(ctx, c); return nil })
	}, &charm.Options{Env: env, Runner: agent}))
}

func TestStatusIsReadOnce(t *testing.T) {
	t.Parallel()
	agent := statusAgent(t)
	allGood := hookcmd.StatusInfo{Status: "active", Message: "all good", Data: map[string]any{}}
	noDB := hookcmd.StatusInfo{Status: "blocked", Message: "no db", Data: map[string]any{"k": "v"}}
	done := hookcmd.StatusInfo{Status: "waiting", Message: "-x", Data: map[string]any{}}
	atMagpie(t, agent, func(ctx context.Context, c *charm.Charm) {
		for range 2 {
			got, err := c.Status(ctx)
			require.NoError(t, err)
			assert.Equal(t, allGood, got)
			app, err := c.AppStatus(ctx)
			require.NoError(t, err)
			assert.Equal(t, hookcmd.AppStatusInfo{
				StatusInfo: hookcmd.StatusInfo{Status: "waiting", Message: "app message", Data: map[string]any{}},
				Units:      map[string]hookcmd.StatusInfo{"magpie/0": allGood, "magpie/1": noDB},
			}, app)
		}
		before, err := c.AppStatus(ctx)
		require.NoError(t, err)
		require.NoError(t, c.SetStatus(ctx, charm.Waiting("-x")))
		got, err := c.Status(ctx)
		require.NoError(t, err)
		assert.Equal(t, done, got, "Juju itself tells what was before")
		app, err := c.AppStatus(ctx)
		require.NoError(t, err)
		assert.Equal(t, "app message", app.Message)
		assert.Equal(t, map[string]hookcmd.StatusInfo{"magpie/0": done, "magpie/1": noDB}, app.Units)
		assert.Equal(t, allGood, before.Units["magpie/0"], "what was returned does not change")
		require.NoError(t, c.SetAppStatus(ctx, charm.Waiting("-x")))
		app, err = c.AppStatus(ctx)
		require.NoError(t, err)
		assert.Equal(t, done, app.StatusInfo)
	})
	assert.Equal(t, []string{
		"status-get --format=json --include-data", "status-get --format=json --include-data --application",
		"status-set -- waiting -x", "status-set --application -- waiting -x",
	}, agent.Calls())
}

// A status that was set need not be read.
func TestStatusThatWasSet(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		require.NoError(t, c.SetStatus(ctx, charm.Active("here")))
		got, err := c.Status(ctx)
		require.NoError(t, err)
		assert.Equal(t, hookcmd.StatusInfo{Status: "active", Message: "here", Data: map[string]any{}}, got)
	})
	assert.Equal(t, []string{"status-set -- active here"}, agent.Calls())
}

func TestStatusOfHarness(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		var statuses []string
		leader := true
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
				app, err := c.AppStatus(ctx)
				if !leader {
					require.ErrorIs(t, err, hookcmd.ErrNotLeader)
					require.ErrorIs(t, c.SetAppStatus(ctx, charm.Active("")), hookcmd.ErrNotLeader)
					return nil
				}
				require.NoError(t, err)
				status, err := c.Status(ctx)
				require.NoError(t, err)
				statuses = append(statuses, status.Status+" "+status.Message, app.Status+" "+app.Units["web/0"].Message)
				require.NoError(t, c.SetAppStatus(ctx, charm.Active("app")))
				return c.SetStatus(ctx, charm.Maintenance("unit"))
			})
		}, &charmtest.Options{Metadata: webMetadata, Leader: true, TextOnly: text})
		h.Emit(events.UpdateStatus{})
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"unknown ", "unknown ", "maintenance unit", "active unit"}, statuses)
		assert.Equal(t, "app", h.AppStatus().Message)
		leader = false
		h.SetLeader(false)
		h.Emit(events.UpdateStatus{})
	}
}
