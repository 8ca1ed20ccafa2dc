// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"fmt"
	"slices"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Relation is a relation of the unit of a [Harness]. The remote units do what
// its methods say, and the unit has the events that follow.
type Relation struct {
	h     *Harness
	end   *juju.End // ours
	ended bool
}

// Peers returns the relation of a peer endpoint, which exists from the start.
func (h *Harness) Peers(endpoint string) *Relation {
	h.t.Helper()
	e, err := h.endpoint(endpoint)
	h.fatal(err)
	if e.Role != charmdir.RolePeer {
		h.fatal(fmt.Errorf("endpoint %q is no peer endpoint; use Relate to add a relation of it", endpoint))
	}
	for _, end := range h.app.Ends() {
		if end.Endpoint.Name == endpoint {
			return &Relation{h: h, end: end}
		}
	}
	h.fatal(fmt.Errorf("peer relation %q is gone", endpoint))
	return nil
}

// Relate relates the application with one that is made up, and sends
// relation-created. Units join by [Relation.Join].
func (h *Harness) Relate(endpoint, app string) *Relation {
	h.t.Helper()
	e, err := h.endpoint(endpoint)
	h.fatal(err)
	if e.Role == charmdir.RolePeer {
		h.fatal(fmt.Errorf("endpoint %q is a peer endpoint, whose relation exists from the start; use Peers", endpoint))
	}
	if app == h.app.Name {
		h.fatal(fmt.Errorf("cannot relate endpoint %q to %s, which is the unit's own application; name another one", endpoint, app))
	}
	if h.model.juju.Application(app) == nil {
		_, err := h.model.juju.Deploy(juju.Deployment{Name: app})
		h.fatal(err)
	}
	added, err := h.model.juju.Relate(h.app.Name, endpoint, app, "")
	h.fatal(err)
	r := &Relation{h: h, end: added.End(h.app.Name)}
	h.unit.Enter(r.end)
	h.Emit(events.RelationCreated{RelationRef: r.Ref()})
	return r
}

// Ref names the relation in events that a test makes for [Harness.Emit].
func (r *Relation) Ref() events.RelationRef {
	return events.RelationRef{Endpoint: r.end.Endpoint.Name, ID: r.end.ID(), App: r.end.RemoteName()}
}

// ID returns the relation's number.
func (r *Relation) ID() int { return r.end.ID() }

// String returns Juju's name of the relation, "db:3".
func (r *Relation) String() string { return fmt.Sprintf("%s:%d", r.end.Endpoint.Name, r.end.ID()) }

func (r *Relation) isPeer() bool { return r.end.Other() == r.end }

// require ends the test if the relation is gone.
func (r *Relation) require() {
	r.h.t.Helper()
	if r.ended || r.end.Relation().Life() != juju.Alive {
		r.h.fatal(fmt.Errorf("relation %s is gone; Relate makes another", r))
	}
}

// Join has a remote unit join the relation, with what data has in its databag
// besides what Juju puts there. The unit has the events joined and, right after
// it, changed.
func (r *Relation) Join(unit string, data map[string]string) {
	r.h.t.Helper()
	r.require()
	if _, err := r.h.enter(r.h.model.juju, r.end, unit, data); err != nil {
		r.h.fatal(fmt.Errorf("cannot have %s join relation %s: %w", unit, r, err))
	}
	r.inOrder(step{"joined", unit}, step{"changed", unit})
}

// step is an event of the relation about a unit or, if that is empty, the
// application.
type step struct{ what, unit string }

// inOrder sends events.
func (r *Relation) inOrder(steps ...step) {
	r.h.t.Helper()
	var sends []func()
	for _, s := range steps {
		sends = append(sends, func() { r.h.t.Helper(); r.h.send(r.event(s)) })
	}
	r.h.inOrder(sends...)
}

// event returns the event of a step.
func (r *Relation) event(s step) events.Event {
	ref, peer := r.Ref(), r.isPeer()
	switch s.what {
	case "joined":
		if peer {
			return events.PeerJoined{RelationRef: ref, Unit: s.unit}
		}
		return events.RelationJoined{RelationRef: ref, Unit: s.unit}
	case "changed":
		if peer {
			return events.PeerChanged{RelationRef: ref, Unit: s.unit}
		}
		return events.RelationChanged{RelationRef: ref, Unit: s.unit}
	case "departed":
		if peer {
			return events.PeerDeparted{RelationRef: ref, Unit: s.unit}
		}
		return events.RelationDeparted{RelationRef: ref, Unit: s.unit}
	default:
		return events.RelationBroken{RelationRef: ref}
	}
}

