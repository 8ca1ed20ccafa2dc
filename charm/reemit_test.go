// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// logsAt returns the lines of the log of that level.
func logsAt(h *charmtest.Harness, level string) []string {
	var all []string
	for _, line := range h.Logs() {
		if line.Level == level {
			all = append(all, line.Message)
		}
	}
	return all
}

// An error or a panic of a handler that is called again discards what it wrote,
// and that only; the dispatch goes on.
func TestReemittedHandlerFails(t *testing.T) {
	t.Parallel()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var end func() error
			h := charmtest.New(t, func(c *charm.Charm) {
				c.EnableDefer()
				state := charm.NewStored[string](c, "state")
				gone := charm.NewStored[string](c, "gone")
				write := func(ctx context.Context, ev events.RelationEvent, key, value string) error {
					return errors.Join(
						c.Relation(ev).Local().Set(ctx, key, value), c.Relation(ev).LocalApp().Set(ctx, key, value), state.Set(ctx, value))
				}
				charm.On(c, func(ctx context.Context, ev events.PeerJoined) error { // succeeds later
					if _, again := charm.Deferred(ctx); !again {
						return charm.Defer("first")
					}
					return write(ctx, ev, "key", "first")
				})
				charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
					if _, again := charm.Deferred(ctx); !again {
						return errors.Join(gone.Set(ctx, "here"), charm.Defer("second"))
					}
					if err := errors.Join(write(ctx, ev, "key", "second"), write(ctx, ev, "other", "second"), gone.Delete(ctx)); err != nil {
						return err
					}
					if value, err := c.Relation(ev).Local().Get(ctx, "key"); value != "second" || err != nil {
						return fmt.Errorf("%q, %w", value, err)
					}
					return end()
				})
				charm.On(c, func(ctx context.Context, ev events.PeerChanged) error {
					value, err := c.Relation(ev).Local().Get(ctx, "other")
					stored, err2 := state.Get(ctx)
					return errors.Join(err, err2, c.Relation(ev).Local().Set(ctx, "seen", value+","+stored))
				})
			}, &charmtest.Options{Metadata: keeper, Leader: true, TextOnly: textOnly})
			peers := h.Peers("peers")
			end = func() error { return errTest }
			_ = h.Try(func() { peers.Join("app/1", nil) })
			assert.Equal(t, "first", peers.Local()["key"])
			assert.Equal(t, map[string]string{"key": "first"}, peers.LocalApp())
			assert.Equal(t, ",first", peers.Local()["seen"], "the event's own handler saw nothing of it")
			assert.NotContains(t, peers.Local(), "other")
			deferred := h.Deferred()
			require.Len(t, deferred, 1)
			assert.Equal(t, charm.Deferral{Since: deferred[0].Since, Times: 2, Failures: 1, Reason: "second"}, deferred[0].Deferral)
			assert.Equal(t, `"here"`, h.State()["gone"])
			require.Len(t, logsAt(h, "ERROR"), 1)
			assert.Contains(t, logsAt(h, "ERROR")[0], "a deferred event waits on after failure 1 of 10: cannot handle peers-relation-joined in ")
			assert.Contains(t, logsAt(h, "ERROR")[0], ": no room")

			end = func() error { panic("out of ideas") }
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, 2, h.Deferred()[0].Failures)
			assert.Equal(t, "first", peers.Local()["key"])
			assert.Contains(t, logsAt(h, "ERROR")[1], "failure 2 of 10: cannot handle peers-relation-joined")
			assert.Regexp(t, `(?s)panic: out of ideas\n.*reemit_test.go:\d+`, logsAt(h, "ERROR")[1])

			end = func() error { return nil }
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, "second", peers.Local()["key"])
			assert.Equal(t, "second", peers.Local()["other"])
			assert.Equal(t, map[string]string{"state": `"second"`}, h.State())
		})
	}
}

// What was sent by Flush stays; what others wrote before does, too.
func TestReemittedHandlerFlushesAndFails(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		a, b := charm.NewStored[int](c, "a"), charm.NewStored[int](c, "b")
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, again := charm.Deferred(ctx); !again {
				return charm.Defer("")
			}
			return a.Set(ctx, 1)
		})
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, again := charm.Deferred(ctx); !again {
				return charm.Defer("")
			}
			return errors.Join(b.Set(ctx, 1), c.Flush(ctx), b.Set(ctx, 2), errTest)
		})
	})
	h.Emit(events.Start{})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "1", h.State()["a"])
	assert.Equal(t, "1", h.State()["b"])
	require.Len(t, h.Deferred(), 1)
	assert.Equal(t, 1, h.Deferred()[0].Failures)
}

