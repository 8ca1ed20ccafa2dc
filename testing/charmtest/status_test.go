// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		if err := c.SetStatus(ctx, charm.Maintenance("migrating")); err != nil {
			return err
		}
		if err := c.HookCommands().ApplicationVersionSet(ctx, "2.7"); err != nil {
			return err
		}
		if err := c.HookCommands().StatusSetApp(ctx, "active", "2 of 3"); err != nil {
			return err
		}
		return c.SetStatus(ctx, charm.Active(""))
	}), &charmtest.Options{Metadata: magpie, Leader: true})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, charmtest.Status{Status: "active", Since: h.Now()}, h.Status())
	var history []string
	for _, s := range h.StatusHistory() {
		history = append(history, s.Status+" "+s.Message)
	}
	assert.Equal(t, []string{"unknown ", "maintenance migrating"}, history)
	assert.Equal(t, "2.7", h.WorkloadVersion())
	assert.Equal(t, "2 of 3", h.AppStatus().Message)

	h.SetAppStatus("blocked", "by hand")
	assert.Equal(t, "by hand", h.AppStatus().Message)
}

// A status is shown at once: it stays if the hook fails, and the unit's is then
// "error" until the hook has succeeded.
func TestStatusOfAFailedHook(t *testing.T) {
	t.Parallel()
	fail := true
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		if err := c.SetStatus(ctx, charm.Maintenance("migrating")); err != nil || !fail {
			return err
		}
		return assert.AnError
	}), &charmtest.Options{Metadata: magpie})
	require.Error(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }))
	assert.Equal(t, "error", h.Status().Status)
	assert.Equal(t, `hook failed: "update-status"`, h.Status().Message)
	fail = false
	h.Again()
	assert.Equal(t, "migrating", h.Status().Message)
}

func TestStoredState(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		runs, _, err := c.HookCommands().StateGetKey(ctx, "runs")
		if err != nil {
			return err
		}
		return c.HookCommands().StateSet(ctx, map[string]string{"runs": runs + "I"})
	}), &charmtest.Options{Metadata: magpie, State: map[string]string{"runs": "II", "other": "x"}})
	h.Emit(events.UpdateStatus{})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, map[string]string{"runs": "IIII", "other": "x"}, h.State())
	h.SetState(nil)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, map[string]string{"runs": "I"}, h.State())
}

func TestLogs(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		c.LogEvents()
		charm.On(c, func(_ context.Context, _ events.UpdateStatus) error {
			c.Logger().Info("checked", "members", 3)
			return assert.AnError
		})
	}, &charmtest.Options{Metadata: magpie})
	require.Error(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }))
	logs := h.Logs()
	require.Len(t, logs, 3)
	assert.Equal(t, charmtest.LogLine{Unit: "magpie/0", Level: "DEBUG", Message: "Emitting Juju event update_status."}, logs[0])
	assert.Equal(t, charmtest.LogLine{Unit: "magpie/0", Level: "INFO", Message: "checked members=3"}, logs[1])
	assert.Equal(t, "ERROR", logs[2].Level)
	assert.Contains(t, logs[2].Message, assert.AnError.Error())
}
