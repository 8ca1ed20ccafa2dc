// SPDX-License-Identifier: Apache-2.0

package juju

import "time"

// agent is the unit agent of one unit: it knows what of the model it has told
// the charm, and so which hook comes next.
type agent struct {
	unit  *Unit
	index int // in the model's runnable agents; -1: asleep

	installed, started, stopped bool
	members                     []*membership // by relation ID
	queued                      hookKind      // what the last hook has queued
	again                       *hookInfo     // a hook that was killed, to be run again
	failed                      *failure      // a hook that failed, without which nothing goes on
	running                     *Hook

	configSeen     int // versions that the charm was told of, from 1; 0: none
	charmSeen      int
	leaderToldOf   bool // leader-elected has run since the unit became leader
	leaderSettings int  // 3.6
	rebooted       bool
	statusDue      bool // for update-status
	shutdown       bool // the pod is going: stop, then another
	stopping       bool // and stop is on its way
	gone           bool // the machine's base is being upgraded: no hooks
	deployed       int  // version of the charm

	containers []string // whose Pebble has not been seen ready
	workload   []*Workload
	polled     *Workload // whose hook failed last, and comes again; nil: none
	actions    []*Action
	commands   []*Commands
	seriesBase string // of a series upgrade that was begun; 3.6
	seriesDone bool
	secrets    secretWatch
}

// failure is a hook that failed.
type failure struct {
	info     hookInfo
	status   Status // that the unit shows
	attempts int
	due      bool // it is time to try again
	skip     bool // it is resolved without another try
	err      error
}

// Hooks are retried as Juju does: after 5 seconds, and then twice as long each
// time, up to 5 minutes.
const (
	firstRetry           = 5 * time.Second
	lastRetry            = 5 * time.Minute
	updateStatusInterval = 5 * time.Minute
)

// next returns the hook that comes next. The order is that of the uniter's
// resolvers: what is higher up is served first, whenever several are due.
func (a *agent) next() (hookInfo, bool) {
	switch {
	case a.unit.life == Dead, a.gone && a.unit.life == Alive:
		return hookInfo{}, false
	case a.shutdown:
		if info, ok := a.nextShutdown(); ok {
			return info, true
		}
	}
	if a.again != nil && a.again.kind == install && a.unit.life != Alive {
		a.again = nil // what is to go is not installed any more
	}
	idle := a.failed == nil && a.again == nil && a.queued == noHook
	if idle {
		if info, ok := a.nextIdle(); ok {
			return info, true
		}
	}
	if len(a.actions) > 0 && (a.failed != nil || idle && a.installed) {
		return hookInfo{kind: action, action: a.actions[0], slot: -1}, true
	}
	if len(a.commands) > 0 {
		c := a.commands[0]
		return hookInfo{kind: runCommands, commands: c, member: c.member, slot: c.slot}, true
	}
	switch {
	case a.again != nil:
		return a.anew(*a.again), true
	case a.failed != nil:
		return a.anew(a.failed.info), a.failed.due || a.failed.skip
	case a.queued != noHook:
		return a.simple(a.queued), true
	}
	if info, ok := a.nextStorage(); ok {
		return info, true
	}
	if a.unit.life != Alive {
		return a.nextDying()
	}
	if info, ok := a.nextAlive(); ok {
		return info, true
	}
	return a.nextWorkload(true)
}

// simple returns the info of a hook that needs no more than its name.
func (a *agent) simple(kind hookKind) hookInfo {
	info := hookInfo{kind: kind, slot: -1}
	switch kind {
	case configChanged:
		info.version = uint32(a.unit.app.configVersion)
	case leaderSettingsChanged:
		info.version = uint32(a.unit.app.leaderVersion)
	}
	return info
}

// anew returns the info of a hook that runs again: the same, but config-changed
// and leader-settings-changed tell of what is now.
func (a *agent) anew(info hookInfo) hookInfo {
	if info.kind == configChanged || info.kind == leaderSettingsChanged {
		return a.simple(info.kind)
	}
	return info
}

// nextIdle returns what only an agent with nothing half-done runs.
func (a *agent) nextIdle() (hookInfo, bool) {
	alive := a.unit.life == Alive
	if a.seriesBase != "" {
		return hookInfo{kind: preSeriesUpgrade, slot: -1, target: a.seriesBase}, true
	}
	if a.seriesDone {
		return a.simple(postSeriesUpgrade), true
	}
	if a.rebooted && a.started {
		return a.simple(rebootStart), true
	}
	if a.installed && alive {
		if info, ok := a.nextCreated(); ok {
			return info, true
		}
		if a.unit.isLeader() && !a.leaderToldOf {
			return a.simple(leaderElected), true
		}
		if a.unit.app.model.is36 && !a.unit.isLeader() && a.leaderSettings != a.unit.app.leaderVersion {
			return a.simple(leaderSettingsChanged), true
		}
	}
	if a.installed {
		if info, ok := a.nextWorkload(false); ok {
			return info, true
		}
	}
	if a.installed && alive {
		return a.nextSecret()
	}
	return hookInfo{}, false
}

