// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decodeParams sets target, whose type checkParams knows, from an action's
// parameters. The error is for the operator: it names the parameter.
func decodeParams(params map[string]json.RawMessage, target reflect.Value) error {
	if target.Kind() == reflect.Map {
		return decodeMap("", params, target)
	}
	return decodeStruct("", params, target)
}

func decodeStruct(path string, params map[string]json.RawMessage, target reflect.Value) error {
	fields, err := actionFields(target.Type())
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.ContainsFunc(fields, func(f actionField) bool { return f.key == name }) {
			return badParam(inside(path, name), "%s", unknownParam(fields))
		}
	}
	for _, f := range fields {
		raw, ok := params[f.key]
		if !ok {
			if f.typ.Kind() == reflect.Pointer {
				continue
			}
			return badParam(inside(path, f.key), "it is missing")
		}
		if err := decodeParam(inside(path, f.key), raw, target.FieldByIndex(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func unknownParam(fields []actionField) string {
	if len(fields) == 0 {
		return "it is unknown: there are none"
	}
	var known []string
	for _, f := range fields {
		known = append(known, strconv.Quote(f.key))
	}
	return "it is unknown: there are " + strings.Join(known, ", ")
}

func decodeMap(path string, params map[string]json.RawMessage, target reflect.Value) error {
	t := target.Type()
	m := reflect.MakeMapWithSize(t, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		value := reflect.New(t.Elem()).Elem()
		if err := decodeParam(inside(path, name), params[name], value); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), value)
	}
	target.Set(m)
	return nil
}

// decodeParam sets target, which is addressable, from JSON.
func decodeParam(path string, raw json.RawMessage, target reflect.Value) error {
	raw = bytes.TrimSpace(raw)
	var err error
	switch u := target.Addr().Interface().(type) {
	case json.Unmarshaler:
		if err = u.UnmarshalJSON(raw); err != nil {
			return badParam(path, "%w", err)
		}
		return nil
	case encoding.TextUnmarshaler:
		text, err := stringParam(path, raw)
		if err != nil {
			return err
		}
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return badParam(path, "%w", err)
		}
		return nil
	case *time.Duration:
		text, err := stringParam(path, raw)
		if err != nil {
			return err
		}
		if *u, err = parseDuration(text); err != nil {
			return breaks(path, err, raw)
		}
		return nil
	}
	switch target.Kind() {
	case reflect.Pointer:
		if string(raw) == "null" {
			return nil
		}
		target.Set(reflect.New(target.Type().Elem()))
		return decodeParam(path, raw, target.Elem())
	case reflect.Interface:
		if err = json.Unmarshal(raw, target.Addr().Interface()); err != nil {
			return badParam(path, "not JSON: %w", err)
		}
	case reflect.Struct, reflect.Map:
		var object map[string]json.RawMessage
		if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &object) != nil {
			return mustBe(path, "an object", raw)
		}
		if target.Kind() == reflect.Map {
			return decodeMap(path, object, target)
		}
		return decodeStruct(path, object, target)
	case reflect.Slice:
		if isBytes(target.Type()) {
			if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, target.Addr().Interface()) != nil {
				return mustBe(path, "base64 text", raw)
			}
			return nil
		}
		return decodeList(path, raw, target)
	case reflect.Array:
		return decodeList(path, raw, target)
	case reflect.String:
		text, err := stringParam(path, raw)
		if err != nil {
			return err
		}
		target.SetString(text)
	case reflect.Bool:
		if text := string(raw); text != "true" && text != "false" {
			return mustBe(path, "true or false", raw)
		}
		target.SetBool(raw[0] == 't')
	default:
		if err := setNumber(target, string(raw)); err != nil {
			return breaks(path, err, raw)
		}
	}
	return nil
}

// isBytes reports whether encoding/json has base64 text for a slice.
func isBytes(t reflect.Type) bool {
	return t.Elem().Kind() == reflect.Uint8 && !hasUnmarshaler(t.Elem())
}

func decodeList(path string, raw json.RawMessage, target reflect.Value) error {
	var list []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return mustBe(path, "a list", raw)
	}
	if target.Kind() == reflect.Slice {
		target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
	} else if len(list) != target.Len() {
		return badParam(path, "must be a list of %d, not of %d", target.Len(), len(list))
	}
	for i, raw := range list {
		if err := decodeParam(fmt.Sprintf("%s[%d]", path, i), raw, target.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// stringParam returns the text of a JSON string.
func stringParam(path string, raw json.RawMessage) (text string, err error) {
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", mustBe(path, "a string", raw)
	}
	return text, nil
}

// inside returns the path of a parameter that is in another.
func inside(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func badParam(path, format string, args ...any) error {
	return fmt.Errorf("parameter %q: "+format, append([]any{path}, args...)...)
}

func mustBe(path, what string, raw json.RawMessage) error {
	return breaks(path, errors.New("must be "+what), raw)
}

// breaks is the error of a value that breaks a rule.
func breaks(path string, rule error, raw json.RawMessage) error {
	return badParam(path, "%w, not %s", rule, jsonText(raw))
}

// jsonText returns what an operator knows a value by.
func jsonText(raw json.RawMessage) string {
	const most = 60
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "a list"
	case len(raw) > most:
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}
