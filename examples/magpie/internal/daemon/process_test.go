// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

// startHook starts a hook that starts the process, in a process group of its own.
func startHook(t *testing.T, spec daemon.Spec, files ...*os.File) (*exec.Cmd, daemon.Status) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	text, err := json.Marshal(spec)
	require.NoError(t, err)
	hook := exec.Command(program, "hook", string(text))
	hook.Env = append(os.Environ(), "JUJU_UNIT_NAME=magpie/0", "CHARMSMITH_HOOKCMD=exec")
	hook.ExtraFiles = files
	hook.Stderr = os.Stderr
	hook.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := hook.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, hook.Start())
	t.Cleanup(func() {
		_ = hook.Process.Kill()
		_ = hook.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, "answer of the hook")
	var status daemon.Status
	require.NoError(t, json.Unmarshal(line, &status))
	return hook, status
}

func TestProcessSurvivesHook(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	hook, status := startHook(t, spec)
	require.True(t, status.Started)
	require.NoError(t, syscall.Kill(-hook.Process.Pid, syscall.SIGKILL), "the hook's whole group")
	_ = hook.Wait()

	assert.NotEmpty(t, startOf(status.PID), "the process lives")
	assert.Equal(t, status.PID, find(t, spec.Dir))
	_, again := startHook(t, spec)
	assert.Equal(t, daemon.Status{PID: status.PID}, again, "a later hook finds it")
}

func TestProcessInheritsNothing(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	spec.Env = []string{"ONLY=this", "EMPTY="}
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	hook, status := startHook(t, spec, writer) // as descriptor 3, not closed on exec
	require.NoError(t, writer.Close())

	r := readReport(t, spec.Dir)
	assert.Equal(t, spec.Env, r.Env)
	assert.Equal(t, spec.Dir, r.Dir)
	assert.Equal(t, status.PID, r.Session, "its session is its own")
	assert.Equal(t, status.PID, r.Group, "its process group is its own")
	log := filepath.Join(spec.Dir, "log")
	assert.Equal(t, os.DevNull, r.Files["0"])
	assert.Equal(t, log, r.Files["1"])
	assert.Equal(t, log, r.Files["2"])
	for fd, target := range r.Files {
		assert.False(t, strings.HasPrefix(target, "pipe:"), "descriptor %s is %s", fd, target)
		assert.NotContains(t, target, "start.lock", "descriptor %s", fd)
	}
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	assert.Contains(t, string(text), "Umask:\t"+r.Umask+"\n", "the umask is the hook's")

	require.NoError(t, hook.Process.Kill())
	_ = hook.Wait()
	n, err := reader.Read(make([]byte, 1))
	assert.Zero(t, n)
	assert.ErrorContains(t, err, "EOF", "nobody has the other end of the hook's pipe")
	assert.NotEmpty(t, startOf(status.PID), "while the process lives")
}

func TestProcessWithoutEnvironment(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	ensure(t, spec)
	assert.Empty(t, readReport(t, spec.Dir).Env, "nil is the empty environment")
}

func TestHoldIsExclusive(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	status := ensure(t, spec)
	program, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.Command(program, spec.Args...).CombinedOutput()
	require.Error(t, err, "a second process for the directory")
	assert.Contains(t, string(out), "another process holds it")
	assert.Equal(t, status.PID, find(t, spec.Dir))
	assert.Equal(t, daemon.Status{PID: status.PID}, ensure(t, spec))
}

func TestHoldNeedsDirectory(t *testing.T) {
	t.Parallel()
	_, err := daemon.Hold(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "cannot hold directory")
}

func TestProcessStartedByHandIsReplaced(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	require.NoError(t, os.Mkdir(spec.Dir, 0o700))
	program, err := os.Executable()
	require.NoError(t, err)
	byHand := exec.Command(program, spec.Args...)
	require.NoError(t, byHand.Start())
	eventually(t, "the process holds its directory", func() bool { return find(t, spec.Dir) == byHand.Process.Pid })
	status := ensure(t, spec)
	assert.Equal(t, daemon.Status{PID: status.PID, Started: true, Replaced: true}, status, "nobody knows from what it was started")
}
