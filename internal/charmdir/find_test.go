// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "outer/charmcraft.yaml"), head)
	write(t, filepath.Join(root, "outer/inner/metadata.yaml"), meta)
	write(t, filepath.Join(root, "outer/inner/src/deep/charm.go"), "")
	write(t, filepath.Join(root, "outer/lib/lib.go"), "")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "outer/lib/charmcraft.yaml"), 0o755)) // a directory is none
	for from, want := range map[string]string{
		"outer":                "outer",
		"outer/lib":            "outer",
		"outer/inner":          "outer/inner",
		"outer/inner/src/deep": "outer/inner",
		"outer/inner/../lib/.": "outer",
	} {
		got, err := charmdir.Find(filepath.Join(root, from))
		if assert.NoError(t, err, from) {
			assert.Equal(t, filepath.Join(root, want), got, from)
		}
	}
}

func TestFindTheDirectoryOfTheTest(t *testing.T) {
	t.Parallel()
	example, err := filepath.Abs("../../examples/hello")
	require.NoError(t, err)
	got, err := charmdir.Find("../../examples/hello")
	require.NoError(t, err)
	assert.Equal(t, example, got)
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := charmdir.Find(dir)
	assert.EqualError(t, err, fmt.Sprintf("cannot find charm: no charmcraft.yaml or metadata.yaml in %q or a directory above it: file does not exist", dir))
	assert.ErrorIs(t, err, fs.ErrNotExist)

	missing := filepath.Join(dir, "missing")
	_, err = charmdir.Find(missing)
	assert.EqualError(t, err, fmt.Sprintf("cannot find charm from %q: no such file or directory", missing))
	assert.ErrorIs(t, err, fs.ErrNotExist)

	file := filepath.Join(dir, "file")
	write(t, file, "")
	_, err = charmdir.Find(file)
	assert.EqualError(t, err, fmt.Sprintf("cannot find charm from %q: it must be a directory", file))
}

func TestReadDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := charmdir.ReadDir(dir)
	assert.EqualError(t, err, fmt.Sprintf("cannot read charm: no %s or %s: file does not exist", filepath.Join(dir, "charmcraft.yaml"), filepath.Join(dir, "metadata.yaml")))
	assert.ErrorIs(t, err, fs.ErrNotExist)

	write(t, filepath.Join(dir, "charmcraft.yaml"), head)
	c, err := charmdir.ReadDir(dir)
	require.NoError(t, err)
	assert.Equal(t, "x", c.Name)

	write(t, filepath.Join(dir, "config.yaml"), "options: []")
	_, err = charmdir.ReadDir(dir)
	assert.EqualError(t, err, "cannot read "+filepath.Join(dir, "config.yaml")+": options must be a map, not a list")

	require.NoError(t, os.Mkdir(filepath.Join(dir, "actions.yaml"), 0o755))
	_, err = charmdir.ReadDir(dir)
	assert.EqualError(t, err, "cannot read "+filepath.Join(dir, "actions.yaml")+": is a directory")
}

func TestReadTheExample(t *testing.T) {
	t.Parallel()
	c, err := charmdir.ReadDir("../../examples/hello")
	require.NoError(t, err)
	assert.Equal(t, "hello", c.Name)
	assert.Equal(t, "Units that greet each other.", c.Summary)
	assert.Equal(t, map[string]charmdir.Endpoint{
		"friends": {Name: "friends", Role: charmdir.RolePeer, Interface: "hello", Scope: charmdir.ScopeGlobal},
	}, c.Endpoints)
}

func TestReadReportsTheFile(t *testing.T) {
	t.Parallel()
	_, err := charmdir.Read(fstest.MapFS{"charmcraft.yaml": {Mode: fs.ModeDir}})
	assert.ErrorContains(t, err, "cannot read charmcraft.yaml: ")
	_, err = charmdir.Read(fstest.MapFS{})
	assert.EqualError(t, err, "cannot read charm: no charmcraft.yaml or metadata.yaml: file does not exist")
}
