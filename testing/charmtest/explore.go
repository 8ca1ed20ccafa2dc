// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"runtime"
	"testing"
	"time"
)

// ExploreOptions of [ExploreWith]. Zero fields mean the defaults.
type ExploreOptions struct {
	Schedules int    // how many seeds; default 1000
	FirstSeed uint64 // default 1
	Workers   int    // that run at once; default GOMAXPROCS
	// Model has the options of all models. Of a StorageDir each run has a directory of
	// its own, which is removed after it.
	Model ModelOptions
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
	e := &explorer{opts: o, scenario: scenario, guard: newGuard(t, nil)}
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
