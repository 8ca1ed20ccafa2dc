// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

const patience = time.Minute

// newSpec returns a process of this program, which the end of the test stops.
func newSpec(t testing.TB, args ...string) daemon.Spec {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "process")
	spec := daemon.Spec{
		Dir: dir, Args: append([]string{"serve", dir}, args...),
		StartTimeout: patience, StopTimeout: patience,
	}
	t.Cleanup(func() {
		assert.NoError(t, daemon.Stop(context.Background(), dir, &daemon.StopOptions{Timeout: time.Millisecond}))
	})
	return spec
}

func ensure(t testing.TB, spec daemon.Spec) daemon.Status {
	t.Helper()
	status, err := daemon.Ensure(t.Context(), spec)
	require.NoError(t, err)
	require.NotZero(t, status.PID, "number of the process")
	return status
}

func find(t testing.TB, dir string) int {
	t.Helper()
	pid, err := daemon.Find(dir)
	require.NoError(t, err)
	return pid
}

// startOf returns what /proc says about the start of a process, "" if it has ended.
func startOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited in vain: %s", what)
	}
}

func readReport(t testing.TB, dir string) report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report"))
	require.NoError(t, err)
	var r report
	require.NoError(t, json.Unmarshal(text, &r))
	return r
}

func readLog(t testing.TB, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	require.NoError(t, err)
	return string(text)
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

// stranger starts a process of which the package knows nothing.
func stranger(t testing.TB) (pid int, start string) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(program, "serve", t.TempDir(), "stranger")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	start = startOf(command.Process.Pid)
	require.NotEmpty(t, start, "a stranger that runs")
	return command.Process.Pid, start
}
