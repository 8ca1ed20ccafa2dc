// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (w *world) loadUnit() {
	s := w.state.Unit
	var principal *Unit
	if app, number, ok := strings.Cut(s.Principal, "/"); ok {
		principal = w.addUnit(w.remoteApp(app, ""), number, nil)
	}
	_, number, _ := strings.Cut(s.Name, "/")
	u := w.addUnit(w.app, number, principal)
	w.unit = u
	if w.app.leader = nil; w.state.Leader {
		w.app.leader = u
	}
	u.life = parseLife(s.Life)
	u.machine, u.zone, u.address, u.public = s.Machine, s.AvailabilityZone, s.PrivateAddress, s.PublicAddress
	u.workload, u.workloadSet, u.version = s.Status.status(), s.StatusSet, s.WorkloadVersion
	u.state = w.state.CharmState
	a := u.agent
	a.installed, a.started, a.stopped = s.Installed, s.Started, s.Stopped
	a.configSeen, a.charmSeen = w.app.configVersion, w.app.charmVersion
	a.leaderToldOf = true
}

func parseLife(life string) Life {
	switch life {
	case "dying":
		return Dying
	case "dead":
		return Dead
	}
	return Alive
}

// loadRelation adds a relation, which the own unit has entered and of which it
// knows the members that the recording has.
func (w *world) loadRelation(r *goldenRelation) {
	own := newEnd(w.app, r.endpoint())
	w.model.nextRel = r.ID
	remote := own
	if own.Endpoint.Role == "peer" {
		for name := range r.RemoteUnitsData {
			w.remoteUnit(name)
		}
		own = newEnd(w.app, r.endpoint())
		w.model.addRelation(own, nil)
		remote = own
	} else {
		app := w.remoteApp(r.RemoteApp, r.RemoteModelUUID)
		for _, name := range slices.Sorted(maps.Keys(r.RemoteUnitsData)) {
			w.remoteUnit(name)
		}
		endpoint := r.endpoint()
		endpoint.Name, endpoint.Role = r.RemoteEndpoint, counterRole(endpoint.Role)
		remote = newEnd(app, endpoint)
		w.model.addRelation(own, remote)
		remote.app = newBag(r.RemoteAppData)
	}
	rel := own.rel
	rel.suspended = r.Suspended
	own.app = newBag(r.LocalAppData)
	for name, data := range r.RemoteUnitsData {
		w.enter(remote, w.remoteUnit(name), data)
	}
	w.enter(own, w.unit, r.LocalUnitData)
	rel.life = parseLife(r.Life)
	m := own.units[w.unit.slot].mem
	m.entered, m.created = true, true
	if remote.app != nil {
		m.seenApp = remote.app.version
	}
	w.members[r.ID] = m
	w.loadMembers(m, r)
	if r.ChangedPending != "" {
		m.afterJoin = int32(w.remoteUnit(r.ChangedPending).slot)
	}
	m.rebuild()
}

func (w *world) enter(e *End, u *Unit, data map[string]string) {
	e.units[u.slot].bag = &bag{data: data, version: 1}
	e.units[u.slot].in = true
}

func newBag(data map[string]string) *bag {
	if len(data) == 0 {
		return nil
	}
	return &bag{data: data, version: 1}
}

// loadMembers notes the units that the agent has joined. If the recording does
// not say, they are all but for those that the event is to come before.
func (w *world) loadMembers(m *membership, r *goldenRelation) {
	names := slices.Sorted(maps.Keys(r.RemoteUnitsData))
	e := w.event
	switch {
	case r.Members != nil:
		names = *r.Members
	case e.RelationID != r.ID:
	case e.Kind == "relation-created" || e.Kind == "relation-broken":
		names = nil
	case e.Kind == "relation-joined" && !e.Strict:
		names = slices.DeleteFunc(names, func(name string) bool { return name == e.RemoteUnit })
	}
	if e.RelationID == r.ID && e.Kind == "relation-created" {
		m.created = false
	}
	for _, name := range names {
		slot := w.remoteUnit(name).slot
		m.seen[slot] = m.remote().units[slot].bag.version
		m.members++
	}
}

// info returns what the agent begins for the event.
func (w *world) info() (hookInfo, error) {
	e := w.event
	info := hookInfo{slot: -1}
	for kind, name := range kindNames {
		if name == e.Kind && hookKind(kind) != rebootStart && name != "" {
			info.kind = hookKind(kind)
		}
	}
	a := w.unit.agent
	switch kind := info.kind; {
	case kind == noHook:
		return info, fmt.Errorf("unknown kind of event %q", e.Kind)
	case kind.isRelation():
		return w.relationInfo(kind)
	case kind.isStorage():
		return w.storageInfo(kind)
	case kind.isSecret():
		return w.secretInfo(kind)
	case kind == action:
		return w.actionInfo()
	case kind == runCommands:
		info.commands = &Commands{Script: e.Commands, slot: -1}
	case kind.isWorkload():
		info.workload = &Workload{kind: kind, Container: e.Workload, NoticeID: e.NoticeID, NoticeType: e.NoticeType, NoticeKey: e.NoticeKey, Check: e.Check}
		a.workload = append(a.workload, info.workload)
	case kind == configChanged:
		info.version = uint32(w.app.configVersion)
	case kind == preSeriesUpgrade:
		a.seriesBase = e.BaseTarget
		info.target = e.BaseTarget
		if e.BaseTarget == "" {
			return info, errNeverComes
		}
	case kind == postSeriesUpgrade:
		a.seriesDone = true
	}
	return info, nil
}

// errNeverComes says that the agent of this package would not begin the hook
// that the recorder asked for, where Juju's refuses it.
var errNeverComes = fmt.Errorf("the agent has no such hook to run")

func (w *world) relationInfo(kind hookKind) (hookInfo, error) {
	e := w.event
	m := w.members[e.RelationID]
	if m == nil {
		return hookInfo{}, fmt.Errorf("no relation %d", e.RelationID)
	}
	info := hookInfo{kind: kind, member: m, slot: -1}
	if m.remote().app != nil {
		info.version = m.remote().app.version
	}
	if e.RemoteUnit == "" {
		return info, nil
	}
	u := w.remoteUnit(e.RemoteUnit)
	info.slot = int32(u.slot)
	info.version = m.remote().units[u.slot].bag.version
	if kind == relationJoined {
		if next, ok := m.next(); e.Strict && !(ok && next.kind == relationJoined && next.slot == info.slot) {
			return info, errNeverComes
		}
	}
	if kind == relationDeparted {
		if e.DepartingUnit == w.unit.Name {
			w.app.dying = true
		} else {
			m.remote().units[u.slot].in = false
		}
	}
	return info, nil
}
