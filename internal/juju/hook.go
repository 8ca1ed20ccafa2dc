// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"syscall"
	"time"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// Executor runs charms. It is called once per hook, action or juju-exec, and
// returns when the charm has ended. It is called without the model's lock.
type Executor interface {
	Execute(ctx context.Context, h *Hook) Exit
}

// Exit is how a charm ended.
type Exit struct {
	Code   int
	Signal syscall.Signal // that killed it; 0: none
	Err    error          // why, for a person to read; may be nil
	Stdout []byte         // of actions and juju-exec
	Stderr []byte         // of hooks, too: as much as a person may want to read
	// Missing says that the charm has no program for it: for a hook that is
	// success, for an action failure.
	Missing bool
	// Final says that the hook is not to be retried, but waits to be resolved:
	// another try would take as long.
	Final bool
}

// Hook is one run of a charm: a hook, an action or a juju-exec. It is what Juju
// calls a context: it keeps what was read, and what is to be written if the
// charm succeeds. Its methods are safe for concurrent use.
//
// A Hook runs hook commands: it is a [hookcmd.Runner] and an [hookcmd.Answerer].
type Hook struct {
	model   *Model
	unit    *Unit
	info    hookInfo
	event   events.Event // nil: not asked for
	context string       // the variable JUJU_CONTEXT_ID; empty: not asked for
	over    bool         // the charm has ended
	final   bool         // it is not to be retried

	killAt int // the charm is killed at this hook command; 0: never
	killed bool
	ctx    context.Context // of the charm, with an Engine
	cancel context.CancelCauseFunc
	count  int // hook commands so far
	calls  []Recorded
	logs   int // where the model's log was at the start

	config      map[string]any // read once
	cached      *Status        // of the unit, read once
	deposed     bool           // leadership is lost before the flush
	minion      bool           // is-leader said false
	statusSet   bool           // the charm set the unit's status
	bags        []ownBags
	others      []otherBag
	state       map[string]string // the whole of it, if stateDirty
	stateDirty  bool
	rare        *rareChanges // nil: none
	reboot      rebootMode
	leaderCache map[string]string // 3.6
	writes      []Write           // what the commit changed in databags
	run         int               // for reports
	changes     []Change          // for reports
	complaints  string            // for reports
}

// rareChanges are what few hooks change, besides databags and state.
type rareChanges struct {
	openPorts, closePorts []portChange
	secrets               secretChanges
	storage               []storageAdd
	podSpec, rawPodSpec   *string // 3.6
}

// more returns the hook's rare changes.
func (h *Hook) more() *rareChanges {
	if h.rare == nil {
		h.rare = &rareChanges{}
	}
	return h.rare
}

func (r *rareChanges) none() bool {
	return r == nil || len(r.openPorts) == 0 && len(r.closePorts) == 0 && r.secrets.none() &&
		len(r.storage) == 0 && r.podSpec == nil && r.rawPodSpec == nil
}

type rebootMode uint8

const (
	noReboot rebootMode = iota
	rebootAfter
	rebootNow
)

// ownBags are the changes of our databags in one relation.
type ownBags struct {
	member          *membership
	touched         bool              // ours was read or written, so all of it is sent
	unit, app       map[string]string // changes; "" deletes
	unitNow, appNow map[string]string // with the changes; nil: to be made again
}

// otherBag is a databag read during this hook that no agent keeps for longer.
type otherBag struct {
	end  *End
	slot int32 // -1: the application's
	bag  *bag
}

// Unit returns the unit whose charm runs.
func (h *Hook) Unit() *Unit { return h.unit }

// Now returns the model's time.
func (h *Hook) Now() time.Time { return h.model.Now() }

// Event returns the event; nil for commands of juju-exec.
func (h *Hook) Event() events.Event {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	if h.event == nil {
		h.event = h.info.event(h.unit)
	}
	return h.event
}