// nextCreated enters the scopes of new relations, and returns a
// relation-created that has not run.
func (a *agent) nextCreated() (hookInfo, bool) {
	var created []*membership
	for _, m := range a.members {
		if m.created || m.leaving() || !m.end.isImplicit() && !a.hasEndpoint(m.end.Endpoint.Name) {
			continue
		}
		if !m.entered && !m.enter() || m.end.isImplicit() {
			continue
		}
		created = append(created, m)
	}
	if len(created) == 0 {
		return hookInfo{}, false
	}
	m := created[a.unit.app.model.choose.pick(len(created))]
	return hookInfo{kind: relationCreated, member: m, slot: -1}, true
}

// nextAlive returns what a unit does that is to stay.
func (a *agent) nextAlive() (hookInfo, bool) {
	switch app := a.unit.app; {
	case !a.installed:
		return a.simple(install), true
	case a.charmSeen != app.charmVersion:
		return a.simple(upgradeCharm), true
	case a.configSeen != app.configVersion:
		return a.simple(configChanged), true
	}
	if info, ok := a.nextRelation(); ok {
		return info, true
	}
	return a.simple(updateStatus), a.statusDue
}

// nextDying returns what is left to do for a unit that goes.
func (a *agent) nextDying() (hookInfo, bool) {
	if info, ok := a.nextRelation(); ok {
		return info, true
	}
	switch {
	case a.started && !a.stopped:
		return a.simple(stop), true
	case a.installed:
		return a.simple(remove), true
	}
	return hookInfo{}, false
}

// nextRelation returns a hook of one of the relations: any that has one, peer
// relations last.
func (a *agent) nextRelation() (hookInfo, bool) {
	a.abandon()
	var some [8]hookInfo
	for _, peers := range []bool{false, true} {
		due := some[:0]
		for _, m := range a.members {
			if m.end.isPeer() != peers {
				continue
			}
			if info, ok := m.next(); ok {
				due = append(due, info)
			}
		}
		if len(due) > 0 {
			return due[a.unit.app.model.choose.pick(len(due))], true
		}
	}
	return hookInfo{}, false
}

// abandon leaves the relations that ended before their first hook.
func (a *agent) abandon() {
	abandoned := false
	for _, m := range a.members {
		if !m.created && m.entered && !m.left && m.leaving() {
			m.left, abandoned = true, true
			m.end.leaveScope(a.unit)
		}
	}
	if abandoned {
		a.unit.app.model.removeDeadRelations()
	}
}

// rest does what follows the last hook for now: a unit that has nothing more to
// do on its way out is dead, when its subordinates are.
func (a *agent) rest() {
	u := a.unit
	if u.life == Dying && a.failed == nil && a.running == nil && len(u.subordinates) == 0 {
		u.app.model.unitDead(u)
	}
	if a.index >= 0 {
		u.app.model.sleep(a)
	}
}

// done notes that a hook has succeeded, and what it leads to.
func (a *agent) done(info hookInfo) {
	u := a.unit
	switch info.kind {
	case install:
		a.installed = true
		a.charmSeen = a.deployed
		a.pebbleAll()
	case upgradeCharm:
		a.charmSeen = a.deployed
		a.queued = configChanged
		a.leaderSettings = 0 // the agent looks anew; 3.6
	case configChanged:
		a.configSeen = int(info.version)
		a.queued = noHook
		if !a.started {
			a.queued = start
		}
	case start:
		a.started, a.stopped, a.queued, a.rebooted = true, false, noHook, false
		if !u.workloadSet {
			u.setWorkload("unknown", "")
		}
	case rebootStart:
		a.rebooted = false
	case stop:
		a.stopped = true
		u.setWorkload("maintenance", "")
	case remove:
		a.installed = false
		u.setWorkload("terminated", "")
	case leaderElected:
		a.leaderToldOf = true
	case leaderSettingsChanged:
		a.leaderSettings = int(info.version)
	case preSeriesUpgrade:
		a.seriesBase, a.gone = "", true
	case postSeriesUpgrade:
		a.seriesDone = false
	}
	switch {
	case info.kind.isRelation():
		info.member.done(info)
	case info.kind.isStorage():
		a.storageDone(info)
	case info.kind.isSecret():
		a.secretDone(info)
	case info.kind.isWorkload():
		a.dropWorkload(info.workload)
		if a.polled == info.workload {
			a.polled = nil
		}
	}
	if info.kind == relationBroken {
		u.app.model.removeDeadRelations()
	}
}
