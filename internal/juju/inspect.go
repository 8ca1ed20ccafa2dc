// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
)

// Running names the hook that runs, for a person to read.
func (m *Model) Running() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.apps {
		for _, u := range a.units {
			if u.agent != nil && u.agent.running != nil {
				return fmt.Sprintf("%s of unit %s", u.agent.running.info.describe(), u.Name)
			}
		}
	}
	return "no hook"
}

// Late returns the hook commands that were run after their hook had ended, for
// a person to read.
func (m *Model) Late() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.late)
}

// UnitData returns a unit's databag; nil if it was never in the relation.
func (e *End) UnitData(u *Unit) map[string]string {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	return maps.Clone(e.units[u.slot].bag.contents())
}

// AppData returns the application's databag; nil if it was never written.
func (e *End) AppData() map[string]string {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	return maps.Clone(e.app.contents())
}

// Members returns the names of the remote units that have joined, as a unit of
// this end sees them.
func (e *End) Members(u *Unit) []string {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	h := &Hook{model: e.rel.model, unit: u}
	if m := e.units[u.slot].mem; m != nil {
		return h.remoteUnits(m)
	}
	return nil
}

// Life returns how far the relation is on its way out.
func (r *Relation) Life() Life {
	r.model.mu.Lock()
	defer r.model.mu.Unlock()
	return r.life
}

// Status returns the status that the leader set for the application.
func (a *Application) Status() Status {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.status
}

// Enter has a made-up unit enter a relation, with a databag besides what Juju
// writes itself.
func (e *End) Enter(u *Unit, data map[string]string) error {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	switch {
	case u.agent != nil:
		return fmt.Errorf("cannot have %s enter relation %s: its agent does that", u.Name, e.name())
	case e.units[u.slot].in:
		return fmt.Errorf("cannot have %s enter relation %s: it is in it already", u.Name, e.name())
	}
	u.revive()
	e.enterScope(u, e.madeUp(u, data))
	return nil
}

// madeUp returns the databag of a made-up unit, besides data what Juju writes itself.
func (e *End) madeUp(u *Unit, data map[string]string) map[string]string {
	all := make(map[string]string, len(data)+3)
	maps.Copy(all, u.agentKeys(e))
	maps.Copy(all, data)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// revive has a made-up unit that is gone be there again, under its name.
func (u *Unit) revive() {
	if u.life == Dead {
		u.life = Alive
		u.app.alive++
	}
}

// Return has a unit that has vanished be there again, with another databag.
func (e *End) Return(u *Unit, data map[string]string) error {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	if u.life != Dead || !e.units[u.slot].in {
		return fmt.Errorf("cannot have %s return to relation %s: it has not vanished from it", u.Name, e.name())
	}
	u.revive()
	changes := e.madeUp(u, data)
	for key := range e.units[u.slot].bag.contents() {
		if _, ok := changes[key]; !ok {
			changes[key] = ""
		}
	}
	e.write(u, changes)
	return nil
}

// Leave has a made-up unit leave a relation.
func (e *End) Leave(u *Unit) error {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	if !e.units[u.slot].in {
		return fmt.Errorf("cannot have %s leave relation %s: it is not in it", u.Name, e.name())
	}
	e.leaveScope(u)
	return nil
}

// Vanish removes a unit whose peers are not told, as Juju 4 does.
func (e *End) Vanish(u *Unit) error {
	m := e.rel.model
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !e.isPeer() || m.is36:
		return fmt.Errorf("cannot have %s vanish from relation %s: Juju 4 misses departures from peer relations only", u.Name, e.name())
	case !e.units[u.slot].in:
		return fmt.Errorf("cannot have %s vanish from relation %s: it is not in it", u.Name, e.name())
	}
	before := m.faults.missAll
	m.faults.missAll = true
	m.unitDead(u)
	m.faults.missAll = before
	return nil
}

// Write changes the databag of a unit; empty values delete. It reports whether
// something changed.
func (e *End) Write(u *Unit, changes map[string]string) (changed bool, err error) {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	if e.units[u.slot].bag == nil {
		return false, fmt.Errorf("cannot write the databag of %s: it is not in relation %s", u.Name, e.name())
	}
	return e.write(u, changes), nil
}

// WriteApp changes the application's databag, as Write does a unit's.
func (e *End) WriteApp(changes map[string]string) (changed bool) {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	return e.writeApp(changes)
}

