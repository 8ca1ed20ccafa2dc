// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// plainParams returns parameters as they get to a charm: through JSON.
func plainParams(params map[string]any) (map[string]any, error) {
	plain := make(map[string]any)
	if len(params) == 0 {
		return plain, nil
	}
	text, err := json.Marshal(params)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		return nil, fmt.Errorf("parameters must be what JSON can hold: %w", err)
	}
	return plain, nil
}

// actionParams returns the parameters of an action with the defaults.
func (a *agent) actionParams(act *Action) (map[string]any, error) {
	declared, ok := a.charm().Actions[act.Name]
	if !ok {
		return nil, errors.New("not defined")
	}
	given := act.Params
	if given == nil {
		given = map[string]any{}
	}
	schema := maps.Clone(declared.Schema)
	if _, ok := schema["additionalProperties"]; !ok && !a.unit.app.model.is36 {
		schema["additionalProperties"] = false
	}
	// Juju refuses what an operator gave before it adds defaults, so a required
	// parameter has to be given even if it has one; and it checks the whole
	// again before the charm runs.
	if err := checkParams(schema, given); err != nil {
		return nil, err
	}
	properties, _ := schema["properties"].(map[string]any)
	defaults, err := plainParams(properties)
	if err != nil {
		return nil, err
	}
	params := withDefaults(given, defaults)
	return params, checkParams(schema, params)
}

// withDefaults returns params with the defaults of the properties they lack,
// also of those in maps, which it makes if need be.
func withDefaults(params, properties map[string]any) map[string]any {
	full := maps.Clone(params)
	if full == nil {
		full = make(map[string]any)
	}
	for name, schema := range properties {
		property, _ := schema.(map[string]any)
		inner, _ := property["properties"].(map[string]any)
		value, given := full[name]
		nested, isMap := value.(map[string]any)
		fallback, hasDefault := property["default"]
		switch {
		case given && isMap:
			full[name] = withDefaults(nested, inner)
		case given:
		case hasDefault:
			full[name] = fallback
		default:
			if made := withDefaults(nil, inner); len(made) > 0 {
				full[name] = made
			}
		}
	}
	return full
}

// checkParams checks parameters against a JSON schema of draft 4.
func checkParams(schema, params map[string]any) error {
	document, err := number(schema)
	if err != nil {
		return err
	}
	value, err := number(params)
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	const url = "action.json"
	if err := compiler.AddResource(url, withoutEmptyLists(document)); err != nil {
		return fmt.Errorf("cannot read its schema: %w", err)
	}
	compiled, err := compiler.Compile(url)
	if err != nil {
		return fmt.Errorf("cannot read its schema: %w", err)
	}
	if err := compiled.Validate(value); err != nil {
		return fmt.Errorf("validation failed: %s", reasons(err))
	}
	return nil
}

// number returns a value whose numbers are as JSON has them.
func number(value map[string]any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// withoutEmptyLists removes what draft 4 does not allow and Juju does: "required"
// and other lists of nothing.
func withoutEmptyLists(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if list, ok := inner.([]any); ok && len(list) == 0 && key != "default" {
				delete(value, key)
			} else if key != "default" && key != "enum" {
				withoutEmptyLists(inner)
			}
		}
	case []any:
		for _, inner := range value {
			withoutEmptyLists(inner)
		}
	}
	return value
}

// reasons returns what a validation has found, on one line.
func reasons(err error) string {
	lines := strings.Split(err.Error(), "\n")
	found := make([]string, 0, len(lines))
	for _, line := range lines[1:] { // the first names the schema
		found = append(found, strings.TrimPrefix(strings.TrimSpace(line), "- "))
	}
	if len(found) == 0 {
		return err.Error()
	}
	return strings.Join(found, "; ")
}
