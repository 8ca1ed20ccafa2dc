// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jsontext"
)

// maxResult is what a process can be given of one result, key and "=" included.
const maxResult = 128<<10 - 1

// setResults sends what an action's handler returned, by one action-set.
func (d *dispatch) setResults(ctx context.Context, out reflect.Value) error {
	r := actionResults{values: make(map[string]string), fields: make(map[string]string)}
	if err := r.encode(out); err != nil {
		return err
	}
	if len(r.values) == 0 {
		return nil
	}
	err := d.client.ActionSet(ctx, r.values)
	var failure *hookcmd.Error
	if errors.As(err, &failure) && failure.Code < 0 { // it did not run
		for _, key := range slices.Sorted(maps.Keys(r.values)) {
			if size := len(r.values[key]); len(key)+len("=")+size > maxResult {
				return r.refuse(key, r.fields[key], fmt.Errorf("it has %d bytes: %w", size, err))
			}
		}
	}
	if errors.Is(err, syscall.E2BIG) {
		size := 0
		for key, value := range r.values {
			size += len(key) + len("=") + len(value)
		}
		return fmt.Errorf("cannot set results: %d results of %d bytes in all, keys included, are too much for the command line of a process; the agent's socket has no such limit: %w", len(r.values), size, syscall.E2BIG)
	}
	if err != nil {
		return fmt.Errorf("cannot set results: %w", err)
	}
	return nil
}

// actionResults are an action's results on their way to Juju.
type actionResults struct {
	values map[string]string
	fields map[string]string // by the key of a value the Go field it is from
}

// encode adds all of out, whose type checkResults knows.
func (r *actionResults) encode(out reflect.Value) error {
	if err := r.add("", "", out, 0); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		for i := range len(key) {
			if outer := key[:i]; key[i] == '.' && r.has(outer) {
				return r.refuse(key, r.fields[key], fmt.Errorf("the result %q%s is a value, and cannot contain it", outer, inField(r.fields[outer])))
			}
		}
	}
	return nil
}

func (r *actionResults) has(key string) bool {
	_, ok := r.values[key]
	return ok
}

// maxResultDepth is how deep results are in each other at most: a map can
// contain itself.
const maxResultDepth = 100

// add adds a value, and what is in it.
func (r *actionResults) add(key, field string, value reflect.Value, depth int) error {
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		if value.IsNil() {
			return nil
		}
		if value.Kind() == reflect.Pointer && hasMarshaler(value.Type()) {
			return r.addJSON(key, field, value)
		}
		if depth++; depth > maxResultDepth {
			break
		}
		value = value.Elem()
	}
	t := value.Type()
	switch {
	case depth > maxResultDepth:
		return r.refuse(key, field, errors.New("it is in too many others; does one contain itself?"))
	case t == durationType:
		return r.set(key, field, time.Duration(value.Int()).String())
	case hasMarshaler(t) || hasMarshaler(reflect.PointerTo(t)):
		return r.addJSON(key, field, value)
	}
	switch value.Kind() {
	case reflect.Struct:
		return r.addStruct(key, field, value, depth)
	case reflect.Map:
		return r.addMap(key, field, value, depth)
	case reflect.String:
		return r.set(key, field, value.String())
	case reflect.Slice:
		if value.IsNil() {
			value = reflect.MakeSlice(t, 0, 0)
		}
	}
	return r.addJSON(key, field, value)
}

