// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// explorer runs the schedules of one Explore.
type explorer struct {
	opts     ExploreOptions
	scenario func(m *Model)
	guard    *guard
	charms   charms

	next   atomic.Int64
	runs   atomic.Int64
	failed atomic.Int64 // the lowest schedule that has failed, plus 1; 0: none

	mu    sync.Mutex
	found *schedule
	late  []string
}

// schedule is one run of the scenario; it is what its model reports to.
type schedule struct {
	number  int64
	storage string // the directory of its own; empty: none
	model   *Model
	errors  []string
	stuck   bool
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
	// The models are small and short-lived. Beside memory that is never touched,
	// and so costs none, the garbage collector runs every 64 MB, not every 4.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	workers := make([]worker, min(e.opts.Workers, e.opts.Schedules))
	var running sync.WaitGroup
	for i := range workers {
		running.Add(1)
		go withRoom(func() { e.work(&workers[i], running.Done) })
	}
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	if stuck := e.watch(workers, ended); stuck != nil {
		return stuck
	}
	return e.found
}

// worker runs one schedule after the other.
type worker struct {
	current atomic.Pointer[schedule]

	// What the watch saw last.
	seen  *schedule
	steps int
	since time.Time
}

// work runs schedules until there are no more. A failed assertion ends the
// goroutine, wherever it is; then another one goes on with the work.
func (e *explorer) work(w *worker, done func()) {
	var s *schedule
	defer func() {
		if s == nil {
			done()
			return
		}
		e.note(s)
		go withRoom(func() { e.work(w, done) })
	}()
	e.guard.mark()
	for {
		i := e.next.Add(1) - 1
		if failed := e.failed.Load(); i >= int64(e.opts.Schedules) || failed > 0 && i >= failed {
			s = nil
			return
		}
		opts := e.opts.Model
		opts.Seed = e.opts.FirstSeed + uint64(i)
		s = e.schedule(i, &opts)
		w.current.Store(s)
		e.play(s)
		e.note(s)
	}
}

func (e *explorer) schedule(number int64, opts *ModelOptions) *schedule {
	s := &schedule{number: number}
	if opts.StorageDir != "" { // which is nobody else's, whatever ran there before
		own := *opts
		s.storage = filepath.Join(opts.StorageDir, strconv.FormatInt(e.runs.Add(1), 10))
		own.StorageDir, opts = s.storage, &own
	}
	s.model = newModel(s, opts, &e.charms)
	s.model.watch = func(f func()) { f() }
	return s
}

// play runs the scenario in a schedule.
func (e *explorer) play(s *schedule) {
	returned := false
	if s.storage != "" {
		defer os.RemoveAll(s.storage)
	}
	defer func() {
		if value := recover(); value != nil {
			s.errors = append(s.errors, fmt.Sprintf("the scenario panicked: %v\n%s", value, debug.Stack()))
		} else if !returned && len(s.errors) == 0 {
			s.errors = append(s.errors, "the scenario has ended its goroutine: it asserts on the model that it is given, not on t")
		}
	}()
	e.scenario(s.model)
	returned = true
}

// note keeps what is left of a schedule: the failed one with the lowest seed.
func (e *explorer) note(s *schedule) {
	late := s.model.juju.Late()
	if len(late) == 0 && len(s.errors) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.late = append(e.late, late...)
	if failed := e.failed.Load(); len(s.errors) > 0 && (failed == 0 || s.number < failed-1) {
		e.failed.Store(s.number + 1)
		e.found = s
	}
}

// watch waits for the workers to end. If a handler blocks, it returns a schedule
// that says so; the worker is left behind with it.
func (e *explorer) watch(workers []worker, ended <-chan struct{}) (stuck *schedule) {
	timeout := e.opts.Model.HookTimeout
	ticker := time.NewTicker(timeout / 8)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-ticker.C:
		}
		for i := range workers {
			if w := &workers[i]; w.blocks(timeout) {
				return e.release(w.seen)
			}
		}
	}
}

// blocks reports whether a worker has run no hook to its end for that long.
func (w *worker) blocks(timeout time.Duration) bool {
	s := w.current.Load()
	if s == nil {
		return false
	}
	if steps := s.model.juju.Steps(); s != w.seen || steps != w.steps {
		w.seen, w.steps, w.since = s, steps, time.Now()
	}
	return time.Since(w.since) >= timeout
}

// release ends the context of a handler that blocks. What it returns is not the
// schedule itself, with which the handler's goroutine may go on.
func (e *explorer) release(s *schedule) *schedule {
	e.failed.Store(1) // the other workers begin no more
	blocked := e.guard.blocked(s.model.juju, e.opts.Model.HookTimeout)
	s.model.stop(errors.New("a handler did not return within HookTimeout"))
	return &schedule{model: s.model, errors: []string{blocked}, stuck: true}
}

// run runs the scenario once, in a goroutine of its own.
func (e *explorer) run(opts *ModelOptions) *schedule {
	workers, ended := make([]worker, 1), make(chan struct{})
	s := e.schedule(0, opts)
	workers[0].current.Store(s)
	go withRoom(func() {
		defer close(ended)
		e.guard.mark()
		e.play(s)
	})
	if stuck := e.watch(workers, ended); stuck != nil {
		return stuck
	}
	return s
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