// The tenth failure is the last; deferring in between does not count.
func TestReemittedTenTimes(t *testing.T) {
	t.Parallel()
	n := 0
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			d, again := charm.Deferred(ctx)
			if n++; !again || n == 5 {
				return charm.Defer(fmt.Sprint("call ", n))
			}
			failures := n - 2
			if n > 5 {
				failures--
			}
			assert.Equal(t, failures, d.Failures)
			assert.Equal(t, n-1, d.Times)
			return errTest
		})
	})
	h.Emit(events.Start{})
	for range 10 {
		require.Len(t, h.Deferred(), 1)
		h.Emit(events.UpdateStatus{})
	}
	assert.Equal(t, 9, h.Deferred()[0].Failures)
	assert.Equal(t, "call 5", h.Deferred()[0].Reason)
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, h.Deferred())
	assert.Equal(t, 12, n)
	errs := logsAt(h, "ERROR")
	require.Len(t, errs, 10)
	assert.Contains(t, errs[8], "a deferred event waits on after failure 9 of 10: ")
	assert.Contains(t, errs[9], "a deferred event is dropped after failure 10 of 10: cannot handle start in ")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, 12, n)
}

// defersAll is a charm that defers whatever it is sent, and notes what it is
// called with again.
func defersAll(called *calls) func(c *charm.Charm) {
	return func(c *charm.Charm) {
		c.EnableDefer()
		handle := func(ctx context.Context, ev events.Event) error {
			if _, again := charm.Deferred(ctx); again {
				called.add("%s", ev.Name())
			}
			return charm.Defer("for ever")
		}
		charm.On(c, func(ctx context.Context, ev events.LeaderElected) error { return handle(ctx, ev) })
		charm.On(c, func(ctx context.Context, ev events.StorageEvent) error { return handle(ctx, ev) })
		charm.On(c, func(ctx context.Context, ev events.RelationEvent) error {
			if _, broken := ev.(events.RelationBroken); broken {
				return nil
			}
			return handle(ctx, ev)
		})
	}
}

