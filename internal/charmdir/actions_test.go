// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

var actionRefusals = []refusal{
	inActions("[run]\n", "it must be a map"),
	inActions("run: now\n", `action "run" must be a map, not "now"`),
	inActions("run_it: {}\n", `action "run_it": name "run_it" must match ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`),
	inActions("juju-run: {}\n", `action "juju-run": "juju-run" is reserved: it must not be "juju" nor begin with "juju-"`),
	inActions("run: {description: 5}\n", `action "run": description must be a string, not 5`),
	inActions("run: {title: 5}\n", `action "run": title must be a string, not 5`),
	inActions("run: {parallel: 'true'}\n", `action "run": parallel must be true or false, not "true"`),
	inActions("run: {execution-group: 5}\n", `action "run": execution-group must be a string, not 5`),
	inActions("run: {params: }\n", `action "run": params must be a map, not nothing`),
	inActions("run: {params: [a]}\n", `action "run": params must be a map, not a list`),
	inActions("run: {params: {a: string}}\n", `action "run": params.a must be a map, such as {type: string}, not "string"`),
	inActions("run: {params: {a: {}}, properties: {}}\n", `action "run": params are the properties of its schema; it must have one of them, not both`),
	inActions("run: {properties: {a: string}}\n", `action "run": properties.a must be a map, such as {type: string}, not "string"`),

	inActions("run: {params: {$ref: {}}}\n", `action "run": params.$ref must not be there: Juju prohibits $ref and $schema`),
	inActions("run: {$schema: x}\n", `action "run": $schema must not be there: Juju prohibits $ref and $schema`),
	inActions("run: {params: {a: {items: [{$ref: x}]}}}\n", `action "run": params.a.items[0].$ref must not be there: Juju prohibits $ref and $schema`),

	inActions("run: {params: {a: {type: int}}}\n", `action "run": params.a.type must be "array", "boolean", "integer", "null", "number", "object" or "string", or a list of them, not "int"`),
	inActions("run: {params: {a: {type: [string, 5]}}}\n", `action "run": params.a.type must be "array", "boolean", "integer", "null", "number", "object" or "string", or a list of them, not 5`),
	inActions("run: {params: {a: {type: [string, string]}}}\n", `action "run": params.a.type must not have "string" twice`),
	inActions("run: {required: a}\n", `action "run": required must be a list of names of parameters, not "a"`),
	inActions("run: {required: [5]}\n", `action "run": required must be a list of strings, without 5`),
	inActions("run: {required: [a, a]}\n", `action "run": required must not have "a" twice`),
	inActions("run: {params: {a: {required: true}}}\n", `action "run": params.a.required must be a list of names of parameters, not true`),
	inActions("run: {params: {a: {enum: b}}}\n", `action "run": params.a.enum must be a list, not "b"`),
	inActions("run: {params: {a: {enum: [1, 2, 1.0]}}}\n", `action "run": params.a.enum must not have 1.0 twice`),
	inActions("run: {params: {a: {pattern: '('}}}\n", `action "run": params.a.pattern must be a regular expression of Go, not "("`),
	inActions("run: {params: {a: {description: [b]}}}\n", `action "run": params.a.description must be a string, not a list`),
	inActions("run: {params: {a: {minimum: one}}}\n", `action "run": params.a.minimum must be a number, not "one"`),
	inActions("run: {params: {a: {maximum: .nan}}}\n", `action "run": params.a.maximum must be a number, not NaN`),
	inActions("run: {params: {a: {multipleOf: 0}}}\n", `action "run": params.a.multipleOf must be a number above 0, not 0`),
	inActions("run: {params: {a: {minLength: -1}}}\n", `action "run": params.a.minLength must be an integer of 0 or more, not -1`),
	inActions("run: {params: {a: {maxItems: 1.5}}}\n", `action "run": params.a.maxItems must be an integer of 0 or more, not 1.5`),
	inActions("run: {params: {a: {uniqueItems: 1}}}\n", `action "run": params.a.uniqueItems must be true or false, not 1`),
	inActions("run: {params: {a: {minimum: 2, maximum: 1}}}\n", `action "run": params.a.minimum must not be above maximum`),
	inActions("run: {params: {a: {minLength: 2, maxLength: 1}}}\n", `action "run": params.a.minLength must not be above maxLength`),
	inActions("run: {params: {a: {minItems: 2, maxItems: 1}}}\n", `action "run": params.a.minItems must not be above maxItems`),
	inActions("run: {minProperties: 2, maxProperties: 1}\n", `action "run": minProperties must not be above maxProperties`),
	inActions("run: {params: {a: {exclusiveMinimum: true}}}\n", `action "run": params.a.exclusiveMinimum must come with minimum`),
	inActions("run: {params: {a: {exclusiveMaximum: 5, maximum: 6}}}\n", `action "run": params.a.exclusiveMaximum must be true or false, not 5`),
	inActions("run: {params: {a: {not: []}}}\n", `action "run": params.a.not must be a map, such as {type: string}, not a list`),
	inActions("run: {params: {a: {items: string}}}\n", `action "run": params.a.items must be a map, such as {type: string}, not "string"`),
	inActions("run: {params: {a: {items: [{}, {type: x}]}}}\n", `action "run": params.a.items[1].type must be "array", "boolean", "integer", "null", "number", "object" or "string", or a list of them, not "x"`),
	inActions("run: {params: {a: {anyOf: {}}}}\n", `action "run": params.a.anyOf must be a list, not a map`),
	inActions("run: {additionalProperties: 'no'}\n", `action "run": additionalProperties must be a map, such as {type: string}, not "no"`),
	inActions("run: {patternProperties: {'(': {}}}\n", `action "run": patternProperties: "(" must be a regular expression of Go, not "("`),
	inActions("run: {patternProperties: []}\n", `action "run": patternProperties must be a map, not a list`),
	inActions("run: {dependencies: {a: 5}}\n", `action "run": dependencies.a must be a map, such as {type: string}, not 5`),
	inActions("run: {dependencies: {a: [5]}}\n", `action "run": dependencies.a must be a list of strings, without 5`),
	inActions("run: {dependencies: []}\n", `action "run": dependencies must be a map, not a list`),
}

