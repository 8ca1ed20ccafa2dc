// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// subject is the unit that a [Harness] or [Run] tests.
type subject struct {
	meta     *charmdir.Charm
	app      *juju.Application
	unit     *juju.Unit
	executor *executor
}

// modelOptions returns the options of a model for one unit.
func (o *Options) modelOptions(meta *charmdir.Charm) *ModelOptions {
	return &ModelOptions{
		JujuVersion: o.JujuVersion, Kubernetes: o.Kubernetes || len(meta.Containers) > 0, NoRetry: true,
		HookTimeout: o.HookTimeout, TextOnly: o.TextOnly, recordCalls: true,
		Name: o.ModelName, UUID: o.ModelUUID, Proxies: o.Proxies, Cloud: o.Cloud, StorageDir: o.StorageDir,
	}
}

// deploy deploys one unit, which is started, in a model of its own. Errors name
// fields of the struct from: "Options" or "State". peerIDs are those of
// [juju.Deployment].
func (o *Options) deploy(m *juju.Model, meta *charmdir.Charm, register func(*charm.Charm), from string, peerIDs map[string]int) (*subject, error) {
	s := &subject{meta: meta, executor: newExecutor(register, meta)}
	name := o.Unit
	if name == "" {
		name = meta.Name + "/0"
	}
	app, number, err := splitUnit(name)
	if err != nil {
		return nil, fmt.Errorf("%s.Unit: %w", from, err)
	}
	resources, err := resourcesOf(meta, o.Resources)
	if err != nil {
		return nil, fmt.Errorf("%s.Resources: %w", from, err)
	}
	switch {
	case o.Principal != "" && !meta.Subordinate:
		return nil, fmt.Errorf("%s.Principal is %q, but the charm is no subordinate: charmcraft.yaml lacks subordinate: true", from, o.Principal)
	case (o.Machine != "" || o.Zone != "") && m.Options().CAAS:
		return nil, fmt.Errorf("%s.Machine and Zone are for models on machines, and this one is on Kubernetes", from)
	}
	if err := checkOptions(meta, o.Config); err != nil {
		return nil, fmt.Errorf("%s.Config: %w", from, err)
	}
	d := juju.Deployment{Name: app, Charm: meta, Executor: s.executor, Config: o.Config, Trust: o.Trust, Resources: resources, PeerIDs: peerIDs}
	if s.app, err = m.Deploy(d); err != nil {
		return nil, err
	}
	if meta.Subordinate {
		err = s.addSubordinate(m, o.Principal, number, from)
	} else {
		s.unit, err = s.app.AddUnit(number)
	}
	if err != nil {
		return nil, err
	}
	if !o.Leader {
		s.app.SetNoLeader()
	}
	s.unit.SetPlace(o.Machine, o.Zone)
	s.unit.SkipToStarted()
	s.unit.SetState(o.State)
	return s, nil
}

// addSubordinate adds the unit to a principal that is made up.
func (s *subject) addSubordinate(m *juju.Model, principal string, number int, from string) error {
	if principal == "" {
		principal = "principal/0"
	}
	app, n, err := splitUnit(principal)
	if err != nil {
		return fmt.Errorf("%s.Principal: %w", from, err)
	}
	a, err := m.Deploy(juju.Deployment{Name: app})
	if err != nil {
		return err
	}
	p, err := a.AddUnit(n)
	if err != nil {
		return err
	}
	s.unit, err = s.app.AddSubordinate(number, p)
	return err
}

// splitUnit returns the application and the number of a unit's name.
func splitUnit(name string) (app string, number int, err error) {
	app, text, ok := strings.Cut(name, "/")
	number, numberErr := strconv.Atoi(text)
	if !ok || numberErr != nil || app == "" || number < 0 || strconv.Itoa(number) != text {
		return "", 0, fmt.Errorf("%q is no unit's name; those are like \"db/0\"", name)
	}
	return app, number, nil
}

// resourcesOf returns the resources with these paths, which the charm declares.
func resourcesOf(meta *charmdir.Charm, paths map[string]string) (map[string]juju.Resource, error) {
	resources := make(map[string]juju.Resource, len(paths))
	for name, path := range paths {
		declared, ok := meta.Resources[name]
		if !ok {
			return nil, undeclared("resource", name, meta.Resources)
		}
		resources[name] = juju.Resource{Type: declared.Type, Path: path}
	}
	return resources, nil
}

