// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// keeper is the metadata of charms that store or defer something.
const keeper = `
type: charm
name: app
summary: A charm for tests.
description: It stores and defers.
peers: {peers: {interface: app}}
requires: {db: {interface: sql}, cache: {interface: sql}}
storage: {data: {type: filesystem, multiple: {range: 0-9}}}
actions: {look: {}}
`

// withKeeper runs a test twice: on a unit whose hook commands are answered by
// value, and on one where they are text.
func withKeeper(t *testing.T, register func(*charm.Charm), test func(t *testing.T, h *charmtest.Harness)) {
	t.Helper()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, charmtest.New(t, register, &charmtest.Options{Metadata: keeper, Leader: true, TextOnly: textOnly}))
		})
	}
}

// lines are the hook commands that ran since the last ResetCalls.
func lines(h *charmtest.Harness, commands ...string) []string {
	var all []string
	for _, c := range h.Calls(commands...) {
		all = append(all, c.String())
	}
	h.ResetCalls()
	return all
}

type cached struct {
	Hosts []string `json:"hosts"`
	Key   []byte   `json:"key,omitempty"`
}

// keeps is a charm whose hooks do what they are told to its two values.
type keeps struct {
	charm *charm.Charm
	hosts *charm.Stored[cached]
	count *charm.Stored[int]
}

func keeping(do func(ctx context.Context, k *keeps) error) func(*charm.Charm) {
	return func(c *charm.Charm) {
		k := &keeps{c, charm.NewStored[cached](c, "app/hosts"), charm.NewStored[int](c, "app/count")}
		charm.OnDispatch(c, func(ctx context.Context, _ events.Event) error { return do(ctx, k) })
	}
}

func TestStored(t *testing.T) {
	t.Parallel()
	withKeeper(t, keeping(func(ctx context.Context, k *keeps) error {
		hosts, ok, err := k.hosts.Lookup(ctx)
		if err != nil {
			return err
		}
		count, err := k.count.Get(ctx)
		if err != nil {
			return err
		}
		if ok != (count > 0) || count > 0 && len(hosts.Hosts) != count {
			return fmt.Errorf("%v: %v, count %d", ok, hosts, count)
		}
		if count == 3 {
			return errors.Join(k.hosts.Delete(ctx), k.count.Delete(ctx))
		}
		hosts.Hosts = append(hosts.Hosts, fmt.Sprint("<é & ", count, ">"))
		hosts.Key = []byte{0xff, 0}
		if err := errors.Join(k.hosts.Set(ctx, hosts), k.count.Set(ctx, count+1)); err != nil {
			return err
		}
		again, err := k.hosts.Get(ctx) // what was written is seen
		if len(again.Hosts) != count+1 {
			return fmt.Errorf("after Set: %v, %w", again, err)
		}
		return err
	}), func(t *testing.T, h *charmtest.Harness) {
		for i := range 3 {
			h.Emit(events.UpdateStatus{})
			require.Equal(t, []string{"state-get --format=json", "state-set --file -"}, lines(h), "dispatch %d", i)
		}
		assert.Equal(t, map[string]string{
			"app/count": "3",
			"app/hosts": `{"hosts":["<é & 0>","<é & 1>","<é & 2>"],"key":"/wA="}`,
		}, h.State(), "what people and tools see")
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"state-get --format=json", "state-delete -- app/count", "state-delete -- app/hosts"}, lines(h))
		assert.Empty(t, h.State())
	})
}

// What is stored is read without this SDK: by juju exec, which runs state-get.
func TestStoredIsReadByHand(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, keeping(func(ctx context.Context, k *keeps) error {
		return errors.Join(k.count.Set(ctx, 7), k.hosts.Set(ctx, cached{Hosts: []string{"a"}}))
	}), &charmtest.Options{Metadata: keeper, TextOnly: true})
	h.Emit(events.Install{})
	require.NoError(t, h.Exec(func(ctx context.Context, client *hookcmd.Client) error {
		all, err := client.StateGet(ctx)
		require.NoError(t, err)
		assert.JSONEq(t, `{"app/count": "7", "app/hosts": "{\"hosts\":[\"a\"]}"}`, jsonOf(t, all))
		count, ok, err := client.StateGetKey(ctx, "app/count")
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, "7", count)
		return client.StateSet(ctx, map[string]string{"app/count": " 8\n"}) // as a person writes it
	}))
	var count int
	h.Upgrade(keeping(func(ctx context.Context, k *keeps) (err error) { count, err = k.count.Get(ctx); return err }))
	assert.Equal(t, 8, count)
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// Nothing is sent that was read so already; nothing is read to find out.
func TestStoredEqual(t *testing.T) {
	t.Parallel()
	read := false
	withKeeper(t, keeping(func(ctx context.Context, k *keeps) error {
		if k.charm.Unit(); read {
			if _, err := k.count.Get(ctx); err != nil {
				return err
			}
		}
		return errors.Join(k.count.Set(ctx, 1), k.count.Set(ctx, 2), k.count.Set(ctx, 1), k.hosts.Delete(ctx))
	}), func(t *testing.T, h *charmtest.Harness) {
		h.SetState(map[string]string{"app/count": "1"})
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"state-set --file -", "state-delete -- app/hosts"}, lines(h))
	})
	t.Run("read", func(t *testing.T) {
		h := charmtest.New(t, keeping(func(ctx context.Context, k *keeps) error {
			if _, err := k.hosts.Get(ctx); err != nil {
				return err
			}
			return errors.Join(k.count.Set(ctx, 2), k.count.Set(ctx, 1), k.hosts.Delete(ctx))
		}), &charmtest.Options{Metadata: keeper, State: map[string]string{"app/count": "1"}})
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"state-get --format=json"}, lines(h))
	})
}

