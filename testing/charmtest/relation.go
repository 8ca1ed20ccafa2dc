// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
	e := h.endpoint(endpoint)
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
	e := h.endpoint(endpoint)
	if e.Role == charmdir.RolePeer {
		h.fatal(fmt.Errorf("endpoint %q is a peer endpoint, whose relation exists from the start; use Peers", endpoint))
	}
	if h.model.juju.Application(app) == nil {
		_, err := h.model.juju.Deploy(juju.Deployment{Name: app})
		h.fatal(err)
	}
	added, err := h.model.juju.Relate(h.app.Name, endpoint, app, "")
	h.fatal(err)
	r := &Relation{h: h, end: added.End(h.app.Name)}
	h.unit.Enter(r.end)
	h.Emit(events.RelationCreated{RelationRef: r.ref()})
	return r
}

func (h *Harness) endpoint(name string) charmdir.Endpoint {
	h.t.Helper()
	e, ok := h.meta.Endpoints[name]
	if !ok {
		names := slices.Sorted(maps.Keys(h.meta.Endpoints))
		h.fatal(fmt.Errorf("the charm has no endpoint %q; it has %s", name, strings.Join(names, ", ")))
	}
	return e
}

func (r *Relation) ref() events.RelationRef {
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
	if r.ended {
		r.h.fatal(fmt.Errorf("relation %s is gone; Relate makes another", r))
	}
}

// Join has a remote unit join the relation, with what data has in its databag
// besides what Juju puts there. The unit has the events joined and, right after
// it, changed.
func (r *Relation) Join(unit string, data map[string]string) {
	r.h.t.Helper()
	r.require()
	r.enter(unit, data)
	r.emit("joined", unit)
	r.emit("changed", unit)
}

// enter makes the remote unit, if there is none yet, and has it enter the scope.
func (r *Relation) enter(unit string, data map[string]string) {
	r.h.t.Helper()
	app, number, err := splitUnit(unit)
	r.h.fatal(err)
	switch {
	case unit == r.h.unit.Name:
		r.h.fatal(fmt.Errorf("cannot have %s join relation %s: that is the unit itself, which is never among its own peers; name another one", unit, r))
	case app != r.end.RemoteName():
		r.h.fatal(fmt.Errorf("cannot have %s join relation %s: it is with application %q", unit, r, r.end.RemoteName()))
	}
	remote := r.end.Other().App
	u := r.h.model.juju.Unit(unit)
	if u == nil {
		if r.end.Scoped() {
			u, err = remote.AddMadeUpSubordinate(number, r.h.unit)
		} else {
			u, err = remote.AddMadeUpUnit(number)
		}
		r.h.fatal(err)
	}
	r.h.fatal(r.end.Other().Enter(u, data))
}

// emit sends an event of the relation about a unit, or the application if that
// is empty.
func (r *Relation) emit(what, unit string) {
	r.h.t.Helper()
	ref := r.ref()
	var ev events.Event
	switch {
	case what == "joined" && r.isPeer():
		ev = events.PeerJoined{RelationRef: ref, Unit: unit}
	case what == "joined":
		ev = events.RelationJoined{RelationRef: ref, Unit: unit}
	case what == "changed" && r.isPeer():
		ev = events.PeerChanged{RelationRef: ref, Unit: unit}
	case what == "changed":
		ev = events.RelationChanged{RelationRef: ref, Unit: unit}
	case r.isPeer():
		ev = events.PeerDeparted{RelationRef: ref, Unit: unit}
	default:
		ev = events.RelationDeparted{RelationRef: ref, Unit: unit}
	}
	r.h.Emit(ev)
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
		r.emit("changed", unit)
	}
}

// UpdateApp changes the databag of the remote application, in a peer relation
// of our own; empty values delete keys. The unit has a changed event without a
// unit, unless nothing has changed.
func (r *Relation) UpdateApp(data map[string]string) {
	r.h.t.Helper()
	r.require()
	if r.end.Other().WriteApp(data) {
		r.emit("changed", "")
	}
}

// Depart has a remote unit leave the relation, and the unit a departed event
// about it.
func (r *Relation) Depart(unit string) {
	r.h.t.Helper()
	r.h.fatal(r.end.Other().Leave(r.member(unit)))
	r.emit("departed", unit)
}

// Break removes the relation: the unit has a departed event for each remote
// unit, and then broken.
func (r *Relation) Break() {
	r.h.t.Helper()
	r.require()
	if r.isPeer() {
		r.h.fatal(fmt.Errorf("a peer relation never breaks: it goes with the application"))
	}
	r.h.fatal(r.end.Relation().Remove())
	for _, unit := range r.Units() {
		r.emit("departed", unit)
	}
	r.ended = true
	r.h.Emit(events.RelationBroken{RelationRef: r.ref()})
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
