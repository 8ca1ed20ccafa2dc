// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPack makes a folder of the charm by the commands of the README, and builds it as
// charmcraft does.
func TestPack(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "\n## Pack and deploy\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	commands := regexp.MustCompile(`(?m)^    .*\n`).FindAllString(section, -1)
	require.Len(t, commands, 7)
	require.Contains(t, commands[0], "git clone")
	require.Contains(t, commands[5], "charmcraft pack")
	require.Contains(t, commands[6], "juju deploy")

	dir := t.TempDir()
	copyTree(t, "../..", filepath.Join(dir, "charmsmith"))
	// charmcraft copies the folder, and the rest is not there.
	script := "set -e\n" + strings.Join(commands[1:5], "") + "cd ..\nmv magpie elsewhere\ncd elsewhere\ngo install ./...\n"
	build := exec.CommandContext(t.Context(), "sh", "-c", script)
	build.Dir = dir
	build.Env = append(os.Environ(), "GOBIN="+filepath.Join(dir, "bin"), "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS="+buildFlags(t))
	output, err := build.CombinedOutput()
	if bytes.Contains(output, []byte("GOPROXY=off")) {
		t.Skipf("the module cache lacks something: run go mod download in %s; %s", "examples/magpie", output)
	}
	require.NoError(t, err, "%s", output)

	program := filepath.Join(dir, "bin", "magpie")
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	assert.Nil(t, file.Section(".symtab"), "it is stripped")
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	assert.NotContains(t, string(content), dir, "it does not tell where it was built")
	for _, help := range []string{"help", "--help"} {
		output, err = exec.CommandContext(t.Context(), program, help).CombinedOutput()
		require.NoError(t, err)
		assert.Contains(t, string(output), "magpie lacp STATE...")
	}
	output, err = exec.CommandContext(t.Context(), program, "server").CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, "magpie: cannot run \"server\": see magpie help\n", string(output))
}

// buildFlags returns GOFLAGS of charmcraft.yaml.
func buildFlags(t *testing.T) string {
	t.Helper()
	yaml, err := os.ReadFile("charmcraft.yaml")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^ +- GOFLAGS: "(.*)"$`).FindSubmatch(yaml)
	require.Len(t, found, 2)
	return string(found[1])
}

// copyTree copies the files that a clone has; files that others make meanwhile may be
// missing.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == ".git" || name == "bin") {
			return fs.SkipDir
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), content, 0o644)
	}))
}
