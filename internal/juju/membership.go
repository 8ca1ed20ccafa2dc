// SPDX-License-Identifier: Apache-2.0

package juju

// membership is what a unit's agent knows of a relation, and what of it it has
// yet to tell the charm.
type membership struct {
	agent   *agent
	end     *End // ours
	entered bool // the unit entered the scope: from now on remote units see it
	created bool // relation-created has run
	left    bool // relation-broken has run

	// seen has by slot of the remote units the version of the databag that the
	// charm was last told of; 0: the unit has not joined.
	seen    []uint32
	members int    // how many have joined
	seenApp uint32 // likewise of the remote application's databag

	// afterJoin is the slot of the unit that has joined and whose changed comes
	// next, or -1.
	afterJoin int32

	// What is pending, by rank of the remote units.
	joins, changes, departs bitset

	// cache has by slot what was read of members' databags: an agent keeps
	// that until the unit's next hook.
	cache []*bag
}

// watch has the agent know of a relation.
func (a *agent) watch(e *End) {
	m := &membership{agent: a, end: e, afterJoin: -1}
	e.units[a.unit.slot].mem = m
	a.members = append(a.members, m)
	m.rebuild()
}

// rejoin forgets all, for a relation that was suspended.
func (m *membership) rejoin() {
	*m = membership{agent: m.agent, end: m.end, afterJoin: -1}
	m.rebuild()
}

func (m *membership) remote() *End            { return m.end.other }
func (m *membership) remoteApp() *Application { return m.end.other.App }

// rebuild finds what is pending from what was seen, after the ranks changed.
func (m *membership) rebuild() {
	remote := m.remote()
	n := len(remote.units)
	for len(m.seen) < n {
		m.seen = append(m.seen, make([]uint32, n-len(m.seen))...)
	}
	m.joins.reset(n)
	m.changes.reset(n)
	m.departs.reset(n)
	rank := remote.App.rank
	own := m.agent.unit
	for slot := range remote.units {
		p := &remote.units[slot]
		switch seen := m.seen[slot]; {
		case seen == 0 && p.in && remote.App.units[slot].life != Dead && m.end.sees(own, remote.App.units[slot]):
			m.joins.add(rank[slot])
		case seen != 0 && (!p.in || m.leaving()):
			m.departs.add(rank[slot])
		case seen != 0 && p.bag.version != seen:
			m.changes.add(rank[slot])
		}
	}
}

func (m *membership) wakeUp() { m.end.rel.model.wake(m.agent) }

func (m *membership) remoteEntered(u *Unit) {
	if !m.end.sees(m.agent.unit, u) {
		return
	}
	rank := m.remoteApp().rank[u.slot]
	if seen := m.seen[u.slot]; seen == 0 {
		m.joins.add(rank)
	} else if !m.leaving() {
		m.departs.remove(rank)
		if m.remote().units[u.slot].bag.version != seen {
			m.changes.add(rank)
		}
	}
	m.wakeUp()
}

func (m *membership) remoteLeft(u *Unit) {
	rank := m.remoteApp().rank[u.slot]
	if m.seen[u.slot] == 0 {
		m.joins.remove(rank)
		return
	}
	m.changes.remove(rank)
	m.departs.add(rank)
	m.wakeUp()
}

func (m *membership) remoteChanged(slot uint32) {
	if m.seen[slot] != 0 {
		m.changes.add(m.remoteApp().rank[slot])
		m.wakeUp()
	}
}

// leaving reports whether the unit is on its way out of the relation.
func (m *membership) leaving() bool {
	r := m.end.rel
	return r.life != Alive || r.suspended || m.agent.unit.life != Alive
}

// departAll makes all members depart.
func (m *membership) departAll() {
	for slot, seen := range m.seen {
		if seen != 0 {
			m.departs.add(m.remoteApp().rank[slot])
		}
	}
}

// enter enters the scope, as an agent does before relation-created; false: not
// yet.
func (m *membership) enter() bool {
	u := m.agent.unit
	sub, missing := m.subordinate()
	if sub != nil && sub.life != Alive {
		return false // another one comes when that is gone
	}
	m.entered = true
	m.end.enterScope(u, u.agentKeys(m.end))
	if u.isLeader() {
		m.end.rel.setStatus("joined")
	}
	if missing {
		m.remoteApp().addUnits(1, u)
	}
	return true
}

