// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"fmt"
	"math"
	"regexp"
	"slices"
)

var schemaTypes = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// checkSchema checks a JSON schema as Juju does. The path in errors leads
// through the action's keys, and is empty for the action itself.
func checkSchema(at *object, path string, schema map[string]any) {
	for key, value := range at.child("", schema).sorted() {
		where := join(path, key)
		if path == "" && key == "properties" && at.has("params") {
			where = "params"
		}
		if check := keyword(key); check != nil {
			check(at, where, value)
		}
	}
	for _, pair := range [][2]string{
		{"minimum", "maximum"}, {"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"},
	} {
		low, okLow := number(schema[pair[0]])
		high, okHigh := number(schema[pair[1]])
		if okLow && okHigh && low > high {
			at.failf("%s must not be above %s", join(path, pair[0]), pair[1])
		}
	}
	for _, pair := range [][2]string{{"exclusiveMinimum", "minimum"}, {"exclusiveMaximum", "maximum"}} {
		if schema[pair[0]] != nil && schema[pair[1]] == nil {
			at.failf("%s must come with %s", join(path, pair[0]), pair[1])
		}
	}
}

// keyword returns what checks the value of a keyword of draft 4, or nil where
// Juju takes any value, as for format and default.
func keyword(key string) func(at *object, path string, value any) {
	switch key {
	case "title", "description", "id":
		return schemaText
	case "pattern":
		return schemaPattern
	case "type":
		return schemaType
	case "required":
		return schemaRequired
	case "enum":
		return schemaEnum
	case "minimum", "maximum":
		return schemaNumber
	case "multipleOf":
		return schemaPositive
	case "exclusiveMinimum", "exclusiveMaximum", "uniqueItems":
		return schemaFlag
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		return schemaCount
	case "not":
		return schemaNested
	case "properties":
		return schemaMap
	case "patternProperties":
		return schemaPatterns
	case "dependencies":
		return schemaDependencies
	case "items":
		return schemaOrList
	case "allOf", "anyOf", "oneOf":
		return schemaList
	case "additionalItems", "additionalProperties":
		return schemaOrFlag
	}
	return nil
}

// checkReferences refuses the keys that Juju prohibits, at any depth.
func checkReferences(at *object, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, value := range at.child("", value).sorted() {
			where := join(path, key)
			if key == "$ref" || key == "$schema" {
				at.failf("%s must not be there: Juju prohibits $ref and $schema", where)
			}
			if path == "" && key == "properties" && at.has("params") {
				where = "params"
			}
			checkReferences(at, where, value)
		}
	case []any:
		for i, value := range value {
			checkReferences(at, fmt.Sprintf("%s[%d]", path, i), value)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func wrong(at *object, path, want string, value any) {
	at.failf("%s must be %s, not %s", path, want, describe(value))
}

func number(value any) (float64, bool) {
	switch value := value.(type) {
	case int64:
		return float64(value), true
	case float64:
		return value, !math.IsNaN(value) && !math.IsInf(value, 0)
	}
	return 0, false
}

func schemaText(at *object, path string, value any) {
	if _, ok := value.(string); !ok {
		wrong(at, path, "a string", value)
	}
}

func schemaFlag(at *object, path string, value any) {
	if _, ok := value.(bool); !ok {
		wrong(at, path, "true or false", value)
	}
}

func schemaNumber(at *object, path string, value any) {
	if _, ok := number(value); !ok {
		wrong(at, path, "a number", value)
	}
}

func schemaPositive(at *object, path string, value any) {
	if n, ok := number(value); !ok || n <= 0 {
		wrong(at, path, "a number above 0", value)
	}
}

func schemaCount(at *object, path string, value any) {
	if n, ok := number(value); !ok || n < 0 || n != math.Trunc(n) {
		wrong(at, path, "an integer of 0 or more", value)
	}
}

func schemaPattern(at *object, path string, value any) {
	text, ok := value.(string)
	if _, err := regexp.Compile(text); !ok || err != nil {
		wrong(at, path, "a regular expression of Go", value)
	}
}

func schemaType(at *object, path string, value any) {
	types, ok := value.([]any)
	if !ok {
		types = []any{value}
	}
	seen := make(map[string]bool)
	for _, value := range types {
		name, ok := value.(string)
		if !ok || !slices.Contains(schemaTypes, name) {
			wrong(at, path, alternatives(schemaTypes)+", or a list of them", value)
		} else if seen[name] {
			at.failf("%s must not have %q twice", path, name)
		}
		seen[name] = true
	}
}

func schemaRequired(at *object, path string, value any) {
	list, ok := value.([]any)
	if !ok {
		wrong(at, path, "a list of names of parameters", value)
	}
	seen := make(map[string]bool)
	for _, value := range list {
		name, ok := value.(string)
		if !ok {
			at.failf("%s must be a list of strings, without %s", path, describe(value))
		} else if seen[name] {
			at.failf("%s must not have %s twice", path, describe(name))
		}
		seen[name] = true
	}
}

func schemaEnum(at *object, path string, value any) {
	list, ok := value.([]any)
	if !ok {
		wrong(at, path, "a list", value)
	}
	seen := make(map[string]bool)
	for _, value := range list {
		same := fmt.Sprintf("%#v", value) // 1 and 1.0 are
		if seen[same] {
			at.failf("%s must not have %s twice", path, describe(value))
		}
		seen[same] = true
	}
}

func schemaNested(at *object, path string, value any) {
	if schema, ok := value.(map[string]any); ok {
		checkSchema(at, path, schema)
		return
	}
	wrong(at, path, `a map, such as {type: string}`, value)
}

func schemaMap(at *object, path string, value any) {
	schemas, ok := value.(map[string]any)
	if !ok {
		wrong(at, path, "a map", value)
	}
	for key, value := range at.child("", schemas).sorted() {
		schemaNested(at, join(path, key), value)
	}
}

func schemaPatterns(at *object, path string, value any) {
	schemaMap(at, path, value)
	schemas, _ := value.(map[string]any)
	for pattern := range at.child("", schemas).sorted() {
		schemaPattern(at, fmt.Sprintf("%s: %q", path, pattern), pattern)
	}
}

func schemaDependencies(at *object, path string, value any) {
	dependencies, ok := value.(map[string]any)
	if !ok {
		wrong(at, path, "a map", value)
	}
	for key, value := range at.child("", dependencies).sorted() {
		if _, isList := value.([]any); isList {
			schemaRequired(at, join(path, key), value)
		} else {
			schemaNested(at, join(path, key), value)
		}
	}
}

func schemaOrList(at *object, path string, value any) {
	if _, isList := value.([]any); isList {
		schemaList(at, path, value)
		return
	}
	schemaNested(at, path, value)
}

func schemaList(at *object, path string, value any) {
	list, ok := value.([]any)
	if !ok {
		wrong(at, path, "a list", value)
	}
	for i, value := range list {
		schemaNested(at, fmt.Sprintf("%s[%d]", path, i), value)
	}
}

func schemaOrFlag(at *object, path string, value any) {
	if _, isFlag := value.(bool); !isFlag {
		schemaNested(at, path, value)
	}
}
