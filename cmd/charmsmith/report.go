// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// reporter shows a run: as the live view, or as lines of JSON. Its methods are
// safe for concurrent use; a Write is what a script line prints.
type reporter interface {
	io.Writer
	start(beginning)
	entry(timeline.Entry)
	line(text string)             // that is done next
	busy(doing string)            // something is waited for, until idle
	idle()                        // what was written is all
	settled(atLeast int)          // nothing is left to do; not worth a word if fewer hooks ran since the last time
	problem(message, line string) // may have several lines; of a script line, if that is not empty
	end(ending)
}

// beginning is what is known of a run before it.
type beginning struct {
	Juju     string `json:"juju"`
	Type     string `json:"type"`
	Seed     uint64 `json:"seed"`
	Parallel int    `json:"parallel"`
}

// ending is what is known of a run after it.
type ending struct {
	exit          int
	problem       string // what made exit what it is, if it was a problem
	units         []unitStatus
	failures      []desk.Failure
	unconnectable []string // "app/0 web"
	unrelocated   bool     // containers are not where charms may look for them
	status        string   // the tables
	kept          string   // directory; empty: it is not kept
	timeline      string   // file; empty: there is none
}

// unitStatus is the status of a unit.
type unitStatus struct {
	Unit    string `json:"unit"`
	Status  string `json:"status"`
	Message string `json:"message"`
	Leader  bool   `json:"leader"`
}

// tally counts the hooks that ran since the model was last settled.
type tally struct {
	hooks       int
	first, last float64 // when they began and ended, in seconds
}

func (t *tally) add(e *timeline.Entry) {
	if e.Kind != timeline.KindHook {
		return
	}
	if t.hooks == 0 || e.Start < t.first {
		t.first = e.Start
	}
	t.last = max(t.last, e.End)
	t.hooks++
}

// take returns the count and how long it took, and begins anew.
func (t *tally) take() (hooks int, seconds float64) {
	hooks, seconds = t.hooks, t.last-t.first
	*t = tally{}
	return hooks, seconds
}
