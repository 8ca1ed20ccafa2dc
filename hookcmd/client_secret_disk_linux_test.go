// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// fullDiskDir is set in the process that TestSecretContentFullDisk starts.
const fullDiskDir = "HOOKCMD_TEST_FULL_DISK_DIR"

// TestSecretContentFullDisk runs itself in a process that may make files but
// write nothing to them, which is how a full disk looks.
func TestSecretContentFullDisk(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(fullDiskDir); dir != "" {
		writeToFullDisk(t, dir)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestSecretContentFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullDiskDir+"="+dir)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Contains(t, string(output), "--- PASS: TestSecretContentFullDisk")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "files that are left behind")
}

func writeToFullDisk(t *testing.T, dir string) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Max: limit.Max}))
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit) }() // -cover writes files at the end
	for command, write := range scriptedWrites {
		runner := scriptedPrinter("secret:x\n")
		client := hookcmd.New(runner, &hookcmd.Options{TempDir: dir})

		err := write(t.Context(), client, map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("hunter2")})

		require.ErrorIs(t, err, syscall.EFBIG)
		assert.ErrorContains(t, err, `cannot run "`+command)
		assert.ErrorContains(t, err, "cannot write its input to a temporary file: write "+dir)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.Empty(t, runner.calls, "commands that were run")
	}
}
