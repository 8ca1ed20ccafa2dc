// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// The list tells what waits, with what is told to its handler; what is cleared is
// gone if the dispatch succeeds.
func TestDeferredEventsAreListedAndCleared(t *testing.T) {
	t.Parallel()
	var fail error
	which := func(charm.DeferredEvent) bool { return false }
	var listed []charm.DeferredEvent
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(_ context.Context, ev events.Hook) error { return charm.Defer("for " + ev.Name()) }).Name("it")
		charm.OnAction(c, "look", func(ctx context.Context, _ struct{}) (struct{}, error) {
			if err := c.ClearDeferred(ctx, which); err != nil {
				return struct{}{}, err
			}
			var err error
			listed, err = c.DeferredEvents(ctx)
			return struct{}{}, errors.Join(err, fail)
		})
	})
	h.Emit(events.Start{})
	h.Emit(events.ConfigChanged{})
	h.ResetCalls()
	h.RunAction("look", nil)
	require.Equal(t, h.Deferred(), listed)
	assert.Equal(t, []string{"state-get --format=json"}, lines(h, "state-get", "state-set", "state-delete"), "nothing has changed")
	since := listed[0].Since
	assert.Equal(t, []charm.DeferredEvent{
		{Event: events.Start{}, Handler: "it", Deferral: charm.Deferral{Since: since, Times: 2, Reason: "for start"}},
		{Event: events.ConfigChanged{}, Handler: "it", Deferral: charm.Deferral{Since: listed[1].Since, Times: 1, Reason: "for config-changed"}},
	}, listed)

	which = func(d charm.DeferredEvent) bool { return d.Event == events.Start{} }
	fail = errTest
	h.RunAction("look", nil)
	assert.Len(t, listed, 1)
	assert.Len(t, h.Deferred(), 2, "the action has failed")
	fail = nil
	h.RunAction("look", nil)
	assert.Len(t, h.Deferred(), 1)
	which = nil
	h.RunAction("look", nil)
	assert.Empty(t, h.State())

	h.SetState(map[string]string{"charmsmith.deferred": `[{"n":1,"env":["JUJU_DISPATCH_PATH="]}]`})
	which = func(charm.DeferredEvent) bool { return true }
	h.RunAction("look", nil)
	assert.Empty(t, listed)
	assert.NotEmpty(t, h.State(), "what cannot be read is for the next hook")
	which = nil
	h.RunAction("look", nil)
	assert.Empty(t, h.State())
}

// What was sent by Flush, in several values, can be cleared after it.
func TestDeferredEventsAreClearedAfterFlush(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		for range 400 {
			charm.On(c, func(context.Context, events.Start) error { return charm.Defer(strings.Repeat("x", 256)) })
		}
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			return errors.Join(c.Flush(ctx), c.ClearDeferred(ctx, nil))
		})
	})
	h.Emit(events.Start{})
	assert.Greater(t, len(h.Calls("state-delete")), 1)
	assert.Empty(t, h.State())
}

// A person lists and clears by juju exec, in plain JSON.
func TestDeferredEventsByHand(t *testing.T) {
	t.Parallel()
	called := 0
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.OnRelation(c, "db", func(context.Context, events.RelationCreated) error {
			called++
			return charm.Defer("waiting for <the> database")
		}).Name("db")
	}, &charmtest.Options{Metadata: keeper, TextOnly: true})
	h.Relate("db", "mysql")
	require.NoError(t, h.Exec(func(ctx context.Context, client *hookcmd.Client) error {
		text, _, err := client.StateGetKey(ctx, "charmsmith.deferred")
		assert.Regexp(t, `^\[{"n":1,"event":"db-relation-created","env":\["JUJU_DISPATCH_PATH=hooks/db-relation-created","JUJU_HOOK_NAME=db-relation-created",`+
			`"JUJU_RELATION=db","JUJU_RELATION_ID=db:1","JUJU_REMOTE_UNIT=","JUJU_REMOTE_APP=mysql"\],"handler":"db",`+
			`"since":"[-0-9]+T[:0-9]+Z","times":1,"reason":"waiting for <the> database"}\]$`, text)
		return errors.Join(err, client.StateDelete(ctx, "charmsmith.deferred"))
	}))
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, 1, called)
}

