// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// stuck is a charm that waits for ever, with a child in its process group.
const stuck = `
sleep 1000 & echo $! > child
echo $$ > pid
wait`

func TestHookTimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{HookTimeout: 300 * time.Millisecond}, juju.Options{})
	u := r.idle(script(stuck))
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.Equal(t, juju.Failed, outcome)
	assert.EqualError(t, err, "the hook was killed after 300ms (--hook-timeout)")
	child := r.pid("app/0", "child")
	eventually(t, func() bool { return !runs(child) }, "the process group is killed")

	act := r.action(u, "act")
	assert.EqualError(t, act.Err, "the action was killed after 300ms (--hook-timeout)")
	assert.Equal(t, "failed", act.Status)
}

func TestHookKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(stuck))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		r.waitFile("app/0", "pid")
		cancel()
	}()
	_, outcome, _ := r.model.Dispatch(ctx, u, events.UpdateStatus{})
	assert.Equal(t, juju.Killed, outcome)
	assert.Equal(t, syscall.SIGKILL, r.exit().Signal)
	child := r.pid("app/0", "child")
	eventually(t, func() bool { return !runs(child) }, "the process group is killed")

	_, outcome, _ = r.model.Dispatch(ctx, u, events.UpdateStatus{}) // which has ended
	assert.Equal(t, juju.Killed, outcome)
}

// TestFaultKills is about a hook that the model kills at a hook command.
func TestFaultKills(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`
echo $JUJU_CONTEXT_ID >> tries
status-set active
echo went on >> went-on
[ $(wc -l < tries) = 2 ] || sleep 1000`))
	r.model.KillNext(1)
	_, outcome, _ := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.Equal(t, juju.Killed, outcome)
	_, outcome, err := r.model.Redo(t.Context(), u)
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, "active", u.Workload().Status)
}

// TestBusyProgram is about a program that somebody has open for writing, which a
// copy of this process may for a moment.
func TestBusyProgram(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script("true"))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	p := r.host.Paths("app/0")
	file, err := os.OpenFile(filepath.Join(p.CharmDir, "dispatch"), os.O_WRONLY, 0)
	require.NoError(t, err)
	ended := make(chan juju.Outcome, 1)
	go func() {
		_, outcome, _ := r.model.Dispatch(context.Background(), u, events.UpdateStatus{})
		ended <- outcome
	}()
	eventually(t, func() bool { _, err := os.Stat(p.Socket); return err == nil }, "the dispatch begins")
	require.NoError(t, file.Close())
	assert.Equal(t, juju.Succeeded, <-ended)
}

func TestSignals(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(files{"dispatch": "#!/bin/sh\nkill -$(cat signal) $$\n", "signal": "TERM"})
	_, outcome, _ := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.Equal(t, juju.Killed, outcome)
	assert.Equal(t, syscall.SIGTERM, r.exit().Signal)
	require.NoError(t, os.WriteFile(filepath.Join(r.host.Paths("app/0").CharmDir, "signal"), []byte("SEGV"), 0o600))
	_, outcome, err := r.model.Redo(t.Context(), u)
	assert.Equal(t, juju.Failed, outcome)
	assert.EqualError(t, err, "signal: segmentation fault")
	assert.Equal(t, syscall.SIGSEGV, r.exit().Signal)
}

// TestRemovedWhileItRuns is about a hook that runs when the unit, or all, ends.
func TestRemovedWhileItRuns(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*process.Host) error{
		"remove unit": func(h *process.Host) error { return h.RemoveUnit("app/0") },
		"close":       (*process.Host).Close,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, process.Options{}, juju.Options{})
			u := r.idle(script(stuck))
			ended := make(chan juju.Outcome, 1)
			go func() {
				_, outcome, _ := r.model.Dispatch(context.Background(), u, events.UpdateStatus{})
				ended <- outcome
			}()
			pid, child := r.pid("app/0", "pid"), r.pid("app/0", "child")
			require.NoError(t, end(r.host))
			assert.Equal(t, juju.Killed, <-ended)
			assert.False(t, runs(pid))
			assert.False(t, runs(child))
			assert.NoDirExists(t, r.host.Paths("app/0").AgentDir)
			require.NoError(t, end(r.host), "a second time")
			_, outcome, _ := r.model.Redo(t.Context(), u)
			assert.Equal(t, juju.Killed, outcome, "there is no unit any more")
			assert.NoDirExists(t, r.host.Paths("app/0").AgentDir)
		})
	}
}
