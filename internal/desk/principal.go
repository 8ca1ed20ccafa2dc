// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// idle is the charm of the principal that a subordinate is given: it does nothing.
type idle struct{}

func (idle) Execute(context.Context, *juju.Hook) juju.Exit { return juju.Exit{} }

// deployPrincipal deploys an application "principal" that the subordinate can
// be with, and relates the two.
func (d *Desk) deployPrincipal(subordinate string, charm *charmdir.Charm, units int) error {
	name := "principal"
	if subordinate == name || d.model.Application(name) != nil {
		name = subordinate + "-principal"
	}
	endpoint, host := hostEndpoint(charm)
	principal := &charmdir.Charm{Name: name, Summary: "Does nothing", Endpoints: map[string]charmdir.Endpoint{}}
	if host.Interface != "juju-info" {
		principal.Endpoints[host.Name] = host
	} else {
		host.Name = "juju-info"
	}
	if _, err := d.model.Deploy(juju.Deployment{Charm: principal, Executor: idle{}, Units: units}); err != nil {
		return &UsageError{err}
	}
	return d.relate(subordinate+":"+endpoint, name+":"+host.Name)
}

// hostEndpoint returns the endpoint by which a subordinate comes to its
// principal, and its counterpart.
func hostEndpoint(charm *charmdir.Charm) (name string, host charmdir.Endpoint) {
	for _, name := range slices.Sorted(maps.Keys(charm.Endpoints)) {
		e := charm.Endpoints[name]
		if e.Role == charmdir.RoleRequirer && e.Scope == charmdir.ScopeContainer {
			return name, charmdir.Endpoint{Name: "host", Role: charmdir.RoleProvider, Interface: e.Interface, Scope: charmdir.ScopeContainer}
		}
	}
	return "", charmdir.Endpoint{} // a subordinate has one: its metadata was checked
}