// What has no meaning any more is dropped with a warning, and nobody is called.
func TestStaleDeferredEventsAreDropped(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		do    func(h *charmtest.Harness) // until there is one that is stale
		stays []string                   // what is called again
		want  []string
	}{
		"leadership is lost": {func(h *charmtest.Harness) {
			h.SetLeader(true)
			h.SetLeader(false)
		}, nil, []string{"event=leader-elected", `cause="this unit is not the leader any more"`}},
		"storage is gone": {func(h *charmtest.Harness) {
			h.AddStorage("data")
			h.DetachStorage("data/0")
		}, nil, []string{"event=data-storage-attached", `cause="storage data/0 is gone"`}},
		"a unit is gone": {func(h *charmtest.Harness) {
			h.Peers("peers").Join("app/1", nil)
			h.Peers("peers").Depart("app/1")
		}, []string{"peers-relation-departed"}, []string{"event=peers-relation-joined", `cause="unit app/1 is gone"`}},
		"a remote unit is gone": {func(h *charmtest.Harness) {
			rel := h.Relate("db", "mysql")
			rel.Join("mysql/0", nil)
			rel.Depart("mysql/0")
		}, []string{"db-relation-created", "db-relation-departed"}, []string{"event=db-relation-changed", `cause="unit mysql/0 is gone"`}},
		"a relation is gone": {func(h *charmtest.Harness) {
			rel := h.Relate("db", "mysql")
			rel.UpdateApp(map[string]string{"a": "b"})
			rel.Break()
		}, nil, []string{"event=db-relation-changed", `cause="relation db:1 is gone"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var called calls
			h := charmtest.New(t, defersAll(&called), &charmtest.Options{Metadata: keeper})
			row.do(h)
			called.take()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, row.stays, called.take())
			warnings := strings.Join(logsAt(h, "WARNING"), "\n")
			assert.Contains(t, warnings, "a deferred event is dropped")
			for _, text := range row.want {
				assert.Contains(t, warnings, text)
			}
			assert.Contains(t, warnings, "handler=github.com/charmsmith/charmsmith/charm_test.")
			assert.Empty(t, logsAt(h, "ERROR"))
		})
	}
}

// What means something still is called again, with one hook command for each thing
// that is looked at.
func TestDeferredEventsThatMeanSomething(t *testing.T) {
	t.Parallel()
	var called calls
	h := charmtest.New(t, defersAll(&called), &charmtest.Options{Metadata: keeper})
	h.SetLeader(true)
	for range 3 {
		h.AddStorage("data")
	}
	for i := range 3 {
		h.Peers("peers").Join(fmt.Sprintf("app/%d", i+1), nil)
	}
	rel := h.Relate("db", "mysql")
	rel.UpdateApp(map[string]string{"a": "b"})
	rel.Join("mysql/0", nil)
	called.take()
	h.ResetCalls()
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{
		"leader-elected", "data-storage-attached", "data-storage-attached", "data-storage-attached",
		"peers-relation-joined", "peers-relation-changed", "peers-relation-joined", "peers-relation-changed", "peers-relation-joined", "peers-relation-changed",
		"db-relation-created", "db-relation-changed", "db-relation-joined", "db-relation-changed",
	}, called.take())
	assert.Empty(t, logsAt(h, "WARNING"))
	assert.Equal(t, []string{
		"state-get --format=json", "is-leader --format=json", "storage-list --format=json -- data",
		"relation-ids --format=json -- peers", "relation-list --format=json -r peers:0",
		"relation-ids --format=json -- db", "relation-list --format=json -r db:1", "state-set --file -",
	}, lines(h))
}

// Old Jujus do not say which storage it is: it means something as long as there is
// any.
func TestDeferredEventOfUnnamedStorage(t *testing.T) {
	t.Parallel()
	for _, storage := range [][]charmtest.Storage{{}, {{ID: "data/3", Kind: "filesystem", Location: "/srv"}}} {
		var called calls
		state := charmtest.State{Metadata: keeper, Storage: storage, Deferred: []charm.DeferredEvent{
			{Event: events.StorageAttached{StorageRef: events.StorageRef{Storage: "data"}}, Handler: "it"},
		}}
		_, err := charmtest.Run(func(c *charm.Charm) {
			c.EnableDefer()
			charm.OnStorage(c, "data", func(_ context.Context, ev events.StorageAttached) error { called.add("%s", ev.Name()); return nil }).Name("it")
		}, events.UpdateStatus{}, state)
		require.NoError(t, err)
		assert.Len(t, called.list, len(storage))
	}
}

// If Juju cannot tell whether an event means anything, that is a failure of it like
// others: the dispatch goes on.
func TestDeferredEventsThatCannotBeChecked(t *testing.T) {
	t.Parallel()
	var called calls
	h := charmtest.New(t, defersAll(&called), &charmtest.Options{Metadata: keeper})
	h.AddStorage("data")
	h.SetLeader(true)
	called.take()
	remove := h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "no luck"), call.Command == "storage-list"
	})
	for range 9 {
		h.Emit(events.UpdateStatus{})
	}
	assert.Len(t, called.take(), 9, "of leader-elected")
	assert.Len(t, h.Deferred(), 2)
	assert.Contains(t, logsAt(h, "ERROR")[8], `failure 9 of 10: cannot check whether deferred data-storage-attached means anything still: cannot run "storage-list --format=json -- data": no luck`)
	h.Emit(events.UpdateStatus{})
	assert.Len(t, h.Deferred(), 1)
	remove()

	h.Peers("peers").Join("app/1", nil)
	h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(2, `invalid value "peers:0" for option -r: relation not found`), call.Command == "relation-list"
	})
	h.Emit(events.UpdateStatus{})
	assert.Contains(t, strings.Join(logsAt(h, "WARNING"), "\n"), `cause="relation peers:0 is gone"`)
}

// A handler that is told to end leaves all as it was.
func TestReemissionIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	agent := &queueAgent{state: map[string]string{"charmsmith.deferred": `[{"n":1,"event":"start","env":["JUJU_DISPATCH_PATH=hooks/start"],"handler":"h","since":"2026-01-02T03:04:05Z","times":1}]`}}
	called := 0
	err := charm.Run(ctx, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(context.Context, events.Hook) error {
			called++
			cancel(errTest)
			return errors.New("interrupted")
		}).Name("h")
	}, &charm.Options{Env: environ(t, events.UpdateStatus{}), Runner: agent})
	require.ErrorIs(t, err, errTest)
	assert.Equal(t, 1, called)
	assert.Empty(t, agent.written)
}

// queueAgent is a Runner of a unit that has a state only.
type queueAgent struct {
	state   map[string]string
	written []string // commands
}

func (a *queueAgent) Run(ctx context.Context, call hookcmd.Call) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case call.Command == "state-get":
		return []byte(mustJSON(a.state)), nil
	case call.Command != "juju-log":
		a.written = append(a.written, call.Command)
	}
	return nil, nil
}

// A status that a handler has collected is undone with the rest when it fails.
func TestReemittedHandlerFailsAfterItsStatus(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, again := charm.Deferred(ctx); !again {
				return charm.Defer("")
			}
			return errors.Join(charm.BlockOnConfigError(ctx, c, &charm.ConfigError{Option: "port", Err: errTest}), errTest)
		})
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
			set.Add(charm.Active(""))
			return nil
		})
	})
	h.Emit(events.Start{})
	h.Emit(events.UpdateStatus{})
	require.Equal(t, 1, h.Deferred()[0].Failures)
	assert.Equal(t, "active", h.Status().Status)
}
