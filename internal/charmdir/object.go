// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// reader keeps the first mistake in a file.
type reader struct {
	file string
	err  error
}

// object is a map of a file. Its methods read a value, and note a mistake with
// the reader; what they return is then the zero value.
type object struct {
	r      *reader
	prefix string // of the keys in errors: `storage "data": `
	fields map[string]any
}

func (o *object) failf(format string, args ...any) {
	if o.r.err == nil {
		o.r.err = fmt.Errorf("cannot read %s: %s%s", o.r.file, o.prefix, fmt.Sprintf(format, args...))
	}
}

func (o *object) failed() bool { return o.r.err != nil }
func (o *object) err() error   { return o.r.err }

func (o *object) has(key string) bool {
	_, ok := o.fields[key]
	return ok
}

// text returns a string, which is empty if it is not there.
func (o *object) text(key string) string {
	value, ok := o.fields[key]
	if !ok {
		return ""
	}
	text, ok := value.(string)
	if !ok {
		o.failf("%s must be a string, not %s", key, describe(value))
	}
	return text
}

// presentText returns a string that must be there, and may be empty.
func (o *object) presentText(key string) string {
	if !o.has(key) {
		o.failf("%s is missing; it must be a string", key)
	}
	return o.text(key)
}

// filledText returns a string that must be there and not be empty.
func (o *object) filledText(key string) string {
	text := o.presentText(key)
	if text == "" {
		o.failf("%s must not be empty", key)
	}
	return text
}

// oneOf returns a string that is one of those allowed. It must be there if
// byDefault is empty.
func (o *object) oneOf(key, byDefault string, allowed ...string) string {
	value, ok := o.fields[key]
	if !ok {
		if byDefault == "" {
			o.failf("%s is missing; it must be %s", key, alternatives(allowed))
		}
		return byDefault
	}
	text, ok := value.(string)
	if !ok || !slices.Contains(allowed, text) {
		o.failf("%s must be %s, not %s", key, alternatives(allowed), describe(value))
	}
	return text
}

// flag returns a boolean, which Juju takes from a string too.
func (o *object) flag(key string) bool {
	value, ok := o.fields[key]
	if !ok {
		return false
	}
	switch value := value.(type) {
	case bool:
		return value
	case string:
		if flag, err := strconv.ParseBool(value); err == nil {
			return flag
		}
	}
	o.failf("%s must be true or false, not %s", key, describe(value))
	return false
}

// integer returns an integer, which Juju takes from a string too, and whether
// it is there.
func (o *object) integer(key string) (int, bool) {
	value, ok := o.fields[key]
	if !ok {
		return 0, false
	}
	i, ok := toInteger(value)
	if !ok || i < math.MinInt32 || i > math.MaxInt32 {
		o.failf("%s must be an integer, not %s", key, describe(value))
		return 0, false
	}
	return int(i), true
}

func toInteger(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case string:
		i, err := strconv.ParseInt(value, 0, 64)
		return i, err == nil
	}
	return 0, false
}

// list returns a list, and nil if there is none.
func (o *object) list(key string) []any {
	value, ok := o.fields[key]
	if !ok {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		o.failf("%s must be a list, not %s", key, describe(value))
	}
	return list
}

// object returns the map of a key, or nothing if there is none.
func (o *object) object(key, prefix string) *object {
	value, ok := o.fields[key]
	if !ok {
		return o.child(prefix, nil)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		o.failf("%s must be a map, not %s", key, describe(value))
	}
	return o.child(prefix, fields)
}

func (o *object) child(prefix string, fields map[string]any) *object {
	return &object{r: o.r, prefix: prefix, fields: fields}
}

// items yields the maps that o has, in the order of their names. Mistakes name
// the item: noun "name".
func (o *object) items(noun string) iter.Seq2[string, *object] {
	return func(yield func(string, *object) bool) {
		for name, value := range o.sorted() {
			fields, ok := value.(map[string]any)
			if !ok {
				o.child("", nil).failf("%s %q must be a map, not %s", noun, name, describe(value))
			}
			if !yield(name, o.child(fmt.Sprintf("%s %q: ", noun, name), fields)) {
				return
			}
		}
	}
}

// sorted yields the fields in the order of their keys.
func (o *object) sorted() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, key := range slices.Sorted(maps.Keys(o.fields)) {
			if !yield(key, o.fields[key]) {
				return
			}
		}
	}
}

// describe returns a value for an error, in a few words.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case string:
		if runes := []rune(value); len(runes) > 60 {
			value = string(runes[:60]) + "…"
		}
		return strconv.Quote(value)
	case float64:
		if text := strconv.FormatFloat(value, 'g', -1, 64); strings.Trim(text, "-0123456789") != "" {
			return text
		}
		return fmt.Sprintf("%.1f", value) // tells it from an integer
	}
	return fmt.Sprint(value)
}

// alternatives returns `"a", "b" or "c"`.
func alternatives(allowed []string) string {
	quoted := make([]string, len(allowed))
	for i, text := range allowed {
		quoted[i] = strconv.Quote(text)
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
