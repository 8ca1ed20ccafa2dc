// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// flaky is a charm that writes to its databag and then fails, as long as it is
// told to.
func flaky(fail *bool, seen *diary) func(c *charm.Charm) {
	return func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, ev events.PeerEvent) error {
			if err := c.Relation(ev).Local().Set(ctx, "last", ev.Name()); err != nil {
				return err
			}
			if *fail {
				return errors.New("no space left on device")
			}
			return nil
		})
	}
}

// Nothing of what a failed hook wrote is kept, and Juju runs it again until it
// succeeds; then comes what had to follow.
func TestTryAndAgain(t *testing.T) {
	t.Parallel()
	fail := true
	var seen diary
	h := charmtest.New(t, flaky(&fail, &seen), &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")

	err := h.Try(func() {
		peers.Join("magpie/1", nil)
		t.Error("not reached")
	})
	var failure *charmtest.HookError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "magpie-relation-joined", failure.Hook)
	assert.Equal(t, "failed", failure.Outcome)
	require.ErrorContains(t, err, "no space left on device")
	assert.NotContains(t, peers.Local(), "last")
	assert.Equal(t, "error", h.Status().Status)
	assert.Empty(t, peers.Units(), "it has not joined yet")

	require.Error(t, h.Try(h.Again), "it still fails")
	fail = false
	h.Again()
	assert.Equal(t, "magpie-relation-changed", peers.Local()["last"])
	assert.Equal(t, []string{"magpie-relation-joined", "magpie-relation-joined", "magpie-relation-joined", "magpie-relation-changed"}, seen.names(h.Unit()))
	assert.NoError(t, h.Try(func() { peers.Depart("magpie/1") }))
}

// Again goes on with all that is left, of storage and secrets too.
func TestAgainGoesOn(t *testing.T) {
	t.Parallel()
	fail := true
	var seen diary
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.Start) error { return c.HookCommands().StorageAdd(ctx, "data", 2) })
		charm.On(c, func(context.Context, events.Hook) error {
			if fail {
				fail = false
				return assert.AnError
			}
			return nil
		})
	}, &charmtest.Options{Metadata: magpie})
	require.Error(t, h.Try(func() { h.Emit(events.Start{}) }))
	h.Again()
	fail = true
	require.Error(t, h.Try(h.StorageHooks))
	h.Again()
	assert.Len(t, seen.names(h.Unit()), 5, "start twice, the first storage-attached twice, the second once")
}

// A charm that is killed leaves nothing behind.
func TestKillNext(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 9} { // at relation-get, at relation-set, at its end
		h := charmtest.New(t, greet, &charmtest.Options{Metadata: magpie})
		peers := h.Peers("magpie")
		h.KillNext(n)
		err := h.Try(func() { peers.Join("magpie/1", nil) })
		var failure *charmtest.HookError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, "killed", failure.Outcome)
		assert.NotContains(t, peers.Local(), "reached", "killed at %d", n)
		h.Again()
		assert.Contains(t, peers.Local(), "reached")
	}
}

// Juju can refuse what a hook wrote.
func TestRefuseNextFlush(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, greet, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	h.RefuseNextFlush()
	err := h.Try(func() { peers.Join("magpie/1", nil) })
	var failure *charmtest.HookError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "flush refused", failure.Outcome)
	assert.NotContains(t, peers.Local(), "reached")
	h.Again()
	assert.Contains(t, peers.Local(), "reached")
}

// The leadership can be lost after is-leader has said that it is ours.
func TestLoseLeadership(t *testing.T) {
	t.Parallel()
	var led []bool
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			leader, err := c.IsLeader(ctx)
			led = append(led, leader)
			if err != nil || !leader {
				return err
			}
			peers, err := c.Peers(ctx, "magpie")
			if err != nil {
				return err
			}
			return peers.LocalApp().Set(ctx, "leader", c.Unit())
		})
	}, &charmtest.Options{Metadata: magpie, Leader: true})
	h.LoseLeadership()
	require.Error(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }))
	assert.False(t, h.IsLeader())
	assert.Empty(t, h.Peers("magpie").LocalApp())
	h.Again()
	assert.Equal(t, []bool{true, false}, led)
}

// A charm can reboot its machine: at the end of the hook, or at once, and then
// the hook runs again.
func TestReboot(t *testing.T) {
	t.Parallel()
	now, booted := false, false
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpgradeCharm) error {
			if booted {
				return nil
			}
			return c.HookCommands().JujuReboot(ctx, now)
		})
	}, &charmtest.Options{Metadata: magpie})
	h.Emit(events.UpgradeCharm{})
	assert.Equal(t, []string{"juju-reboot"}, lines(h.Calls()))
	h.Emit(events.Start{}) // which Juju sends when the machine is back

	now = true
	err := h.Try(func() { h.Emit(events.UpgradeCharm{}) })
	var failure *charmtest.HookError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "reboot", failure.Outcome)
	booted = true
	h.Again()
	h.Emit(events.Start{})
}

// Try is for the failures of hooks: wrong uses still fail the test.
func TestTryAndWrongUses(t *testing.T) {
	t.Parallel()
	errs, _ := record(func(t testing.TB) {
		h := charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie})
		_ = h.Try(func() { h.Peers("db") })
		t.Error("not reached")
	})
	assert.Equal(t, `endpoint "db" is no peer endpoint; use Relate to add a relation of it`, errs)
	assert.PanicsWithValue(t, "of the test itself", func() {
		h := charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie})
		_ = h.Try(func() { panic("of the test itself") })
	})
}

// Without Try a failure of the charm fails the test, with what happened before.
func TestCharmFails(t *testing.T) {
	t.Parallel()
	fail := true
	var seen diary
	errs, logs := record(func(t testing.TB) {
		h := charmtest.New(t, flaky(&fail, &seen), &charmtest.Options{Metadata: magpie})
		h.Emit(events.UpdateStatus{})
		h.Peers("magpie").Join("magpie/1", nil)
		t.Error("not reached")
	})
	assert.Regexp(t, `^magpie-relation-joined: failed: cannot handle magpie-relation-joined in .*flaky.*: no space left on device$`, errs)
	assert.Regexp(t, `(?s)^what happened:\n.* magpie/0 +update-status\n.* magpie/0 +magpie-relation-joined \(magpie/1\)  \[failed\]`, logs)
}

// The same for hook commands that fail because of the charm.
func TestHookCommandFails(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		_, err := c.HookCommands().RelationList(ctx, hookcmd.RelationID{Endpoint: "db", ID: 9})
		return err
	}), &charmtest.Options{Metadata: magpie})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), hookcmd.ErrRelationNotFound)
}
