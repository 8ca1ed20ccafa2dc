// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/termtext"
)

func (v *view) end(e ending) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	if e.status != "" {
		b.WriteString("\n" + e.status)
	}
	v.failures(&b, e.failures)
	var notes []string
	if len(e.unconnectable) > 0 {
		notes = append(notes, unconnectable(e.unconnectable))
	}
	if e.unrelocated {
		notes = append(notes, "containers are at $CHARMSMITH_CONTAINERS, and not at /charm/containers: this system gives no mount namespaces")
	}
	if e.kept != "" {
		notes = append(notes, fmt.Sprintf("kept in %s: the units' directories, and the log as debug.log", termtext.Clean(e.kept, 4*valueLimit)))
	}
	if e.timeline != "" {
		notes = append(notes, "timeline: "+termtext.Clean(e.timeline, 4*valueLimit))
	}
	if len(notes) > 0 {
		b.WriteString("\n" + strings.Join(notes, "\n") + "\n")
	}
	v.print(b.String())
}

// How many failures the end tells in full, and how many names of units it lists.
const (
	maxFailures = 5
	maxNames    = 10
)

// failures writes which units are in error: those with equal failures together.
func (v *view) failures(b *strings.Builder, all []desk.Failure) {
	type kind struct{ hook, err, stderr string }
	units := make(map[kind][]string)
	var kinds []kind
	for _, f := range all {
		k := kind{f.Hook, fmt.Sprint(f.Err), f.Stderr}
		if units[k] == nil {
			kinds = append(kinds, k)
		}
		units[k] = append(units[k], termtext.Clean(f.Unit, valueLimit))
	}
	for _, k := range kinds[:min(len(kinds), maxFailures)] {
		fmt.Fprintf(b, "\n%s\n", v.paint(red, fmt.Sprintf("%s in error: %s: %s", areThese(units[k]),
			cmp.Or(termtext.Clean(k.hook, valueLimit), "a hook"), termtext.Clean(k.err, 4*valueLimit))))
		writeStderr(b, k.stderr, "  ")
	}
	var rest []string
	for _, k := range kinds[min(len(kinds), maxFailures):] {
		rest = append(rest, units[k]...)
	}
	if len(rest) > 0 {
		fmt.Fprintf(b, "\n%s\n", v.paint(red, fmt.Sprintf("%s more in error: %s", count(len(rest), "unit"), someOf(rest))))
	}
}

// areThese returns "a/0 is" or "a/0, a/1 are".
func areThese(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return someOf(names) + " are"
}

// someOf returns the first of the names, and how many more there are.
func someOf(names []string) string {
	if more := len(names) - maxNames; more > 1 {
		names = append(slices.Clone(names[:maxNames]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// unconnectable says which containers had no Pebble.
func unconnectable(containers []string) string {
	var names []string
	for _, c := range containers {
		unit, name, _ := strings.Cut(c, " ")
		names = append(names, termtext.Clean(name, valueLimit)+" of "+termtext.Clean(unit, valueLimit))
	}
	what := "container"
	if len(names) > 1 {
		what = "containers"
	}
	if more := len(names) - 6; more > 1 {
		names = append(names[:6], fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("cannot connect to %s %s: no pebble was found on PATH, or it does not answer; --pebble names one", what, strings.Join(names, ", "))
}
