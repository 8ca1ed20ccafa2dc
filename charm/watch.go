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
// out, though Juju lists it, until it is there again. The databag of such a peer may
// be unreadable: what is needed of it later is to be stored while it is there.
//
// A handler that fails fails the dispatch, and is called again in the next one, as
// are those after a failed action, of which nothing is kept. If Juju tells of the
// departure after all, it comes a second time. The peer that the dispatch's own event
// is about is looked at in the next one. There is no telling a subordinate's
// peers by goal-state: for a subordinate relation-list alone is compared, as it is, with a
// warning, if goal-state fails.
//
// It costs, in each dispatch, a relation-ids, a relation-list, a state-get and, from
// Juju 4 on, a goal-state, and a state-set when a peer has come or gone. What a handler
// asks of the same is not asked again. The endpoint must be a peer endpoint. It is
// called in register; a second time changes nothing.
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
}

type peerWatch struct {
	endpoints []string
	departed  []events.PeerDeparted // noticed in this dispatch
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
		id := hookcmd.RelationID{Endpoint: endpoint, ID: rel.ID()}
		listed, err := rel.Units(ctx)
		if errors.Is(err, hookcmd.ErrRelationNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		now, departed := before[strconv.Itoa(rel.ID())].compare(unitNumbers(listed), c.alivePeers(ctx, listed), subjectNumber(ev, rel))
		for _, number := range departed {
			unit := d.application() + "/" + strconv.Itoa(number)
			ref := events.RelationRef{Endpoint: endpoint, ID: rel.ID(), App: d.application()}
			w.departed = append(w.departed, events.PeerDeparted{RelationRef: ref, Unit: unit, DepartingUnit: unit, Synthetic: true})
		}
		if len(now.Gone) > 0 {
			d.relations.SetGone(id, func(unit string) bool { return slices.Contains(now.Gone, unitNumber(unit)) })
		}
		if len(now.Seen)+len(now.Gone) > 0 {
			after[strconv.Itoa(rel.ID())] = now
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
// alive is nil if only listed tells; subject is what the dispatch's event is about.
func (w watched) compare(listed []int, alive map[int]bool, subject int) (now watched, departed []int) {
	dead := func(number int) bool { return alive != nil && !alive[number] && number != subject }
	for _, number := range listed {
		switch {
		case !dead(number):
			now.Seen = append(now.Seen, number)
		case slices.Contains(w.Gone, number):
			now.Gone = append(now.Gone, number)
		default:
			now.Gone = append(now.Gone, number)
			departed = append(departed, number)
		}
	}
	for _, number := range w.Seen {
		if number != subject && !slices.Contains(listed, number) {
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
// may be on its way out.
func (c *Charm) alivePeers(ctx context.Context, listed []string) map[int]bool {
	d := c.dispatch
	if len(listed) == 0 || ParseJujuVersion(lookup(d.env, "JUJU_VERSION")).Major < 4 || lookup(d.env, "JUJU_PRINCIPAL_UNIT") != "" {
		return nil
	}
	goal, err := d.goalState(ctx)
	if err != nil {
		c.Logger().WarnContext(ctx, "which peers are gone cannot be told", "cause", err)
		return nil
	}
	if _, ok := goal.Units[d.unit]; !ok {
		return nil // it is not about us
	}
	alive := make(map[int]bool, len(goal.Units))
	for unit := range goal.Units {
		alive[unitNumber(unit)] = true
	}
	return alive
}

// subjectNumber returns the peer that an event of the relation is about, or -1.
func subjectNumber(ev events.Event, rel *relation.Relation) int {
	peer, ok := ev.(events.PeerEvent)
	if !ok || peer.Ref().Endpoint != rel.Endpoint() || peer.Ref().ID != rel.ID() {
		return -1
	}
	if departed, ok := ev.(events.PeerDeparted); ok {
		return unitNumber(departed.Unit)
	}
	return unitNumber(joinedUnit(peer))
}

func unitNumbers(units []string) []int {
	numbers := make([]int, len(units))
	for i, unit := range units {
		numbers[i] = unitNumber(unit)
	}
	return numbers
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
