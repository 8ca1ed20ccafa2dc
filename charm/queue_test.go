// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
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
)

func mustJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// An event waits once for a handler, and is done when the handler succeeds with
// its equal.
func TestDeferredOnce(t *testing.T) {
	t.Parallel()
	var called calls
	succeed := false
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, ev events.Hook) error {
			_, again := charm.Deferred(ctx)
			called.add("%s %v", ev.Name(), again)
			if succeed && !again {
				return nil
			}
			return charm.Defer(fmt.Sprint("call ", len(called.list)))
		})
	})
	h.Emit(events.ConfigChanged{})
	since := h.Deferred()[0].Since
	h.Emit(events.ConfigChanged{})
	assert.Equal(t, []string{"config-changed false", "config-changed true", "config-changed false"}, called.list)
	require.Len(t, h.Deferred(), 1)
	assert.Equal(t, charm.Deferral{Since: since, Times: 2, Reason: "call 3"}, h.Deferred()[0].Deferral)

	h.Emit(events.UpdateStatus{})
	assert.Len(t, h.Deferred(), 2, "another event is another one")
	succeed = true
	h.Emit(events.ConfigChanged{})
	require.Len(t, h.Deferred(), 1)
	assert.Equal(t, events.UpdateStatus{}, h.Deferred()[0].Event)
}

// library is an interface library with a handler that defers: what it has is per
// endpoint.
type library struct {
	endpoint string
	called   *calls
	ready    *bool
}

func newLibrary(c *charm.Charm, endpoint string, called *calls, ready *bool) {
	l := &library{endpoint, called, ready}
	charm.OnRelation(c, endpoint, l.changed)
	charm.On(c, l.always)
}

func (l *library) changed(_ context.Context, ev events.RelationChanged) error {
	l.called.add("%s: %s", l.endpoint, ev.Name())
	return l.defers()
}

func (l *library) always(_ context.Context, ev events.ConfigChanged) error {
	l.called.add("%s: %s", l.endpoint, ev.Name())
	return l.defers()
}

func (l *library) defers() error {
	if *l.ready {
		return nil
	}
	return charm.Defer(l.endpoint)
}

// Handlers are told from each other: those of two instances of a library, closures
// of a loop, and several of one event. Who deferred is who is called again.
func TestIdentityOfHandlers(t *testing.T) {
	t.Parallel()
	var called calls
	waits := map[string]bool{"closure 1": true, "closure 3": true, "named": true}
	ready := map[string]*bool{"db": new(bool), "cache": new(bool)}
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		newLibrary(c, "db", &called, ready["db"])
		newLibrary(c, "cache", &called, ready["cache"])
		for i := range 5 {
			charm.On(c, handlerOf(&called, fmt.Sprint("closure ", i), waits))
		}
		charm.On(c, handlerOf(&called, "named", waits)).Name("by another name")
	})
	h.Emit(events.Start{})
	assert.Equal(t, []string{"closure 0", "closure 1", "closure 2", "closure 3", "closure 4", "named"}, called.take())
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"closure 1", "closure 3", "named"}, called.take())
	deferred := h.Deferred()
	assert.Equal(t, []int{1, 3, 0}, []int{deferred[0].Ordinal, deferred[1].Ordinal, deferred[2].Ordinal})
	assert.Contains(t, deferred[0].Handler, "charm_test.")
	assert.Contains(t, deferred[0].Handler, "handlerOf")
	assert.Equal(t, "by another name", deferred[2].Handler)
	clear(waits)

	h.Emit(events.ConfigChanged{}) // of both instances
	called.take()
	*ready["db"] = true
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"db: config-changed", "cache: config-changed"}, called.take())
	db, cache := h.Relate("db", "mysql"), h.Relate("cache", "redis")
	*ready["db"] = false
	cache.UpdateApp(map[string]string{"a": "b"})
	db.UpdateApp(map[string]string{"a": "b"})
	called.take()
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"cache: config-changed", "cache: cache-relation-changed", "db: db-relation-changed"}, called.take())
}

// handlerOf returns a closure that defers start if it is to.
func handlerOf(called *calls, name string, waits map[string]bool) func(context.Context, events.Start) error {
	return func(context.Context, events.Start) error {
		called.add("%s", name)
		if waits[name] {
			return charm.Defer("")
		}
		return nil
	}
}

