// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/relation"
)

// What Relation.save of the Python framework ops writes: each field is one key,
// whose value is what json.dumps prints.

type pydantic struct {
	Name    string         `databag:"b_name"`
	Value   map[string]any `databag:"a"`
	Nothing []string       `databag:"n"`
	Alias   int            `databag:"alias-me"`
	Float   float64        `databag:"float"`
	Large   float64        `databag:"large"`
	Small   float64        `databag:"small"`
	Bool    bool           `databag:"bool"`
	Emoji   string         `databag:"emoji"`
	Control string         `databag:"control"`
	HTML    string         `databag:"html"`
	List    []nested       `databag:"list"`
	Any     any            `databag:"any"`
}

func opsBag() texts {
	return texts{
		"b_name":   `"h\u00e9"`,
		"a":        `{"k": [1, 2.0, true, null]}`,
		"n":        `null`,
		"alias-me": `3`,
		"float":    `2.0`,
		"large":    `1e+16`,
		"small":    `1.5e-07`,
		"bool":     `false`,
		"emoji":    `"\ud83d\ude00 \u2028"`,
		"control":  `"\u0000\b\f\n\r\t\u001f\u007f\u0085"`,
		"html":     `"<a href=\"/x\">&</a>"`,
		"list":     `[{"name": "x", "port": 1}, {"name": "y"}]`,
		"any":      `{"z": 1, "a": {}}`,

		"ingress-address": "10.0.0.1",
	}
}

func opsValue() pydantic {
	return pydantic{
		Name:    "h\u00e9",
		Value:   map[string]any{"k": []any{1.0, 2.0, true, nil}},
		Alias:   3,
		Float:   2,
		Large:   1e16,
		Small:   1.5e-7,
		Emoji:   "\U0001f600 \u2028",
		Control: "\x00\b\f\n\r\t\x1f\x7f\u0085",
		HTML:    `<a href="/x">&</a>`,
		List:    []nested{{Name: "x", Port: 1}, {Name: "y"}},
		Any:     map[string]any{"z": 1.0, "a": map[string]any{}},
	}
}

func TestLoadFromOps(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	agent.Relations["db:3"].Bags["mysql/2"] = opsBag()
	loaded, err := relation.Load[pydantic](t.Context(), rel.Remote("mysql/2"))
	require.NoError(t, err)
	assert.Equal(t, opsValue(), loaded)
}

// A charm that was in Python, or has units in Python, sets off no
// relation-changed by writing the same value in Go's form.
func TestSaveOverOps(t *testing.T) {
	t.Parallel()
	t.Run("same", isSavedOver(opsValue(), opsBag(), ""))
	other := opsValue()
	other.Alias = 4
	other.Nothing = []string{"<x>"}
	t.Run("other", isSavedOver(other, opsBag(), `{"alias-me": "4", "n": "[\"<x>\"]"}`))
}

// What ops reads: JSON in which < > & are themselves, as Python writes them.
func TestSaveForOps(t *testing.T) {
	t.Parallel()
	bag := saved(t, opsValue())
	assert.Equal(t, `"<a href=\"/x\">&</a>"`, bag["html"])
	assert.Equal(t, `3`, bag["alias-me"])
	assert.Equal(t, `null`, bag["n"], "a key that is missing would be an error in Python")
	var decoded, want any
	for key, text := range opsBag() {
		if key == "ingress-address" {
			continue
		}
		require.NoError(t, json.Unmarshal([]byte(bag[key]), &decoded), "key %s", key)
		require.NoError(t, json.Unmarshal([]byte(text), &want), "key %s", key)
		assert.Equal(t, want, decoded, "key %s", key)
		decoded, want = nil, nil
	}
}
