// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// Relate relates two applications by endpoints that fit. An empty endpoint is
// the one that fits, if there is one only. If they are of different models, the
// first consumes what the second offers.
func (m *Model) Relate(app, endpoint, otherApp, otherEndpoint string) (*Relation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.relate(app, endpoint, otherApp, otherEndpoint)
	if err != nil {
		return nil, fmt.Errorf("cannot relate %s to %s: %w", join(app, endpoint), join(otherApp, otherEndpoint), err)
	}
	m.note("relate %s as relation %d", r, r.ID)
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
	if len(fits) > 1 { // what the charms declare goes before what all have
		fits = slices.DeleteFunc(fits, func(f [2]charmdir.Endpoint) bool { return f[0] == jujuInfo || f[1] == jujuInfo })
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
	consumer, offerer := newEnd(a, fits[0][0]), newEnd(b, fits[0][1])
	if a.modelUUID != b.modelUUID {
		offerer.alias = "remote-" + a.token()
	}
	return m.addRelation(consumer, offerer), nil
}

// token is what another model knows an application by.
func (a *Application) token() string {
	c := chooser{}
	for _, b := range []byte(a.modelUUID + a.Name) {
		c.state = c.state*31 + uint64(b)
	}
	return fmt.Sprintf("%016x%016x", c.next(), c.next())
}

// jujuInfo is the endpoint that all applications have without declaring it. The
// charm is told nothing of its relations.
var jujuInfo = charmdir.Endpoint{Name: "juju-info", Role: charmdir.RoleProvider, Interface: "juju-info", Scope: charmdir.ScopeGlobal}

// isImplicit reports whether the end is of an endpoint that the charm does not
// declare.
func (e *End) isImplicit() bool { return e.Endpoint == jujuInfo && e.App.charm != nil }

// candidates returns the endpoints that a name can mean; those of a made-up
// application are whatever the other's ask for.
func (a *Application) candidates(endpoint string, other *Application, otherEndpoint string) []charmdir.Endpoint {
	if a.charm != nil {
		if endpoint != "" {
			if e, ok := a.charm.Endpoints[endpoint]; ok {
				return []charmdir.Endpoint{e}
			}
			if endpoint == jujuInfo.Name {
				return []charmdir.Endpoint{jujuInfo}
			}
			return nil
		}
		var all []charmdir.Endpoint
		for _, name := range slices.Sorted(maps.Keys(a.charm.Endpoints)) {
			if e := a.charm.Endpoints[name]; e.Role != charmdir.RolePeer {
				all = append(all, e)
			}
		}
		return append(all, jujuInfo)
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
