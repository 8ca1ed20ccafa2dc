// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A hook command is over before what only the rest of the program needs is
// initialised: that takes longer than the hook command.
func TestHookCommandInitialisesLittle(t *testing.T) {
	t.Parallel()
	file, err := program()
	require.NoError(t, err)
	command := filepath.Join(t.TempDir(), "relation-get")
	require.NoError(t, os.Symlink(file, command))
	cmd := exec.Command(command, "-")
	cmd.Env = []string{"GODEBUG=inittrace=1"}
	out, err := cmd.CombinedOutput()
	assert.EqualError(t, err, "exit status 1")
	assert.Contains(t, string(out), "ERROR JUJU_CONTEXT_ID not set\n")
	assert.Contains(t, string(out), "init net ")
	for _, late := range []string{"santhosh-tekuri/jsonschema", "charmsmith/internal/juju ", "spf13/cobra", "init main "} {
		assert.NotContains(t, string(out), late)
	}
}