func (r *actionResults) addStruct(key, field string, value reflect.Value, depth int) error {
	fields, err := actionFields(value.Type())
	if err != nil {
		return r.refuse(key, field, err)
	}
	for _, f := range fields {
		part := value.FieldByIndex(f.index)
		if f.omitEmpty && isEmptyResult(part) || f.omitZero && part.IsZero() {
			continue
		}
		at, name := inside(key, f.key), inside(field, f.name)
		if err := checkResultKey(f.key, key == ""); err != nil { // it can be of an any
			return r.refuse(at, name, err)
		}
		if err := r.add(at, name, part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *actionResults) addMap(key, field string, value reflect.Value, depth int) error {
	if value.Type().Key().Kind() != reflect.String {
		return r.refuse(key, field, fmt.Errorf("the keys of %s are no strings", value.Type()))
	}
	keys := value.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, k := range keys {
		at := inside(key, k.String())
		if err := checkResultKey(k.String(), key == ""); err != nil {
			return r.refuse(at, field, err)
		}
		if err := r.add(at, field, value.MapIndex(k), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// isEmptyResult reports what encoding/json leaves out for omitempty.
func isEmptyResult(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Slice, reflect.Map:
		return value.Len() == 0
	case reflect.Struct:
		return false
	case reflect.Array:
		return value.Len() == 0
	}
	return value.IsZero()
}

// addJSON adds a value as JSON; a JSON string as the text it stands for.
func (r *actionResults) addJSON(key, field string, value reflect.Value) error {
	if value.CanAddr() {
		value = value.Addr() // which may have more methods
	} else if value.Kind() != reflect.Pointer {
		p := reflect.New(value.Type())
		p.Elem().Set(value)
		value = p
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value.Interface()); err != nil {
		return r.refuse(key, field, err)
	}
	// That is how encoding/json writes what is not UTF-8, but not U+FFFD itself.
	if bytes.Contains(b.Bytes(), []byte(`\ufffd`)) && jsontext.HasInvalid(value) {
		return r.refuse(key, field, errNotText)
	}
	text := strings.TrimSuffix(b.String(), "\n")
	switch {
	case text == "null":
		return nil
	case strings.HasPrefix(text, `"`):
		var s string
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return r.refuse(key, field, err)
		}
		text = s
	}
	return r.set(key, field, text)
}

var errNotText = errors.New("it has text that is not valid UTF-8")

// set adds a result as Juju gets it.
func (r *actionResults) set(key, field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return r.refuse(key, field, errNotText)
	case strings.Contains(text, "\x00"):
		return r.refuse(key, field, errors.New("it has a NUL byte, which Juju cannot be given; encode it, as base64 for example"))
	case r.has(key):
		return r.refuse(key, field, fmt.Errorf("it is there already%s", inField(r.fields[key])))
	}
	r.values[key], r.fields[key] = text, field
	return nil
}

func (r *actionResults) refuse(key, field string, cause error) error {
	if key == "" {
		return fmt.Errorf("cannot set results: %w", cause)
	}
	return fmt.Errorf("cannot set result %q%s: %w", key, inField(field), cause)
}

func inField(field string) string {
	if field == "" {
		return ""
	}
	return " (field " + field + ")"
}

// checkResultKey returns why Juju does not take a key, of one or more parts;
// whole: it is not the end of another.
func checkResultKey(key string, whole bool) error {
	if first, _, _ := strings.Cut(key, "."); whole && first == "return-code" {
		return errors.New(`"return-code" is set by Juju`)
	}
	for part := range strings.SplitSeq(key, ".") {
		switch part {
		case "stdout", "stdout-encoding", "stderr", "stderr-encoding":
			return errors.New(strconv.Quote(part) + " is reserved for what the charm prints")
		}
		if !isResultKey(part) {
			return errors.New(strconv.Quote(part) + " is not of lower-case letters, digits and inner dashes" + likeKey(part))
		}
	}
	return nil
}

// likeKey tells what a part of a key could be instead, as "app-0" of a unit's name.
func likeKey(part string) string {
	like := strings.Trim(strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(part)), "-")
	if !isResultKey(like) {
		return ""
	}
	return ", as " + strconv.Quote(like) + " is"
}

// isResultKey reports whether Juju takes a part of a result's key, or an action's
// name.
func isResultKey(part string) bool {
	for i := range len(part) {
		switch c := part[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '-' && i > 0 && i < len(part)-1:
		default:
			return false
		}
	}
	return part != ""
}
