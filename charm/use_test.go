// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// noting returns what notes the handlers that it is around.
func noting(called *calls, name string) func(next charm.Handler) charm.Handler {
	return func(next charm.Handler) charm.Handler {
		return func(ctx context.Context, ev events.Event) error {
			called.add("%s before %s", name, ev.Name())
			err := next(ctx, ev)
			called.add("%s after %s: %v", name, ev.Name(), err)
			return err
		}
	}
}

// What is around handlers is around each of them: hooks, actions, OnDispatch and
// those that are called again; the first is the outermost.
func TestUse(t *testing.T) {
	t.Parallel()
	var called calls
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			called.add("handler")
			if _, again := charm.Deferred(ctx); again {
				return nil
			}
			return charm.Defer("x")
		})
		c.Use(noting(&called, "outer"))
		c.Use(noting(&called, "inner"))
		charm.OnAction(c, "look", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, errTest })
	})
	h.Emit(events.Start{})
	assert.Equal(t, []string{
		"outer before start", "inner before start", "handler",
		"inner after start: the event is deferred: x", "outer after start: the event is deferred: x",
	}, called.take())
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"outer before start", "inner before start", "handler", "inner after start: <nil>", "outer after start: <nil>"}, called.take())
	assert.Equal(t, "no room", h.RunAction("look", nil).Message)
	assert.Equal(t, []string{"outer before look", "inner before look", "inner after look: no room", "outer after look: no room"}, called.take())
}

// It can change the context and the error, leave the handler out, and sees panics.
func TestUseDecides(t *testing.T) {
	t.Parallel()
	type key struct{}
	var called calls
	h := newKeeper(t, func(c *charm.Charm) {
		c.Use(func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) (err error) {
				defer func() {
					if value := recover(); value != nil {
						called.add("recovered %v", value)
						err = fmt.Errorf("it panicked: %v", value)
					}
				}()
				if _, ok := ev.(events.Install); ok {
					return nil
				}
				called.add("%s", charm.HandlerName(ctx))
				return next(context.WithValue(ctx, key{}, "value"), ev)
			}
		})
		charm.On(c, func(ctx context.Context, ev events.Hook) error {
			called.add("%s %v", ev.Name(), ctx.Value(key{}))
			if _, ok := ev.(events.Stop); ok {
				panic("out of ideas")
			}
			return nil
		}).Name("its name")
		charm.On(c, methods{c}.fails)
	})
	h.Emit(events.Install{})
	assert.Empty(t, called.take())
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Stop{}) }), "it panicked: out of ideas")
	list := called.take()
	require.Len(t, list, 3)
	assert.Contains(t, list[0], "charm_test.TestUseDecides.func")
	assert.Equal(t, []string{"stop value", "recovered out of ideas"}, list[1:])
	require.ErrorIs(t, h.Try(func() { h.Peers("peers").Join("app/1", nil) }), errTest)
	assert.Equal(t, "github.com/charmsmith/charmsmith/charm_test.methods.fails", called.take()[2])
	assert.Empty(t, charm.HandlerName(t.Context()))
}

// A panic of what is around a handler is one of the handler.
func TestUsePanics(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.Use(func(charm.Handler) charm.Handler { panic("out of ideas") })
		charm.On(c, func(context.Context, events.Start) error { return nil })
	})
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), "cannot handle start in github.com/charmsmith/charmsmith/charm_test.TestUsePanics")
	for want, misuse := range map[string]func(c *charm.Charm){
		"charm.Use: the function is nil": func(c *charm.Charm) { c.Use(nil) },
		"charm.Use: it is called in the function given to charm.Main": func(c *charm.Charm) {
			charm.On(c, func(context.Context, events.Start) error {
				c.Use(func(next charm.Handler) charm.Handler { return next })
				return nil
			})
		},
		"charm.Registration.Name: the name is empty": func(c *charm.Charm) { charm.On(c, methods{c}.fails).Name("") },
		`charm.Registration.Name: two handlers are called "a"`: func(c *charm.Charm) {
			charm.On(c, methods{c}.fails).Name("a")
			charm.On(c, methods{c}.fails).Name("a")
		},
		"charm.Registration.Name: handlers are named in the function given to charm.Main": func(c *charm.Charm) {
			r := charm.On(c, methods{c}.fails)
			charm.On(c, func(context.Context, events.Start) error { r.Name("a"); return nil })
		},
	} {
		h := newKeeper(t, misuse)
		assert.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), want)
	}
}

// OnDispatch is called in the order of registration, in hooks and actions, and not
// for what is called again.
func TestOnDispatchOrder(t *testing.T) {
	t.Parallel()
	var called calls
	fail := false
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		all := func(name string) func(context.Context, events.Event) error {
			return func(_ context.Context, ev events.Event) error { called.add("%s %s", name, ev.Name()); return nil }
		}
		charm.OnDispatch(c, all("first"))
		charm.On(c, func(_ context.Context, ev events.Start) error { called.add("start"); return charm.Defer("x") })
		charm.OnAction(c, "look", func(context.Context, struct{}) (struct{}, error) {
			if called.add("look"); fail {
				return struct{}{}, errTest
			}
			return struct{}{}, nil
		})
		charm.OnDispatch(c, all("last"))
	})
	h.Emit(events.Start{})
	assert.Equal(t, []string{"first start", "start", "last start"}, called.take())
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"start", "first update-status", "last update-status"}, called.take())
	assert.Equal(t, "completed", h.RunAction("look", nil).Status)
	assert.Equal(t, []string{"first look", "look", "last look"}, called.take())
	fail = true
	assert.Equal(t, "failed", h.RunAction("look", nil).Status)
	assert.Equal(t, []string{"first look", "look"}, called.take(), "the first error is the last")
}
