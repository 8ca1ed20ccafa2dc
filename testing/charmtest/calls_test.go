// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// What a hook costs: its hook commands, which are the same whether they are
// answered by value or as text.
func TestCalls(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		h := charmtest.New(t, greet, &charmtest.Options{Metadata: magpie, TextOnly: text})
		h.Emit(events.UpdateStatus{})
		assert.Empty(t, h.Calls(), "an event that no handler looks at costs nothing")

		h.Peers("magpie").Join("magpie/1", map[string]string{"ingress-address": "10.0.0.2"})
		assert.Equal(t, []string{
			"relation-get --format=json -r magpie:0 -- - magpie/1",
			"relation-set -r magpie:0 --file -",
		}, lines(h.Calls()))
		set := h.Calls("relation-set")
		require.Len(t, set, 1)
		assert.Equal(t, "magpie-relation-joined", set[0].Event)
		assert.Equal(t, map[string]string{"reached": "magpie/1=10.0.0.2"}, set[0].Data)

		h.ResetCalls()
		assert.Empty(t, h.Calls())
	}
}

// Intercept has hook commands fail.
func TestInterceptFails(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, greet, &charmtest.Options{Metadata: magpie})
	remove := h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "connection is shut down"), call.Command == "relation-get"
	})
	peers := h.Peers("magpie")
	err := h.Try(func() { peers.Join("magpie/1", nil) })
	require.ErrorContains(t, err, "connection is shut down")
	var failure *hookcmd.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "relation-get", failure.Command)
	assert.Equal(t, 1, h.Calls("relation-get")[0].Code)
	assert.Empty(t, peers.Local()["reached"])

	remove()
	h.Again()
	assert.NotEmpty(t, peers.Local()["reached"])
}

// Intercept gives other answers than the model; the last that was added is asked
// first.
func TestInterceptAnswers(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, greet, &charmtest.Options{Metadata: magpie})
	answer := func(text string) func(hookcmd.Call) (hookcmdtest.Answer, bool) {
		return func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
			return hookcmdtest.Answer{Stdout: `{"ingress-address":"` + text + `"}`}, call.Command == "relation-get"
		}
	}
	removeFirst := h.Intercept(answer("first"))
	removeSecond := h.Intercept(answer("second"))
	var words []string
	removeSpy := h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		words = append(words, call.Command+" "+string(call.Stdin))
		return hookcmdtest.Answer{}, false
	})
	peers := h.Peers("magpie")
	peers.Join("magpie/1", nil)
	assert.Equal(t, "magpie/1=second", peers.Local()["reached"])
	assert.Equal(t, []string{"relation-get ", `relation-set {"reached": "magpie/1=second"}`}, words)
	removeSecond()
	peers.Join("magpie/2", nil)
	assert.Equal(t, "magpie/2=first", peers.Local()["reached"])
	removeFirst()
	removeFirst() // once more does nothing
	removeSpy()
	peers.Join("magpie/3", map[string]string{"ingress-address": "10.0.0.4"})
	assert.Equal(t, "magpie/3=10.0.0.4", peers.Local()["reached"])
}

// A hook command that hangs ends with the context that the charm gives it.
func TestInterceptHangs(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		_, err := c.HookCommands().ConfigGet(ctx)
		return err
	}), &charmtest.Options{Metadata: magpie})
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // after New: it runs before the harness looks for what is left
	h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "config-get" {
			<-release
		}
		return hookcmdtest.Answer{}, false
	})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), context.DeadlineExceeded)
}

// Hook commands of this version of Juju only.
func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	register := onUpdate(func(ctx context.Context, c *charm.Charm) error {
		_, err := c.HookCommands().LeaderGet(ctx)
		return err
	})
	h := charmtest.New(t, register, &charmtest.Options{Metadata: magpie})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), hookcmd.ErrNotSupported)
	h = charmtest.New(t, register, &charmtest.Options{Metadata: magpie, JujuVersion: "3.6.26"})
	h.Emit(events.UpdateStatus{})
}

// Concurrent hook commands of one handler are all there.
func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerChanged) error {
			_, err := c.Relation(ev).RemoteAll(ctx)
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")
	for _, unit := range []string{"magpie/1", "magpie/2", "magpie/10"} {
		peers.Join(unit, nil)
	}
	h.ResetCalls()
	peers.Update("magpie/2", map[string]string{"a": "b"})
	got := lines(h.Calls("relation-get"))
	slices.Sort(got)
	assert.Equal(t, []string{
		"relation-get --format=json -r magpie:0 -- - magpie/1",
		"relation-get --format=json -r magpie:0 -- - magpie/10",
		"relation-get --format=json -r magpie:0 -- - magpie/2",
	}, got)
}
