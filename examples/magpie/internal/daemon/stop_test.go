// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

func TestStop(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, nil), "no such directory")
	assert.NoDirExists(t, spec.Dir)

	status := ensure(t, spec)
	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, &daemon.StopOptions{Timeout: patience}))
	assert.Empty(t, startOf(status.PID), "it has ended when Stop returns")
	assert.Contains(t, readLog(t, spec.Dir), "terminated", "it had time to end by itself")
	assert.Zero(t, find(t, spec.Dir))
	assert.NoFileExists(t, filepath.Join(spec.Dir, "state.json"))

	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, nil), "again")
	assert.True(t, ensure(t, spec).Started, "it can be started again")
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, "stubborn")
	status := ensure(t, spec)
	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, &daemon.StopOptions{Timeout: 20 * time.Millisecond}))
	assert.Empty(t, startOf(status.PID))
}

func TestStopIsCancelled(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, "stubborn")
	status := ensure(t, spec)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := daemon.Stop(ctx, spec.Dir, &daemon.StopOptions{Timeout: patience})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "cannot stop process")
	assert.Equal(t, status.PID, find(t, spec.Dir), "it still runs")
}

func TestReplaceKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, "stubborn")
	spec.StopTimeout = 20 * time.Millisecond
	before := ensure(t, spec)
	spec.Env = []string{"NEW=1"}
	assert.True(t, ensure(t, spec).Replaced)
	assert.Empty(t, startOf(before.PID))
}

func TestStopWithoutDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	assert.Error(t, daemon.Stop(t.Context(), file, nil), "a file is no directory of a process")
}
