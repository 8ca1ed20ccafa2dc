// SPDX-License-Identifier: Apache-2.0

package jujutext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Format returns what a hook command prints on standard output for value in
// format "smart", "yaml" or "json"; nothing at all is nil. Another format is
// an error, with Juju's text.
//
// A value is built of nil, bool, string, int, int64, uint64, float64,
// time.Time, []string, []any, map[string]string, map[string]any and [Map].
// Another type is an error (but in json, which takes what encoding/json takes).
//
//   - json is encoding/json's, HTML characters escaped: a nil slice or map is
//     null, an empty one [] or {}.
//   - yaml has sorted keys and block style. A nil value prints nothing, nil
//     and empty slices and maps are [] and {}. Whole floats from 1e+06 on have
//     an exponent. Line breaks at the end are cut to one, so that a text that
//     ends with several does not survive if it comes last.
//   - smart prints a string as it is, a bool as True or False, a []string one
//     per line, all with a line break after it, and nothing for an empty text
//     or list; other values, []any among them, are as in yaml.
func Format(format string, value any) ([]byte, error) {
	switch format {
	case "json":
		out, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		return append(out, '\n'), nil
	case "yaml":
		return formatYAML(value)
	case "smart":
		return formatSmart(value)
	}
	return nil, unknownFormat(format)
}

func unknownFormat(format string) error {
	return fmt.Errorf("unknown format %q", format)
}

func formatSmart(value any) ([]byte, error) {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case []string:
		text = strings.Join(v, "\n")
	case bool:
		text = "False"
		if v {
			text = "True"
		}
	default:
		return formatYAML(value)
	}
	if text == "" {
		return nil, nil
	}
	return append([]byte(text), '\n'), nil
}

// Map is a map that is printed in its own order, as Juju prints its structs.
// A nil Map is an empty one in all formats.
type Map []Item

// Item is one entry of a [Map].
type Item struct {
	Key   string
	Value any // of a type that [Format] takes
}

// MarshalJSON returns m as a JSON object. It does not look for keys that are
// there twice.
func (m Map) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, item := range m {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(item.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(item.Value)
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
