// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"slices"

	"github.com/charmsmith/charmsmith/events"
)

// DeferredEvent is an event that waits for a handler to be called again with it.
type DeferredEvent struct {
	Event   events.Event
	Handler string // the function's name, or the one that it was given
	Ordinal int    // of the handlers of that name that take the event, which; from 0
	Deferral
}

// queue returns the queue, read.
func (c *Charm) queue(ctx context.Context) (*queue, error) {
	c.model()
	q, ok := c.deferrals.(*queue)
	if !ok {
		return nil, errors.New("cannot look at deferred events: call EnableDefer in the function given to charm.Main")
	}
	return q, q.load(ctx, c)
}

// DeferredEvents returns the events that are deferred now, the oldest first. In
// the call of a handler with one of them it is among them.
func (c *Charm) DeferredEvents(ctx context.Context) ([]DeferredEvent, error) {
	q, err := c.queue(ctx)
	if err != nil {
		return nil, err
	}
	waiting := q.all()
	list := make([]DeferredEvent, 0, len(waiting))
	for _, e := range waiting {
		if ev, err := e.event(c.Unit()); err == nil { // else it is dropped in the next hook
			list = append(list, DeferredEvent{ev, e.Handler, e.Ordinal, e.deferral()})
		}
	}
	return list, nil
}

// ClearDeferred drops the deferred events for which which is true; all if it is
// nil, those too that cannot be read. Like all that a dispatch writes, that holds if
// it succeeds. By hand it is
//
//	juju exec --unit app/0 -- state-delete charmsmith.deferred
func (c *Charm) ClearDeferred(ctx context.Context, which func(DeferredEvent) bool) error {
	q, err := c.queue(ctx)
	if err != nil {
		return err
	}
	var cleared []*queued
	for _, e := range q.all() {
		ev, err := e.event(c.Unit())
		if which == nil || err == nil && which(DeferredEvent{ev, e.Handler, e.Ordinal, e.deferral()}) {
			cleared = append(cleared, e)
		}
	}
	q.drop(func(e *queued) bool { return slices.Contains(cleared, e) })
	return nil
}
