// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Step runs the next hook of one of the units that have something to do, and
// reports whether there was one.
func (m *Model) Step(ctx context.Context) bool {
	h := m.begins()
	if h == nil {
		return false
	}
	m.execute(ctx, h)
	return true
}

// begins starts the next hook; nil if no unit has one.
func (m *Model) begins() *Hook {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.beginNext()
}

// beginNext is begins with the lock held.
func (m *Model) beginNext() *Hook {
	for len(m.runnable) > 0 {
		a := m.runnable[m.choose.pick(len(m.runnable))]
		if a.hostRuns() {
			m.sleep(a) // until that hook has ended
			continue
		}
		if m.faults.strike(m, a) {
			continue
		}
		info, ok := a.next()
		if !ok {
			a.rest()
			continue
		}
		if a.skips(info) {
			continue
		}
		return m.begin(a.unit, info)
	}
	return nil
}

// hostRuns reports whether a hook runs on the unit's machine: Juju runs one at a
// time of a unit, its principal and its subordinates.
func (a *agent) hostRuns() bool {
	if a.running != nil {
		return true
	}
	runs := false
	a.neighbours(func(other *agent) { runs = runs || other.running != nil })
	return runs
}

// wakeHost has those look for work whom a hook of the unit kept waiting.
func (a *agent) wakeHost() {
	m := a.unit.app.model
	if m.engine == nil {
		return // nobody waited
	}
	m.wake(a)
	a.neighbours(m.wake)
}

// neighbours calls f for the other agents on the unit's machine.
func (a *agent) neighbours(f func(*agent)) {
	host := a.unit
	if host.app.model.opts.CAAS || host.principal == nil && len(host.subordinates) == 0 {
		return
	}
	if host.principal != nil {
		if host = host.principal; host.agent != nil {
			f(host.agent)
		}
	}
	for _, u := range host.subordinates {
		if u != a.unit && u.agent != nil {
			f(u.agent)
		}
	}
}

// skips notes hooks that Juju takes for done without running them, and reports
// whether this is one.
func (a *agent) skips(info hookInfo) bool {
	if f := a.failed; f != nil && f.skip && info.kind == f.info.kind {
		a.failed, a.statusDue = nil, false
		a.done(info)
		return true
	}
	if info.kind == leaderElected && !a.unit.isLeader() { // it was lost between two tries
		a.failed, a.again = nil, nil
		return true
	}
	if info.kind.isSecret() && a.skipsSecret(info) {
		return true
	}
	return info.kind == action && !a.prepareAction(info.action)
}

// SettleError says why a model does not come to rest.
type SettleError struct {
	Steps  int
	Reason string
}

// Error says what still runs.
func (e *SettleError) Error() string {
	return fmt.Sprintf("the model does not settle: after %d hooks %s", e.Steps, e.Reason)
}

// SettleOptions bound how long [Model.Settle] goes on. Zero fields mean the defaults.
type SettleOptions struct {
	// Steps is after how many hooks without rest it gives up. Default: 1000
	// and, for each unit, 100 and 20 for each other unit it is related to.
	Steps int
	// Attempts is how often a hook may fail in a row. Default 4.
	Attempts int
}

// Settle runs hooks until no unit has one, moving the time to the retries of
// those that failed. An error is a *SettleError, or that of ctx.
func (m *Model) Settle(ctx context.Context, opts *SettleOptions) (steps int, err error) {
	var o SettleOptions
	if opts != nil {
		o = *opts
	}
	if o.Steps == 0 {
		o.Steps = m.patience()
	}
	if o.Attempts == 0 {
		o.Attempts = 4
	}
	for {
		for m.Step(ctx) {
			if steps++; steps >= o.Steps {
				return steps, &SettleError{steps, m.busy()}
			}
			if ctx.Err() != nil {
				return steps, context.Cause(ctx)
			}
		}
		switch tried, stuck := m.retry(o.Attempts); {
		case stuck != "":
			return steps, &SettleError{steps, stuck}
		case !tried:
			return steps, nil
		}
	}
}

// patience returns after how many hooks a model is said not to settle.
func (m *Model) patience() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.patienceNow()
}

