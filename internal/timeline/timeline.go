// SPDX-License-Identifier: Apache-2.0

// Package timeline tells what happened in a run of charms, hook by hook: as
// JSON, as a picture (SVG), and as a page (HTML) that needs a browser and
// nothing else. What charms wrote is hostile text to it: every output escapes
// all of it.
package timeline

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Run is what happened in a run, in the order in which it happened. The zero
// value is a run in which nothing happened.
type Run struct {
	Model   string   `json:"model"` // its name
	Juju    string   `json:"juju"`  // version
	Type    string   `json:"type"`  // "iaas" or "caas"
	Seed    uint64   `json:"seed"`
	Units   []string `json:"units"` // lanes; those that only entries name follow, in the order of appearance
	Entries []Entry  `json:"entries"`
}

// The kinds of entries.
const (
	KindHook = "hook"
	KindNote = "note"
)

// Entry is a hook that a unit ran, or a note. As JSON it leaves out what is
// zero, but for Kind and Start.
type Entry struct {
	Kind     string   `json:"kind"`          // KindHook or KindNote
	Start    float64  `json:"start"`         // seconds since the beginning of the run
	End      float64  `json:"end,omitempty"` // likewise
	Seq      int      `json:"seq,omitempty"` // number of this run of a hook, from 1, unlike any other's
	Unit     string   `json:"unit,omitempty"`
	Hook     string   `json:"hook,omitempty"`     // "db-relation-joined", "action backup", "juju-exec"
	Remote   string   `json:"remote,omitempty"`   // unit or application that a relation hook is about
	Relation string   `json:"relation,omitempty"` // "db:3"
	Result   string   `json:"result,omitempty"`   // "ok", "failed", "flush refused", "killed", "reboot", "skipped"
	Error    string   `json:"error,omitempty"`
	Stderr   string   `json:"stderr,omitempty"` // its end, of a hook that did not succeed
	Changes  []Change `json:"changes,omitempty"`
	Commands []string `json:"commands,omitempty"` // hook commands, if they were asked for
	Text     string   `json:"text,omitempty"`     // of a note: what an operator did, or who became the leader
	Cause    int      `json:"cause,omitempty"`    // Seq of the hook that wrote what this hook tells of; see [Run.Link]
}

// Change is something that a hook changed in the model.
type Change struct {
	Kind     string `json:"kind"`               // "databag", "status", "application status", "port", "secret", "state", …
	Owner    string `json:"owner,omitempty"`    // unit or application
	Relation string `json:"relation,omitempty"` // of a databag: "db:3", as the owner's end calls it
	Key      string `json:"key,omitempty"`
	Old      string `json:"old,omitempty"` // empty: none
	New      string `json:"new,omitempty"` // empty: none
}

// Format returns what writes a run to a file of that name, by its extension:
// .html, .svg or .json.
func Format(file string) (func(*Run, io.Writer) error, error) {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".html":
		return (*Run).WriteHTML, nil
	case ".svg":
		return (*Run).WriteSVG, nil
	case ".json":
		return (*Run).WriteJSON, nil
	}
	return nil, fmt.Errorf("cannot write timeline %q: the extension must be .html, .svg or .json", file)
}

// lanes returns the units of the run, each once: r.Units, and then those of
// which only entries know.
func (r *Run) lanes() []string {
	lanes := make([]string, 0, len(r.Units))
	seen := make(map[string]bool)
	add := func(unit string) {
		if !seen[unit] {
			seen[unit] = true
			lanes = append(lanes, unit)
		}
	}
	for _, unit := range r.Units {
		add(unit)
	}
	for _, e := range r.Entries {
		if e.Kind != KindNote {
			add(e.Unit)
		}
	}
	return slices.Clip(lanes)
}
