// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestChecksKnowNothingOfJuju holds the folders of internal to what the package comment
// says of them: they link nothing of the SDK, nor of each other.
func TestChecksKnowNothingOfJuju(t *testing.T) {
	t.Parallel()
	const (
		module  = "github.com/charmsmith/charmsmith/"
		hostile = module + "examples/magpie/internal/hostile"
	)
	listed, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "./internal/...").Output()
	require.NoError(t, err)
	packages := strings.Split(strings.TrimSpace(string(listed)), "\n")
	require.Greater(t, len(packages), 5)
	for _, line := range packages {
		name, deps, _ := strings.Cut(line, " ")
		for dep := range strings.FieldsSeq(deps) {
			assert.False(t, strings.HasPrefix(dep, module) && dep != hostile, "%s links %s", name, dep)
		}
	}
}