// member returns a remote unit that has joined.
func (r *Relation) member(unit string) *juju.Unit {
	r.h.t.Helper()
	r.require()
	if !slices.Contains(r.Units(), unit) {
		r.h.fatal(fmt.Errorf("unit %s is not in relation %s; use Join, which adds it", unit, r))
	}
	return r.h.model.juju.Unit(unit)
}

// Update changes the databag of a remote unit; empty values delete keys. The
// unit has a changed event, unless nothing has changed.
func (r *Relation) Update(unit string, data map[string]string) {
	r.h.t.Helper()
	changed, err := r.end.Other().Write(r.member(unit), data)
	r.h.fatal(err)
	if changed {
		r.inOrder(step{"changed", unit})
	}
}

// UpdateApp changes the databag of the remote application or, in a peer relation,
// of our own, as another leader does; empty values delete keys. The unit has a
// changed event without a unit, unless nothing has changed.
func (r *Relation) UpdateApp(data map[string]string) {
	r.h.t.Helper()
	r.require()
	if r.end.Other().WriteApp(data) {
		r.inOrder(step{"changed", ""})
	}
}

// Depart has a remote unit leave the relation, and the unit a departed event
// about it.
func (r *Relation) Depart(unit string) {
	r.h.t.Helper()
	r.h.fatal(r.end.Other().Leave(r.member(unit)))
	r.inOrder(step{"departed", unit})
}

// Vanish has a peer removed as Juju 4 does it (juju/juju #23326): the unit is not
// told, and sees the peer in the relation for ever. The peer's databag stays, and
// only goal-state does not have it any more.
func (r *Relation) Vanish(unit string) {
	r.h.t.Helper()
	r.h.fatal(r.end.Other().Vanish(r.member(unit)))
}

// Return has a peer that has vanished be there again under its name, as it can be on
// Kubernetes, with another databag. For Juju it has never left: the unit has a changed
// event, and no joined.
func (r *Relation) Return(unit string, data map[string]string) {
	r.h.t.Helper()
	r.h.fatal(r.end.Other().Return(r.member(unit), data))
	r.inOrder(step{"changed", unit})
}

// Break removes the relation: the unit has a departed event for each remote
// unit, and then broken. A peer relation cannot break.
func (r *Relation) Break() {
	r.h.t.Helper()
	r.require()
	if r.isPeer() {
		r.h.fatal(fmt.Errorf("a peer relation never breaks: it goes with the application"))
	}
	var steps []step
	for _, unit := range r.Units() {
		steps = append(steps, step{"departed", unit})
	}
	r.h.fatal(r.end.Relation().Remove())
	r.ended = true
	r.inOrder(append(steps, step{"broken", ""})...)
}

// SetLocal changes the unit's own databag, as the charm did before; empty values
// delete keys. No event follows.
func (r *Relation) SetLocal(data map[string]string) {
	r.h.t.Helper()
	r.require()
	_, err := r.end.Write(r.h.unit, data)
	r.h.fatal(err)
}

// SetLocalApp changes our application's databag, as its leader did before; empty
// values delete keys. No event follows; in a peer relation [Relation.UpdateApp]
// sends one.
func (r *Relation) SetLocalApp(data map[string]string) {
	r.h.t.Helper()
	r.require()
	r.end.WriteApp(data)
}

// Units returns the remote units that have joined, sorted as relation-list does.
func (r *Relation) Units() []string { return r.end.Members(r.h.unit) }

// Local returns what the unit has in its databag, Juju's own keys among it.
func (r *Relation) Local() map[string]string { return r.end.UnitData(r.h.unit) }

// LocalApp returns what our application has in its databag.
func (r *Relation) LocalApp() map[string]string { return r.end.AppData() }

// Remote returns what a remote unit has in its databag; nil if it never joined.
func (r *Relation) Remote(unit string) map[string]string {
	if u := r.h.model.juju.Unit(unit); u != nil && u.Application() == r.end.Other().App {
		return r.end.Other().UnitData(u)
	}
	return nil
}

// RemoteApp returns what the remote application has in its databag.
func (r *Relation) RemoteApp() map[string]string { return r.end.Other().AppData() }
