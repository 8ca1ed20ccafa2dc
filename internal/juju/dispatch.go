// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/events"
)

// SkipToStarted takes the unit's hooks up to start for done, without running
// them: it is installed, in the scopes of its relations, and idle.
func (u *Unit) SkipToStarted() {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	a := u.agent
	a.installed, a.started, a.leaderToldOf = true, true, true
	a.configSeen, a.charmSeen, a.leaderSettings = u.app.configVersion, u.app.charmVersion, u.app.leaderVersion
	a.workload = nil
	for _, m := range a.members {
		if !m.leaving() {
			m.created = m.enter()
		}
	}
	for _, s := range u.storage {
		s.attached = true
	}
	u.workload = Status{Status: "unknown", Since: u.app.model.clock.now}
}

// Dispatch runs one event on a unit, whatever else its agent would do first. It
// fails if the event cannot be: the model has to be as Juju's would be when it
// sends it. A hook that fails leaves the unit as it was, for another try.
func (m *Model) Dispatch(ctx context.Context, u *Unit, ev events.Event) (*Hook, Outcome, error) {
	m.mu.Lock()
	info, err := u.infoOf(ev)
	if err != nil {
		m.mu.Unlock()
		return nil, Failed, fmt.Errorf("cannot send %s to %s: %w", describe(ev), u.Name, err)
	}
	h := m.begin(u, info)
	m.mu.Unlock()
	return m.execute(ctx, h)
}

// Redo runs the hook again that failed or was killed.
func (m *Model) Redo(ctx context.Context, u *Unit) (*Hook, Outcome, error) {
	m.mu.Lock()
	var info hookInfo
	switch a := u.agent; {
	case a.again != nil:
		info = a.anew(*a.again)
	case a.failed != nil:
		info = a.anew(a.failed.info)
	default:
		m.mu.Unlock()
		return nil, Failed, fmt.Errorf("cannot run a hook of %s again: none has failed", u.Name)
	}
	h := m.begin(u, info)
	m.mu.Unlock()
	return m.execute(ctx, h)
}

// DispatchAction runs an action that is queued, whatever its unit's agent would
// do first. There is no hook if Juju does not run the charm for it.
func (m *Model) DispatchAction(ctx context.Context, u *Unit, act *Action) (*Hook, error) {
	m.mu.Lock()
	if !slices.Contains(u.agent.actions, act) {
		m.mu.Unlock()
		return nil, fmt.Errorf("cannot run action %s of unit %s: it is not queued", act.Name, u.Name)
	}
	info := hookInfo{kind: action, action: act, slot: -1}
	if u.agent.skips(info) {
		m.mu.Unlock()
		return nil, nil
	}
	h := m.begin(u, info)
	m.mu.Unlock()
	m.execute(ctx, h)
	return h, nil
}

// execute runs the charm, and finishes the hook.
func (m *Model) execute(ctx context.Context, h *Hook) (*Hook, Outcome, error) {
	if h.killAt > 0 && h.cancel == nil {
		ctx, h.cancel = context.WithCancelCause(ctx)
		defer h.cancel(nil)
	}
	exit := h.executor().Execute(ctx, h)
	m.mu.Lock()
	defer m.mu.Unlock()
	h.killed = h.killed || h.count < h.killAt // it ran fewer hook commands: it is killed at its end
	outcome, err := m.finish(h, exit)
	if outcome == Succeeded {
		err = nil
	}
	return h, outcome, err
}

func describe(ev events.Event) string {
	if ev == nil {
		return "no event"
	}
	return fmt.Sprintf("%T (%s)", ev, ev.Name())
}

// infoOf returns which hook an event is.
func (u *Unit) infoOf(ev events.Event) (hookInfo, error) {
	if u.agent == nil || u.life == Dead {
		return hookInfo{}, errors.New("the unit has no agent")
	}
	switch ev := ev.(type) {
	case events.RelationEvent:
		return u.relationInfo(ev)
	case events.StorageEvent:
		return u.storageInfo(ev)
	case events.SecretEvent:
		return u.secretInfo(ev)
	case events.WorkloadEvent:
		return u.workloadInfo(ev)
	case events.Action:
		return hookInfo{}, errors.New("actions are run by name, with parameters")
	case events.PreSeriesUpgrade:
		if u.app.model.is36 {
			return hookInfo{kind: preSeriesUpgrade, slot: -1, target: ev.TargetBase}, nil
		}
	case events.PostSeriesUpgrade, events.LeaderSettingsChanged:
		if u.app.model.is36 {
			return u.agent.simple(kindOf(ev.Name())), nil
		}
	case events.LeaderElected:
		if !u.isLeader() {
			return hookInfo{}, errors.New("the unit is not the leader")
		}
		return u.agent.simple(leaderElected), nil
	case events.Install, events.Start, events.Stop, events.Remove, events.ConfigChanged, events.UpdateStatus, events.UpgradeCharm:
		return u.agent.simple(kindOf(ev.Name())), nil
	case nil:
		return hookInfo{}, errors.New("there is no event")
	}
	return hookInfo{}, fmt.Errorf("an agent of Juju %s does not send it", u.app.model.opts.Version)
}