// ID returns the number of the end's relation.
func (e *End) ID() int { return e.rel.ID }

// Other returns the other end; in a peer relation the same.
func (e *End) Other() *End { return e.other }

// RemoteName is what the end's units call the other application.
func (e *End) RemoteName() string { return e.remoteName() }

// Relation returns the end's relation.
func (e *End) Relation() *Relation { return e.rel }

// Ends returns the application's ends of its relations, by ID.
func (a *Application) Ends() []*End {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return slices.Clone(a.ends)
}

// Enter has the unit's agent enter the scope of a relation, and take its
// relation-created for done.
func (u *Unit) Enter(e *End) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	if m := e.units[u.slot].mem; m != nil && !m.entered {
		m.created = m.enter()
	}
}

// Scoped reports whether units see only those of the other end that are on the
// same machine.
func (e *End) Scoped() bool { return e.scoped }

// SetState replaces what the charm has stored.
func (u *Unit) SetState(state map[string]string) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	u.state = maps.Clone(state)
}

// Name returns the hook's name, "db-relation-joined"; of an action its own.
func (h *Hook) Name() string { return h.title() }

// AddSubordinate adds a unit of a subordinate to a principal.
func (a *Application) AddSubordinate(number int, principal *Unit) (*Unit, error) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.addUnit(number, principal)
}

// AddMadeUpSubordinate is AddMadeUpUnit with a principal.
func (a *Application) AddMadeUpSubordinate(number int, principal *Unit) (*Unit, error) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.addMadeUp(number, principal)
}

// SetNetwork sets what network-get tells the unit of a binding, or of one
// relation ("db:3"); the binding "" is what nothing else is said of.
func (u *Unit) SetNetwork(binding string, n Network) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	if u.networks == nil {
		u.networks = make(map[string]Network)
	}
	u.networks[binding] = n
}

// SubnetOf returns the subnet of one address.
func SubnetOf(address string) string { return subnetOf(address) }

// SetPlannedUnits has goal-state tell of n units; 0: as many as there are.
func (a *Application) SetPlannedUnits(n int) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	a.planned = n
}

// ConfigVersion numbers the application's configs: equal ones have the same number.
func (a *Application) ConfigVersion() int {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.configVersion
}

// SetStatus sets the application's status.
func (a *Application) SetStatus(status, message string) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	a.status, a.statusSet = Status{Status: status, Message: message, Since: a.model.clock.now}, true
}

// SetNextRelationID has the next relation be of an ID, which no other must have.
func (m *Model) SetNextRelationID(id int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id < 0 || m.relation(id) != nil {
		return fmt.Errorf("cannot add a relation with ID %d: there is one, or it is negative", id)
	}
	m.nextRel = id
	return nil
}

// TakeJoined takes joined and changed of a remote unit for done.
func (u *Unit) TakeJoined(e *End, remote *Unit) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	m := e.units[u.slot].mem
	if m.seen[remote.slot] == 0 {
		m.members++
	}
	m.seen[remote.slot] = e.other.units[remote.slot].bag.version
	m.joins.remove(e.other.App.rank[remote.slot])
}

// SetStatus sets the status of the unit's workload, as its charm did before.
func (u *Unit) SetStatus(status, message string) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	u.workload = Status{Status: status, Message: message, Since: u.app.model.clock.now}
	u.workloadSet = true
}

// SetWorkloadVersion sets the version of the unit's workload.
func (u *Unit) SetWorkloadVersion(version string) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	u.version = version
}

// CharmStatus is Workload without regard to hooks that failed.
func (u *Unit) CharmStatus() Status { return locked(u, func() Status { return u.workload }) }

// Failure returns what the unit's hook has failed with, which is to run again; nil
// if none has.
func (u *Unit) Failure() error {
	return locked(u, func() error {
		if u.agent == nil || u.agent.failed == nil {
			return nil
		}
		return u.agent.failed.err
	})
}

// HasBinding reports whether network-get knows a binding of the application.
func (a *Application) HasBinding(binding string) bool {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.hasBinding(binding)
}

// In reports whether a unit is in the relation's scope, where the others see it.
func (e *End) In(u *Unit) bool {
	e.rel.model.mu.Lock()
	defer e.rel.model.mu.Unlock()
	return e.units[u.slot].in
}
