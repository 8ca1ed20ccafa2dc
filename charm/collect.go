// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"slices"
	"sync"

	"github.com/charmsmith/charmsmith/events"
)

// StatusSet collects statuses, of which the most urgent is set at the end of
// the dispatch. It is safe for concurrent use.
type StatusSet struct {
	mu        sync.Mutex // for what follows
	unit, app []Status
	order     []string
}

// Add adds a status of the unit. The zero Status is ignored.
func (s *StatusSet) Add(status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unit = append(s.unit, status)
}

// AddApp adds a status of the application. It counts if this unit is the leader,
// for which Juju is asked if there is something to set. The zero Status is ignored.
func (s *StatusSet) AddApp(status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = append(s.app, status)
}

// Order changes what is most urgent, for the unit and the application. Kinds of
// statuses are named by what makes them, the most urgent first:
//
//	set.Order(charm.Waiting, charm.Blocked)
//
// Kinds that are left out come after those, in the usual order: [Blocked],
// [Maintenance], [Waiting], [Active]. Of several calls the last counts, whichever
// function it is in.
func (s *StatusSet) Order(kinds ...func(message string) Status) {
	order := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		if kind == nil {
			panic("charm.StatusSet.Order: a kind is nil; it is charm.Blocked, charm.Waiting or the like")
		}
		order = append(order, kind("").kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = order
}

// savepoint returns a function that undoes what is added, and ordered, after it.
func (s *StatusSet) savepoint() (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unit, app, order := slices.Clip(s.unit), slices.Clip(s.app), s.order
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unit, s.app, s.order = unit, app, order
	}
}

// urgent returns the most urgent statuses of the unit and of the application, of
// equals the first; the zero Status if there is none.
func (s *StatusSet) urgent() (unit, app Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unit)+len(s.app) == 0 {
		return Status{}, Status{}
	}
	order := append(slices.Clip(s.order), "blocked", "maintenance", "waiting", "active")
	return mostUrgent(s.unit, order), mostUrgent(s.app, order)
}

func mostUrgent(statuses []Status, order []string) Status {
	for _, kind := range order {
		for _, status := range statuses {
			if kind != "" && status.kind == kind {
				return status
			}
		}
	}
	return Status{}
}

// OnCollectStatus registers a function that tells what the status is. Each
// dispatch whose handlers have succeeded ends with a call of all such functions,
// in the order of registration; of the statuses that they add, the most urgent is
// set. That is done when everything else was sent, so that no status tells of what
// did not happen, and not if the dispatch has set the same already. If none is
// added the status stays.
//
// They are called after actions too, but not if the action's handler returned an
// error, for that undoes what it has written. What they write themselves is sent.
// An error or a panic of one fails the dispatch as that of a handler does, with a
// *[HandlerError], and [Charm.Use] puts its wrappers around them. It is called in
// register.
func OnCollectStatus(c *Charm, collect func(context.Context, *StatusSet) error) {
	if collect == nil {
		panic("charm.OnCollectStatus: the function is nil")
	}
	c.registers("OnCollectStatus")
	c.collectors = append(c.collectors, collect)
}

// collector is the receiver of a function of OnCollectStatus.
type collector struct {
	collect func(context.Context, *StatusSet) error
	set     *StatusSet
}

func (k collector) takes(events.Event) bool                          { return true }
func (k collector) handle(ctx context.Context, _ events.Event) error { return k.collect(ctx, k.set) }

// collect asks the charm for its status at the end of an event.
func (c *Charm) collect(ctx context.Context, ev events.Event) error {
	for _, collect := range c.collectors {
		h := &handler{function: collect, by: "OnCollectStatus", receiver: collector{collect, &c.dispatch.status.toSet}}
		err := c.call(ctx, h, ev)
		if IsDefer(err) {
			err = c.deferring(ctx, h, ev, err) // which tells why it cannot
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendStatus sets what was collected.
func (d *dispatch) sendStatus(ctx context.Context) error {
	unit, app := d.status.toSet.urgent()
	if unit != (Status{}) {
		if err := d.setStatus(ctx, unit); err != nil {
			return err
		}
	}
	if app == (Status{}) {
		return nil
	}
	if last, err := d.status.lastApp(ctx); err != nil || last == app {
		return err // Juju need not be asked who is the leader
	}
	leader, err := d.leadership.isLeader(ctx)
	if err != nil || !leader {
		return err
	}
	return d.setAppStatus(ctx, app)
}

// lastApp returns the application's status that this dispatch has set last.
func (s *statuses) lastApp(ctx context.Context) (Status, error) {
	if err := s.turn.take(ctx); err != nil {
		return Status{}, err
	}
	defer s.turn.give()
	return s.app, nil
}