// What a handler that is called again clears is not called, unless it fails.
func TestClearDeferredInAReemission(t *testing.T) {
	t.Parallel()
	var called calls
	var result error
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, again := charm.Deferred(ctx); !again {
				return charm.Defer("")
			}
			called.add("first")
			return errors.Join(c.ClearDeferred(ctx, nil), result)
		})
		charm.On(c, func(ctx context.Context, _ events.Start) error { called.add("second"); return charm.Defer("") })
	})
	h.Emit(events.Start{})
	called.take()
	result = errTest
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"first", "second"}, called.take())
	assert.Len(t, h.Deferred(), 2)
	result = charm.Defer("later")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"first"}, called.take())
	require.Len(t, h.Deferred(), 1)
	assert.Equal(t, 1, h.Deferred()[0].Times, "it was deferred after the clearing")
	result = nil
	h.Emit(events.UpdateStatus{})
	assert.Empty(t, h.Deferred())
}

func TestDeferredEventsNeedEnableDefer(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			_, err := c.DeferredEvents(ctx)
			assert.EqualError(t, err, "cannot look at deferred events: call EnableDefer in the function given to charm.Main")
			assert.EqualError(t, c.ClearDeferred(ctx, nil), err.Error())
			_, again := charm.Deferred(ctx)
			assert.False(t, again)
			return nil
		})
	})
	h.Emit(events.Start{})
}

// The lines by which jhack tail follows deferrals, in the form that it parses.
func TestDeferralsInTheLog(t *testing.T) {
	t.Parallel()
	parses := regexp.MustCompile(`^(?:\S+:\d+: )?(?:Emitting Juju event \S+\.|(?:Deferring|Re-emitting deferred event) <\S+ via \S+/on/\S+\[\d+\]>\.)$`)
	result := charm.Defer("x")
	register := func(c *charm.Charm) {
		c.EnableDefer()
		c.LogEvents()
		charm.OnRelation(c, "db", func(_ context.Context, ev events.RelationCreated) error { return result })
		charm.On(c, func(context.Context, events.ConfigChanged) error { return result })
	}
	h := newKeeper(t, register)
	h.Relate("db", "mysql")
	h.Emit(events.ConfigChanged{})
	result = errTest
	h.Emit(events.UpdateStatus{})
	result = nil
	h.Emit(events.UpdateStatus{})
	debug := logsAt(h, "DEBUG")
	assert.Equal(t, []string{
		"db:1: Emitting Juju event db_relation_created.",
		"db:1: Deferring <RelationCreated via Charm/on/db_relation_created[1]>.",
		"Re-emitting deferred event <RelationCreated via Charm/on/db_relation_created[1]>.",
		"Deferring <RelationCreated via Charm/on/db_relation_created[1]>.",
		"Emitting Juju event config_changed.",
		"Deferring <ConfigChanged via Charm/on/config_changed[2]>.",
		"Re-emitting deferred event <RelationCreated via Charm/on/db_relation_created[1]>.", // and it fails
		"Deferring <RelationCreated via Charm/on/db_relation_created[1]>.",
		"Re-emitting deferred event <ConfigChanged via Charm/on/config_changed[2]>.",
		"Deferring <ConfigChanged via Charm/on/config_changed[2]>.",
		"Emitting Juju event update_status.",
		"Re-emitting deferred event <RelationCreated via Charm/on/db_relation_created[1]>.",
		"Re-emitting deferred event <ConfigChanged via Charm/on/config_changed[2]>.",
		"Emitting Juju event update_status.",
	}, debug)
	for _, line := range debug {
		assert.Regexp(t, parses, line)
	}
}

