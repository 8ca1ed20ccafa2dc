// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

func TestEnsureStartsOnce(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	assert.Zero(t, find(t, spec.Dir), "before")

	first := ensure(t, spec)
	assert.Equal(t, daemon.Status{PID: first.PID, Started: true}, first)
	assert.Equal(t, daemon.Status{PID: first.PID}, ensure(t, spec), "a process that runs stays")
	assert.Equal(t, first.PID, find(t, spec.Dir))
}

func TestEnsureReplaces(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	spec.Env = []string{"SECRET=hunter2"}
	before := ensure(t, spec)
	for _, change := range []struct {
		what string
		make func()
	}{
		{"an argument", func() { spec.Args = append(spec.Args, "another") }},
		{"arguments that are split otherwise", func() { spec.Args = append(spec.Args[:2:2], "anoth", "er") }},
		{"a variable", func() { spec.Env = []string{"SECRET=hunter3"} }},
		{"no variable", func() { spec.Env = nil }},
	} {
		change.make()
		start := startOf(before.PID)
		after := ensure(t, spec)
		assert.Equal(t, daemon.Status{PID: after.PID, Started: true, Replaced: true}, after, change.what)
		assert.NotEqual(t, start, startOf(before.PID), "%s: the process before has ended", change.what)
		assert.Equal(t, daemon.Status{PID: after.PID}, ensure(t, spec), "%s: again", change.what)
		before = after
	}
	state, err := os.ReadFile(filepath.Join(spec.Dir, "state.json"))
	require.NoError(t, err)
	assert.NotContains(t, string(state), "hunter", "the environment may be secret")
}

func TestEnsureStartsAgainWhatWasKilled(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	before := ensure(t, spec)
	require.NoError(t, syscall.Kill(before.PID, syscall.SIGKILL))
	eventually(t, "end of the process", func() bool { return startOf(before.PID) == "" })
	assert.Zero(t, find(t, spec.Dir), "after its death")

	after := ensure(t, spec)
	assert.True(t, after.Started)
	assert.False(t, after.Replaced, "there was none to replace")
	assert.NotEqual(t, before.PID, after.PID)
}

func TestEnsureNewVersionOfProgram(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	spec.Program = filepath.Join(t.TempDir(), "charm")
	install := func(suffix string) {
		self, err := os.Executable()
		require.NoError(t, err)
		source, err := os.Open(self)
		require.NoError(t, err)
		defer source.Close()
		target, err := os.OpenFile(spec.Program+".new", os.O_WRONLY|os.O_CREATE, 0o700)
		require.NoError(t, err)
		_, err = io.Copy(target, source)
		require.NoError(t, err)
		_, err = io.WriteString(target, suffix)
		require.NoError(t, err)
		require.NoError(t, target.Close())
		require.NoError(t, os.Rename(spec.Program+".new", spec.Program))
	}
	state := func() string {
		text, err := os.ReadFile(filepath.Join(spec.Dir, "state.json"))
		require.NoError(t, err)
		return string(text)
	}
	install("1")
	before := ensure(t, spec)

	first := state()
	install("1")
	assert.Equal(t, daemon.Status{PID: before.PID}, ensure(t, spec), "the same content in a new file")
	second := state()
	assert.NotEqual(t, first, second, "the new file is known, and needs not be read again")
	assert.Equal(t, daemon.Status{PID: before.PID}, ensure(t, spec), "the same file")
	assert.Equal(t, second, state())

	install("2")
	after := ensure(t, spec)
	assert.True(t, after.Replaced, "another content")
	assert.NotEqual(t, before.PID, after.PID)
	assert.Equal(t, daemon.Status{PID: after.PID}, ensure(t, spec))
}

func TestEnsureConcurrently(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	const callers = 8
	var statuses [callers]daemon.Status
	var errs [callers]error
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { statuses[i], errs[i] = daemon.Ensure(t.Context(), spec) })
	}
	wg.Wait()
	started := 0
	for i := range callers {
		require.NoError(t, errs[i])
		assert.Equal(t, statuses[0].PID, statuses[i].PID, "one process for all")
		if statuses[i].Started {
			started++
		}
	}
	assert.Equal(t, 1, started, "callers that have started it")
}

func TestEnsureWaitsNoLongerThanContext(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	require.NoError(t, os.Mkdir(spec.Dir, 0o700))
	lock, err := os.Create(filepath.Join(spec.Dir, "start.lock"))
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = daemon.Ensure(ctx, spec)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "cannot lock directory")
	require.NoError(t, lock.Close())
	assert.True(t, ensure(t, spec).Started, "once the other has finished")
}

func BenchmarkEnsureRunning(b *testing.B) {
	spec := newSpec(b)
	ensure(b, spec)
	for b.Loop() {
		if status, err := daemon.Ensure(b.Context(), spec); err != nil || status.Started {
			b.Fatal(status, err)
		}
	}
}
