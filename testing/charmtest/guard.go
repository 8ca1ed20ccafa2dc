// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// guard runs hooks for one test, and watches what the charm's handlers leave
// behind.
type guard struct {
	t     testing.TB
	model *Model
	label context.Context // marks the goroutines that handlers start
	id    string
	stuck bool
}

var guards atomic.Int64

func newGuard(t testing.TB, m *Model) *guard {
	id := strconv.FormatInt(guards.Add(1), 10)
	return &guard{t: t, model: m, id: id, label: pprof.WithLabels(context.Background(), pprof.Labels("charmtest", id))}
}

// run runs f, in a goroutine of its own: a handler that does not return fails
// the test instead of stopping it.
func (g *guard) run(f func()) {
	g.t.Helper()
	done := make(chan bool, 1)
	go func() {
		returned := false
		defer func() { done <- returned }()
		g.mark()
		f()
		returned = true
	}()
	timer := time.NewTimer(g.model.opts.HookTimeout)
	defer timer.Stop()
	for steps := -1; ; {
		select {
		case returned := <-done:
			if !returned { // a handler has called FailNow
				g.t.FailNow()
			}
			return
		case <-timer.C:
			if now := g.model.juju.Steps(); now != steps { // it goes on
				steps = now
				timer.Reset(g.model.opts.HookTimeout)
				continue
			}
			g.stuck = true
			g.t.Fatalf("%s has not returned for %v:\n%s", g.model.juju.Running(), g.model.opts.HookTimeout, stackOf("juju.(*Model).execute"))
		}
	}
}

// mark has the goroutine, and those that it starts, be the guard's.
func (g *guard) mark() { pprof.SetGoroutineLabels(g.label) }

// end fails the test if goroutines that handlers started still run.
func (g *guard) end() {
	g.t.Helper()
	g.endOf(g.model.juju.Late())
}

// endOf is end; late are the hook commands that came too late.
func (g *guard) endOf(late []string) {
	g.t.Helper()
	for _, text := range late {
		g.t.Errorf("%s: a goroutine of the charm has outlived its dispatch", text)
	}
	if g.stuck {
		return // reported
	}
	var leaked string
	for wait := time.Millisecond; wait < 2*time.Second; wait *= 2 {
		if leaked = goroutines(g.id); leaked == "" {
			return
		}
		time.Sleep(wait) // they may be on their way out
	}
	g.t.Errorf("goroutines that handlers started still run; a charm's process ends with its dispatch, and so must they:\n%s", leaked)
}

// goroutines returns the stacks of those with the label of a guard.
func goroutines(id string) string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1) // a Buffer takes everything
	var found []string
	for _, group := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(group, fmt.Sprintf("labels: {\"charmtest\":%q}", id)) {
			found = append(found, group)
		}
	}
	return strings.Join(found, "\n\n")
}

// stackOf returns the stacks of the goroutines that are in a function.
func stackOf(function string) string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(stack, function) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