// ContextID returns the hook's JUJU_CONTEXT_ID.
func (h *Hook) ContextID() string {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	return h.contextID()
}

func (h *Hook) contextID() string { return h.contextVariable()[len(contextVariable):] }

const contextVariable = "JUJU_CONTEXT_ID="

// contextVariable returns the variable with the hook's context ID.
func (h *Hook) contextVariable() string {
	if h.context == "" {
		h.model.contexts++
		c := chooser{state: h.model.opts.Seed ^ h.model.contexts<<20}
		var random [16]byte
		binary.BigEndian.PutUint64(random[:8], c.next())
		binary.BigEndian.PutUint64(random[8:], c.next())
		var room [128]byte
		text := append(append(room[:0], contextVariable...), h.unit.Name...)
		text = append(append(append(text, '-'), h.title()...), '-')
		h.context = string(hex.AppendEncode(text, random[:]))
	}
	return h.context
}

// title returns the hook's or action's name, as Juju's logs have it.
func (h *Hook) title() string {
	switch h.info.kind {
	case action:
		return h.info.action.Name
	case runCommands:
		return "run-commands"
	}
	return h.info.name()
}

// begin starts a hook of a unit.
func (m *Model) begin(u *Unit, info hookInfo) *Hook {
	m.clock.sync()
	h := &Hook{model: m, unit: u, info: info, logs: len(m.logs)}
	h.killAt = m.faults.killAt(m)
	switch info.kind {
	case install:
		if !u.workloadSet {
			u.setWorkload("maintenance", "installing charm software")
		}
	case stop:
		u.setWorkload("maintenance", "stopping charm software")
	case remove:
		u.setWorkload("maintenance", "cleaning up prior to charm deletion")
	case relationJoined, relationChanged, relationDeparted:
		info.member.invalidate(info.slot)
	case action:
		info.action.Status = "running"
	}
	if u.agent != nil {
		u.agent.running = h
		u.agent.statusDue = u.agent.statusDue && (info.kind == action || info.kind == runCommands) // hooks swallow it
	}
	if m.engine != nil {
		m.runs++
		h.run = m.runs
		m.report(h.reportOf(Began))
	}
	return h
}

// Outcome is how a hook ended.
type Outcome uint8

// The outcomes of a hook.
const (
	Succeeded    Outcome = iota
	Failed               // the charm failed
	FlushRefused         // the charm succeeded, but what it did was refused
	Killed               // the charm was killed by a signal; the hook runs again
	RebootNow            // the charm asked for a reboot at once; the hook runs again
)

var outcomeNames = [...]string{"ok", "failed", "flush refused", "killed", "reboot"}

// String returns "ok", "failed", "flush refused", "killed" or "reboot".
func (o Outcome) String() string { return outcomeNames[o] }

// finish ends a hook: what it wrote is committed, or dropped.
func (m *Model) finish(h *Hook, exit Exit) (Outcome, error) {
	m.clock.sync()
	h.over = true
	a := h.unit.agent
	if a != nil {
		a.running = nil
		a.wakeHost()
	}
	outcome, err := Succeeded, exit.Err
	switch {
	case h.reboot == rebootNow && h.info.kind != action:
		outcome = RebootNow
	case exit.Signal == syscall.SIGTERM || exit.Signal == syscall.SIGKILL || h.killed:
		outcome = Killed
	case exit.Code != 0 || exit.Signal != 0:
		outcome = Failed
		if err == nil {
			err = fmt.Errorf("exit status %d", exit.Code)
		}
	default:
		if h.deposed {
			m.elect(h.unit.app)
		}
		if flushErr := h.flush(); flushErr != nil {
			outcome, err = FlushRefused, flushErr
		}
	}
	if h.info.kind == action {
		h.finishAction(outcome, exit, err)
	}
	if h.info.kind == runCommands {
		h.finishCommands(outcome, exit, err)
	}
	if a != nil {
		h.final = exit.Final
		a.ended(h, outcome, err)
	}
	m.trace.add(h, outcome, err)
	h.reportEnd(outcome, exit, err)
	return outcome, err
}

