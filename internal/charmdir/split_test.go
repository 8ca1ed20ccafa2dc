// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

func TestPacked(t *testing.T) {
	t.Parallel()
	const text = `
# A charm.
type: charm
title: "Big: charm"
name: x
links:
  documentation: https://docs.example.com
  contact: someone@example.com
  issues: [https://a.example.com, 'https://b.example.com']
  source: https://source.example.com
  website: {not: a link}
  other: https://other.example.com
base: ubuntu@24.04
common: &port {type: int, description: 'The port'}
summary: 'It''s one' # said
description: |
  Two
  lines.
platforms: {amd64: }
assumes: [juju >= 3.6]
requires:
  db: {interface: pg, limit: 1}
  "on":
    interface: y
extra-bindings:
  public:
config:
  options:
    port: *port
    debug: {<<: *port, type: boolean, default: yes}
    word: {default: "yes"}
    folded: {type: string}
actions:
  now:
  ping: {params: {tries: {type: integer, default: 0x10}, on_time: {default: 2001-01-01}}}
subordinate: false
`
	packed, err := charmdir.Packed(charmdir.Files{Charmcraft: []byte(text)})
	require.NoError(t, err)
	assert.Nil(t, packed.Charmcraft)
	assert.Equal(t, `display-name: "Big: charm"
name: x
docs: https://docs.example.com
maintainers:
  - someone@example.com
issues:
  - https://a.example.com
  - 'https://b.example.com'
source: https://source.example.com
summary: 'It''s one'
description: |
  Two
  lines.
assumes: [juju >= 3.6]
requires:
  db: {interface: pg, limit: 1}
  "on":
    interface: y
extra-bindings:
  public: null
subordinate: false
`, string(packed.Metadata))
	assert.Equal(t, `options:
  port: {type: int, description: 'The port'}
  debug: {type: boolean, default: yes, description: 'The port'}
  word: {default: "yes"}
  folded: {type: string}
`, string(packed.Config))
	assert.Equal(t, `now: null
ping: {params: {tries: {type: integer, default: 0x10}, on_time: {default: 2001-01-01}}}
`, string(packed.Actions))
}

func TestPackedKeepsFiles(t *testing.T) {
	t.Parallel()
	files := charmdir.Files{Metadata: []byte("# mine\n" + meta), Config: []byte("# mine\n" + options), Actions: []byte("")}
	packed, err := charmdir.Packed(files)
	require.NoError(t, err)
	assert.Equal(t, files, packed)

	withCharmcraft := files
	withCharmcraft.Charmcraft = []byte("type: charm\nparts: {}\ntitle: T\n")
	packed, err = charmdir.Packed(withCharmcraft)
	require.NoError(t, err)
	assert.Equal(t, files, packed)

	packed, err = charmdir.Packed(charmdir.Files{Charmcraft: []byte(head), Config: files.Config})
	require.NoError(t, err)
	assert.Equal(t, charmdir.Files{Metadata: []byte(meta), Config: files.Config}, packed)
}

func TestPackedWithoutConfigAndActions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"config:\nactions: ~\n",
		"config: {}\nactions: {}\n",
		"config: {options: }\n",
		"config: {a: options, b: {}}\n",
		"config: {a: {}, options: ~}\n",
	} {
		packed, err := charmdir.Packed(charmdir.Files{Charmcraft: []byte(head + text)})
		require.NoError(t, err, "%s", text)
		assert.Equal(t, charmdir.Files{Metadata: []byte(meta)}, packed, "%s", text)
	}
}

func TestPackedRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range slices.Concat(refusals, actionRefusals) {
		packed, err := charmdir.Packed(row.files)
		assert.EqualError(t, err, "cannot read "+row.want)
		assert.Equal(t, charmdir.Files{}, packed)
	}

	long := head + "parts: &long " + strings.Repeat("x", 1<<19) + "\nterms: [*long, *long, *long]\n"
	_, err := charmdir.Packed(charmdir.Files{Charmcraft: []byte(long)})
	assert.EqualError(t, err, "cannot split charmcraft.yaml: would have more than 1 MiB, with aliases expanded")
	deep := head + "peers: {p: {interface: i, x: " + strings.Repeat("[", 90) + strings.Repeat("\"\t\",", 12000) + strings.Repeat("]", 90) + "}}\n"
	_, err = charmdir.Packed(charmdir.Files{Charmcraft: []byte(deep)})
	assert.NoError(t, err)
}

