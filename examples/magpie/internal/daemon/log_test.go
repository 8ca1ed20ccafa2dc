// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

const logLimit = 1 << 20

func sizeOf(t *testing.T, dir, name string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	return info.Size()
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, "chatty") // writes 3 MB, and more when it ends
	status := ensure(t, spec)
	require.Greater(t, sizeOf(t, spec.Dir, "log"), int64(logLimit))

	assert.Equal(t, daemon.Status{PID: status.PID}, ensure(t, spec), "it runs on")
	assert.Zero(t, sizeOf(t, spec.Dir, "log"))
	assert.Equal(t, int64(logLimit), sizeOf(t, spec.Dir, "log.1"))
	old, err := os.ReadFile(filepath.Join(spec.Dir, "log.1"))
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(old), "much text, \n"), "the end of the log is kept")

	require.NoError(t, daemon.Stop(t.Context(), spec.Dir, nil))
	assert.Equal(t, "terminated\n", readLog(t, spec.Dir), "the process has gone on to append")

	write(t, spec.Dir, "log", strings.Repeat("x", logLimit))
	spec.Args = spec.Args[:2]
	ensure(t, spec)
	assert.Equal(t, int64(logLimit), sizeOf(t, spec.Dir, "log"), "a log of the limit is left alone")
}

func TestLogThatIsNoFile(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link":      func(path string) error { return os.Symlink("/etc/passwd", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t)
			require.NoError(t, os.Mkdir(spec.Dir, 0o700))
			require.NoError(t, make(filepath.Join(spec.Dir, "log")))
			_, err := daemon.Ensure(t.Context(), spec)
			assert.ErrorContains(t, err, "cannot bound log of the process")
			assert.Zero(t, find(t, spec.Dir))
		})
	}
}