// ended notes the end of a hook.
func (a *agent) ended(h *Hook, outcome Outcome, err error) {
	m := a.unit.app.model
	if h.info.kind == action || h.info.kind == runCommands {
		return
	}
	switch outcome {
	case Succeeded:
		a.failed, a.again = nil, nil
		a.unit.workloadSet = a.unit.workloadSet || h.statusSet
		if m.faults.happens(&m.faults.left.Repeat) { // the agent dies before it notes that the hook is done
			info := h.info
			a.again = &info
			break
		}
		a.done(h.info)
		if h.reboot == rebootAfter {
			a.rebooted = true
		}
	case Killed, RebootNow:
		info := h.info
		a.again, a.failed = &info, nil
		if outcome == RebootNow {
			a.rebooted = a.started
		}
	default:
		a.fail(h, err)
	}
	m.wake(a)
}

// fail notes that a hook failed: nothing but actions goes on before it has
// succeeded, or was resolved. Workload hooks are skipped instead: an agent
// looks at Pebble again every few seconds.
func (a *agent) fail(h *Hook, err error) {
	m := a.unit.app.model
	info := h.info
	a.again = nil
	if info.kind.isWorkload() {
		w := info.workload
		a.dropWorkload(w)
		w.failures, w.err, a.polled = w.failures+1, err, w
		if h.final || m.givesUp(w.failures) {
			return
		}
		m.clock.after(firstRetry, true, func() {
			if a.polled == w { // else the agent has looked at Pebble anew
				a.workload = append(a.workload, w)
				m.wake(a)
			}
		})
		return
	}
	if a.failed == nil || a.failed.info != info {
		a.failed = &failure{info: info}
	}
	f := a.failed
	f.attempts++
	f.due, f.skip, f.err = false, false, err
	f.status = Status{Status: "error", Message: fmt.Sprintf("hook failed: %q", failedName(info)), Since: m.clock.now, Data: failureData(info, a.unit)}
	if !m.opts.NoRetry && !h.final && !m.givesUp(f.attempts) {
		delay := min(firstRetry<<min(f.attempts-1, 10), lastRetry)
		m.clock.after(delay, true, func() {
			if a.failed == f {
				f.due = true
				m.wake(a)
			}
		})
	}
}

// givesUp reports whether a hook that has failed so often waits for an operator.
func (m *Model) givesUp(failures int) bool {
	return m.opts.Attempts > 0 && failures >= m.opts.Attempts
}

// failedName is the hook's name in the status of a unit.
func failedName(info hookInfo) string {
	if info.kind.isRelation() {
		return info.name()
	}
	return info.kind.String()
}

func failureData(info hookInfo, u *Unit) map[string]any {
	data := map[string]any{"hook": failedName(info)}
	if info.kind.isRelation() {
		data["relation-id"] = info.member.end.rel.ID
		if remote := info.remoteUnit(); remote != nil {
			data["remote-unit"] = info.member.end.unitName(remote)
		}
	}
	if info.kind.isSecret() {
		data["secret-uri"] = info.secret.uriFor(u)
		if label := info.secret.labelFor(u); label != "" {
			data["secret-label"] = label
		}
	}
	return data
}

// Resolve has a failed hook run again, or skips it.
func (u *Unit) Resolve(skip bool) error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.agent == nil || u.agent.failed == nil {
		return fmt.Errorf("cannot resolve unit %s: it is not in error", u.Name)
	}
	m.note("resolve unit %s", u.Name)
	f := *u.agent.failed // another failure: no time is set for this one
	f.due, f.skip, f.attempts = !skip, skip, 0
	u.agent.failed = &f
	m.wake(u.agent)
	return nil
}

var (
	_ hookcmd.Runner   = (*Hook)(nil)
	_ hookcmd.Answerer = (*Hook)(nil)
)
