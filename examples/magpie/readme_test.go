// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestREADME looks for the tests that the README names.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test\\w+)`(?: in `([^`]+)`)?").FindAllStringSubmatch(string(readme), -1)
	require.Greater(t, len(named), 15)
	for _, match := range named {
		files, err := filepath.Glob(filepath.Join(match[2], "*_test.go"))
		require.NoError(t, err)
		found := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			found = found || strings.Contains(string(text), "\nfunc "+match[1]+"(")
		}
		assert.True(t, found, "there is no %s in %q", match[1], match[2])
	}
}
