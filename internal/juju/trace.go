// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// trace is what happened in a model: 16 bytes for each hook, and more only for
// those that wrote to databags or failed.
type trace struct {
	records []record
	details map[int]*detail // by index of the record
	apps    []*Application
	writers []int // indexes of the records that have writes
}

// record is one hook, or a note if kind is noHook.
type record struct {
	app     uint16 // index in trace.apps
	kind    hookKind
	outcome Outcome
	slot    uint32 // of the unit
	rel     int32  // ID of the relation; -1: none
	remote  int32  // slot of the remote unit; -1: none
}

// detail is what a record has no room for.
type detail struct {
	text   string // of a note, an error
	name   string // of a hook that needs more than its kind
	writes []Write
	at     time.Time
}

// Write is a change of one key of a databag. An empty value is none.
type Write struct {
	Owner    string // unit or application
	Relation string // "db:3"
	Key      string
	Old, New string
}

func (t *trace) indexOf(a *Application) uint16 {
	for i, known := range t.apps {
		if known == a {
			return uint16(i)
		}
	}
	t.apps = append(t.apps, a)
	return uint16(len(t.apps) - 1)
}

func (t *trace) detail(i int) *detail {
	if t.details == nil {
		t.details = make(map[int]*detail)
	}
	d := t.details[i]
	if d == nil {
		d = &detail{}
		t.details[i] = d
	}
	return d
}

// add notes the end of a hook.
func (t *trace) add(h *Hook, outcome Outcome, err error) {
	r := record{app: t.indexOf(h.unit.app), kind: h.info.kind, outcome: outcome, slot: h.unit.slot, rel: -1, remote: h.info.slot}
	i := len(t.records)
	if m := h.info.member; m != nil {
		r.rel = int32(m.end.rel.ID)
	} else if name := h.info.describe(); name != h.info.kind.String() {
		t.detail(i).name = name
	}
	t.records = append(t.records, r)
	if err != nil {
		t.detail(i).text = err.Error()
	}
	if len(h.writes) > 0 {
		t.detail(i).writes = h.writes
		t.writers = append(t.writers, i)
	}
}

// note adds what happened that was no hook.
func (t *trace) note(at time.Time, format string, args ...any) {
	d := t.detail(len(t.records))
	d.text, d.at = fmt.Sprintf(format, args...), at
	t.records = append(t.records, record{kind: noHook, rel: -1, remote: -1})
}

// note is trace.note at the model's time.
func (m *Model) note(format string, args ...any) {
	m.clock.sync()
	m.trace.note(m.clock.now, format, args...)
	if m.engine != nil {
		m.engine.steps, m.engine.stuck = 0, nil
		m.report(Report{Kind: Noted, Text: fmt.Sprintf(format, args...)})
	}
}

// lastWrites returns the writes of the last n hooks that wrote.
func (t *trace) lastWrites(n int) []Write {
	var writes []Write
	for _, i := range t.writers[max(0, len(t.writers)-n):] {
		writes = append(writes, t.details[i].writes...)
	}
	return writes
}

// Steps returns how many hooks have run.
func (m *Model) Steps() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.trace.records {
		if r.kind != noHook {
			n++
		}
	}
	return n
}

// Note adds a line to the trace.
func (m *Model) Note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note(format, args...)
}

// WriteTrace writes the last n lines of what happened, all if n is 0: one line
// per hook, and one below it for each change of a databag.
func (m *Model) WriteTrace(w io.Writer, n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := 0
	if n > 0 {
		first = max(0, len(m.trace.records)-n)
	}
	if first > 0 {
		if _, err := fmt.Fprintf(w, "… %d earlier lines\n", first); err != nil {
			return err
		}
	}
	for i := first; i < len(m.trace.records); i++ {
		if err := m.trace.write(w, m, i); err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) write(w io.Writer, m *Model, i int) error {
	r, d := t.records[i], t.details[i]
	if r.kind == noHook {
		_, err := fmt.Fprintf(w, "%5d  -- %s -- %s\n", i+1, d.at.Format("15:04:05"), d.text)
		return err
	}
	app := t.apps[r.app]
	line := fmt.Sprintf("%5d  %-14s %s", i+1, app.units[r.slot].Name, t.hookName(r, d, app))
	if r.outcome != Succeeded {
		line += "  [" + r.outcome.String() + "]"
	}
	if d != nil && d.text != "" {
		line += "  " + d.text
	}
	if _, err := fmt.Fprintln(w, line); err != nil {
		return err
	}
	if d == nil {
		return nil
	}
	for _, c := range d.writes {
		change := strconv.Quote(c.New)
		switch {
		case c.New == "":
			change = "deleted"
		case c.Old != "":
			change += " (was " + strconv.Quote(c.Old) + ")"
		}
		if _, err := fmt.Fprintf(w, "       %14s   %s %s %s = %s\n", "", c.Relation, c.Owner, c.Key, change); err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) hookName(r record, d *detail, app *Application) string {
	if d != nil && d.name != "" {
		return d.name
	}
	if r.rel < 0 {
		return r.kind.String()
	}
	endpoint := app.relationEnds[r.rel]
	name := endpoint.Endpoint.Name + "-" + r.kind.String()
	if r.remote >= 0 {
		name += " (" + endpoint.other.App.units[r.remote].Name + ")"
	}
	return name
}
