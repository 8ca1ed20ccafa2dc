// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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
}

// End is one application's side of a relation. The exported fields do not change.
type End struct {
	App      *Application
	Endpoint charmdir.Endpoint
	rel      *Relation
	other    *End    // in a peer relation itself
	app      *bag    // of the application; nil if it was never written
	units    []place // by slot of the application's units
	remotes  uint32  // how many places are in scope
	scoped   bool    // units see only those on the same machine
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
	m.nextRel++
	a.other = a
	if b != nil {
		a.other, b.other = b, a
		r.ends = append(r.ends, b)
	}
	m.relations = append(m.relations, r)
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

// Relate relates two applications by endpoints that fit. An empty endpoint is
// the one that fits, if there is one only.
func (m *Model) Relate(app, endpoint, otherApp, otherEndpoint string) (*Relation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.relate(app, endpoint, otherApp, otherEndpoint)
	if err != nil {
		return nil, fmt.Errorf("cannot relate %s to %s: %w", join(app, endpoint), join(otherApp, otherEndpoint), err)
	}
	return r, nil
}

func join(app, endpoint string) string {
	if endpoint == "" {
		return app
	}
	return app + ":" + endpoint
}

func (m *Model) relate(app, endpoint, otherApp, otherEndpoint string) (*Relation, error) {
	a, b := m.application(app), m.application(otherApp)
	switch {
	case a == nil:
		return nil, fmt.Errorf("there is no application %q", app)
	case b == nil:
		return nil, fmt.Errorf("there is no application %q", otherApp)
	case a.dying || b.dying:
		return nil, errors.New("one of them is being removed")
	case a.charm == nil && b.charm == nil:
		return nil, errors.New("both are made up")
	}
	var fits [][2]charmdir.Endpoint
	for _, x := range a.candidates(endpoint, b, otherEndpoint) {
		for _, y := range b.candidates(otherEndpoint, a, endpoint) {
			if x.Interface == y.Interface && (x.Role == charmdir.RoleProvider && y.Role == charmdir.RoleRequirer || x.Role == charmdir.RoleRequirer && y.Role == charmdir.RoleProvider) {
				fits = append(fits, [2]charmdir.Endpoint{x, y})
			}
		}
	}
	if a.charm == nil || b.charm == nil {
		fits = slices.CompactFunc(fits, func(x, y [2]charmdir.Endpoint) bool { return x[0].Name == y[0].Name && x[1].Name == y[1].Name })
	}
	switch {
	case len(fits) == 0:
		return nil, fmt.Errorf("no endpoints fit: %s; %s", a.describeEndpoints(endpoint), b.describeEndpoints(otherEndpoint))
	case len(fits) > 1:
		return nil, fmt.Errorf("%d pairs of endpoints fit; name one: %s; %s", len(fits), a.describeEndpoints(endpoint), b.describeEndpoints(otherEndpoint))
	}
	for _, e := range a.ends {
		if e.Endpoint.Name == fits[0][0].Name && e.other.App == b && e.other.Endpoint.Name == fits[0][1].Name {
			return nil, errors.New("they are related already")
		}
	}
	return m.addRelation(newEnd(a, fits[0][0]), newEnd(b, fits[0][1])), nil
}

// candidates returns the endpoints that a name can mean; those of a made-up
// application are whatever the other's ask for.
func (a *Application) candidates(endpoint string, other *Application, otherEndpoint string) []charmdir.Endpoint {
	if a.charm != nil {
		if endpoint != "" {
			if e, ok := a.charm.Endpoints[endpoint]; ok {
				return []charmdir.Endpoint{e}
			}
			return nil
		}
		var all []charmdir.Endpoint
		for _, name := range slices.Sorted(maps.Keys(a.charm.Endpoints)) {
			if e := a.charm.Endpoints[name]; e.Role != charmdir.RolePeer {
				all = append(all, e)
			}
		}
		return all
	}
	var made []charmdir.Endpoint
	for _, e := range other.candidates(otherEndpoint, a, endpoint) {
		made = append(made, charmdir.Endpoint{Name: cmp.Or(endpoint, e.Name), Role: counterRole(e.Role), Interface: e.Interface, Scope: e.Scope})
	}
	return made
}

func counterRole(r charmdir.Role) charmdir.Role {
	switch r {
	case charmdir.RoleProvider:
		return charmdir.RoleRequirer
	case charmdir.RoleRequirer:
		return charmdir.RoleProvider
	}
	return r
}

func (a *Application) describeEndpoints(name string) string {
	if a.charm == nil {
		return fmt.Sprintf("%q is made up", a.Name)
	}
	list := ""
	for _, n := range slices.Sorted(maps.Keys(a.charm.Endpoints)) {
		e := a.charm.Endpoints[n]
		if list != "" {
			list += ", "
		}
		list += fmt.Sprintf("%s (%s of %s)", n, e.Role, e.Interface)
	}
	if _, ok := a.charm.Endpoints[name]; name != "" && !ok {
		return fmt.Sprintf("%q has no endpoint %q, but %s", a.Name, name, cmp.Or(list, "none"))
	}
	return fmt.Sprintf("%q has %s", a.Name, cmp.Or(list, "no endpoints"))
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
	if r.suspended = suspended; suspended {
		r.leave()
		return nil
	}
	for _, e := range r.ends {
		e.eachMember(func(m *membership) {
			if !m.left {
				return // its relation-broken is still to come; it joins again after it
			}
			m.rejoin()
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

// enterScope makes a unit visible to the remote ones, with the databag it enters with.
func (e *End) enterScope(u *Unit, data map[string]string) {
	p := &e.units[u.slot]
	if p.in {
		return
	}
	p.in = true
	p.bag = p.bag.with(data)
	if p.bag == nil { // an empty databag is one
		p.bag = &bag{version: 1}
	}
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
