// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// version is a version of an application's charm.
type version struct {
	charm    *charmdir.Charm
	executor Executor
}

// Refresh gives the application a new version of its charm, which executor runs;
// nil is the one it has. Each unit goes over to it when its agent comes to that,
// with upgrade-charm and config-changed; on Kubernetes in a new pod. It is refused
// if the new version lacks an endpoint that is related or a storage that is there,
// or wants the storage to be otherwise.
func (a *Application) Refresh(charm *charmdir.Charm, executor Executor) error {
	m := a.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := a.checkRefresh(charm); err != nil {
		return fmt.Errorf("cannot refresh application %q: %w", a.Name, err)
	}
	if executor == nil {
		executor = a.Executor
	}
	if a.versions == nil {
		a.versions = []version{{a.charm, a.Executor}}
	}
	a.versions = append(a.versions, version{charm, executor})
	old := a.charm
	a.charm, a.Executor = charm, executor
	a.charmVersion++
	m.note("%s is refreshed", a.Name)
	a.refreshConfig(old)
	for _, name := range a.endpointNames() {
		related := slices.ContainsFunc(a.ends, func(e *End) bool { return e.Endpoint.Name == name })
		if e := charm.Endpoints[name]; e.Role == charmdir.RolePeer && !related {
			m.addRelation(newEnd(a, e), nil)
		}
	}
	for _, u := range a.units {
		if u.agent != nil && u.life != Dead {
			u.refresh()
		}
	}
	return nil
}

// refresh has a unit go over to the new version.
func (u *Unit) refresh() {
	a, charm := u.agent, u.app.charm
	a.containers = containersOf(charm)
	if u.life == Alive {
		for _, name := range slices.Sorted(maps.Keys(charm.Storage)) {
			has := 0
			for _, s := range u.storage {
				if s.name() == name {
					has++
				}
			}
			u.addStorage(charm.Storage[name], charm.Storage[name].CountMin-has)
		}
		if u.app.model.opts.CAAS {
			a.churn()
		}
	}
	u.app.model.wake(a)
}

// refreshConfig keeps the values of options that are still there, and were set.
func (a *Application) refreshConfig(old *charmdir.Charm) {
	next := make(map[string]any)
	for name, option := range a.charm.Options {
		next[name] = option.Default
		before, ok := old.Options[name]
		if value := a.config[name]; ok && before.Type == option.Type && value != before.Default {
			next[name] = value
		}
	}
	a.useConfig(next)
}

func (a *Application) checkRefresh(charm *charmdir.Charm) error {
	switch {
	case a.Executor == nil || a.charm == nil:
		return errors.New("it is made up")
	case charm == nil:
		return errors.New("there is no charm")
	case a.dying:
		return errors.New("it is being removed")
	case charm.Subordinate != a.charm.Subordinate:
		return errors.New("a principal cannot become a subordinate, nor the other way round")
	case len(charm.Containers) > 0 && !a.model.opts.CAAS:
		return errors.New("a charm with containers needs a model on Kubernetes")
	}
	for _, e := range a.ends {
		if e.isImplicit() {
			continue
		}
		now, ok := charm.Endpoints[e.Endpoint.Name]
		if !ok || now.Role != e.Endpoint.Role || now.Interface != e.Endpoint.Interface || now.Scope != e.Endpoint.Scope {
			return fmt.Errorf("it would break relation %q", e.rel)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.charm.Storage)) {
		now, ok := charm.Storage[name]
		if !ok {
			if a.hasStorage(name) {
				return fmt.Errorf("storage %q is removed, which units have", name)
			}
			continue
		}
		if err := checkStorageRefresh(a.charm.Storage[name], now); err != nil {
			return fmt.Errorf("storage %q: %w", name, err)
		}
	}
	return nil
}

func (a *Application) hasStorage(name string) bool {
	return slices.ContainsFunc(a.units, func(u *Unit) bool {
		return slices.ContainsFunc(u.storage, func(s *Storage) bool { return s.name() == name })
	})
}

func checkStorageRefresh(old, now charmdir.Storage) error {
	changed := func(what string, old, now any) error {
		return fmt.Errorf("%s changed from %v to %v", what, old, now)
	}
	const any = 1 << 30
	oldMax, nowMax := old.CountMax, now.CountMax
	if oldMax < 0 {
		oldMax = any
	}
	if nowMax < 0 {
		nowMax = any
	}
	switch {
	case old.Type != now.Type:
		return changed("type", old.Type, now.Type)
	case old.Shared != now.Shared:
		return changed("shared", old.Shared, now.Shared)
	case old.ReadOnly != now.ReadOnly:
		return changed("read-only", old.ReadOnly, now.ReadOnly)
	case old.Location != now.Location:
		return changed("location", old.Location, now.Location)
	case nowMax < oldMax:
		return changed("maximum of its range", old.CountMax, now.CountMax)
	}
	return nil
}

// executor returns what runs the charm: the version that the unit has, which is
// another one from install and upgrade-charm on.
func (h *Hook) executor() Executor {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	app, a := h.unit.app, h.unit.agent
	if a == nil || app.versions == nil {
		return app.Executor
	}
	if h.info.kind == install || h.info.kind == upgradeCharm {
		a.deployed = app.charmVersion
	}
	return app.versions[a.deployed].executor
}

// charm returns the charm that the unit has.
func (a *agent) charm() *charmdir.Charm {
	app := a.unit.app
	if app.versions == nil {
		return app.charm
	}
	return app.versions[a.deployed].charm
}

// hasEndpoint reports whether the charm that the unit has knows of a relation's
// endpoint: with one that does not, the agent leaves the relation alone.
func (a *agent) hasEndpoint(name string) bool {
	if a.unit.app.versions == nil {
		return true
	}
	_, ok := a.charm().Endpoints[name]
	return ok
}