// A dispatch that fails, is killed or refused stores nothing; nor does an action
// whose answer is an error.
func TestStoredOfADispatchThatFails(t *testing.T) {
	t.Parallel()
	fail := errTest
	h := charmtest.New(t, func(c *charm.Charm) {
		count := charm.NewStored[int](c, "count")
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			if err := count.Set(ctx, 1); err != nil {
				return err
			}
			return fail
		})
		charm.OnAction(c, "look", func(ctx context.Context, _ struct{}) (struct{}, error) {
			return struct{}{}, errors.Join(count.Set(ctx, 2), errTest)
		})
	}, &charmtest.Options{Metadata: keeper})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), errTest)
	assert.Empty(t, h.State())
	assert.Empty(t, lines(h, "state-set"))

	fail = nil
	for name, fault := range map[string]func(){"killed": func() { h.KillNext(1) }, "flush refused": h.RefuseNextFlush} {
		fault()
		require.ErrorContains(t, h.Try(h.Again), name)
		assert.Empty(t, h.State(), name)
	}
	assert.Equal(t, "failed", h.RunAction("look", nil).Status)
	assert.Empty(t, h.State())
	h.Again()
	assert.Equal(t, map[string]string{"count": "1"}, h.State())
}

// Flush sends what was written so far, once.
func TestStoredFlush(t *testing.T) {
	t.Parallel()
	withKeeper(t, keeping(func(ctx context.Context, k *keeps) error {
		if err := errors.Join(k.count.Set(ctx, 1), k.charm.Flush(ctx), k.charm.Flush(ctx), k.count.Set(ctx, 1)); err != nil {
			return err
		}
		count, err := k.count.Get(ctx)
		if count != 1 {
			return fmt.Errorf("count is %d: %w", count, err)
		}
		return k.hosts.Set(ctx, cached{})
	}), func(t *testing.T, h *charmtest.Harness) {
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"state-set --file -", "state-set --file -"}, lines(h), "the second is of hosts")
		assert.Equal(t, map[string]string{"app/count": "1", "app/hosts": `{"hosts":null}`}, h.State())
	})
}

func TestStoredAtOnceByManyGoroutines(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		var all []*charm.Stored[int]
		for i := range 20 {
			all = append(all, charm.NewStored[int](c, fmt.Sprint("count/", i)))
		}
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			var wg sync.WaitGroup
			errs := make([]error, len(all))
			for i, s := range all {
				wg.Go(func() {
					_, errs[i] = s.Get(ctx)
					errs[i] = errors.Join(errs[i], s.Set(ctx, i), c.Flush(ctx))
				})
			}
			wg.Wait()
			return errors.Join(errs...)
		})
	}, &charmtest.Options{Metadata: keeper})
	h.Emit(events.UpdateStatus{})
	assert.Len(t, h.Calls("state-get"), 1)
	assert.Len(t, h.State(), 20)
	assert.Equal(t, "19", h.State()["count/19"])
}

// A command that fails is an error that names the value and the command.
func TestStoredCommandFails(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, keeping(func(ctx context.Context, k *keeps) error {
		_, err := k.count.Get(ctx)
		return err
	}), &charmtest.Options{Metadata: keeper})
	h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "permission denied"), strings.HasPrefix(call.Command, "state-")
	})
	err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
	require.ErrorIs(t, err, hookcmd.ErrPermission)
	assert.ErrorContains(t, err, `cannot read state "app/count": cannot run "state-get --format=json": permission denied`)
}
