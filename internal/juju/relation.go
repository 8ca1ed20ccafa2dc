// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// Relation is a relation of a model. The exported fields do not change.
type Relation struct {
	ID        int // unique in the model
	model     *Model
	ends      []*End // one of a peer relation, else the provider's and the requirer's
	life      Life
	suspended bool
	status    Status // as goal-state tells it
}

// End is one application's side of a relation. The exported fields do not change.
type End struct {
	App      *Application
	Endpoint charmdir.Endpoint
	rel      *Relation
	other    *End    // in a peer relation itself
	app      *bag    // of the application; nil if it was never written
	units    []place // by slot of the application's units
	scoped   bool    // units see only those on the same machine
	alias    string  // of the other application across models; empty: its name
	environ  endEnviron
}

// place is what a relation knows of a unit.
type place struct {
	bag *bag        // nil if the unit was never in scope; it outlives the unit
	in  bool        // the unit is in scope: the remote ones see it
	mem *membership // what its agent knows of the relation; nil without an agent
}

func newEnd(a *Application, e charmdir.Endpoint) *End {
	return &End{App: a, Endpoint: e, units: make([]place, len(a.units))}
}

// addRelation adds a relation between two ends; the second of a peer relation is nil.
func (m *Model) addRelation(a, b *End) *Relation {
	r := &Relation{ID: m.nextRel, model: m, ends: []*End{a}}
	r.setStatus("joining")
	m.nextRel++
	for slices.ContainsFunc(m.relations, func(r *Relation) bool { return r.ID == m.nextRel }) {
		m.nextRel++
	}
	a.other = a
	if b != nil {
		a.other, b.other = b, a
		r.ends = append(r.ends, b)
	}
	i, _ := slices.BinarySearchFunc(m.relations, r.ID, func(r *Relation, id int) int { return r.ID - id })
	m.relations = slices.Insert(m.relations, i, r)
	for _, e := range r.ends {
		e.rel = r
		e.scoped = a.Endpoint.Scope == charmdir.ScopeContainer || b != nil && b.Endpoint.Scope == charmdir.ScopeContainer
		e.App.addEnd(e)
	}
	for _, e := range r.ends {
		for _, u := range e.App.units {
			if u.agent != nil && u.life != Dead {
				u.agent.watch(e)
				m.wake(u.agent)
			}
		}
	}
	return r
}

func (a *Application) addEnd(e *End) {
	a.ends = append(a.ends, e)
	if a.relationEnds == nil {
		a.relationEnds = make(map[int32]*End)
	}
	a.relationEnds[int32(e.rel.ID)] = e
}

// Ends returns both sides of the relation; one of a peer relation.
func (r *Relation) Ends() []*End { return r.ends }

// End returns an application's side of the relation, or nil.
func (r *Relation) End(app string) *End {
	for _, e := range r.ends {
		if e.App.Name == app {
			return e
		}
	}
	return nil
}

// String returns Juju's name of the relation, "wordpress:db mysql:server".
func (r *Relation) String() string {
	s := ""
	for i, e := range r.ends {
		if i > 0 {
			s += " "
		}
		s += e.App.Name + ":" + e.Endpoint.Name
	}
	return s
}

// Remove begins the relation's removal.
func (r *Relation) Remove() error {
	r.model.mu.Lock()
	defer r.model.mu.Unlock()
	switch {
	case r.ends[0].isPeer():
		return fmt.Errorf("cannot remove relation %s: a peer relation goes with its application", r)
	case r.life != Alive:
		return fmt.Errorf("cannot remove relation %s: it is being removed", r)
	}
	r.model.note("remove relation %s", r)
	r.remove()
	return nil
}

func (r *Relation) remove() {
	r.life = Dying
	r.leave()
	for _, e := range r.ends {
		if e.scoped && !e.App.principal {
			e.App.removeOrphans()
		}
	}
	r.model.removeDeadRelations()
}

// removeOrphans removes the subordinate units whose principal they have no
// relation with any more.
func (a *Application) removeOrphans() {
	for _, u := range a.units {
		related := slices.ContainsFunc(a.ends, func(e *End) bool {
			return e.scoped && e.rel.life == Alive && u.principal != nil && e.other.App == u.principal.app
		})
		if !related {
			a.model.removeUnit(u)
		}
	}
}