// kindOf returns the kind of a hook that needs no more than its name.
func kindOf(name string) hookKind {
	for kind, known := range kindNames {
		if known == name {
			return hookKind(kind)
		}
	}
	return noHook
}

// kinds of relation events, by their endings.
var relationKinds = map[string]hookKind{
	"created": relationCreated, "joined": relationJoined, "changed": relationChanged, "departed": relationDeparted, "broken": relationBroken,
}

func (u *Unit) relationInfo(ev events.RelationEvent) (hookInfo, error) {
	ref := ev.Ref()
	var m *membership
	for _, known := range u.agent.members {
		if known.end.rel.ID == ref.ID {
			m = known
		}
	}
	switch {
	case m == nil || m.left:
		return hookInfo{}, fmt.Errorf("there is no relation %s:%d, or no more", ref.Endpoint, ref.ID)
	case m.end.Endpoint.Name != ref.Endpoint:
		return hookInfo{}, fmt.Errorf("relation %d is of endpoint %q, not %q", ref.ID, m.end.Endpoint.Name, ref.Endpoint)
	case m.end.remoteName() != ref.App:
		return hookInfo{}, fmt.Errorf("relation %s is with application %q, not %q", m.end.name(), m.end.remoteName(), ref.App)
	}
	name := ev.Name()
	info := hookInfo{kind: relationKinds[name[strings.LastIndex(name, "-")+1:]], member: m, slot: -1}
	if _, isPeer := ev.(events.PeerEvent); isPeer != m.end.isPeer() {
		return info, fmt.Errorf("endpoint %q has %s", ref.Endpoint, map[bool]string{true: "Peer events", false: "Relation events"}[m.end.isPeer()])
	}
	return info, m.aim(&info, ev)
}

// aim sets which unit a relation hook is about.
func (m *membership) aim(info *hookInfo, ev events.RelationEvent) error {
	var unit string
	switch ev := ev.(type) {
	case events.PeerJoined:
		unit = ev.Unit
	case events.PeerChanged:
		unit = ev.Unit
	case events.PeerDeparted:
		unit = ev.Unit
	case events.RelationJoined:
		unit = ev.Unit
	case events.RelationChanged:
		unit = ev.Unit
	case events.RelationDeparted:
		unit = ev.Unit
	default:
		return nil
	}
	remote := m.remote()
	if unit == "" {
		if remote.app == nil {
			return fmt.Errorf("application %q has never written its databag", m.end.remoteName())
		}
		info.version = remote.app.version
		return nil
	}
	if unit == m.agent.unit.Name {
		return errors.New("a unit has no events about itself")
	}
	u := m.remoteUnit(unit)
	if u == nil || remote.units[u.slot].bag == nil {
		return fmt.Errorf("unit %q is not in relation %s", unit, m.end.name())
	}
	joined := m.seen[u.slot] != 0
	switch {
	case info.kind == relationJoined && joined:
		return fmt.Errorf("unit %q has joined relation %s already", unit, m.end.name())
	case info.kind != relationJoined && !joined:
		return fmt.Errorf("unit %q has not joined relation %s", unit, m.end.name())
	}
	info.slot, info.version = int32(u.slot), remote.units[u.slot].bag.version
	return nil
}

// remoteUnit returns the unit that we know by a name, or nil.
func (m *membership) remoteUnit(name string) *Unit {
	app, number, _ := strings.Cut(name, "/")
	n, err := strconv.Atoi(number)
	if err != nil || app != m.end.remoteName() {
		return nil
	}
	return m.remoteApp().unit(n)
}

func (u *Unit) storageInfo(ev events.StorageEvent) (hookInfo, error) {
	info := hookInfo{kind: storageAttached, slot: -1}
	if _, detaching := ev.(events.StorageDetaching); detaching {
		info.kind = storageDetaching
	}
	for _, s := range u.storage {
		if s.ID == ev.Ref().ID {
			info.storage = s
			return info, nil
		}
	}
	return info, fmt.Errorf("the unit has no storage %q", ev.Ref().ID)
}

func (u *Unit) workloadInfo(ev events.WorkloadEvent) (hookInfo, error) {
	container := ev.Ref().Container
	if _, ok := u.app.charm.Containers[container]; !ok {
		return hookInfo{}, fmt.Errorf("the charm has no container %q", container)
	}
	w := &Workload{Container: container}
	switch ev := ev.(type) {
	case events.PebbleReady:
		w.kind = pebbleReady
	case events.PebbleCustomNotice:
		w.kind, w.NoticeID, w.NoticeType, w.NoticeKey = pebbleCustomNotice, ev.NoticeID, ev.NoticeType, ev.NoticeKey
	case events.PebbleCheckFailed:
		w.kind, w.Check = pebbleCheckFailed, ev.Check
	case events.PebbleCheckRecovered:
		w.kind, w.Check = pebbleCheckRecovered, ev.Check
	}
	return hookInfo{kind: w.kind, workload: w, slot: -1}, nil
}