// samePacked asserts that the charm is the same when packed. Errors are refusals
// that are tested elsewhere.
func samePacked(t *testing.T, files charmdir.Files) {
	t.Helper()
	want, err := charmdir.Parse(files)
	packed, packErr := charmdir.Packed(files)
	if err != nil {
		assert.EqualError(t, packErr, err.Error())
		return
	}
	if packErr != nil {
		assert.ErrorContains(t, packErr, "would have more than 1 MiB")
		return
	}
	got, err := charmdir.Parse(packed)
	if assert.NoError(t, err, "metadata.yaml:\n%s\nconfig.yaml:\n%s\nactions.yaml:\n%s", packed.Metadata, packed.Config, packed.Actions) {
		if strings.Contains(strings.ToLower(string(files.Charmcraft)), "nan") {
			return // is not equal to itself
		}
		assert.Equal(t, want, got, "metadata.yaml:\n%s\nconfig.yaml:\n%s\nactions.yaml:\n%s", packed.Metadata, packed.Config, packed.Actions)
	}
}

// splitTexts are charmcraft.yaml files whose scalars and aliases are unusual.
var splitTexts = []string{
	everything,
	head + peers + "config:\n  " + options + "actions:\n  " + action,
	head + "parts: {a: &i {interface: i}}\npeers: {p: *i, <<: {q: *i}}\n",
	head + "x: &n\nactions: {a: {default: [*n, {b: *n}, !!null '']}, b: *n}\n",
	head + "actions: {a: {default: [!!str yes, !!str 5, !!int '7', !!float 1, !!float .inf, -.inf, !!bool \"true\", <<, 18446744073709551615, !!int 18446744073709551615]}}\n",
	head + "actions: {a: {\"<<\": 1, \"5\": 1, \"yes\": 1, '': 1, \"a: b\": 1, \"a\\nb\": 1, \"\\u0085\": 1, \" x\": 1, \"#\": 1}}\n",
	head + "actions:\n  a:\n    default:\n    - |2\n        indented\n      less\n    - |+\n      kept\n\n    - >\n      folded\n      text\n\n        more\n      end\n    - >-\n        first\n    - |-\n      \n      x\n    - plain\n      on\n\n      lines\n    - \"tab\\tand \\u2028 \\x07 \\U0001f600\"\n    - '''quoted'''\n",
	head + "actions: {a: {default: !!str }, b: {default: ! x}, c: {default: !<tag:yaml.org,2002:str> 5}}\n",
	head + "y: &y |\n  two\n  lines\nactions: {a: {description: *y, default: [*y]}}\n",
	head + "title: [x]\nlinks: &l {issues: *l, <<: *l}\n",
	head + "title: 5\nlinks: {contact: [a, {b: c}], issues: [], 5: x}\n",
	head + "actions: {a: {default: [0o17, 0b11, 1_000, +1, .5, ~, Null, TRUE, 1e3, 2001-01-01T00:00:00Z, 1:30, =, y]}}\n",
}

func TestPackedIsTheSameCharm(t *testing.T) {
	t.Parallel()
	for _, text := range splitTexts {
		_, err := charmdir.Parse(charmdir.Files{Charmcraft: []byte(text)})
		assert.NoError(t, err, "%s", text)
		samePacked(t, charmdir.Files{Charmcraft: []byte(text)})
	}
}

func FuzzPacked(f *testing.F) {
	for _, text := range splitTexts {
		f.Add([]byte(text))
	}
	for _, row := range slices.Concat(refusals, actionRefusals) {
		f.Add([]byte(row.files.Charmcraft))
		f.Add([]byte("type: charm\n" + string(row.files.Metadata)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		samePacked(t, charmdir.Files{Charmcraft: text})
		// Most texts are no charm; their actions may be some.
		samePacked(t, charmdir.Files{Charmcraft: []byte(head + "actions:\n a:\n  default: " + strings.ReplaceAll(string(text), "\n", "\n   "))})
	})
}
