// SPDX-License-Identifier: Apache-2.0

package juju

// Agent returns the status of the unit's agent: "allocating" before its first
// hook, "executing" with the hook that runs ("db-relation-joined", "action
// backup", "juju-exec"), or "idle". As in Juju, it is idle while a unit is in
// error, which its workload's status tells, and while it runs update-status. A
// made-up unit is idle.
func (u *Unit) Agent() (status, hook string) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	a := u.agent
	switch {
	case a == nil:
		return "idle", ""
	case a.running != nil && a.running.info.kind == updateStatus:
		return "idle", ""
	case a.running != nil:
		return "executing", a.running.reportOf(Began).Hook
	case !a.installed && a.failed == nil && len(u.history) == 0: // install makes history
		return "allocating", ""
	}
	return "idle", ""
}

// Machine returns the ID of the unit's machine, which a subordinate shares with
// its principal; empty for a pod.
func (u *Unit) Machine() string { return locked(u, func() string { return u.machine }) }

// Life returns how far the application is on its way out.
func (a *Application) Life() Life {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	if a.dying {
		return Dying
	}
	return Alive
}

// Status returns the status that the relation's leaders and the operator give
// it: "joining", "joined", "suspending", "suspended" or "broken".
func (r *Relation) Status() string {
	r.model.mu.Lock()
	defer r.model.mu.Unlock()
	return r.status.Status
}