// subordinate returns the unit that a relation with a subordinate wants beside
// the unit, or nil, and whether it is to be added.
func (m *membership) subordinate() (sub *Unit, missing bool) {
	u, app := m.agent.unit, m.remoteApp()
	if !m.end.scoped || u.principal != nil || app.principal || app.Executor == nil || u.life != Alive {
		return nil, false
	}
	for _, s := range u.subordinates {
		if s.app == app && s.life != Dead {
			return s, false
		}
	}
	return nil, true
}

// next returns the next hook of the relation.
func (m *membership) next() (hookInfo, bool) {
	info := hookInfo{member: m, slot: -1}
	switch {
	case !m.created || m.left:
		return info, false
	case m.afterJoin >= 0:
		info.kind, info.slot = relationChanged, m.afterJoin
	case m.departs.count > 0:
		info.kind, info.slot = relationDeparted, int32(m.remoteApp().byName[m.departs.least()])
		return info, true
	case m.leaving():
		info.kind = relationBroken
		return info, !m.end.isPeer()
	case m.appChanged():
		info.kind, info.version = relationChanged, m.remote().app.version
		return info, true
	case m.joins.count > 0:
		info.kind, info.slot = relationJoined, int32(m.remoteApp().byName[m.joins.least()])
	case m.changes.count > 0:
		info.kind, info.slot = relationChanged, int32(m.remoteApp().byName[m.changes.least()])
	default:
		return info, false
	}
	info.version = m.remote().units[info.slot].bag.version
	return info, true
}

// appChanged reports whether the remote application's databag is not what the
// charm was told of. In a peer relation that is our own, and the leader is told
// of what it wrote itself (juju/juju #20178).
func (m *membership) appChanged() bool {
	app := m.remote().app
	return app != nil && app.version != m.seenApp
}

// done notes that a hook of the relation has succeeded.
func (m *membership) done(info hookInfo) {
	remote := m.remote()
	switch {
	case info.kind == relationCreated:
		m.created = true
		return
	case info.kind == relationBroken:
		m.left = true
		m.end.leaveScope(m.agent.unit)
		m.end.rel.brokenBy(m.agent.unit)
		if r := m.end.rel; r.life == Alive && !r.suspended && m.agent.unit.life == Alive {
			m.rejoin() // it was resumed meanwhile
		}
		return
	case info.slot < 0:
		m.seenApp = info.version
		return
	}
	slot, rank := info.slot, remote.App.rank[info.slot]
	p := &remote.units[slot]
	switch info.kind {
	case relationJoined:
		if m.seen[slot] == 0 {
			m.members++
		}
		m.seen[slot], m.afterJoin = info.version, slot
		m.joins.remove(rank)
		m.changes.remove(rank)
		if !p.in || m.leaving() {
			m.departs.add(rank)
		}
	case relationChanged:
		m.afterJoin = -1
		if m.seen[slot] == 0 {
			return
		}
		m.seen[slot] = info.version
		m.changes.remove(rank)
		if p.in && p.bag.version != info.version {
			m.changes.add(rank)
		}
	case relationDeparted:
		if m.seen[slot] != 0 {
			m.members--
		}
		m.seen[slot] = 0
		m.departs.remove(rank)
		m.changes.remove(rank)
		if int32(slot) == m.afterJoin {
			m.afterJoin = -1
		}
		if p.in && !m.leaving() && m.end.sees(m.agent.unit, remote.App.units[slot]) {
			m.joins.add(rank)
		}
	}
}

// invalidate forgets what was read of the unit that a hook is about.
func (m *membership) invalidate(slot int32) {
	if slot >= 0 && int(slot) < len(m.cache) {
		m.cache[slot] = nil
	}
}

// read returns a member's databag as the agent has it.
func (m *membership) read(slot uint32) *bag {
	if len(m.cache) < len(m.seen) {
		m.cache = append(m.cache, make([]*bag, len(m.seen)-len(m.cache))...)
	}
	if m.cache[slot] == nil {
		m.cache[slot] = m.remote().units[slot].bag
	}
	return m.cache[slot]
}
