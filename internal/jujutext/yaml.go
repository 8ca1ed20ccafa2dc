// SPDX-License-Identifier: Apache-2.0

package jujutext

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v2"
)

// Juju prints YAML with its own fork of yaml.v2, whose writer differs in one
// thing: it quotes fewer strings that look like floats ([bareNumber]). yaml.v2
// cannot be told to leave a string bare, so such a string is given to it as
// so many placeholder letters, which need no quotes and are as wide (line
// folding depends on that). The letter is no part of any syntax or escape that
// yaml.v2 writes, so the n-th one in its output is the n-th one in the strings
// that it was given. For each of them document.letters has what belongs there,
// be it of a masked number or the letter itself.
const placeholder = 'q'

func formatYAML(value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	var d document
	tree, err := d.tree(value)
	if err != nil {
		return nil, err
	}
	out, err := yaml.Marshal(tree)
	if err != nil {
		return nil, err
	}
	for i, c := range out {
		if c == placeholder {
			out[i], d.letters = d.letters[0], d.letters[1:]
		}
	}
	return append(bytes.TrimRight(out, "\n"), '\n'), nil
}

type document struct {
	letters []byte
}

// tree returns what yaml.v2 is to print for value, which is visited in the
// order of the output.
func (d *document) tree(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, int, int64, uint64, float64, time.Time:
		return v, nil
	case string:
		return d.text(v), nil
	case []string:
		return list(d, v)
	case []any:
		return list(d, v)
	case map[string]string:
		return sorted(d, v)
	case map[string]any:
		return sorted(d, v)
	case Map:
		return d.items(v)
	}
	return nil, fmt.Errorf("cannot print %T as YAML", value)
}

func list[T any](d *document, values []T) (any, error) {
	trees := make([]any, len(values))
	for i, value := range values {
		var err error
		if trees[i], err = d.tree(value); err != nil {
			return nil, err
		}
	}
	return trees, nil
}

func sorted[T any](d *document, values map[string]T) (any, error) {
	items := make(Map, 0, len(values))
	for _, key := range sortedKeys(values) {
		items = append(items, Item{key, values[key]})
	}
	return d.items(items)
}

func (d *document) items(m Map) (any, error) {
	trees := make(yaml.MapSlice, len(m))
	for i, item := range m {
		trees[i].Key = d.text(item.Key)
		var err error
		if trees[i].Value, err = d.tree(item.Value); err != nil {
			return nil, err
		}
	}
	return trees, nil
}

// text returns what yaml.v2 is to print for a string.
func (d *document) text(s string) string {
	printed := s
	switch {
	case bareNumber(s):
		d.letters = append(d.letters, s...)
		return strings.Repeat(string(placeholder), len(s))
	case !utf8.ValidString(s): // becomes !!binary
		printed = base64.StdEncoding.EncodeToString([]byte(s))
	case strings.HasPrefix(s, "\uFEFF"): // yaml.v2 then escapes every letter
		return s
	}
	for range strings.Count(printed, string(placeholder)) {
		d.letters = append(d.letters, placeholder)
	}
	return s
}

// bareNumber reports whether text looks like a float to yaml.v2, so that it
// quotes it, and not to Juju's fork, which leaves it bare: one with an exponent
// without sign, with a point and no digit behind it, or with a zero in front
// (if it is no octal integer either). Underscores do not count.
func bareNumber(text string) bool {
	if text == "" || !isDigit(text[0]) && text[0] != '+' && text[0] != '-' {
		return false
	}
	number := strings.ReplaceAll(text, "_", "")
	mantissa, exponent := number, ""
	if e := strings.IndexAny(number, "eE"); e >= 0 {
		mantissa, exponent = number[:e], number[e+1:]
		if digits := unsigned(exponent); digits == "" || !areDigits(digits) {
			return false
		}
	}
	whole, fraction, hasPoint := strings.Cut(unsigned(mantissa), ".")
	if whole+fraction == "" || !areDigits(whole) || !areDigits(fraction) {
		return false
	}
	switch {
	case exponent != "" && isDigit(exponent[0]), hasPoint && fraction == "":
		return true
	case len(whole) < 2 || whole[0] != '0':
		return false
	case exponent != "" || hasPoint:
		return true
	}
	_, errInt := strconv.ParseInt(number, 0, 64)
	_, errUint := strconv.ParseUint(number, 0, 64)
	return errInt != nil && errUint != nil
}

func unsigned(number string) string {
	if number != "" && (number[0] == '+' || number[0] == '-') {
		return number[1:]
	}
	return number
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func areDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }
