// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// jobHash returns what the published library ends the name of a job with: the
// first 4 bytes of BLAKE2b, made for that length, of the job as Python's JSON with
// sorted keys. Numbers that are not whole can be written otherwise than there.
func jobHash(job map[string]any) (string, error) {
	content, err := marshal(job)
	if err != nil {
		return "", err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return "", err
	}
	text, err := appendPython(nil, plain)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(blake2b4(text)), nil
}

// appendPython appends a value as json.dumps(value, sort_keys=True) writes it.
func appendPython(b []byte, value any) ([]byte, error) {
	var err error
	switch value := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendPythonString(b, key), ": "...)
			if b, err = appendPython(b, value[key]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, element := range value {
			if i > 0 {
				b = append(b, ", "...)
			}
			if b, err = appendPython(b, element); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case string:
		return appendPythonString(b, value), nil
	case json.Number:
		return append(b, value...), nil
	case bool:
		return fmt.Append(b, value), nil
	case nil:
		return append(b, "null"...), nil
	}
	return nil, errors.New("it is not JSON")
}

// appendPythonString appends a string in ASCII.
func appendPythonString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r >= ' ' && r < 0x7f:
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return append(b, '"')
}