func (m *Model) patienceNow() int {
	steps := 1000
	for _, a := range m.apps {
		for _, u := range a.units {
			if u.life == Dead || u.agent == nil {
				continue
			}
			steps += 100
			for _, mem := range u.agent.members {
				steps += 20 * mem.remoteApp().alive
			}
		}
	}
	return steps
}

// retry moves the time to the next retry, unless a hook has failed too often;
// then it says so.
func (m *Model) retry(attempts int) (tried bool, stuck string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opts.NoRetry {
		return false, ""
	}
	for _, a := range m.apps {
		for _, u := range a.units {
			if u.agent == nil || u.life == Dead {
				continue
			}
			if f := u.agent.failed; f != nil && f.attempts >= attempts {
				return false, fmt.Sprintf("%s of unit %s has failed %d times: %v", f.info.describe(), u.Name, f.attempts, f.err)
			}
			if w := u.agent.polled; w != nil && w.failures >= attempts {
				return false, fmt.Sprintf("%s-%s of unit %s has failed %d times: %v", w.Container, w.kind, u.Name, w.failures, w.err)
			}
		}
	}
	at, ok := m.clock.nextRetry()
	if !ok {
		return false, ""
	}
	for m.clock.fireNext(at) {
	}
	return true, ""
}

// describe names a hook, with the unit it is about.
func (i hookInfo) describe() string {
	name := i.name()
	switch i.kind {
	case action:
		name = "action " + i.action.Name
	case runCommands:
		name = "juju-exec"
	}
	if remote := i.remoteUnit(); remote != nil {
		name += " (" + remote.Name + ")"
	}
	return name
}

// Advance moves the time, firing on its way what is due (update-status, the
// rotation and expiry of secrets, retries of failed hooks), and settles the
// model after each.
func (m *Model) Advance(ctx context.Context, d time.Duration, opts *SettleOptions) (steps int, err error) {
	m.mu.Lock()
	m.clock.sync()
	end := m.clock.now.Add(d)
	m.mu.Unlock()
	for {
		n, err := m.Settle(ctx, opts)
		steps += n
		if err != nil {
			return steps, err
		}
		m.mu.Lock()
		fired := m.clock.fireNext(end)
		if !fired {
			m.clock.moveTo(end)
		}
		m.mu.Unlock()
		if !fired {
			return steps, nil
		}
	}
}

// tick makes update-status due for all units.
func (m *Model) tick() {
	for _, a := range m.apps {
		for _, u := range a.units {
			if u.agent != nil && u.life != Dead {
				u.agent.statusDue = true
				m.wake(u.agent)
			}
		}
	}
	m.clock.after(updateStatusInterval, false, m.tick)
}

// UpdateStatus makes update-status due for the application's units.
func (a *Application) UpdateStatus() {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	a.model.note("update-status of %s", a.Name)
	for _, u := range a.units {
		if u.agent != nil && u.life != Dead {
			u.agent.statusDue = true
			a.model.wake(u.agent)
		}
	}
}

// busy says what a model that does not settle is doing: the units that write to
// each other, if some do.
func (m *Model) busy() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.busyWith()
}

func (m *Model) busyWith() string {
	type writer struct{ who, relation, key string }
	counts := make(map[writer]int)
	for _, w := range m.trace.lastWrites(200) {
		counts[writer{w.Owner, w.Relation, w.Key}]++
	}
	writers := make([]writer, 0, len(counts))
	for w := range counts {
		writers = append(writers, w)
	}
	slices.SortFunc(writers, func(x, y writer) int {
		if counts[x] != counts[y] {
			return counts[y] - counts[x]
		}
		return strings.Compare(x.who+x.relation+x.key, y.who+y.relation+y.key)
	})
	var parts []string
	for _, w := range writers {
		if counts[w] > 2 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%s keeps writing %q in relation %s (%d of the last writes)", w.who, w.key, w.relation, counts[w]))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	var names []string
	for _, a := range m.runnable {
		names = append(names, a.unit.Name)
	}
	slices.Sort(names)
	return "these units still have hooks to run: " + strings.Join(names, ", ")
}
