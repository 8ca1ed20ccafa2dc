// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// failure is the hook that a unit is in error with.
type failure struct {
	hook   string
	err    error
	stderr string
}

// report is told by the engine what happens.
func (d *Desk) report(r juju.Report) {
	at := r.At.Sub(d.start).Seconds()
	switch r.Kind {
	case juju.Noted:
		d.watch(timeline.Entry{Kind: "note", Start: at, Text: r.Text})
	case juju.Began:
		d.hookBegan(r, at)
	case juju.Ended:
		d.hookEnded(r, at)
	case juju.Gone:
		d.watch(timeline.Entry{Kind: "note", Start: at, Unit: r.Unit, Text: r.Unit + " is gone"})
		if err := d.host.RemoveUnit(r.Unit); err != nil {
			d.warn(r.Unit, err.Error())
		}
		d.mu.Lock()
		delete(d.failing, r.Unit)
		delete(d.absent, r.Unit)
		d.mu.Unlock()
	}
}

func (d *Desk) hookBegan(r juju.Report, at float64) {
	d.mu.Lock()
	d.began[r.Run] = at
	first := !d.seen[r.Unit]
	d.seen[r.Unit] = true
	d.mu.Unlock()
	if first {
		d.startContainers(r.Unit)
	}
}

// startContainers starts the containers of a unit that begins its first hook.
func (d *Desk) startContainers(unit string) {
	u := d.model.Unit(unit)
	if u == nil || u.Application().Charm() == nil {
		return
	}
	switch containers := u.Application().Charm().Containers; {
	case len(containers) == 0:
	case d.opts.Pebble == "":
		d.mu.Lock()
		d.absent[unit] = slices.Sorted(maps.Keys(containers))
		d.mu.Unlock()
	default:
		d.mu.Lock()
		d.moved = !d.host.Relocates()
		d.mu.Unlock()
		d.host.AddContainers(unit, containers)
	}
}

// ready is told that a Pebble answers.
func (d *Desk) ready(unit, container string) {
	d.mu.Lock()
	d.absent[unit] = slices.DeleteFunc(d.absent[unit], func(name string) bool { return name == container })
	d.mu.Unlock()
	if u := d.model.Unit(unit); u != nil {
		_ = u.RestartWorkload(container) // a unit that is gone meanwhile needs none
	}
}

func (d *Desk) hookEnded(r juju.Report, at float64) {
	d.mu.Lock()
	e := timeline.Entry{
		Kind: "hook", Start: d.began[r.Run], End: at, Seq: r.Run, Unit: r.Unit, Hook: r.Hook, Remote: r.Remote, Relation: r.Relation,
		Result: r.Outcome.String(),
	}
	delete(d.began, r.Run)
	switch {
	case r.Failed != "":
		e.Result, e.Error = "failed", r.Failed
	case r.Missing:
		e.Result = "skipped"
	}
	if r.Err != nil {
		e.Error, e.Stderr = r.Err.Error(), string(r.Stderr)
		if strings.TrimSpace(e.Stderr) == "" {
			e.Stderr = r.Logged
		}
	}
	for _, c := range r.Changes {
		e.Changes = append(e.Changes, timeline.Change(c))
	}
	for _, c := range r.Calls {
		e.Commands = append(e.Commands, c.String())
	}
	if r.Outcome == juju.Failed || r.Outcome == juju.FlushRefused {
		d.failing[r.Unit] = failure{r.Hook, r.Err, e.Stderr}
	}
	d.mu.Unlock()
	level, text := "INFO", "ran "+r.Hook
	if r.Outcome != juju.Succeeded {
		level, text = "ERROR", fmt.Sprintf("%s: %s: %s", r.Hook, r.Outcome, e.Error)
	}
	d.log.add(time.Now(), r.Unit, level, "unit."+r.Unit, text)
	d.watch(e)
}

// watch keeps an entry, and tells of it.
func (d *Desk) watch(e timeline.Entry) {
	if d.opts.Timeline {
		d.mu.Lock()
		d.run.Entries = append(d.run.Entries, e)
		d.mu.Unlock()
	}
	if d.opts.Watch != nil {
		d.opts.Watch(e)
	}
}

// warn tells a person of something that is not right, but goes on.
func (d *Desk) warn(unit, text string) {
	if unit != "" {
		text = unit + ": " + text
	}
	d.model.Note("warning: %s", text)
}

// Failure is a unit in error.
type Failure struct {
	Unit   string
	Hook   string
	Err    error
	Stderr string // the beginning and the end of what the charm wrote there
}

// Failures returns the units that are in error, by name.
func (d *Desk) Failures() []Failure {
	var failures []Failure
	for _, app := range d.model.Applications() {
		for _, u := range app.Units() {
			err := u.Failure()
			if err == nil {
				continue
			}
			d.mu.Lock()
			f := d.failing[u.Name]
			d.mu.Unlock()
			failures = append(failures, Failure{Unit: u.Name, Hook: f.hook, Err: err, Stderr: f.stderr})
		}
	}
	return failures
}

// Unconnectable returns the containers whose Pebble has never answered, or that
// have none, as none was found: "app/0 web".
func (d *Desk) Unconnectable() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, unit := range slices.Sorted(maps.Keys(d.absent)) {
		for _, container := range d.absent[unit] {
			all = append(all, unit+" "+container)
		}
	}
	return all
}

// Unrelocated reports whether there have been containers with a Pebble that a
// charm finds at $CHARMSMITH_CONTAINERS only, and not at /charm/containers: this
// system gives no mount namespaces then.
func (d *Desk) Unrelocated() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.moved
}

// findPebble returns the pebble program, "" if there is none.
func findPebble(asked string) (string, error) {
	switch asked {
	case "-":
		return "", nil
	case "":
		found, err := exec.LookPath("pebble")
		if err != nil {
			return "", nil //nolint:nilerr // then there is none
		}
		return found, nil
	}
	info, err := os.Stat(asked)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &UsageError{fmt.Errorf("cannot use pebble %q: there is no such file", asked)}
	case err != nil:
		return "", &UsageError{fmt.Errorf("cannot use pebble %q: %w", asked, err)}
	case info.IsDir() || info.Mode()&0o111 == 0:
		return "", &UsageError{fmt.Errorf("cannot use pebble %q: it is no program", asked)}
	}
	return filepath.Abs(asked)
}
