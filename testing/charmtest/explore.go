// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ExploreOptions of [ExploreWith]. Zero fields mean the defaults.
type ExploreOptions struct {
	Schedules int    // how many seeds; default 1000
	FirstSeed uint64 // default 1
	Workers   int    // that run at once; default GOMAXPROCS
	Model     ModelOptions
	// NoShrink reports a failure as it was found.
	NoShrink bool
}

// Explore runs a scenario in n models, each with another seed, and so in
// another order of events that Juju could choose. The scenario asserts on the
// model that it is given, never on t, and changes nothing but its own.
//
// The first failure is made smaller, and fails the test with its seed, its
// choices and the trace of what happened. The same seed fails again in the same
// way.
func Explore(t testing.TB, n int, scenario func(m *Model)) {
	t.Helper()
	ExploreWith(t, &ExploreOptions{Schedules: n}, scenario)
}

// ExploreWith is [Explore] with options.
func ExploreWith(t testing.TB, opts *ExploreOptions, scenario func(m *Model)) {
	t.Helper()
	var o ExploreOptions
	if opts != nil {
		o = *opts
	}
	if o.Model.Choices != "" || o.Model.Seed != 0 {
		t.Fatal("ExploreOptions.Model has Choices or a Seed, which are for NewModel; FirstSeed and Schedules say which seeds Explore tries")
	}
	if o.Schedules == 0 {
		o.Schedules = 1000
	}
	if o.FirstSeed == 0 {
		o.FirstSeed = 1
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Model.HookTimeout == 0 {
		o.Model.HookTimeout = 30 * time.Second
	}
	e := &explorer{t: t, opts: o, scenario: scenario, guard: newGuard(t, nil)}
	failed := e.explore()
	if failed == nil {
		e.guard.endOf(e.late)
		return
	}
	original := failed
	if !o.NoShrink && !failed.stuck {
		failed = e.shrink(failed)
	}
	t.Fatalf("%s", original.report(failed))
}

// explorer runs the schedules of one Explore.
type explorer struct {
	t        testing.TB
	opts     ExploreOptions
	scenario func(m *Model)
	guard    *guard
	charms   charms

	next   atomic.Int64
	failed atomic.Int64 // the lowest schedule that has failed, plus 1; 0: none

	mu    sync.Mutex
	found *schedule
	late  []string
}

// schedule is one run of the scenario; it is what its model reports to.
type schedule struct {
	model  *Model
	errors []string
	stuck  bool
	done   chan struct{}
}

func (s *schedule) Helper() {}

func (s *schedule) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func (s *schedule) FailNow() {
	if len(s.errors) == 0 {
		s.errors = append(s.errors, "FailNow was called")
	}
	runtime.Goexit()
}

// explore runs all schedules, and returns the failed one with the lowest seed.
func (e *explorer) explore() *schedule {
	var workers sync.WaitGroup
	for range min(e.opts.Workers, e.opts.Schedules) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				i := e.next.Add(1) - 1
				if failed := e.failed.Load(); i >= int64(e.opts.Schedules) || failed > 0 && i >= failed {
					return
				}
				opts := e.opts.Model
				opts.Seed = e.opts.FirstSeed + uint64(i)
				if s := e.run(&opts); len(s.errors) > 0 {
					e.note(i, s)
				}
			}
		}()
	}
	workers.Wait()
	return e.found
}

// note keeps the failed schedule with the lowest seed.
func (e *explorer) note(i int64, s *schedule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if failed := e.failed.Load(); failed == 0 || i < failed-1 {
		e.failed.Store(i + 1)
		e.found = s
	}
}

// run runs the scenario once. It has a goroutine of its own, which ends when an
// assertion fails, wherever that is.
func (e *explorer) run(opts *ModelOptions) *schedule {
	s := &schedule{done: make(chan struct{})}
	s.model = newModel(s, opts, &e.charms)
	s.model.watch = func(f func()) { f() }
	go func() {
		defer close(s.done)
		defer func() {
			if value := recover(); value != nil {
				s.errors = append(s.errors, fmt.Sprintf("the scenario panicked: %v\n%s", value, debug.Stack()))
			}
		}()
		e.guard.mark()
		withRoom(func() { e.scenario(s.model) })
	}()
	if stuck := e.wait(s); stuck != nil {
		return stuck
	}
	if late := s.model.juju.Late(); len(late) > 0 {
		e.mu.Lock()
		e.late = append(e.late, late...)
		e.mu.Unlock()
	}
	return s
}

// wait waits for a schedule. If a handler blocks, it returns another one, which
// says so: the goroutine of the first may go on with it.
func (e *explorer) wait(s *schedule) (stuck *schedule) {
	timeout := e.opts.Model.HookTimeout
	timer := time.NewTimer(timeout / 8) // until it is worth while to look
	defer timer.Stop()
	for steps := -1; ; {
		select {
		case <-s.done:
			return nil
		case <-timer.C:
		}
		if now := s.model.juju.Steps(); now != steps {
			steps = now
			timer.Reset(timeout)
			continue
		}
		stuck = &schedule{model: s.model, errors: []string{e.guard.blocked(s.model.juju, timeout)}, stuck: true}
		s.model.stop(errors.New("a handler did not return within HookTimeout"))
		select {
		case <-s.done:
		case <-time.After(time.Second / 4):
		}
		return stuck
	}
}

// report says what failed: s as it was found, small as it was shrunk.
func (s *schedule) report(small *schedule) string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d fails: %s\n", s.model.opts.Seed, strings.Join(small.errors, "\n"))
	if s != small {
		fmt.Fprintf(&text, "\nshrunk from %d hooks to %d; to repeat it: &charmtest.ModelOptions{Choices: %q}\n", s.model.Steps(), small.model.Steps(), encodeChoices(small.model.juju.Choices()))
	}
	fmt.Fprintf(&text, "to repeat the whole: &charmtest.ExploreOptions{FirstSeed: %d, Schedules: 1}\n\n%s", s.model.opts.Seed, small.model.Trace(200))
	return text.String()
}