// What is deferred survives an upgrade of the charm: functions that were renamed
// by their former name, among other handlers and in another order.
func TestDeferredSurvivesAnUpgrade(t *testing.T) {
	t.Parallel()
	var called calls
	old := &oldCharm{&called, charm.Defer("")}
	v1 := func(c *charm.Charm) {
		c.EnableDefer()
		charm.OnRelation(c, "db", old.database)
		charm.On(c, old.start).Name("starter")
		charm.On(c, old.config)
		charm.On(c, old.gone)
	}
	h := newKeeper(t, v1)
	h.Relate("db", "mysql")
	h.Emit(events.Start{})
	h.Emit(events.ConfigChanged{})
	require.Len(t, h.Deferred(), 4)
	called.take()
	old.err = nil
	renamed := &newCharm{&called}
	require.NoError(t, h.Try(func() {
		h.Upgrade(func(c *charm.Charm) {
			c.EnableDefer()
			charm.On(c, renamed.other)
			charm.On(c, renamed.configuration).Name("github.com/charmsmith/charmsmith/charm_test.(*oldCharm).config")
			charm.On(c, renamed.start).Name("starter")
			charm.On(c, old.database) // not narrowed any more
		})
	}))
	assert.Equal(t, []string{
		"old database db-relation-created", "new start start", "new configuration config-changed", // again
		"new other upgrade-charm", "new other config-changed", "new configuration config-changed",
	}, called.take())
	assert.Empty(t, h.Deferred())
	require.Len(t, logsAt(h, "WARNING"), 1)
	assert.Equal(t, `a deferred event is dropped event=start handler=github.com/charmsmith/charmsmith/charm_test.(*oldCharm).gone `+
		`cause="the charm has no such handler any more"`, logsAt(h, "WARNING")[0])
}

type oldCharm struct {
	*calls
	err error
}

func (c *oldCharm) note(name string, ev events.Event) error {
	c.add("old %s %s", name, ev.Name())
	return c.err
}
func (c *oldCharm) start(_ context.Context, ev events.Start) error { return c.note("start", ev) }
func (c *oldCharm) gone(_ context.Context, ev events.Start) error  { return c.note("gone", ev) }
func (c *oldCharm) config(_ context.Context, ev events.ConfigChanged) error {
	return c.note("config", ev)
}
func (c *oldCharm) database(_ context.Context, ev events.RelationCreated) error {
	return c.note("database", ev)
}

type newCharm struct{ *calls }

func (c *newCharm) start(_ context.Context, ev events.Start) error {
	c.add("new start %s", ev.Name())
	return nil
}
func (c *newCharm) configuration(_ context.Context, ev events.ConfigChanged) error {
	c.add("new configuration %s", ev.Name())
	return nil
}
func (c *newCharm) other(_ context.Context, ev events.Hook) error {
	c.add("new other %s", ev.Name())
	return nil
}

// A name that is for another endpoint now is no handler of the event.
func TestNameOfAnotherEndpoint(t *testing.T) {
	t.Parallel()
	onEndpoint := func(endpoint string) func(c *charm.Charm) {
		return func(c *charm.Charm) {
			c.EnableDefer()
			charm.OnRelation(c, endpoint, func(_ context.Context, ev events.RelationEvent) error {
				assert.Equal(t, endpoint, ev.Ref().Endpoint)
				return charm.Defer("")
			}).Name("it")
		}
	}
	h := newKeeper(t, onEndpoint("db"))
	h.Relate("db", "mysql")
	require.Len(t, h.Deferred(), 1)
	h.Upgrade(onEndpoint("cache"))
	assert.Empty(t, h.Deferred())
	assert.Contains(t, logsAt(h, "WARNING")[0], "the charm has no such handler any more")
}

// A queue that cannot be read, or not in part, never stops a charm.
func TestUnreadableQueue(t *testing.T) {
	t.Parallel()
	const start = `"env":["JUJU_DISPATCH_PATH=hooks/start"],"handler":"it"`
	for name, row := range map[string]struct{ stored, want string }{
		"no JSON":        {"\x00[", "they cannot be read state=charmsmith.deferred cause="},
		"empty":          {"", "they cannot be read state=charmsmith.deferred cause="},
		"no list":        {`{"n":1}`, "they cannot be read"},
		"a wrong type":   {`[{"n":"one",` + start + `}]`, "they cannot be read"},
		"no environment": {`[{"handler":"it"}]`, "it cannot be read: cannot parse event: JUJU_DISPATCH_PATH"},
		"no handler":     {`[{"env":["JUJU_DISPATCH_PATH=hooks/start"]}]`, "the charm has no such handler any more"},
		"an ordinal":     {`[{"ordinal":7,` + start + `}]`, "the charm has no such handler any more"},
		"a negative one": {`[{"ordinal":-7,` + start + `}]`, "the charm has no such handler any more"},
		"another event":  {`[{"env":["JUJU_DISPATCH_PATH=hooks/install"],"handler":"it"}]`, "the charm has no such handler any more"},
		"stop":           {`[{"env":["JUJU_DISPATCH_PATH=hooks/stop"],"handler":"all"}]`, "it cannot be deferred: the unit may be gone before the next hook"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := charmtest.New(t, func(c *charm.Charm) {
				c.EnableDefer()
				charm.On(c, func(context.Context, events.Start) error { return errTest }).Name("it")
				charm.OnRelation(c, "db", func(context.Context, events.RelationEvent) error { return errTest })
				charm.On(c, func(_ context.Context, ev events.Hook) error { assert.Equal(t, events.UpdateStatus{}, ev); return nil }).Name("all")
			}, &charmtest.Options{Metadata: keeper, State: map[string]string{"charmsmith.deferred": row.stored}})
			h.Emit(events.UpdateStatus{})
			require.Len(t, logsAt(h, "WARNING"), 1)
			assert.Contains(t, logsAt(h, "WARNING")[0], row.want)
			assert.Empty(t, h.State(), "it is gone")
		})
	}
	h := charmtest.New(t, func(c *charm.Charm) { c.EnableDefer() }, &charmtest.Options{
		Metadata: keeper, State: map[string]string{"charmsmith.deferred": "null", "charmsmith.deferred.x": "7"},
	})
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, logsAt(h, "WARNING"))
}

