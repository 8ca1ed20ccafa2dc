// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// maxFailures is how often a deferred event's handler may fail.
const maxFailures = 10

// emit calls the handlers of the deferred events again, the oldest first.
func (q *queue) emit(ctx context.Context, c *Charm) error {
	if err := q.load(ctx, c); err != nil {
		return err
	}
	for _, entry := range q.all() {
		if !q.has(entry) {
			continue // a handler has cleared it
		}
		if err := q.emitOne(ctx, c, entry); err != nil {
			return err
		}
	}
	return nil
}

func (q *queue) emitOne(ctx context.Context, c *Charm, entry *queued) error {
	ev, h, why := c.decode(entry)
	if why == "" {
		var err error
		if why, err = c.stale(ctx, ev); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			q.failed(ctx, c, ev, entry, fmt.Errorf("cannot check whether deferred %s means anything still: %w", ev.Name(), err))
			return nil
		}
	}
	if why != "" {
		c.Logger().WarnContext(ctx, "a deferred event is dropped", "event", entry.Event, "handler", entry.Handler, "cause", why)
		q.drop(func(e *queued) bool { return e == entry })
		return nil
	}
	c.logDeferral(ctx, "Re-emitting deferred event", ev, entry.Number)
	undo, err := c.savepoint(ctx, q)
	if err != nil {
		return err
	}
	secrets, err := c.dispatch.secrets.mark(ctx)
	if err != nil {
		return err
	}
	err = c.call(context.WithValue(ctx, deferralKey{}, entry.deferral()), h, ev)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		q.drop(func(e *queued) bool { return e == entry })
	case IsDefer(err):
		if !q.change(entry, func(e *queued) { e.Times++; e.Reason = reasonOf(err) }) { // it has cleared it
			return q.add(ctx, c, h, ev, reasonOf(err))
		}
		c.logDeferral(ctx, "Deferring", ev, entry.Number)
	default:
		undo()
		if err := c.dispatch.secrets.withdraw(ctx, secrets); err != nil {
			return err
		}
		q.failed(ctx, c, ev, entry, err)
	}
	return nil
}

// decode returns the event and the handler of an entry, or why there is none.
func (c *Charm) decode(entry *queued) (ev events.Event, h *handler, why string) {
	ev, err := entry.event(c.Unit())
	if err != nil {
		return nil, nil, "it cannot be read: " + err.Error()
	}
	if h = c.handlerOf(entry, ev); h == nil {
		return nil, nil, "the charm has no such handler any more"
	}
	if err := c.undeferrable(h, ev); err != nil {
		return nil, nil, "it cannot be deferred: " + err.Error()
	}
	return ev, h, ""
}

// failed notes that a deferred event's handler has failed.
func (q *queue) failed(ctx context.Context, c *Charm, ev events.Event, entry *queued, err error) {
	failures := entry.Failures + 1
	if failures >= maxFailures {
		q.drop(func(e *queued) bool { return e == entry })
		c.Logger().ErrorContext(ctx, fmt.Sprintf("a deferred event is dropped after failure %d of %d: %s", failures, maxFailures, failureText(err)))
		return
	}
	q.change(entry, func(e *queued) { e.Times++; e.Failures++ })
	c.Logger().ErrorContext(ctx, fmt.Sprintf("a deferred event waits on after failure %d of %d: %s", failures, maxFailures, failureText(err)))
	c.logDeferral(ctx, "Deferring", ev, entry.Number)
}

// savepoint returns a function that undoes what is kept back from now on.
func (c *Charm) savepoint(ctx context.Context, q *queue) (undo func(), err error) {
	undoRelations, err := c.dispatch.relations.Savepoint(ctx)
	if err != nil {
		return nil, err
	}
	undoState, err := c.dispatch.state.savepoint(ctx)
	if err != nil {
		return nil, err
	}
	undoStatus := c.dispatch.status.toSet.savepoint()
	entries := q.all()
	return func() {
		undoStatus()
		undoRelations()
		undoState()
		q.restore(entries)
	}, nil
}

// restore undoes what a handler has cleared.
func (q *queue) restore(entries []*queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed = q.changed || !slices.Equal(q.entries, entries)
	q.entries = entries
}

// stale returns why an event that was deferred has no meaning any more; empty if
// it has.
func (c *Charm) stale(ctx context.Context, ev events.Event) (why string, err error) {
	switch ev := ev.(type) {
	case events.LeaderElected:
		leader, err := c.IsLeader(ctx)
		if err == nil && !leader {
			why = "this unit is not the leader any more"
		}
		return why, err
	case events.StorageEvent:
		return c.staleStorage(ctx, ev.Ref())
	case events.RelationEvent:
		why, err = c.staleRelation(ctx, ev)
		if errors.Is(err, hookcmd.ErrRelationNotFound) {
			return goneRelation(ev), nil
		}
		return why, err
	}
	return "", nil
}

func (c *Charm) staleStorage(ctx context.Context, ref events.StorageRef) (why string, err error) {
	ids, err := c.dispatch.storageIDs(ctx, ref.Storage)
	switch {
	case err != nil:
		return "", err
	case ref.ID == "" && len(ids) == 0:
		return "storage " + ref.Storage + " is gone", nil
	case ref.ID != "" && !slices.Contains(ids, ref.ID):
		return "storage " + ref.ID + " is gone", nil
	}
	return "", nil
}

func (c *Charm) staleRelation(ctx context.Context, ev events.RelationEvent) (why string, err error) {
	ref := ev.Ref()
	relations, err := c.dispatch.relations.List(ctx, ref.Endpoint)
	if err != nil {
		return "", err
	}
	for _, r := range relations {
		if r.ID() != ref.ID {
			continue
		}
		unit := joinedUnit(ev)
		if unit == "" {
			return "", nil
		}
		units, err := c.Relation(ev).Units(ctx)
		if err == nil && !slices.Contains(units, unit) {
			why = "unit " + unit + " is gone"
		}
		return why, err
	}
	return goneRelation(ev), nil
}

func goneRelation(ev events.RelationEvent) string {
	return "relation " + hookcmd.RelationID{Endpoint: ev.Ref().Endpoint, ID: ev.Ref().ID}.String() + " is gone"
}

// joinedUnit returns the unit that a joined or changed event is about.
func joinedUnit(ev events.RelationEvent) string {
	switch ev := ev.(type) {
	case events.PeerJoined:
		return ev.Unit
	case events.PeerChanged:
		return ev.Unit
	case events.RelationJoined:
		return ev.Unit
	case events.RelationChanged:
		return ev.Unit
	}
	return ""
}

// logDeferral writes the line by which tools such as jhack follow deferrals.
func (c *Charm) logDeferral(ctx context.Context, doing string, ev events.Event, number int) {
	if !c.logEvents {
		return
	}
	name := reflect.TypeOf(ev).Name()
	c.Logger().DebugContext(ctx, fmt.Sprintf("%s <%s via Charm/on/%s[%d]>.", doing, name, strings.ReplaceAll(snakeCase(ev), " ", "_"), number))
}
