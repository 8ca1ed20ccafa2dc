// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// ReportKind is what a Report tells of.
type ReportKind uint8

// The kinds of reports.
const (
	Noted ReportKind = iota // something happened that is no hook: Text says what
	Began                   // a hook, an action or a juju-exec
	Ended                   // the same
	Gone                    // the unit is dead
)

// Report tells of something that happened in a model.
type Report struct {
	Kind ReportKind
	At   time.Time // of Options.Now if there is one, which no retry moves; else the model's
	Text string    // of Noted

	Unit     string
	Run      int    // number of the hook, from 1: the same when it ends
	Hook     string // "db-relation-joined", "action backup", "juju-exec"
	Relation string // of a relation hook: "db:3"
	Remote   string // the unit that a relation hook is about, or else the application

	// Of Ended:
	Outcome Outcome
	Missing bool     // the charm has no program for it
	Failed  string   // of an action that failed: its message; the outcome is that of the charm
	Err     error    // nil if the outcome is Succeeded
	Stderr  []byte   // the end of what the charm wrote there
	Logged  string   // the end of what it logged as an error
	Changes []Change // what changed in the model, in order; also what stays of a hook that failed
	Calls   []Recorded
}

// Change is something that a hook changed in the model. Contents of secrets and
// of the charm's state are left out.
type Change struct {
	Kind     string // "databag", "status", "application status", "port", "secret", "state", "version", "storage"
	Owner    string // unit or application
	Relation string // of a databag: "db:3"
	Key      string // of a databag and of state; the port, the secret's URI, the storage
	Old, New string // empty: none, or not told
}

// report adds a report for an Engine, if there is one.
func (m *Model) report(r Report) {
	if m.engine == nil {
		return
	}
	if r.At = m.clock.now; m.opts.Now != nil {
		r.At = m.opts.Now()
	}
	m.reports = append(m.reports, r)
	m.engine.signal()
}

// reportOf returns what the reports of a hook have in common.
func (h *Hook) reportOf(kind ReportKind) Report {
	r := Report{Kind: kind, Unit: h.unit.Name, Run: h.run, Hook: h.info.name()}
	switch h.info.kind {
	case action:
		r.Hook = "action " + h.info.action.Name
	case runCommands:
		r.Hook = "juju-exec"
	}
	if m := h.info.member; m != nil {
		r.Relation, r.Remote = m.end.name(), m.end.remoteName()
		if remote := h.info.remoteUnit(); remote != nil {
			r.Remote = m.end.unitName(remote)
		}
	}
	return r
}

// reportEnd adds the report of a hook's end.
func (h *Hook) reportEnd(outcome Outcome, exit Exit, err error) {
	if h.model.engine == nil {
		return
	}
	r := h.reportOf(Ended)
	r.Outcome, r.Missing, r.Stderr, r.Logged, r.Calls = outcome, exit.Missing, exit.Stderr, h.complaints, h.calls
	if outcome != Succeeded {
		r.Err = err
	}
	if act := h.info.action; act != nil && act.Status != "completed" {
		r.Failed = act.Message
	}
	r.Changes = h.changes
	for _, w := range h.writes {
		r.Changes = append(r.Changes, Change{Kind: "databag", Owner: w.Owner, Relation: w.Relation, Key: w.Key, Old: w.Old, New: w.New})
	}
	h.model.report(r)
}

// changed notes a change for the report of the hook's end.
func (h *Hook) changed(c Change) {
	if h.model.engine != nil && c.Old != c.New {
		h.changes = append(h.changes, c)
	}
}

// changedAll notes what a commit changed besides databags; before is the unit
// as it was.
func (h *Hook) changedAll(ports portSet, state map[string]string, storage int) {
	if h.model.engine == nil {
		return
	}
	u := h.unit
	was, now := portTexts(ports), portTexts(u.ports)
	for _, port := range sortedKeys(was, now) {
		h.changed(Change{Kind: "port", Owner: u.Name, Key: port, Old: was[port], New: now[port]})
	}
	for _, key := range sortedKeys(state, u.state) {
		old, had := state[key]
		value, has := u.state[key]
		switch {
		case has && (!had || old != value):
			h.changed(Change{Kind: "state", Owner: u.Name, Key: key, New: sizeOf(value)})
		case had && !has:
			h.changed(Change{Kind: "state", Owner: u.Name, Key: key, Old: sizeOf(old)})
		}
	}
	if storage < len(u.storage) {
		for _, s := range u.storage[storage:] {
			h.changed(Change{Kind: "storage", Owner: u.Name, Key: s.ID, New: "added"})
		}
	}
	if !h.model.is36 {
		h.changedSecrets()
	}
}

// portTexts returns the open ports with "open", or the endpoints they are open for.
func portTexts(p portSet) map[string]string {
	texts := make(map[string]string, len(p))
	for _, port := range p.byRange() {
		texts[port.PortRange.String()] = "open"
		if port.Endpoints != nil {
			texts[port.PortRange.String()] = fmt.Sprint("open for ", port.Endpoints)
		}
	}
	return texts
}

func sortedKeys[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = make(map[string]V)
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// sizeOf tells of a value without showing it.
func sizeOf(value string) string { return strconv.Itoa(len(value)) + " bytes" }

// changedSecrets notes what a commit did with secrets.
func (h *Hook) changedSecrets() {
	if h.rare == nil || h.model.engine == nil {
		return
	}
	c := &h.rare.secrets
	note := func(id, what string) {
		h.changed(Change{Kind: "secret", Owner: h.unit.Name, Key: "secret:" + id, New: what})
	}
	for _, s := range c.creates {
		what := "added"
		if s.label != "" {
			what += " as " + strconv.Quote(s.label)
		}
		note(s.ID, what)
	}
	for _, u := range c.updates {
		what := "changed"
		if s := h.model.secrets.byID[u.id]; s != nil && len(u.content) > 0 {
			what = "revision " + strconv.Itoa(s.latest)
		}
		note(u.id, what)
	}
	for _, g := range c.grants {
		subject := g.member.remoteApp().Name
		if g.unit != "" {
			subject = g.unit
		}
		note(g.secret.ID, "granted to "+subject)
	}
	for _, r := range c.revokes {
		note(r.id, "revoked from "+r.subject)
	}
	for _, d := range c.deletes {
		what := "removed"
		if !d.all {
			what = fmt.Sprint("removed revisions ", d.revisions)
		}
		note(d.id, what)
	}
}
