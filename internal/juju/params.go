// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
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
		return fmt.Errorf("validation failed: %s", reasons(err, params))
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

// reasons returns what a validation has found, in the words of Juju where it
// has common ones.
func reasons(err error, params map[string]any) string {
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		return err.Error()
	}
	var found []string
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			found = append(found, reason(e, params)...)
		}
	}
	walk(failed)
	return strings.Join(found, "; ")
}

// reason returns what one rule has found.
func reason(e *jsonschema.ValidationError, params map[string]any) []string {
	at := strings.Join(append([]string{"(root)"}, e.InstanceLocation...), ".")
	var value any = params
	for _, key := range e.InstanceLocation {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[key]
		case []any:
			i, _ := strconv.Atoi(key)
			value = inner[i]
		}
	}
	given, _ := json.Marshal(value)
	found := func(format string, args ...any) string {
		return fmt.Sprintf("%s : %s, given %s", at, fmt.Sprintf(format, args...), given)
	}
	var all []string
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		all = append(all, found("must be of type %s", strings.Join(k.Want, ", ")))
	case *kind.Required:
		for _, name := range k.Missing {
			all = append(all, found("%q property is missing and required", name))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			all = append(all, found("additional property %q is not allowed", name))
		}
	default:
		// The library's text is "at '/count': minimum: got 1, want 2".
		_, text, _ := strings.Cut(e.Error(), "': ")
		all = append(all, found("%s", text))
	}
	return all
}