// checkOptions is the error of options that the charm does not have.
func checkOptions(meta *charmdir.Charm, values map[string]any, unset ...string) error {
	for _, name := range append(slices.Sorted(maps.Keys(values)), unset...) {
		if _, ok := meta.Options[name]; !ok {
			return undeclared("option", name, meta.Options)
		}
	}
	return nil
}

// checkStorage is the error of a storage that the charm does not have.
func checkStorage(meta *charmdir.Charm, name string) error {
	if _, ok := meta.Storage[name]; !ok {
		return undeclared("storage", name, meta.Storage)
	}
	return nil
}

// undeclared is the error of what the charm's metadata do not have.
func undeclared[T any](what, name string, declared map[string]T) error {
	if len(declared) == 0 {
		return fmt.Errorf("the charm has no %s %q: its charmcraft.yaml declares none", what, name)
	}
	return fmt.Errorf("the charm has no %s %q, but %s", what, name, strings.Join(slices.Sorted(maps.Keys(declared)), ", "))
}

// endpoint returns an endpoint of the charm.
func (s *subject) endpoint(name string) (charmdir.Endpoint, error) {
	e, ok := s.meta.Endpoints[name]
	if !ok {
		return e, undeclared("endpoint", name, s.meta.Endpoints)
	}
	return e, nil
}

// end returns our end of a relation, or nil.
func (s *subject) end(id int) *juju.End {
	for _, e := range s.app.Ends() {
		if e.ID() == id {
			return e
		}
	}
	return nil
}

// checkAction is the error of an action that the charm does not have.
func (s *subject) checkAction(name string) error {
	if _, ok := s.meta.Actions[name]; !ok {
		return undeclared("action", name, s.meta.Actions)
	}
	return nil
}

// checkBinding is the error of a binding that network-get would not know.
func (s *subject) checkBinding(binding string) error {
	name, id, inRelation := strings.Cut(binding, ":")
	if inRelation {
		number, err := strconv.Atoi(id)
		if e := s.end(number); err != nil || e == nil || e.Endpoint.Name != name {
			return fmt.Errorf("there is no relation %q; without a number it is the network of all relations of an endpoint", binding)
		}
		return nil
	}
	if name != "" && !s.app.HasBinding(name) {
		return fmt.Errorf("the charm has no binding %q: neither an endpoint nor an extra binding has that name", name)
	}
	return nil
}

// settableStatuses are those that a unit or an application has from its charm,
// and what they have before.
var settableStatuses = []string{"active", "blocked", "maintenance", "waiting", "unknown"}

// checkStatus is the error of a status that is none of them; what begins it.
func checkStatus(what, status string) error {
	if !slices.Contains(settableStatuses, status) {
		return fmt.Errorf("%s: there is no status %q to be set; there are %s", what, status, strings.Join(settableStatuses, ", "))
	}
	return nil
}

// enter has a remote unit enter the scope of a relation. It is made if there is
// none of that name.
func (s *subject) enter(m *juju.Model, end *juju.End, name string, data map[string]string) (*juju.Unit, error) {
	app, number, err := splitUnit(name)
	other := end.Other().App
	switch {
	case err != nil:
		return nil, err
	case name == s.unit.Name:
		return nil, errors.New("it is the unit itself, which is never among its own peers; name another one")
	case app != end.RemoteName():
		return nil, fmt.Errorf("the relation is with application %q; name a unit of that", end.RemoteName())
	}
	if p := s.unit.Principal(); end.Scoped() && p != nil && p.Name != name {
		return nil, fmt.Errorf("in a relation with scope container a subordinate sees its principal only, which is %s; name that, or set Principal", p.Name)
	}
	u := m.Unit(name)
	switch {
	case u != nil && end.Other().In(u):
		return nil, errors.New("it is in it already; Update changes its databag, and Depart has it leave")
	case u != nil:
	case end.Scoped():
		u, err = other.AddMadeUpSubordinate(number, s.unit)
	default:
		u, err = other.AddMadeUpUnit(number)
	}
	if err != nil {
		return nil, err
	}
	return u, end.Other().Enter(u, data)
}
