// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// WatchPeers has departures from a peer endpoint told that Juju does not tell. Juju
// 4 leaves a unit that was removed in the peer relation, for ever, and its peers
// get no departed event (juju/juju #23326); and whatever the version, there is none
// after an operator skips a failed one by "juju resolve --no-retry".
//
// The charm's state keeps which peers there are. In each dispatch, actions included,
// these are compared with relation-list and, from Juju 4 on, with goal-state. For a
// peer that is gone the handlers that take a PeerDeparted of this endpoint are
// called once, before those of the dispatch's own event, with Synthetic set; those
// of [OnDispatch] are not. From then on [relation.Relation.Units] leaves the peer
// out, though Juju lists it, until it is there again; then there is no joined event,
// as for Juju it has never left. The databag of a peer that is gone may be
// unreadable: what is needed of it later is to be stored while it is there.
//
// If Juju tells of the departure after all, handlers of [events.Hook] are called as in
// each hook, those of relation events not again. A handler that fails fails the
// dispatch, and is called again in the next one, as are those after a failed action, of
// which nothing is kept. A unit that leaves itself notices nobody's departure.
//
// What cannot be told is noticed later or not: the peer that the dispatch's own event
// is about is looked at in the next one. If goal-state fails, a warning is logged, and
// only relation-list counts. That is so for a subordinate always, whose goal-state does
// not have its peers.
//
// It costs, in each dispatch, a relation-ids, a relation-list, a state-get and, from
// Juju 4 on, a goal-state, and a state-set when a peer has come or gone. What a handler
// asks of the same is not asked again. An endpoint that is no peer endpoint fails the
// dispatch. It is called in register; a second time changes nothing.
func WatchPeers(c *Charm, endpoint string) {
	requireName("WatchPeers", "endpoint", endpoint)
	c.registers("WatchPeers")
	w, _ := c.watch.(*peerWatch)
	if w == nil {
		w = &peerWatch{}
		c.watch = w
	}
	if !slices.Contains(w.endpoints, endpoint) {
		w.endpoints = append(w.endpoints, endpoint)
	}
}

// watcher notices departures. It is an interface so that a charm that does not
// watch does not link it.
type watcher interface {
	look(ctx context.Context, c *Charm, ev events.Event) error
	emit(ctx context.Context, c *Charm) error
	hasTold() bool
	registered() []Registered
}

type peerWatch struct {
	endpoints []string
	departed  []events.PeerDeparted // noticed in this dispatch
	told      bool                  // the dispatch's event is a departure that was noticed before
}

func (w *peerWatch) hasTold() bool { return w.told }

func (w *peerWatch) registered() []Registered {
	var all []Registered
	for _, endpoint := range w.endpoints {
		all = append(all, Registered{By: "charm.WatchPeers", Kind: "endpoint", Name: endpoint, Peers: true})
	}
	return all
}

// watchedKey returns the key of the state under which the peers of an endpoint are,
// of each relation as watched has them:
//
//	{"0":{"seen":[1,2],"gone":[3]}}
func watchedKey(endpoint string) string { return "charmsmith.peers/" + endpoint }

// watched is which peers of a relation there are, by the numbers of the units.
type watched struct {
	Seen []int `json:"seen,omitempty"` // whose departure is to be told
	Gone []int `json:"gone,omitempty"` // whose departure was told, and which Juju lists still
}

// look finds the peers that are gone.
func (w *peerWatch) look(ctx context.Context, c *Charm, ev events.Event) error {
	for _, endpoint := range w.endpoints {
		if err := w.lookAt(ctx, c, ev, endpoint); err != nil {
			return fmt.Errorf("cannot watch the peers of endpoint %q: %w", endpoint, err)
		}
	}
	return nil
}

func (w *peerWatch) lookAt(ctx context.Context, c *Charm, ev events.Event, endpoint string) error {
	d := c.dispatch
	relations, err := c.PeerRelations(ctx, endpoint)
	if err != nil || len(relations) == 0 {
		return err
	}
	before, err := w.load(ctx, c, endpoint)
	if err != nil {
		return err
	}
	after := make(map[string]watched, len(relations))
	for _, rel := range relations {
		listed, err := rel.Units(ctx)
		if errors.Is(err, hookcmd.ErrRelationNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		numbers, err := c.peerNumbers(listed)
		if err != nil {
			return err
		}
		key := strconv.Itoa(rel.ID())
		event := about(ev, rel)
		alive, leaving := c.alivePeers(ctx, ev, numbers)
		now, departed := before[key].compare(numbers, alive, event)
		if leaving { // it is we who go
			now, departed = before[key], nil
		}
		w.told = w.told || event.departed && slices.Contains(before[key].Gone, event.number)
		for _, number := range departed {
			unit := d.application() + "/" + strconv.Itoa(number)
			ref := events.RelationRef{Endpoint: endpoint, ID: rel.ID(), App: d.application()}
			w.departed = append(w.departed, events.PeerDeparted{RelationRef: ref, Unit: unit, DepartingUnit: unit, Synthetic: true})
		}
		if len(now.Gone) > 0 {
			d.relations.SetGone(hookcmd.RelationID{Endpoint: endpoint, ID: rel.ID()}, func(unit string) bool {
				return slices.Contains(now.Gone, unitNumber(unit))
			})
		}
		if len(now.Seen)+len(now.Gone) > 0 {
			after[key] = now
		}
	}
	if len(after) == 0 {
		if before == nil {
			return nil
		}
		return d.state.set(ctx, watchedKey(endpoint), nil)
	}
	text, err := marshal(after)
	if err != nil {
		return err
	}
	return d.state.set(ctx, watchedKey(endpoint), &text)
}

// load returns what the state has. What cannot be read, and was changed by hand, is
// as good as none.
func (w *peerWatch) load(ctx context.Context, c *Charm, endpoint string) (map[string]watched, error) {
	text, ok, err := c.dispatch.state.get(ctx, watchedKey(endpoint))
	if err != nil || !ok {
		return nil, err
	}
	var before map[string]watched
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		c.Logger().WarnContext(ctx, "which peers there were cannot be read, and is forgotten", "state", watchedKey(endpoint), "cause", err)
		return nil, nil
	}
	return before, nil
}

