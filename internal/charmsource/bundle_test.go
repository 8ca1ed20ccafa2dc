// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

const bundle = `
bundle: kubernetes
series: jammy
default-base: ubuntu@24.04
description: Some applications
tags: [a]
machines: {"0": {constraints: mem=4G}}
variables: {web: &web {charm: ./web, num_units: 2}}
applications:
  web: *web
  db:
    charm: ../charms/db_amd64.charm
    scale: 3
    trust: true
    base: ubuntu@24.04
    to: ["0"]
    constraints: mem=1G
    bindings: {"": alpha}
    annotations: {gui-x: 5}
    placement: zone=a
    channel: edge
    revision: 5
    expose: true
    storage: {data: 1G}
    options: {port: 5432, name: db, debug: yes, off: "yes", half: 0.5, none: ~, day: 2001-01-01, text: "5", file: include-file://motd, cert: include-base64://./motd}
    resources: {image: ghcr.io/x/y:1, rev: 5, file: ./x.tgz, other: /x.tgz}
  sub:
    charm: sub.charm
  copy:
    <<: *web
    num_units: 0
relations:
  - [web, "db:sql"]
  - - db:peer
    - sub
  - ["db:logs", [web, "sub:logs"]]
`

func bundleFile(t testing.TB, text string) string {
	t.Helper()
	dir := directory(t, tree{"bundle.yaml": text, "motd": "hello\n"})
	return filepath.Join(dir, "bundle.yaml")
}

func TestReadBundle(t *testing.T) {
	t.Parallel()
	path := bundleFile(t, bundle)
	dir := filepath.Dir(path)
	got, err := charmsource.ReadBundle(path)
	require.NoError(t, err)
	assert.Equal(t, &charmsource.Bundle{
		Applications: []charmsource.BundleApplication{
			{Name: "web", Charm: filepath.Join(dir, "web"), Units: 2},
			{Name: "db", Charm: filepath.Join(filepath.Dir(dir), "charms/db_amd64.charm"), Units: 3, Trust: true,
				Options: map[string]any{"port": int64(5432), "name": "db", "debug": true, "off": "yes", "half": 0.5, "none": nil, "day": "2001-01-01", "text": "5",
					"file": "hello\n", "cert": "aGVsbG8K"},
				Resources: map[string]string{"image": "ghcr.io/x/y:1", "file": filepath.Join(dir, "x.tgz"), "other": "/x.tgz"},
			},
			{Name: "sub", Charm: filepath.Join(dir, "sub.charm")},
			{Name: "copy", Charm: filepath.Join(dir, "web")},
		},
		Relations: [][2]string{{"web", "db:sql"}, {"db:peer", "sub"}, {"db:logs", "web"}, {"db:logs", "sub:logs"}},
	}, got)

	got, err = charmsource.ReadBundle(bundleFile(t, "relations:\napplications: {<<: {b: {charm: ./b}, a: {charm: /x/../a}}, c: {charm: .}}\n"))
	require.NoError(t, err)
	require.Len(t, got.Applications, 3)
	assert.Equal(t, "c", got.Applications[0].Name)
	assert.Equal(t, "a", got.Applications[1].Name)
	assert.Equal(t, "/a", got.Applications[1].Charm)
	assert.Nil(t, got.Relations)
}

