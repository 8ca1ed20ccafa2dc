// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/internal/termtext"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// view is the live view for people: a line for each hook when it ends, and below
// it what it changed. Whatever comes from a charm is made harmless.
type view struct {
	color   bool
	verbose bool
	errors  io.Writer // for problems; nil: where everything goes

	mu       sync.Mutex
	out      io.Writer
	tally    tally
	unit     int    // width of that column
	pending  []byte // the beginning of a line that a script line prints
	progress progress
	above    io.Writer // a prompt that lines are written above; nil: there is none
}

func newView(out io.Writer, color, verbose bool) *view {
	return &view{out: out, color: color, verbose: verbose, unit: 8}
}

// maxChanges is how many changes of a hook are shown, unless all are asked for.
const maxChanges = 20

// indent is that of what a hook changed: below its unit.
const indent = "         "

// The codes of colors, as numbers of terminals' escape sequences.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
	bold   = "1"
)

// paint returns a clean text in a color, on a terminal.
func (v *view) paint(color, text string) string {
	if !v.color || color == "" || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// print writes whole lines, in place of the progress.
func (v *view) print(text string) {
	if v.above != nil {
		_, _ = io.WriteString(v.above, text)
		return
	}
	v.progress.erase(v.out)
	_, _ = io.WriteString(v.out, text)
}

// promptAt has lines written above the prompt of a terminal; nil ends that.
func (v *view) promptAt(above io.Writer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.above = above
}

func (v *view) start(b beginning) {
	v.mu.Lock()
	defer v.mu.Unlock()
	on := "machines"
	if b.Type == "caas" {
		on = "Kubernetes"
	}
	v.print(fmt.Sprintf("Juju %s (%s), seed %d, %s at once\n", termtext.Clean(b.Juju, valueLimit), on, b.Seed, count(b.Parallel, "hook")))
}

func (v *view) entry(e timeline.Entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tally.add(&e)
	if warning, ok := warningOf(&e); ok {
		v.tell(problemText(warning))
		return
	}
	if e.Kind != timeline.KindHook {
		v.print(fmt.Sprintf("%7s  %s\n", since(e.Start), v.paint(faint, "-- "+termtext.Clean(e.Text, 4*valueLimit))))
		return
	}
	v.progress.ran++
	var b strings.Builder
	v.hook(&b, &e)
	v.commands(&b, e.Commands)
	v.changes(&b, &e)
	v.failure(&b, &e)
	v.print(b.String())
}

// since returns a time since the beginning: "0.53s".
func since(seconds float64) string { return fmt.Sprintf("%.2fs", seconds) }

// hook writes the line of a hook.
func (v *view) hook(b *strings.Builder, e *timeline.Entry) {
	unit := termtext.Clean(e.Unit, valueLimit)
	v.unit = max(v.unit, utf8.RuneCountInString(unit))
	name := e.Hook
	if e.Remote != "" {
		name += " " + e.Remote
	}
	result, color := strings.ToUpper(e.Result), red
	switch e.Result {
	case "ok":
		result, color = e.Result, green
	case "skipped":
		result, color = e.Result, faint
	case "reboot":
		result, color = e.Result, yellow
	}
	result = termtext.Clean(result, valueLimit)
	padding := strings.Repeat(" ", max(0, len("skipped")-len(result)))
	fmt.Fprintf(b, "%7s  %-*s  %-38s  %s%s %7s\n", since(e.End), v.unit, unit, termtext.Clean(name, valueLimit), v.paint(color, result), padding, duration(e.End-e.Start))
}

func (v *view) commands(b *strings.Builder, commands []string) {
	for _, c := range commands {
		b.WriteString(indent + v.paint(faint, "$ "+termtext.Clean(c, 4*valueLimit)) + "\n")
	}
}

func (v *view) changes(b *strings.Builder, e *timeline.Entry) {
	for i, c := range e.Changes {
		if i == maxChanges && len(e.Changes) > maxChanges+1 && !v.verbose {
			fmt.Fprintf(b, "%s… and %d more changes; --verbose shows all\n", indent, len(e.Changes)-i)
			return
		}
		b.WriteString(indent + change(e.Unit, &c) + "\n")
	}
}

// change returns a change in one line, of a hook of a unit.
func change(unit string, c *timeline.Change) string {
	old, now, arrow := quote, quote, "→"
	switch c.Kind {
	case "status", "application status":
		if c.New != "" {
			return about(unit, c) + ": " + termtext.Clean(c.New, 2*valueLimit)
		}
	case "databag", "version":
	default: // what it says is the model's, not the charm's
		old = func(s string) string { return termtext.Clean(s, valueLimit) }
		now = old
	}
	switch {
	case c.New == "":
		return about(unit, c) + ": " + strings.TrimSpace(old(c.Old)+" "+arrow) + " " + goneWord(c.Kind)
	case c.Old == "":
		return about(unit, c) + ": " + now(c.New)
	}
	return about(unit, c) + ": " + old(c.Old) + " " + arrow + " " + now(c.New)
}

// goneWord says that something is not there any more.
func goneWord(kind string) string {
	if kind == "port" {
		return "closed"
	}
	return "deleted"
}

// about returns what a change changed.
func about(unit string, c *timeline.Change) string {
	words := []string{c.Kind, c.Relation}
	if c.Owner != unit || c.Kind == "databag" {
		words = append(words, c.Owner)
	}
	words = append(words, c.Key)
	text := ""
	for _, word := range words {
		if word != "" {
			text += " " + termtext.Clean(word, valueLimit)
		}
	}
	return strings.TrimPrefix(text, " ")
}

// failure writes why a hook failed.
func (v *view) failure(b *strings.Builder, e *timeline.Entry) {
	if e.Error != "" {
		b.WriteString(indent + v.paint(red, "error: "+termtext.Clean(e.Error, 4*valueLimit)) + "\n")
	}
	writeStderr(b, e.Stderr, indent)
}

func (v *view) line(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.print(v.paint(bold, "> "+termtext.Clean(text, 4*valueLimit)) + "\n")
}

// maxPending is how much of a line is waited for.
const maxPending = 64 << 10

// Write prints what a script line prints, by whole lines.
func (v *view) Write(text []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending = append(v.pending, text...)
	whole := bytes.LastIndexByte(v.pending, '\n')
	switch {
	case whole >= 0:
		v.print(v.harmless(string(v.pending[:whole])))
		v.pending = append(v.pending[:0], v.pending[whole+1:]...)
	case len(v.pending) > maxPending:
		v.flush()
	}
	return len(text), nil
}

// harmless returns lines as they can be printed: with the colors that tables
// have, and nothing else that does something to a terminal.
func (v *view) harmless(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		parts := []string{line}
		if v.color {
			parts = strings.Split(line, "\x1b[")
		}
		var b strings.Builder
		open := false
		for j, part := range parts {
			code, rest, ok := strings.Cut(part, "m")
			switch {
			case j == 0:
				b.WriteString(cleanLines(part, ""))
			case ok && (code == "0" || code == red || code == green || code == yellow):
				open = code != "0"
				b.WriteString("\x1b[" + code + "m" + cleanLines(rest, ""))
			default:
				b.WriteString(`\x1b[` + cleanLines(part, ""))
			}
		}
		if open {
			b.WriteString("\x1b[0m")
		}
		lines[i] = b.String()
	}
	return strings.Join(lines, "\n") + "\n"
}

// flush prints the end of what a script line printed.
func (v *view) flush() {
	if len(v.pending) > 0 {
		v.print(v.harmless(string(v.pending)))
		v.pending = v.pending[:0]
	}
}

func (v *view) settled(atLeast int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.progress.ran = 0
	if hooks, seconds := v.tally.take(); hooks >= atLeast {
		v.print(fmt.Sprintf("settled: %s in %s\n", count(hooks, "hook"), duration(seconds)))
	}
}

func (v *view) problem(message, _ string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tell(problemText(message))
}

// tell writes what is for a person to mind.
func (v *view) tell(text string) {
	if v.above != nil || v.errors == nil {
		v.print(text)
		return
	}
	v.progress.erase(v.out)
	_, _ = io.WriteString(v.errors, text)
}
