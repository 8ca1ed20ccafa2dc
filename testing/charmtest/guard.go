// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
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

// guard has a guard of t run the model's hooks. When t has failed, it logs the
// trace under a title.
func (m *Model) guard(t testing.TB, title func() string) {
	g := newGuard(t, m)
	m.watch = g.run
	t.Cleanup(func() {
		g.end()
		if trace := m.Trace(100); t.Failed() && trace != "" {
			t.Logf("%s\n%s", title(), trace)
		}
	})
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
		withRoom(f)
		returned = true
	}()
	timeout := g.model.opts.HookTimeout
	timer := time.NewTimer(timeout / 8) // until it is worth while to look
	defer timer.Stop()
	for steps := -1; ; {
		select {
		case returned := <-done:
			if !returned {
				g.exited()
			}
			return
		case <-timer.C:
			if now := g.model.juju.Steps(); now != steps { // it goes on
				steps = now
				timer.Reset(timeout)
				continue
			}
			text := g.blocked(g.model.juju, timeout)
			g.stuck = !g.release(done)
			g.t.Fatal(text)
		}
	}
}

// withRoom calls f on a stack that is large enough for a dispatch: to grow to
// that step by step costs as much as the dispatch.
//
//go:noinline
func withRoom(f func()) {
	var room [16 << 10]byte
	f()
	runtime.KeepAlive(&room)
}

// blocked says which handler does not return, and where it is.
func (g *guard) blocked(m *juju.Model, timeout time.Duration) string {
	return fmt.Sprintf("%s has not returned for %v, which is HookTimeout; it is here:\n%s", m.Running(), timeout, goroutines(g.id))
}

// exited ends the test, as a handler did that called FailNow or SkipNow.
func (g *guard) exited() {
	g.t.Helper()
	switch {
	case g.t.Skipped():
		g.t.SkipNow()
	case !g.t.Failed():
		g.t.Errorf("%s has ended its goroutine: by runtime.Goexit, or FailNow of another test", g.model.juju.Running())
	}
	g.t.FailNow()
}

// release ends the context of a handler that blocks, and reports whether it
// returns upon that.
func (g *guard) release(done <-chan bool) bool {
	g.model.stop(errors.New("a handler did not return within HookTimeout"))
	select {
	case <-done:
		return true
	case <-time.After(time.Second / 4):
		return false
	}
}

// mark has the goroutine, and those that it starts, be the guard's.
func (g *guard) mark() { pprof.SetGoroutineLabels(g.label) }

// end fails the test if goroutines that handlers started have outlived their
// dispatch.
func (g *guard) end() {
	g.t.Helper()
	leaked := g.leaked()
	g.report(g.model.juju.Late(), leaked)
}

// endOf is end of a guard of many models; late are the hook commands that came
// too late.
func (g *guard) endOf(late []string) {
	g.t.Helper()
	g.report(late, g.leaked())
}

func (g *guard) report(late []string, leaked string) {
	g.t.Helper()
	const rule = "a charm's process ends with its dispatch, and so must the goroutines that handlers start"
	switch {
	case len(late) > 0:
		g.t.Errorf("%s: %s", strings.Join(late, "\n"), rule)
	case leaked != "":
		g.t.Errorf("goroutines that handlers started still run: %s:\n%s", rule, leaked)
	}
}

// leaked returns the stacks of the goroutines that handlers started and that
// still run, waiting a little for those that are on their way out.
func (g *guard) leaked() string {
	if g.stuck {
		return "" // it was reported
	}
	for wait := time.Millisecond; wait < 2*time.Second; wait *= 2 {
		if goroutines(g.id) == "" {
			return ""
		}
		time.Sleep(wait)
	}
	return goroutines(g.id)
}

// goroutines returns the stacks of those with the label of a guard.
func goroutines(id string) string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1) // a Buffer takes everything
	var found []string
	for _, group := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(group, fmt.Sprintf(`"charmtest":%q`, id)) { // perhaps among the charm's own
			found = append(found, readable(group))
		}
	}
	return strings.Join(found, "\n\n")
}

// readable returns a stack of a profile as one of runtime.Stack looks:
// "#\t0x123\tmain.handler+0x45\t/home/me/charm.go:12" is a frame.
func readable(group string) string {
	var text strings.Builder
	for line := range strings.Lines(group) {
		columns := strings.FieldsFunc(line, func(r rune) bool { return r == '\t' || r == '\n' })
		if len(columns) == 4 {
			function, _, _ := strings.Cut(columns[2], "+0x")
			fmt.Fprintf(&text, "%s\n\t%s\n", function, columns[3])
		}
	}
	return cmp.Or(strings.TrimSpace(text.String()), "a goroutine that has not begun yet")
}
