// SPDX-License-Identifier: Apache-2.0

package juju

import "fmt"

// elect makes another unit the leader, if there is one that lives.
func (m *Model) elect(a *Application) {
	if !m.moveLeader(a) {
		m.setLeader(a, nil)
	}
}

// successors returns the units that can become the leader.
func (a *Application) successors() []*Unit {
	var others []*Unit
	for _, u := range a.units {
		if u.life == Alive && u.agent != nil && u != a.leader {
			others = append(others, u)
		}
	}
	return others
}

// moveLeader makes another unit the leader, and reports whether there is another.
func (m *Model) moveLeader(a *Application) bool {
	others := a.successors()
	if len(others) == 0 {
		return false
	}
	m.setLeader(a, others[m.choose.pick(len(others))])
	return true
}

func (m *Model) setLeader(a *Application, u *Unit) {
	old := a.leader
	if old == u {
		return
	}
	a.leader = u
	if old != nil && old.agent != nil {
		m.wake(old.agent)
	}
	if u == nil {
		return
	}
	m.note("%s is the leader of %s", u.Name, a.Name)
	if u.agent != nil {
		u.agent.leaderToldOf = false
		m.wake(u.agent)
	}
}

// SetLeader makes the unit the leader of its application.
func (u *Unit) SetLeader() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.life == Dead {
		return fmt.Errorf("cannot make unit %s the leader: it is dead", u.Name)
	}
	m.setLeader(u.app, u)
	return nil
}

// Leader returns the leader of the application; nil if it has no units.
func (a *Application) Leader() *Unit {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.leader
}

// SetNoLeader leaves the application without a leader.
func (a *Application) SetNoLeader() {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	a.model.setLeader(a, nil)
}

// isLeader is what is-leader says: once false, it is false until the hook ends.
func (h *Hook) isLeader() bool {
	if !h.unit.isLeader() {
		h.minion = true
	}
	if !h.minion && !h.deposed && h.model.faults.deposes(h.unit.app) {
		h.deposed = true
	}
	return !h.minion
}
