// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// BenchmarkHook compares a hook whose program does nothing with the same program
// started by os/exec alone, by turns. The difference is what a hook costs beyond
// its process.
func BenchmarkHook(b *testing.B) {
	for _, orphans := range []int{0, 50} {
		b.Run(fmt.Sprintf("orphans=%d", orphans), func(b *testing.B) {
			r := newRig(b, process.Options{}, juju.Options{})
			u := r.idle(files{"dispatch": "#!/bin/sh\n"})
			r.leave(u, orphans)
			r.compare(b, u)
		})
	}
	b.Run("containers", func(b *testing.B) {
		r := newPebbleRig(b)
		if !r.host.Relocates() {
			b.Skip("this system gives no mount namespaces")
		}
		u := r.inContainers(files{"dispatch": "#!/bin/sh\n"}, 1)[0]
		r.leave(u, 0)
		r.compare(b, u)
	})
}

// compare runs hooks of a unit, and the same program alone.
func (r *rig) compare(b *testing.B, u *juju.Unit) {
	b.Helper()
	program, err := exec.LookPath("true")
	require.NoError(b, err)
	dispatch := filepath.Join(r.host.Paths("app/0").CharmDir, "dispatch")
	require.NoError(b, os.Remove(dispatch))
	require.NoError(b, os.Symlink(program, dispatch))
	h, _, err := r.model.Dispatch(b.Context(), u, events.UpdateStatus{})
	require.NoError(b, err)
	env := h.Environ()
	var alone, hook costs
	for b.Loop() {
		alone.add(func() {
			cmd := exec.Command(dispatch)
			cmd.Env, cmd.Dir = env, filepath.Dir(dispatch)
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		})
		hook.add(func() {
			if _, outcome, err := r.model.Dispatch(b.Context(), u, events.UpdateStatus{}); outcome != juju.Succeeded {
				b.Fatal(err)
			}
		})
	}
	b.ReportMetric(micros(alone.median()), "alone-µs/op")
	b.ReportMetric(micros(hook.median()), "hook-µs/op")
	b.ReportMetric(micros(hook.median()-alone.median()), "difference-µs/op")
	b.ReportMetric(float64(hook.median())/float64(alone.median()), "ratio")
	b.ReportMetric(micros(hook.cpu-alone.cpu)/float64(b.N), "difference-cpu-µs/op")
}

// costs are the costs of some runs.
type costs struct {
	wall []time.Duration
	cpu  time.Duration // of this process
}

func (c *costs) add(run func()) {
	began, cpu := time.Now(), cpuTime()
	run()
	c.cpu += cpuTime() - cpu
	c.wall = append(c.wall, time.Since(began))
}

func (c *costs) median() time.Duration {
	slices.Sort(c.wall)
	return c.wall[len(c.wall)/2]
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// leave has the unit leave processes.
func (r *rig) leave(u *juju.Unit, n int) {
	r.t.Helper()
	c := r.exec(u, fmt.Sprintf("for i in $(seq %d); do setsid sleep 1000 >/dev/null 2>&1 & done", n))
	require.Zero(r.t, c.Code)
}