// Suspend suspends the relation, or resumes it.
func (r *Relation) Suspend(suspended bool) error {
	r.model.mu.Lock()
	defer r.model.mu.Unlock()
	switch {
	case r.ends[0].isPeer():
		return fmt.Errorf("cannot suspend relation %s: it is a peer relation", r)
	case r.life != Alive:
		return fmt.Errorf("cannot suspend relation %s: it is being removed", r)
	}
	if r.suspended == suspended {
		return nil
	}
	r.model.note("%s relation %s", map[bool]string{true: "suspend", false: "resume"}[suspended], r)
	if r.suspended = suspended; suspended {
		r.setStatus("suspending")
		r.leave()
		return nil
	}
	r.setStatus("joining")
	for _, e := range r.ends {
		e.eachMember(func(m *membership) {
			if m.left {
				m.rejoin()
			} else {
				m.rebuild() // who has not departed yet stays
			}
			r.model.wake(m.agent)
		})
	}
	return nil
}

// leave has all agents leave the relation.
func (r *Relation) leave() {
	for _, e := range r.ends {
		e.eachMember(func(m *membership) {
			m.departAll()
			r.model.wake(m.agent)
		})
	}
}

// removeDeadRelations removes the relations that no agent is in any more.
func (m *Model) removeDeadRelations() {
	m.relations = slices.DeleteFunc(m.relations, func(r *Relation) bool {
		if r.life == Alive {
			return false
		}
		for _, e := range r.ends {
			busy := false
			e.eachMember(func(m *membership) { busy = busy || m.entered && !m.left && m.agent.unit.life != Dead })
			if busy {
				return false
			}
		}
		r.life = Dead
		m.removeRelationGrants(r)
		for _, e := range r.ends {
			e.App.ends = slices.DeleteFunc(e.App.ends, func(x *End) bool { return x == e })
			e.eachMember(func(mem *membership) {
				mem.agent.members = slices.DeleteFunc(mem.agent.members, func(x *membership) bool { return x == mem })
			})
			m.removeDeadApplication(e.App)
		}
		return true
	})
}

func (e *End) isPeer() bool { return e.other == e }

// remoteName is what this end's units call the other application.
func (e *End) remoteName() string { return cmp.Or(e.alias, e.other.App.Name) }

// unitName is what this end's units call a unit of the other application.
func (e *End) unitName(u *Unit) string {
	if e.alias == "" {
		return u.Name
	}
	return e.alias + "/" + strconv.Itoa(u.Number)
}

// name returns "db:3", by which the end's units know the relation.
func (e *End) name() string { return e.Endpoint.Name + ":" + strconv.Itoa(e.rel.ID) }

func (e *End) eachMember(f func(*membership)) {
	for i := range e.units {
		if m := e.units[i].mem; m != nil {
			f(m)
		}
	}
}

// sees reports whether a unit of this end and one of the other can meet.
func (e *End) sees(u, remote *Unit) bool {
	return u != remote && (!e.scoped || u.principal == remote || remote.principal == u)
}

// grow makes room for units that were added, whose names can come before others'.
func (e *End) grow() {
	for len(e.units) < len(e.App.units) {
		e.units = append(e.units, place{})
	}
	e.other.eachMember((*membership).rebuild)
}

// enterScope makes a unit visible to the remote ones, with the databag it enters
// with: what it had in it before is gone.
func (e *End) enterScope(u *Unit, data map[string]string) {
	p := &e.units[u.slot]
	if p.in {
		return
	}
	version := uint32(1)
	if p.bag != nil {
		version = p.bag.version + 1
	}
	p.in, p.bag = true, &bag{data: data, version: version}
	e.other.eachMember(func(m *membership) { m.remoteEntered(u) })
}

// leaveScope makes a unit invisible; its databag stays.
func (e *End) leaveScope(u *Unit) {
	p := &e.units[u.slot]
	if !p.in {
		return
	}
	p.in = false
	e.other.eachMember(func(m *membership) { m.remoteLeft(u) })
}

// write changes a unit's databag, which others are told of.
func (e *End) write(u *Unit, changes map[string]string) (changed bool) {
	p := &e.units[u.slot]
	next := p.bag.with(changes)
	if next == p.bag {
		return false
	}
	p.bag = next
	if p.in {
		e.other.eachMember(func(m *membership) { m.remoteChanged(u.slot) })
	}
	return true
}

// writeApp changes the application's databag, which the remote units are told
// of; in a peer relation all of ours.
func (e *End) writeApp(changes map[string]string) (changed bool) {
	next := e.app.with(changes)
	if next == e.app {
		return false
	}
	e.app = next
	e.other.eachMember(func(m *membership) { m.wakeUp() })
	return true
}
