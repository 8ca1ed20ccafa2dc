// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

const (
	meta     = "name: x\nsummary: s\ndescription: d\n"
	script   = "#!/bin/sh\necho ran \"$0\" in \"$PWD\"\n"
	goMod    = "module example.com/x\n\ngo 1.26\n"
	goMain   = "package main\n\nfunc main() { println(\"built\") }\n"
	modified = "2020-02-03T04:05:06Z"
)

// tree is files by path: "DIR" is a directory, "-> TARGET" a symlink. A path that
// begins with "+" is executable.
type tree map[string]string

func (files tree) with(more tree) tree {
	all := tree{}
	for _, from := range []tree{files, more} {
		for name, text := range from {
			all[name] = text
		}
	}
	return all
}

var packed = tree{"metadata.yaml": meta, "+dispatch": script}

// directory makes a directory with files.
func directory(t testing.TB, files tree) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "x")
	write(t, dir, files)
	return dir
}

func write(t testing.TB, dir string, files tree) {
	t.Helper()
	when, err := time.Parse(time.RFC3339, modified)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for name, text := range files {
		mode := fs.FileMode(0o644)
		if plain, ok := strings.CutPrefix(name, "+"); ok {
			name, mode = plain, 0o755
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		target, isLink := strings.CutPrefix(text, "-> ")
		switch {
		case text == "DIR":
			require.NoError(t, os.MkdirAll(path, 0o755))
		case isLink:
			require.NoError(t, os.Symlink(target, path))
		default:
			require.NoError(t, os.WriteFile(path, []byte(text), mode))
			require.NoError(t, os.Chtimes(path, when, when))
		}
	}
}

// entry is an entry of a zip.
type entry struct {
	name, text string
	mode       fs.FileMode
}

func file(name, text string) entry { return entry{name, text, 0o644} }

var program = entry{"dispatch", script, 0o755}

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	when, err := time.Parse(time.RFC3339, modified)
	require.NoError(t, err)
	var text bytes.Buffer
	w := zip.NewWriter(&text)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Modified: when} // stored
		if e.text != "" {
			header.Method = zip.Deflate
		}
		header.SetMode(e.mode)
		f, err := w.CreateHeader(header)
		require.NoError(t, err)
		if e.text != "" {
			_, err = f.Write([]byte(e.text))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return text.Bytes()
}

// charmFile makes a .charm file.
func charmFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.charm")
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return path
}

// stage stages a charm that is good.
func stage(t testing.TB, path string) string {
	t.Helper()
	source, err := charmsource.Open(path)
	require.NoError(t, err)
	assert.Equal(t, path, source.Path)
	dir := filepath.Join(t.TempDir(), "staged")
	charm, err := source.Stage(context.Background(), dir)
	require.NoError(t, err)
	assert.Equal(t, source.Charm, charm)
	return dir
}

// assertRefused asserts that Open or Stage fails, and leaves nothing behind. DIR in
// want is the absolute path.
func assertRefused(t testing.TB, path, want string) {
	t.Helper()
	want = strings.NewReplacer("DIR", path, "UP", filepath.Dir(path), "PLATFORM", runtime.GOOS+"/"+runtime.GOARCH,
		"BUILD", "GOOS="+runtime.GOOS+" GOARCH="+runtime.GOARCH+" CGO_ENABLED=0").Replace(want)
	source, err := charmsource.Open(path)
	if err != nil {
		assert.EqualError(t, err, want)
		return
	}
	above := t.TempDir()
	_, err = source.Stage(context.Background(), filepath.Join(above, "staged"))
	assert.EqualError(t, err, want)
	left, err := os.ReadDir(above)
	require.NoError(t, err)
	assert.Empty(t, left, "what is left behind")
}

// list returns the paths of what is in dir, with a mark for its kind.
func list(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		info, err := entry.Info()
		require.NoError(t, err)
		switch {
		case entry.IsDir():
			name += "/"
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			require.NoError(t, err)
			name += " -> " + target
		case info.Mode()&0o111 != 0:
			name = "+" + name
		}
		names = append(names, name)
		return nil
	}))
	slices.Sort(names)
	return names
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// run runs the dispatch of a staged charm as Juju does.
func run(t testing.TB, dir string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "dispatch"))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
