// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// calls notes which handlers were called with what.
type calls struct{ list []string }

func (c *calls) add(format string, args ...any) {
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

func (c *calls) take() []string {
	list := c.list
	c.list = nil
	return list
}

// newKeeper returns a unit of the charm that register registers.
func newKeeper(t *testing.T, register func(*charm.Charm)) *charmtest.Harness {
	t.Helper()
	return charmtest.New(t, register, &charmtest.Options{Metadata: keeper, Leader: true})
}

// Deferral costs a state-get per hook, none in actions, and nothing in a charm
// that has not asked for it.
func TestDeferCosts(t *testing.T) {
	t.Parallel()
	action := func(c *charm.Charm) {
		charm.OnAction(c, "look", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
	}
	withKeeper(t, func(c *charm.Charm) { action(c); c.EnableDefer(); c.EnableDefer() }, func(t *testing.T, h *charmtest.Harness) {
		for _, ev := range []events.Event{events.Install{}, events.UpdateStatus{}, events.LeaderElected{}, events.Stop{}} {
			h.Emit(ev)
			assert.Equal(t, []string{"state-get --format=json"}, lines(h), ev.Name())
		}
		assert.Equal(t, "completed", h.RunAction("look", nil).Status)
		assert.Empty(t, lines(h, "state-get", "state-set"))
	})
	h := newKeeper(t, action)
	h.Emit(events.Install{})
	assert.Empty(t, lines(h))
}

// A handler that defers keeps its writes, those after it are called, and it is
// called again in the next hook, before the handlers of that.
func TestDefer(t *testing.T) {
	t.Parallel()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var called calls
			ready := false
			h := charmtest.New(t, func(c *charm.Charm) {
				c.EnableDefer()
				note := charm.NewStored[string](c, "note")
				charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
					d, again := charm.Deferred(ctx)
					called.add("%s again=%v times=%d failures=%d %q", ev.Unit, again, d.Times, d.Failures, d.Reason)
					assert.Equal(t, again, !d.Since.IsZero() && c.Now().Sub(d.Since) < time.Hour)
					if err := errors.Join(c.Relation(ev).Local().Set(ctx, "for", ev.Unit), note.Set(ctx, ev.Unit)); err != nil {
						return err
					}
					if !ready {
						return charm.Defer("not ready")
					}
					return nil
				})
				charm.On(c, func(ctx context.Context, ev events.Hook) error {
					_, again := charm.Deferred(ctx)
					called.add("%s again=%v", ev.Name(), again)
					return nil
				})
			}, &charmtest.Options{Metadata: keeper, TextOnly: textOnly})
			peers := h.Peers("peers")
			peers.Join("app/1", nil)
			assert.Equal(t, []string{
				`app/1 again=false times=0 failures=0 ""`, "peers-relation-joined again=false",
				`app/1 again=true times=1 failures=0 "not ready"`, "peers-relation-changed again=false",
			}, called.take())
			assert.Equal(t, "app/1", peers.Local()["for"])
			assert.Equal(t, `"app/1"`, h.State()["note"])

			peers.Join("app/2", nil)
			called.take()
			h.ResetCalls()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{
				`app/1 again=true times=4 failures=0 "not ready"`,
				`app/2 again=true times=2 failures=0 "not ready"`,
				"update-status again=false",
			}, called.take(), "the oldest first")
			assert.Equal(t, []string{
				"state-get --format=json", "relation-ids --format=json -- peers", "relation-list --format=json -r peers:0",
				"relation-set -r peers:0 --file -", "state-set --file -",
			}, lines(h))

			deferred := h.Deferred()
			require.Len(t, deferred, 2)
			assert.Equal(t, events.PeerJoined{RelationRef: events.RelationRef{Endpoint: "peers", App: "app"}, Unit: "app/1"}, deferred[0].Event)
			assert.Equal(t, 5, deferred[0].Times)
			assert.Contains(t, deferred[0].Handler, "charm_test.TestDefer.func")

			ready = true
			h.Emit(events.UpdateStatus{})
			assert.Len(t, called.take(), 3)
			assert.Empty(t, h.Deferred())
			assert.Equal(t, []string{"state-delete -- charmsmith.deferred"}, lines(h, "state-delete"))
			assert.Equal(t, map[string]string{"note": `"app/2"`}, h.State())
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update-status again=false"}, called.take())
		})
	}
}

// Actions do not call deferred handlers again; all hooks do.
func TestDeferredAreCalledInHooksOnly(t *testing.T) {
	t.Parallel()
	var called calls
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(context.Context, events.ConfigChanged) error {
			called.add("config-changed")
			return charm.Defer("")
		})
		charm.OnAction(c, "look", func(ctx context.Context, _ struct{}) (struct{}, error) {
			waiting, err := c.DeferredEvents(ctx)
			called.add("%d deferred", len(waiting))
			return struct{}{}, err
		})
	})
	h.Emit(events.ConfigChanged{})
	h.RunAction("look", nil)
	h.Emit(events.Stop{})
	assert.Equal(t, []string{"config-changed", "1 deferred", "config-changed"}, called.take())
	assert.Equal(t, 2, h.Deferred()[0].Times)
}

