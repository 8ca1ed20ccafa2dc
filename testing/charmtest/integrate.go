// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// ModelRelation is a relation between two applications of a [Model], or a peer
// relation.
type ModelRelation struct {
	model    *Model
	relation *juju.Relation
}

// Relate relates two applications: "wordpress:db", "mysql:server". The endpoints
// can be left out if only one pair of them fits. If the second application is of
// another model, the first consumes what that offers: to the second the units of
// the first are those of an application "remote-…".
func (m *Model) Relate(a, b string) *ModelRelation {
	m.t.Helper()
	app, endpoint, _ := strings.Cut(a, ":")
	otherApp, otherEndpoint, _ := strings.Cut(b, ":")
	r, err := m.juju.Relate(app, endpoint, otherApp, otherEndpoint)
	m.fatal(err)
	return &ModelRelation{model: m, relation: r}
}

// Peers returns the peer relation of an application's endpoint.
func (a *Application) Peers(endpoint string) *ModelRelation {
	a.model.t.Helper()
	r := a.model.relationOf(a.app, endpoint)
	if len(r.Ends()) != 1 {
		a.model.fatal(fmt.Errorf("endpoint %q of application %q is no peer endpoint", endpoint, a.app.Name))
	}
	return &ModelRelation{model: a.model, relation: r}
}

// relationOf returns the only relation of an endpoint.
func (m *Model) relationOf(a *juju.Application, endpoint string) *juju.Relation {
	m.t.Helper()
	var found []*juju.Relation
	for _, e := range a.Ends() {
		if e.Endpoint.Name == endpoint {
			found = append(found, e.Relation())
		}
	}
	if len(found) != 1 {
		m.fatal(fmt.Errorf("application %q has %d relations of endpoint %q, not one", a.Name, len(found), endpoint))
	}
	return found[0]
}

// ID returns the relation's number.
func (r *ModelRelation) ID() int { return r.relation.ID }

// String returns Juju's name of the relation, "wordpress:db mysql:server".
func (r *ModelRelation) String() string { return r.relation.String() }

// Remove begins the relation's removal.
func (r *ModelRelation) Remove() {
	r.model.t.Helper()
	r.model.fatal(r.relation.Remove())
}

// Suspend suspends the relation: to the units it breaks. [ModelRelation.Resume]
// ends that.
func (r *ModelRelation) Suspend() {
	r.model.t.Helper()
	r.model.fatal(r.relation.Suspend(true))
}

// Resume resumes the relation.
func (r *ModelRelation) Resume() {
	r.model.t.Helper()
	r.model.fatal(r.relation.Suspend(false))
}

// IsGone reports whether the relation has been removed.
func (r *ModelRelation) IsGone() bool { return r.relation.Life() == juju.Dead }

// Unit returns what a unit has in its databag; nil if it was never in the
// relation.
func (r *ModelRelation) Unit(name string) map[string]string {
	r.model.t.Helper()
	u := r.model.Unit(name).unit
	return r.end(u.Application().Name).UnitData(u)
}

// App returns what an application has in its databag; nil if it was never written.
func (r *ModelRelation) App(name string) map[string]string {
	r.model.t.Helper()
	return r.end(name).AppData()
}

// Joined returns the names of the remote units that have joined, as a unit sees
// them.
func (r *ModelRelation) Joined(unit string) []string {
	r.model.t.Helper()
	u := r.model.Unit(unit).unit
	return r.end(u.Application().Name).Members(u)
}

func (r *ModelRelation) end(app string) *juju.End {
	r.model.t.Helper()
	e := r.relation.End(app)
	if e == nil {
		r.model.fatal(fmt.Errorf("application %q is not in relation %s", app, r))
	}
	return e
}