// A synthetic event is one still when it comes again, and not its equal.
func TestDeferredSyntheticEvent(t *testing.T) {
	t.Parallel()
	departed := events.PeerDeparted{RelationRef: events.RelationRef{Endpoint: "peers", App: "app"}, Unit: "app/1"}
	synthetic := departed
	synthetic.Synthetic = true
	var got []events.Event
	state := charmtest.State{Metadata: keeper, Deferred: []charm.DeferredEvent{{Event: synthetic, Handler: "it"}, {Event: departed, Handler: "it"}}}
	out, err := charmtest.Run(func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(_ context.Context, ev events.PeerDeparted) error { got = append(got, ev); return charm.Defer("") }).Name("it")
	}, events.UpdateStatus{}, state)
	require.NoError(t, err)
	assert.Equal(t, []events.Event{synthetic, departed}, got)
	require.Len(t, out.Deferred, 2)
	assert.Equal(t, synthetic, out.Deferred[0].Event)
	assert.Equal(t, 2, out.Deferred[0].Times)

	synthetic.DepartingUnit = "app/1"
	state = charmtest.State{
		Metadata: keeper, Deferred: []charm.DeferredEvent{{Event: synthetic, Handler: "it"}},
		Relations: []charmtest.RelationState{{Endpoint: "peers", Units: map[string]map[string]string{"app/1": nil}}},
	}
	out, err = charmtest.Run(func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(_ context.Context, ev events.PeerDeparted) error {
			if ev.Synthetic {
				return charm.Defer("")
			}
			return nil
		}).Name("it")
	}, events.PeerDeparted{RelationRef: departed.RelationRef, Unit: "app/1"}, state)
	require.NoError(t, err)
	assert.Len(t, out.Deferred, 1, "the other is done")
}

// The list and its clearing are for several goroutines at once.
func TestDeferredEventsAtOnce(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		c.EnableDefer()
		for i := range 20 {
			charm.On(c, func(ctx context.Context, ev events.Hook) error {
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						list, err := c.DeferredEvents(ctx)
						assert.NoError(t, err)
						assert.LessOrEqual(t, len(list), 60)
						assert.NoError(t, c.ClearDeferred(ctx, func(d charm.DeferredEvent) bool { return i == 19 && d.Event == events.Start{} }))
						assert.NoError(t, c.Flush(ctx))
					})
				}
				wg.Wait()
				return charm.Defer(fmt.Sprint(i))
			})
		}
	})
	for _, ev := range []events.Event{events.Start{}, events.ConfigChanged{}, events.UpdateStatus{}} {
		h.Emit(ev)
	}
	list := h.Deferred()
	assert.NotEmpty(t, list)
	assert.False(t, slices.ContainsFunc(list[:len(list)-1], func(d charm.DeferredEvent) bool { return d.Event == events.Start{} }))
}

// A name that was given goes before the equal name of a function, in whatever order
// the handlers are; both keep what they have deferred.
func TestNameThatIsOfAFunction(t *testing.T) {
	t.Parallel()
	for _, last := range []bool{false, true} {
		var called calls
		old := &oldCharm{&called, charm.Defer("")}
		h := newKeeper(t, func(c *charm.Charm) {
			c.EnableDefer()
			named := func() {
				charm.On(c, func(_ context.Context, ev events.ConfigChanged) error {
					called.add("named")
					return old.err
				}).Name("github.com/charmsmith/charmsmith/charm_test.(*oldCharm).config")
			}
			if !last {
				named()
			}
			charm.On(c, old.config)
			if last {
				named()
			}
		})
		h.SetState(map[string]string{"charmsmith.deferred": `[{"env":["JUJU_DISPATCH_PATH=hooks/config-changed"],"handler":"github.com/charmsmith/charmsmith/charm_test.(*oldCharm).config"}]`})
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"named"}, called.take())
		h.SetState(nil)
		h.Emit(events.ConfigChanged{})
		require.Len(t, h.Deferred(), 2)
		called.take()
		old.err = nil
		h.Emit(events.UpdateStatus{})
		assert.ElementsMatch(t, []string{"named", "old config config-changed"}, called.take())
	}
}