// What cannot be deferred is an error of the handler, with the reason.
func TestCannotDefer(t *testing.T) {
	t.Parallel()
	db := events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}
	deferring := func(ctx context.Context, _ events.Event) error { return fmt.Errorf("wrapped: %w", charm.Defer("x")) }
	register := func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, ev events.Hook) error { return deferring(ctx, ev) })
		charm.On(c, func(ctx context.Context, ev events.Action) error { return deferring(ctx, ev) })
	}
	for ev, want := range map[events.Event]string{
		events.Stop{}:                          "cannot defer stop: the unit may be gone before the next hook",
		events.Remove{}:                        "cannot defer remove: the unit may be gone before the next hook",
		events.RelationBroken{RelationRef: db}: "cannot defer db-relation-broken: the relation is gone in the next hook",
		events.SecretRotate{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g"}}:  "cannot defer secret-rotate: it comes again by itself",
		events.SecretExpired{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g"}}: "cannot defer secret-expired: it comes again by itself",
		events.Unknown{Hook: "collect-metrics"}:                                              "cannot defer collect-metrics: its variables are not known",
		events.Action{Action: "look", ID: "1"}:                                               "cannot defer look: the operator waits for the action",
	} {
		agent := &stateAgent{}
		_, err := run(t, agent, ev, register)
		var failure *charm.HandlerError
		require.ErrorAs(t, err, &failure, ev.Name())
		assert.EqualError(t, failure.Err, want)
		assert.Contains(t, failure.Handler, "TestCannotDefer")
		assert.Empty(t, agent.set, "nothing is stored")
	}
	for want, register := range map[string]func(c *charm.Charm){
		"cannot defer start: a handler of OnDispatch is called in every dispatch anyway": func(c *charm.Charm) {
			c.EnableDefer()
			charm.OnDispatch(c, deferring)
		},
		"cannot defer start: call EnableDefer in the function given to charm.Main": func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, ev events.Start) error { return deferring(ctx, ev) })
		},
	} {
		h := newKeeper(t, register)
		assert.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), want)
	}
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.OnAction(c, "look", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, charm.Defer("x") })
	})
	result := h.RunAction("look", nil)
	assert.Equal(t, "failed", result.Status)
	assert.Equal(t, "cannot defer an action: the operator waits for it", result.Message)
	h = newKeeper(t, func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Start) error { c.EnableDefer(); return nil })
	})
	assert.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), "charm.EnableDefer: ")
}

// stateAgent is a Runner of a unit without anything but an empty state.
type stateAgent struct{ set []string }

func (a *stateAgent) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	switch call.Command {
	case "state-get":
		return []byte("null"), nil
	case "state-set":
		a.set = append(a.set, string(call.Stdin))
	case "relation-ids":
		return []byte("[]"), nil
	}
	return nil, nil
}

// A deferral may be wrapped. What wraps another error too has failed.
func TestDeferWrapped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	for name, row := range map[string]struct {
		err  error
		want string // reason; empty: a failure
	}{
		"plain":                     {charm.Defer("waiting"), "waiting"},
		"wrapped":                   {fmt.Errorf("db: %w, later", charm.Defer("waiting")), "db: waiting, later"},
		"wrapped twice":             {fmt.Errorf("a: %w", fmt.Errorf("b: %w", charm.Defer("waiting"))), "a: b: waiting"},
		"joined":                    {errors.Join(charm.Defer("one"), nil, charm.Defer("two")), "one\ntwo"},
		"joined to an error":        {errors.Join(charm.Defer("one"), errTest), ""},
		"with another cause":        {fmt.Errorf("%w: %w", errTest, charm.Defer("one")), ""},
		"long":                      {charm.Defer(long), long[:252] + "…"},
		"no UTF-8":                  {charm.Defer("a\xff"), "a\ufffd"},
		"a failure":                 {errTest, ""},
		"as text only, not wrapped": {fmt.Errorf("%v", charm.Defer("x")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newKeeper(t, func(c *charm.Charm) {
				c.EnableDefer()
				c.Use(func(next charm.Handler) charm.Handler {
					return func(ctx context.Context, ev events.Event) error {
						err := next(ctx, ev)
						assert.Equal(t, row.want != "", charm.IsDefer(err))
						return err
					}
				})
				charm.On(c, func(context.Context, events.Start) error { return row.err })
			})
			err := h.Try(func() { h.Emit(events.Start{}) })
			if row.want == "" {
				require.ErrorContains(t, err, "cannot handle start")
				assert.Empty(t, h.Deferred())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, h.Deferred()[0].Reason)
		})
	}
	assert.False(t, charm.IsDefer(nil))
	assert.EqualError(t, charm.Defer("waiting"), "the event is deferred: waiting")
}

// A panic is no deferral, whatever it is of.
func TestDeferByPanic(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(context.Context, events.Start) error { panic(charm.Defer("x")) })
	})
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), "panic: the event is deferred: x")
	assert.Empty(t, h.State())
}

// What is deferred in a dispatch that then fails is not, and what was done again
// is done again: Juju repeats the hook.
func TestDeferInADispatchThatFails(t *testing.T) {
	t.Parallel()
	var called calls
	var fail error
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			_, again := charm.Deferred(ctx)
			called.add("again=%v", again)
			if again {
				return nil
			}
			return charm.Defer("x")
		})
		charm.On(c, func(context.Context, events.Hook) error { return fail })
	})
	fail = errTest
	require.Error(t, h.Try(func() { h.Emit(events.Start{}) }))
	assert.Empty(t, h.Deferred())
	fail = nil
	h.Again()
	assert.Len(t, h.Deferred(), 1)
	fail = errTest
	require.Error(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }))
	h.KillNext(1)
	require.Error(t, h.Try(h.Again))
	fail = nil
	h.RefuseNextFlush()
	require.Error(t, h.Try(h.Again))
	assert.Len(t, h.Deferred(), 1)
	h.Again()
	assert.Empty(t, h.Deferred())
	assert.Equal(t, []string{"again=false", "again=false", "again=true", "again=true", "again=true"}, called.take(), "at least once")
}