// FuzzQueue has a charm read any queue: it never fails by it.
func FuzzQueue(f *testing.F) {
	f.Add(`[{"n":1,"event":"start","env":["JUJU_DISPATCH_PATH=hooks/start"],"handler":"it","since":"2026-01-02T03:04:05Z","times":1}]`, "")
	f.Add(`[null,{}]`, `[{"env":["JUJU_DISPATCH_PATH=actions/x"],"handler":"it"}]`)
	f.Add(`[`, `[{"env":["JUJU_UNIT_NAME=b/7","JUJU_DISPATCH_PATH=hooks/x-relation-joined"],"handler":"it","n":-9223372036854775808}]`)
	f.Fuzz(func(t *testing.T, first, second string) {
		agent := &queueAgent{state: map[string]string{"charmsmith.deferred": first, "charmsmith.deferred.2": second}}
		_, err := run(t, agent, events.UpdateStatus{}, func(c *charm.Charm) {
			c.EnableDefer()
			c.LogEvents()
			charm.On(c, func(ctx context.Context, ev events.Hook) error {
				_, err := c.DeferredEvents(ctx)
				return errors.Join(err, charm.Defer(ev.Name()))
			}).Name("it")
		})
		require.NoError(t, err)
	})
}

// As many as 2000 events can wait, in several values of the state; of those that
// are cleared by hand, nothing is left.
func TestManyDeferredEvents(t *testing.T) {
	t.Parallel()
	secret := func(i int) events.SecretChanged {
		return events.SecretChanged{SecretRef: events.SecretRef{ID: fmt.Sprintf("secret:%020d", i)}}
	}
	var waiting []map[string]any
	for i := range 1999 {
		env := []string{"JUJU_DISPATCH_PATH=hooks/secret-changed", "JUJU_HOOK_NAME=secret-changed", "JUJU_SECRET_ID=" + secret(i).ID, "JUJU_SECRET_LABEL="}
		waiting = append(waiting, map[string]any{"n": i, "event": "secret-changed", "env": env, "handler": "it", "since": "2026-01-02T03:04:05Z", "times": 1})
	}
	var called []events.Event
	succeed := false
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(_ context.Context, ev events.SecretChanged) error {
			if called = append(called, ev); succeed {
				return nil
			}
			return charm.Defer(strings.Repeat("é", 128))
		}).Name("it")
		charm.On(c, func(context.Context, events.Hook) error {
			if succeed {
				return nil
			}
			return charm.Defer("")
		})
	}, &charmtest.Options{
		Metadata: keeper, TextOnly: true, JujuVersion: "3.6.0", // which has a limit of the whole
		State: map[string]string{"charmsmith.deferred": mustJSON(waiting)},
	})
	h.Emit(events.Start{})
	require.Len(t, h.Deferred(), 2000)
	assert.Equal(t, secret(0), called[0], "the oldest first")
	assert.Equal(t, secret(1998), called[1998])
	assert.Greater(t, len(h.State()), 10)
	for key, value := range h.State() {
		assert.LessOrEqual(t, len(value), 64<<10, key)
	}
	assert.ErrorContains(t, h.Try(func() { h.Emit(events.UpgradeCharm{}) }), "cannot defer upgrade-charm: 2000 events are deferred already")

	stored := h.State()
	require.NoError(t, h.Exec(func(ctx context.Context, client *hookcmd.Client) error {
		return client.StateDelete(ctx, "charmsmith.deferred")
	}))
	assert.Empty(t, h.Deferred())
	called, succeed = nil, true
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, called)
	assert.Empty(t, h.State())

	h.SetState(stored)
	h.Emit(events.UpdateStatus{})
	require.Len(t, called, 1999)
	assert.Equal(t, secret(0), called[0], "in the order that they had")
	assert.Equal(t, secret(1998), called[1998])
	assert.Empty(t, h.State())
}

// What is to be kept of one event has to have room.
func TestDeferredEventTooLarge(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(context.Context, events.Start) error { return charm.Defer("") }).Name(strings.Repeat("long", 20000))
	})
	assert.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), "cannot defer start: what is to be kept of it has 80")
}
