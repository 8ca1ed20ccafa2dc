// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// recorder is a testing.TB that keeps what a test reports.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	logs     []string
	failed   bool
	skipped  bool
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Name() string      { return "recorded" }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool      { return r.failed || len(r.errors) > 0 }
func (r *recorder) Skipped() bool     { return r.skipped }
func (r *recorder) FailNow()          { r.failed = true; runtime.Goexit() }
func (r *recorder) SkipNow()          { r.skipped = true; runtime.Goexit() }
func (r *recorder) Fatal(args ...any) { r.add(fmt.Sprint(args...)); r.FailNow() }
func (r *recorder) Fatalf(format string, args ...any) {
	r.add(fmt.Sprintf(format, args...))
	r.FailNow()
}
func (r *recorder) Errorf(format string, args ...any) { r.add(fmt.Sprintf(format, args...)) }
func (r *recorder) Error(args ...any)                 { r.add(fmt.Sprint(args...)) }
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *recorder) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, text)
}

// record runs a test that may fail, and returns what it reported.
func record(test func(t testing.TB)) (errors, logs string) {
	r := &recorder{}
	run := func(f func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	run(func() { test(r) })
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		run(r.cleanups[i])
	}
	return strings.Join(r.errors, "\n"), strings.Join(r.logs, "\n")
}