// compare returns the peers that there are now, and those that have departed since.
// alive is nil if only listed tells.
func (w watched) compare(listed []int, alive map[int]bool, event subject) (now watched, departed []int) {
	for _, number := range listed {
		told := slices.Contains(w.Gone, number)
		switch {
		case alive == nil && told:
			now.Gone = append(now.Gone, number) // as nobody says anything else
		case alive == nil || alive[number]:
			now.Seen = append(now.Seen, number)
		case number == event.number && (!told || event.joined):
			now.Seen = append(now.Seen, number) // the event comes first
		default:
			now.Gone = append(now.Gone, number)
			if !told {
				departed = append(departed, number)
			}
		}
	}
	for _, number := range w.Seen {
		if number != event.number && !slices.Contains(listed, number) {
			departed = append(departed, number)
		}
	}
	slices.Sort(departed)
	return now, departed
}

// emit calls the handlers of the departures that were noticed.
func (w *peerWatch) emit(ctx context.Context, c *Charm) error {
	for _, ev := range w.departed {
		c.Logger().InfoContext(ctx, "a peer is gone, and Juju has not told", "endpoint", ev.Endpoint, "unit", ev.Unit)
		for i := range c.handlers {
			h := &c.handlers[i]
			if h.always || !h.isFor(ev) {
				continue
			}
			if err := c.deferring(ctx, h, ev, c.call(ctx, h, ev)); err != nil {
				return err
			}
		}
	}
	return nil
}

// alivePeers returns the units of the application that the model has; nil if it does
// not tell, or if nothing hangs on it. That Juju cannot tell fails no dispatch: the unit
// may be on its way out, which leaving reports.
func (c *Charm) alivePeers(ctx context.Context, ev events.Event, listed []int) (alive map[int]bool, leaving bool) {
	switch ev := ev.(type) {
	case events.PeerDeparted:
		leaving = ev.Self
	case events.Stop, events.Remove:
		leaving = true
	}
	d := c.dispatch
	if leaving || len(listed) == 0 || ParseJujuVersion(lookup(d.env, "JUJU_VERSION")).Major < 4 || lookup(d.env, "JUJU_PRINCIPAL_UNIT") != "" {
		return nil, leaving
	}
	goal, err := d.goalState(ctx)
	if err != nil {
		c.Logger().WarnContext(ctx, "which peers are gone cannot be told", "cause", err)
		return nil, false
	}
	own, ok := goal.Units[d.unit]
	if !ok {
		return nil, false // it is not about us
	}
	alive = make(map[int]bool, len(goal.Units))
	for unit := range goal.Units {
		alive[unitNumber(unit)] = true
	}
	return alive, own.Status == "dying"
}

// subject is the peer that an event of a relation is about.
type subject struct {
	number   int // -1: none
	joined   bool
	departed bool // and it is not we who leave
}

// about returns the peer that an event is about, if it is an event of the relation.
func about(ev events.Event, rel *relation.Relation) subject {
	peer, ok := ev.(events.PeerEvent)
	if !ok || peer.Ref().Endpoint != rel.Endpoint() || peer.Ref().ID != rel.ID() {
		return subject{number: -1}
	}
	if departed, ok := ev.(events.PeerDeparted); ok {
		return subject{number: unitNumber(departed.Unit), departed: !departed.Self}
	}
	_, joined := ev.(events.PeerJoined)
	return subject{number: unitNumber(joinedUnit(peer)), joined: joined}
}

// peerNumbers returns the numbers of peers' names, which must be of our application.
func (c *Charm) peerNumbers(units []string) ([]int, error) {
	numbers := make([]int, len(units))
	for i, unit := range units {
		if !strings.HasPrefix(unit, c.dispatch.application()+"/") {
			return nil, fmt.Errorf("unit %s is of another application: it is no peer endpoint", unit)
		}
		numbers[i] = unitNumber(unit)
	}
	return numbers, nil
}

// unitNumber returns the number in a unit's name, or -1.
func unitNumber(unit string) int {
	_, text, _ := strings.Cut(unit, "/")
	number, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return number
}
