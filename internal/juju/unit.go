// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Life is how far something is on its way out.
type Life uint8

// The lives of a unit or relation.
const (
	Alive Life = iota
	Dying
	Dead
)

// String returns Juju's word.
func (l Life) String() string { return [...]string{"alive", "dying", "dead"}[l] }

// Status is the status of a unit or application.
type Status struct {
	Status  string
	Message string
	Data    map[string]any
	Since   time.Time
}

// String returns the status and its message, "blocked: no database".
func (s Status) String() string {
	if s.Message == "" {
		return s.Status
	}
	return s.Status + ": " + s.Message
}

// Unit is a unit of an application. The exported fields do not change.
type Unit struct {
	Name   string // "app/0"
	Number int
	app    *Application
	slot   uint32 // index in app.units
	agent  *agent // nil: made up

	life         Life
	principal    *Unit // of a subordinate
	subordinates []*Unit
	machine      string
	zone         string
	address      string
	public       string
	planned      map[string]string  // the agent's keys for the address, unless networks say otherwise
	networks     map[string]Network // that differ from the application's
	workload     Status             // what the charm or, around hooks, the agent set
	workloadSet  bool               // the charm set it once
	history      []Status           // of the workload, older ones
	version      string             // of the workload
	state        map[string]string  // of the charm, never changed but replaced
	environ      []string           // what all hooks have; nil: to be made
	asRemote     string             // the variable that names it to others; empty: to be made
	ports        portSet
	storage      []*Storage
	payloads     []Payload // 3.6
}

// Application returns the unit's application.
func (u *Unit) Application() *Application { return u.app }

// Life returns how far the unit is on its way out.
func (u *Unit) Life() Life { return locked(u, func() Life { return u.life }) }

// Address returns the unit's address.
func (u *Unit) Address() string { return locked(u, func() string { return u.address }) }

// WorkloadVersion returns what application-version-set said.
func (u *Unit) WorkloadVersion() string { return locked(u, func() string { return u.version }) }

// State returns what the charm stored.
func (u *Unit) State() map[string]string {
	return locked(u, func() map[string]string { return maps.Clone(u.state) })
}

// Workload returns the status of the unit's workload; "error" if a hook failed.
func (u *Unit) Workload() Status { return locked(u, u.status) }

// History returns the statuses that the workload had before.
func (u *Unit) History() []Status {
	return locked(u, func() []Status { return slices.Clone(u.history) })
}

// IsLeader reports whether the unit leads its application.
func (u *Unit) IsLeader() bool { return locked(u, u.isLeader) }

// Principal returns the unit that a subordinate belongs to, or nil.
func (u *Unit) Principal() *Unit { return u.principal }

// OpenedPorts returns the unit's open ports, sorted.
func (u *Unit) OpenedPorts() []hookcmd.EndpointPorts {
	return locked(u, func() []hookcmd.EndpointPorts { return u.ports.byRange() })
}

func (u *Unit) isLeader() bool { return u.app.leader == u }

func (u *Unit) status() Status {
	if a := u.agent; a != nil && a.failed != nil {
		return a.failed.status
	}
	return u.workload
}

// locked calls f while nothing changes.
func locked[T any](u *Unit, f func() T) T {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	return f()
}

// setWorkload changes the status of the workload.
func (u *Unit) setWorkload(status, message string) {
	u.history = append(u.history, u.workload)
	u.workload = Status{Status: status, Message: message, Since: u.app.model.clock.now}
}

// Remove begins the unit's removal. A made-up unit is gone at once.
func (u *Unit) Remove() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.life != Alive {
		return fmt.Errorf("cannot remove unit %s: it is %s", u.Name, u.life)
	}
	if u.principal != nil && u.principal.life == Alive {
		return fmt.Errorf("cannot remove unit %s: a subordinate goes with its principal %s, or with their relation", u.Name, u.principal.Name)
	}
	m.note("remove unit %s", u.Name)
	m.removeUnit(u)
	return nil
}

func (m *Model) removeUnit(u *Unit) {
	if u.life != Alive {
		return
	}
	u.life = Dying
	for _, s := range u.subordinates {
		m.removeUnit(s)
	}
	if u.agent == nil {
		m.unitDead(u)
		return
	}
	for _, mem := range u.agent.members {
		mem.departAll()
		if m.is36 { // which tells the remote units at once; Juju 4 when the unit is dead
			mem.end.leaveScope(u)
		}
	}
	m.wake(u.agent)
}

// unitDead is the end of a unit: it leaves the scopes it is still in, and the
// application's leadership.
func (m *Model) unitDead(u *Unit) {
	u.life = Dead
	u.app.alive--
	for _, e := range u.app.ends {
		if missed := e.isPeer() && !m.is36 && m.faults.missDeparted(); !missed {
			e.leaveScope(u)
		}
		e.units[u.slot].mem = nil
	}
	if u.app.leader == u {
		m.elect(u.app)
	}
	m.removeUnitSecrets(u)
	if u.agent != nil {
		u.agent.members = nil
		u.agent.cancelActions()
	}
	if p := u.principal; p != nil && p.agent != nil {
		p.subordinates = slices.DeleteFunc(p.subordinates, func(s *Unit) bool { return s == u })
		m.wake(p.agent)
	}
	m.removeDeadRelations()
	m.removeDeadApplication(u.app)
	m.report(Report{Kind: Gone, Unit: u.Name})
}