func TestReadBundleRefuses(t *testing.T) {
	t.Parallel()
	const app = "applications: {a: {charm: ./a}}\n"
	in := func(text string) string { return "applications:\n  a: {charm: ./a, " + text + "}\n" }
	for _, row := range [][2]string{
		{"", "it is empty"},
		{"# nothing\n", "it is empty"},
		{"[]", "it must be a map"},
		{"a: [", "line 1: did not find expected node content"},
		{"a: \"\x01\"", "control characters are not allowed"},
		{"~", "it has no applications"},
		{"name: x\n", "it has no applications"},
		{"applications:\n", "it has no applications"},
		{"applications: []\n", "applications must be a map"},
		{"applications: {a: {}, a: {}}\n", `applications must be a good map: line 1: mapping key "a" already defined at line 1`},
		{app + "---\n" + app, "it has several YAML documents; overlays are not supported"},
		{app + "---\n[", "line 3: did not find expected node content"},
		{"applications: {A: {charm: ./a}}\n", `application "A": name must match ^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`},
		{"applications: {a: ./a}\n", `application "a": it must be a map, such as {charm: ./magpie, num_units: 3}`},
		{"applications: {a: }\n", `application "a": it must be a map, such as {charm: ./magpie, num_units: 3}`},
		{"applications: {a: {}}\n", `application "a": charm is missing; it must be the path of a local charm, such as "./magpie"`},
		{"applications: {a: {charm: postgresql}}\n", `application "a": charm must be the path of a local charm, such as "./postgresql", not "postgresql"`},
		{"applications: {a: {charm: 'ch:mysql'}}\n", `application "a": charm must be the path of a local charm, such as "./mysql", not "ch:mysql"`},
		{"applications: {a: {charm: ch:amd64/jammy/postgresql-5}}\n", `application "a": charm must be the path of a local charm, such as "./postgresql-5", not "ch:amd64/jammy/postgresql-5"`},
		{in("num_units: -1"), `application "a": num_units and scale must not be negative`},
		{in("num_units: 1, scale: 1"), `application "a": it must have num_units or scale, not both`},
		{in("num_units: many"), "application \"a\": line 2: cannot unmarshal !!str `many` into int"},
		{in("trust: 5"), "application \"a\": line 2: cannot unmarshal !!int `5` into bool"},
		{in("options: []"), `application "a": options must be a map`},
		{in("options: {b: [], a: []}"), `application "a": option "b" must be a string, a number or a boolean`},
		{in("options: {b: !!binary aGk=}"), `application "a": option "b" has tag !!binary, which is not supported`},
		{in("options: {b: 99999999999999999999}"), ``},
		{in("options: {b: !!int 99999999999999999999}"), `application "a": option "b" has "99999999999999999999", which does not fit its tag !!int`},
		{in("options: {b: include-file://none}"), `application "a": option "b" includes "DIR/none": no such file or directory`},
		{in("options: {b: include-base64:///etc}"), `application "a": option "b" includes "/etc": it must be a file`},
		{in("resources: [x]"), `application "a": resources must be a map`},
		{in("resources: {r: [x]}"), `application "a": resource "r" must be a revision, a path or an image`},
		{app + "relations: {a: b}\n", "relations must be a list of pairs: line 2: cannot unmarshal !!map into [][]yaml.Node"},
		{app + "relations: [[a]]\n", `relation 1 must be a pair, such as [web, "db:sql"], not a list of 1`},
		{app + "relations: [[a, a], [a, b, c]]\n", `relation 2 must be a pair, such as [web, "db:sql"], not a list of 3`},
		{app + "relations: [[a, 'b:db']]\n", `relation 1: "b:db" is of no application of the bundle`},
		{app + "relations: [['a:', a]]\n", `relation 1: "a:" names no endpoint after its colon`},
		{app + "relations: [[a, {a: b}]]\n", "relation 1: each side must be an application or \"application:endpoint\": line 2: cannot unmarshal !!map into string"},
		{app + "relations: [[a, [[a]]]]\n", "relation 1: each side must be an application or \"application:endpoint\": line 2: cannot unmarshal !!seq into string"},
		{app + "x: &x [" + strings.Repeat("a,", 200) + "]\nrelations: [[*x, *x]]\n", "it has more than 10000 relations"},
		{strings.Repeat("#", 1<<20+1), "it has more than 1 MiB"},
	} {
		path := bundleFile(t, row[0])
		got, err := charmsource.ReadBundle(path)
		if row[1] == "" {
			assert.NoError(t, err)
			continue
		}
		assert.EqualError(t, err, fmt.Sprintf("cannot read bundle %q: %s", path, strings.ReplaceAll(row[1], "DIR", filepath.Dir(path))))
		assert.Nil(t, got)
	}

	dir := directory(t, tree{"charmcraft.yaml": charmcraft})
	path := filepath.Join(dir, "charmcraft.yaml")
	_, err := charmsource.ReadBundle(path)
	assert.EqualError(t, err, fmt.Sprintf("cannot read bundle %q: it has no applications; to run the charm, name its directory", path))
	_, err = charmsource.ReadBundle(dir)
	assert.EqualError(t, err, fmt.Sprintf("cannot read bundle %q: it must be a file", dir))
	_, err = charmsource.ReadBundle(dir + "/none.yaml")
	assert.EqualError(t, err, fmt.Sprintf("cannot read bundle %q: no such file or directory", dir+"/none.yaml"))
}

func TestIsBundle(t *testing.T) {
	t.Parallel()
	dir := directory(t, tree{"a.yaml": "", "dir.yaml/x": ""})
	for name, want := range map[string]bool{"a.yaml": true, "missing.yml": true, "dir.yaml": false, "x.charm": false, "yaml": false, "": false} {
		assert.Equal(t, want, charmsource.IsBundle(filepath.Join(dir, name)), name)
	}
}

// FuzzReadBundle holds that any text is a bundle whose relations are of its
// applications, or an error of one line, and the same each time.
func FuzzReadBundle(f *testing.F) {
	f.Add([]byte(bundle))
	f.Add([]byte("applications: &a {a: &b {charm: ./a, options: &c {<<: *c}}, b: *b}\nrelations: &r [[*r, a], [a, [*r]]]\n"))
	f.Add([]byte("applications: {? [a] : 5, ~: 6}\n---\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "bundle.yaml")
		require.NoError(t, os.WriteFile(path, text, 0o644))
		got, err := charmsource.ReadBundle(path)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			_, again := charmsource.ReadBundle(path)
			assert.EqualError(t, again, err.Error())
			return
		}
		names := map[string]bool{}
		for _, application := range got.Applications {
			assert.False(t, names[application.Name], application.Name)
			names[application.Name] = true
			assert.True(t, filepath.IsAbs(application.Charm))
			assert.GreaterOrEqual(t, application.Units, 0)
		}
		for _, relation := range got.Relations {
			for _, side := range relation {
				application, _, _ := strings.Cut(side, ":")
				assert.True(t, names[application], side)
			}
		}
	})
}
