// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// encodeData writes data, whose strings are valid UTF-8, for a command that
// reads it with Juju's YAML reader. JSON is YAML, but for three differences
// that lose data: the reader fails on, or folds into a space, some characters
// that JSON need not escape; and a key is found only if its colon follows
// within 1024 characters, unless it is marked by "? ".
func encodeData(data map[string]string) []byte {
	size := 2
	for key, value := range data {
		size += len(key) + len(value) + 16
	}
	b := append(make([]byte, 0, size), '{')
	for i, key := range slices.Sorted(maps.Keys(data)) {
		if i > 0 {
			b = append(b, ", "...)
		}
		start := len(b)
		b = appendQuoted(b, key)
		if len(b)-start > 1000 {
			b = append(b[:start], "? "...)
			b = append(appendQuoted(b, key), ' ')
		}
		b = append(b, ": "...)
		b = appendQuoted(b, data[key])
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if mustEscape(r) {
			b = append(b, s[start:i]...)
			b = appendEscape(b, r)
			start = i + size
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func mustEscape(r rune) bool {
	switch {
	case r < 0x20, r == '"', r == '\\':
		return true
	case r < 0x7f:
		return false
	case r <= 0x9f: // DEL and C1 controls, among them the line break U+0085
		return true
	}
	switch r {
	case '\u2028', '\u2029', '\ufeff', '\ufffe', '\uffff':
		return true
	}
	return false
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\t':
		return append(b, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&0xf], hex[r>>8&0xf], hex[r>>4&0xf], hex[r&0xf])
}
