// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

func TestRecycledNumber(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	before := ensure(t, spec)
	require.NoError(t, syscall.Kill(before.PID, syscall.SIGKILL))
	eventually(t, "end of the process", func() bool { return startOf(before.PID) == "" })

	// The number, and even the start, are those of another process now.
	pid, start := stranger(t)
	hint := fmt.Sprintf("%d %s 3 ready\n", pid, start)
	require.True(t, daemon.IsHolder([]byte(hint)))
	write(t, spec.Dir, "run.lock", hint)
	state, err := os.ReadFile(filepath.Join(spec.Dir, "state.json"))
	require.NoError(t, err)
	text := strings.Replace(string(state), fmt.Sprintf(`"pid":%d,`, before.PID), fmt.Sprintf(`"pid":%d,`, pid), 1)
	require.NotEqual(t, string(state), text)
	write(t, spec.Dir, "state.json", text)

	assert.Zero(t, find(t, spec.Dir), "a stranger is not ours")
	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, nil))
	assert.Equal(t, start, startOf(pid), "the stranger lives after Stop")
	write(t, spec.Dir, "run.lock", hint)
	after := ensure(t, spec)
	assert.True(t, after.Started)
	assert.NotEqual(t, pid, after.PID)
	assert.Equal(t, start, startOf(pid), "the stranger lives after Ensure")
}

func TestWhoOpensTheLockDoesNotHoldIt(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	require.NoError(t, os.Mkdir(spec.Dir, 0o700))
	file, err := os.Create(filepath.Join(spec.Dir, "run.lock"))
	require.NoError(t, err)
	defer file.Close()
	hint := fmt.Sprintf("%d %s %d ready\n", os.Getpid(), startOf(os.Getpid()), file.Fd())
	require.True(t, daemon.IsHolder([]byte(hint)))
	write(t, spec.Dir, "run.lock", hint)
	assert.Zero(t, find(t, spec.Dir), "without a lock")
	require.NoError(t, syscall.Flock(int(file.Fd()), syscall.LOCK_SH))
	assert.Zero(t, find(t, spec.Dir), "with the lock of one who looks")
	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, nil)) // would end this test
}

func TestFileOfLockIsWrong(t *testing.T) {
	t.Parallel()
	pid, start := stranger(t)
	for name, text := range map[string]string{
		"empty":           "",
		"a stranger":      fmt.Sprintf("%d %s 3 ready\n", pid, start),
		"this process":    fmt.Sprintf("%d %s 3 ready\n", os.Getpid(), startOf(os.Getpid())),
		"init":            "1 1 3 ready\n",
		"zeros":           "0 0 0 ready\n",
		"no text":         "\x00\xff\x1b",
		"a process group": "-1 1 3 ready\n",
		"long":            strings.Repeat("9", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t)
			status := ensure(t, spec)
			write(t, spec.Dir, "run.lock", text)
			assert.Equal(t, status.PID, find(t, spec.Dir), "who has the lock is ours")
			assert.Equal(t, daemon.Status{PID: status.PID}, ensure(t, spec))
			require.NoError(t, daemon.Stop(t.Context(), spec.Dir, nil))
			assert.Empty(t, startOf(status.PID), "ours was stopped")
			assert.Equal(t, start, startOf(pid), "the stranger lives")
		})
	}
}

func TestStateIsWrong(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, path, text string){
		"missing": func(t *testing.T, path, _ string) { require.NoError(t, os.Remove(path)) },
		"empty":   func(t *testing.T, path, _ string) { require.NoError(t, os.WriteFile(path, nil, 0o600)) },
		"cut": func(t *testing.T, path, text string) {
			require.NoError(t, os.WriteFile(path, []byte(text[:40]), 0o600))
		},
		"followed": func(t *testing.T, path, text string) {
			require.NoError(t, os.WriteFile(path, []byte(text+text), 0o600))
		},
		"huge":          func(t *testing.T, path, text string) { require.NoError(t, os.Truncate(path, 1<<40)) },
		"other version": func(t *testing.T, path, text string) { replaceInFile(t, path, `"version":1`, `"version":2`) },
		"other process": func(t *testing.T, path, text string) { replaceInFile(t, path, `"pid":`, `"pid":1`) },
		"more fields":   func(t *testing.T, path, text string) { replaceInFile(t, path, `{"version"`, `{"x":1,"version"`) },
		"a link": func(t *testing.T, path, _ string) {
			require.NoError(t, os.Rename(path, path+"x"))
			require.NoError(t, os.Symlink(path+"x", path))
		},
		"a pipe": func(t *testing.T, path, _ string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, syscall.Mkfifo(path, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t)
			before := ensure(t, spec)
			path := filepath.Join(spec.Dir, "state.json")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			damage(t, path, string(text))
			after := ensure(t, spec)
			assert.Equal(t, daemon.Status{PID: after.PID, Started: true, Replaced: true}, after, "nobody knows from what it was started")
			assert.Empty(t, startOf(before.PID))
			assert.Equal(t, daemon.Status{PID: after.PID}, ensure(t, spec), "the damage is repaired")
		})
	}
}

func replaceInFile(t *testing.T, path, before, after string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), before)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), before, after, 1)), 0o600))
}

func TestFileOfLockIsNoFile(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link":      func(path string) error { return os.Symlink("/etc/passwd", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, make(filepath.Join(dir, "run.lock")))
			_, err := daemon.Find(dir)
			assert.ErrorContains(t, err, "cannot look for the process")
			_, err = daemon.Ensure(t.Context(), daemon.Spec{Dir: dir})
			assert.ErrorContains(t, err, "cannot look for the process")
			assert.ErrorContains(t, daemon.Stop(t.Context(), dir, nil), "cannot look for the process")
		})
	}
}

func TestDirectoryOfProcess(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	write(t, parent, "file", "")
	require.NoError(t, os.Mkdir(filepath.Join(parent, "real"), 0o700))
	require.NoError(t, os.Symlink("real", filepath.Join(parent, "link")))
	for name, want := range map[string]string{
		"file":      "it is no directory",
		"link":      "it is no directory",
		"file/dir":  "cannot create directory",
		"none/dir":  "cannot create directory",
		"\x00/none": "cannot create directory",
	} {
		_, err := daemon.Ensure(t.Context(), daemon.Spec{Dir: parent + "/" + name})
		assert.ErrorContains(t, err, want, name)
	}

	spec := newSpec(t)
	require.NoError(t, os.Mkdir(spec.Dir, 0o700))
	require.NoError(t, os.Chmod(spec.Dir, 0o777))
	ensure(t, spec)
	info, err := os.Stat(spec.Dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "others have no access")
}

func TestDirectoryOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away: run go test -run DirectoryOfAnotherUser ./internal/daemon as root")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chown(dir, 65534, 65534))
	_, err := daemon.Ensure(t.Context(), daemon.Spec{Dir: dir})
	assert.ErrorContains(t, err, "it belongs to another user")
}

func TestDirectoryIsNotWritable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere: run go test -run DirectoryIsNotWritable ./internal/daemon as another user")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	_, err := daemon.Ensure(t.Context(), daemon.Spec{Dir: dir})
	assert.ErrorIs(t, err, os.ErrPermission)
}
