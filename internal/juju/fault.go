// SPDX-License-Identifier: Apache-2.0

package juju

// Faults are what can go wrong in a model, by the model's own choice: each is
// how often at most it does in a run. The zero value is no faults.
type Faults struct {
	Kill           int // a charm is killed at one of its hook commands; the hook runs again
	RefuseFlush    int // Juju refuses what a hook wrote; the hook is retried
	LoseLeadership int // another unit becomes the leader, at times between is-leader and the flush
	Restart        int // an agent restarts, forgetting what it kept in memory
	Repeat         int // an event is sent again that the charm has handled
	MissDeparted   int // Juju 4 does not tell peers that a unit is gone (juju/juju #23326)
}

// faults are the faults that are left, and what was asked for by hand.
type faults struct {
	left Faults
	next struct { // of the next hook
		killAt      int
		refuseFlush bool
		depose      bool
	}
	missAll bool
	model   *Model
}

// SetFaults has the model choose when these faults happen.
func (m *Model) SetFaults(f Faults) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.left, m.faults.model = f, m
}

// KillNext has the charm killed at the n-th hook command of the next hook; if it
// runs fewer, when it ends.
func (m *Model) KillNext(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.next.killAt = n
}

// RefuseNextFlush has Juju refuse what the next hook writes.
func (m *Model) RefuseNextFlush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.next.refuseFlush = true
}

// DeposeNext has the next unit that asks is-leader, and is the leader, lose its
// leadership before its hook is flushed.
func (m *Model) DeposeNext() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.next.depose = true
}

// MissDeparted has Juju not tell peers that a unit is gone, from now on.
func (m *Model) MissDeparted(miss bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.missAll = miss
}

// odds is how many possibilities there are for a fault to happen or not: it
// happens in one of them.
const odds = 8

func (f *faults) happens(left *int) bool {
	if *left == 0 || f.model.choose.pick(odds) != odds-1 {
		return false
	}
	*left--
	return true
}

// killAt returns at which of its hook commands a hook is killed; 0 for never.
func (f *faults) killAt(m *Model) int {
	if n := f.next.killAt; n > 0 {
		f.next.killAt = 0
		return n
	}
	if f.happens(&f.left.Kill) {
		return 1 + m.choose.pick(4)
	}
	return 0
}

func (f *faults) refusesFlush() bool {
	if f.next.refuseFlush {
		f.next.refuseFlush = false
		return true
	}
	return f.happens(&f.left.RefuseFlush)
}

func (f *faults) deposes(a *Application) bool {
	if f.next.depose {
		f.next.depose = false
		return true
	}
	return f.movesLeader(a)
}

// movesLeader is about a leader with a successor: it would have the leadership
// again otherwise.
func (f *faults) movesLeader(a *Application) bool {
	return f.left.LoseLeadership > 0 && len(a.successors()) > 0 && f.happens(&f.left.LoseLeadership)
}

func (f *faults) missDeparted() bool { return f.missAll || f.happens(&f.left.MissDeparted) }

// strike may do something to a unit between its hooks; it reports whether the
// unit is to be chosen again.
func (f *faults) strike(m *Model, a *agent) bool {
	if f.left == (Faults{}) {
		return false
	}
	switch {
	case f.movesLeader(a.unit.app):
		m.moveLeader(a.unit.app)
		return true
	case f.happens(&f.left.Restart):
		a.restart()
		return true
	}
	return false
}

// restart forgets what an agent keeps in memory only.
func (a *agent) restart() {
	a.unit.app.model.note("the agent of %s restarts", a.unit.Name)
	for _, m := range a.members {
		m.cache = nil
	}
	for _, act := range a.actions {
		if act.Status == "running" {
			act.Status, act.Message = "failed", "action terminated"
		}
	}
	a.leaderSettings, a.statusDue, a.polled = 0, false, nil
	a.rebooted = a.rebooted || a.started && a.unit.app.model.opts.CAAS
	a.restartSecrets()
	if a.installed {
		a.pebbleAll()
	}
}