func TestActionSchemas(t *testing.T) {
	t.Parallel()
	c, err := charmdir.Parse(charmdir.Files{Metadata: []byte(meta), Actions: []byte(`
run:
  title: Run it
  properties: {a: {type: string, format: anything, default: {b: [1, null]}}}
  patternProperties: {"^x-": {}}
  dependencies: {a: [b], b: {required: []}}
  additionalProperties: {type: [string, "null"]}
  x-anything: {goes: here}
`)})
	require.NoError(t, err)
	assert.Equal(t, map[string]charmdir.Action{"run": {
		Name: "run", Description: "No description", Schema: map[string]any{
			"type": "object", "title": "Run it", "description": "No description",
			"properties": map[string]any{"a": map[string]any{
				"type": "string", "format": "anything", "default": map[string]any{"b": []any{int64(1), nil}},
			}},
			"patternProperties":    map[string]any{"^x-": map[string]any{}},
			"dependencies":         map[string]any{"a": []any{"b"}, "b": map[string]any{"required": []any{}}},
			"additionalProperties": map[string]any{"type": []any{"string", "null"}},
			"x-anything":           map[string]any{"goes": "here"},
		},
	}}, c.Actions)
}

// TestMergedMaps holds what YAML says of anchors, aliases and merge keys.
func TestMergedMaps(t *testing.T) {
	t.Parallel()
	c, err := charmdir.Parse(charmdir.Files{Metadata: []byte(meta), Config: []byte(`
number: &number {type: int, default: 1}
text: &text {type: string, description: Text}
options:
  a: *number
  b: {<<: *number, default: 2}
  c: {default: x, <<: [*text, *number]}
  d: {"<<": 5}
`)})
	require.NoError(t, err)
	assert.Equal(t, map[string]charmdir.Option{
		"a": {Name: "a", Type: "int", Default: int64(1)},
		"b": {Name: "b", Type: "int", Default: int64(2)},
		"c": {Name: "c", Type: "string", Default: "x", Description: "Text"},
		"d": {Name: "d", Type: "string"},
	}, c.Options)
}

// TestScalars holds how Juju and charmcraft read plain words and numbers.
func TestScalars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"yes": true, "Off": false, "true": true, `"yes"`: "yes", "!!str yes": "yes", "y": "y", "n": "n", "TRUE": true,
		"10": int64(10), "010": int64(8), "0x10": int64(16), "1_000": int64(1000), "-1": int64(-1), "!!int 7": int64(7),
		"1.5": 1.5, "1e3": 1000.0, "!!float 1": 1.0, "18446744073709551615": 18446744073709551615.0,
		"~": nil, "null": nil, "": nil, "''": "", "2001-01-01": "2001-01-01", "1:30": "1:30", "|-\n  yes": "yes",
	} {
		c, err := charmdir.Parse(charmdir.Files{Metadata: []byte(meta), Actions: []byte("a:\n default: " + text + "\n")})
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, c.Actions["a"].Schema["default"], "%q", text)
		}
	}
}
