// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

// compiled looks like a program that was compiled.
const compiled = "\x7fELF\x02\x01\x01"

// warnings are those of the charm in a directory.
func warnings(t *testing.T, dir string) []string {
	t.Helper()
	source, err := charmsource.Open(dir)
	require.NoError(t, err)
	return source.Warnings()
}

// touch says that files were changed, by so many minutes after all others.
func touch(t *testing.T, dir string, minutes int, names ...string) {
	t.Helper()
	when, err := time.Parse(time.RFC3339, modified)
	require.NoError(t, err)
	when = when.Add(time.Duration(minutes) * time.Minute)
	for _, name := range names {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), when, when))
	}
}

func TestWarningsOfAnOldProgram(t *testing.T) {
	t.Parallel()
	const text = "dispatch is older than %s: it is used as it is; remove it to have run build the charm"
	charm := goCharm.with(tree{
		"+dispatch": compiled, "internal/db/db.go": "package db\n", "db_test.go": "package main\n", "README.md": "",
		"vendor/v/v.go": "package v\n", "testdata/t.go": "package t\n", "_old/o.go": "package o\n", ".cache/c.go": "package c\n",
		"other/go.mod": "module other\n", "other/other.go": "package other\n",
	})
	for name, row := range map[string]struct {
		files tree
		newer []string
		want  string
	}{
		"as old":            {charm, nil, ""},
		"older":             {charm, []string{"main.go"}, "main.go"},
		"go.mod":            {charm, []string{"go.mod"}, "go.mod"},
		"package":           {charm, []string{"internal/db/db.go"}, "internal/db/db.go"},
		"not of it":         {charm, []string{"db_test.go", "README.md", "metadata.yaml", "vendor/v/v.go", "testdata/t.go", "_old/o.go", ".cache/c.go", "other/go.mod", "other/other.go"}, ""},
		"newer":             {charm, []string{"dispatch"}, ""},
		"script":            {charm.with(tree{"+dispatch": script}), []string{"main.go"}, ""},
		"empty":             {charm.with(tree{"+dispatch": ""}), []string{"main.go"}, ""},
		"no main package":   {charm.with(tree{"main.go": "package lib\n"}), []string{"main.go"}, ""},
		"linked":            {charm.with(tree{"+program": compiled, "+dispatch": "-> program"}), []string{"main.go"}, "main.go"},
		"nothing is linked": {charm.with(tree{"+dispatch": "-> nothing"}), []string{"main.go"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := directory(t, row.files)
			touch(t, dir, 1, row.newer...)
			var want []string
			if row.want != "" {
				want = []string{fmt.Sprintf(text, row.want)}
			}
			assert.Equal(t, want, warnings(t, dir))
		})
	}
	t.Run("the latest", func(t *testing.T) {
		t.Parallel()
		dir := directory(t, charm)
		touch(t, dir, 1, "go.mod")
		touch(t, dir, 2, "internal/db/db.go")
		touch(t, dir, 1, "main.go")
		assert.Equal(t, []string{fmt.Sprintf(text, "internal/db/db.go")}, warnings(t, dir))
	})
	t.Run("there is none", func(t *testing.T) {
		t.Parallel()
		assert.Empty(t, warnings(t, directory(t, goCharm)))
	})
}

// What was opened may have changed, or be gone.
func TestWarningsAreOfNow(t *testing.T) {
	t.Parallel()
	dir := directory(t, goCharm)
	source, err := charmsource.Open(dir)
	require.NoError(t, err)
	write(t, dir, tree{"+dispatch": compiled, "charmcraft.yaml": "nam: x\n"})
	touch(t, dir, 1, "main.go")
	assert.Len(t, source.Warnings(), 2)
	write(t, dir, tree{"charmcraft.yaml": "{"})
	assert.Len(t, source.Warnings(), 1)
	require.NoError(t, os.RemoveAll(dir))
	assert.Empty(t, source.Warnings())
	source, err = charmsource.Open(charmFile(t, zipped(t, file("metadata.yaml", meta), program)))
	require.NoError(t, err)
	assert.Empty(t, source.Warnings())
}

func TestWarningsOfUnknownKeys(t *testing.T) {
	t.Parallel()
	const known = "type: charm\ntitle: X\nbase: ubuntu@24.04\nplatforms: {amd64: null}\nparts: {x: {plugin: go, source: .}}\n" +
		"links: {}\ncharm-libs: []\nanalysis: {}\ncharmhub: {}\nextensions: []\nadopt-info: x\npackage-repositories: []\nbuild-base: ubuntu@24.04\n" +
		"assumes: []\nextra-bindings: {a: null}\nterms: []\ndevices: {}\nsubordinate: false\n"
	for text, want := range map[string][]string{
		"":                        nil,
		"asumes: [juju >= 3.6]\n": {`charmcraft.yaml has an unknown key "asumes", which charmcraft refuses; is it "assumes"?`},
		"platform: {}\nprovdies: {}\n": {
			`charmcraft.yaml has an unknown key "platform", which charmcraft refuses; is it "platforms"?`,
			`charmcraft.yaml has an unknown key "provdies", which charmcraft refuses; is it "provides"?`,
		},
		"extra_bindings: {}\n": {`charmcraft.yaml has an unknown key "extra_bindings", which charmcraft refuses; is it "extra-bindings"?`},
		"whatever: {}\n":       {`charmcraft.yaml has an unknown key "whatever", which charmcraft refuses`},
		"\"a\\e[2J\": {}\n":    {`charmcraft.yaml has an unknown key "a\x1b[2J", which charmcraft refuses`},
	} {
		dir := directory(t, tree{"charmcraft.yaml": meta + known + text, "+dispatch": script})
		assert.Equal(t, want, warnings(t, dir), text)
	}
	for _, dir := range []string{"backup", "cluster", "hello", "magpie"} {
		assert.Empty(t, warnings(t, filepath.Join("..", "..", "examples", dir)), dir)
	}
}
