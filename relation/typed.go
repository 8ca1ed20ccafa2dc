// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/jsontext"
)

// Reader is a databag that can be read: a [View], a [Databag], a [RemoteUnit].
type Reader interface {
	All(ctx context.Context) (map[string]string, error)
}

// ErrMissingKey is the cause of a [FieldError] for a key that is not (yet) in
// the databag.
var ErrMissingKey = errors.New("the key is missing")

// FieldError tells which key of a databag cannot be read into its field. It
// does not quote the value.
type FieldError struct {
	Key   string
	Field string // of the struct
	Err   error
}

// Error names the key, the field and the cause.
func (e *FieldError) Error() string {
	return fmt.Sprintf("cannot load key %q into field %s: %v", e.Key, e.Field, e.Err)
}

// Unwrap returns e.Err.
func (e *FieldError) Unwrap() error { return e.Err }

// Load reads a databag into a struct. Each exported field is one key, whose
// value is JSON; the other keys of the databag, such as Juju's own, are not
// looked at. A tag can name the key and have options:
//
//	type Database struct {
//		Name     string     `databag:"database"`
//		Address  netip.Addr `databag:"ingress-address,string"`
//		Replicas []string   `databag:"replicas,omitempty"`
//		TLS      *TLS       `databag:"tls"`
//		cache    int        // not exported: not a key
//		Local    bool       `databag:"-"` // not a key
//	}
//
// Without a name the key is the field's. With "string" the value is not JSON
// but plain text, as of a string, boolean or number, or a type that marshals
// to text. A key that is missing leaves a pointer, or a field with "omitempty",
// at its zero value; for other fields it is a *[FieldError] of
// [ErrMissingKey], as a value that cannot be decoded is one of its cause. The
// fields of an embedded struct are fields too.
func Load[T any](ctx context.Context, from Reader) (T, error) {
	var result T
	fields, err := fieldsOf(reflect.TypeFor[T]())
	if err != nil {
		return result, err
	}
	content, err := from.All(ctx)
	if err != nil {
		return result, err
	}
	var loaded T
	target := reflect.ValueOf(&loaded).Elem()
	for _, f := range fields {
		text := content[f.key]
		if text == "" {
			if f.optional {
				continue
			}
			return result, &FieldError{f.key, f.name, ErrMissingKey}
		}
		if err := f.decode(text, target.FieldByIndex(f.index)); err != nil {
			return result, &FieldError{f.key, f.name, err}
		}
	}
	return loaded, nil
}

// Save writes a struct to a databag, by the rules of [Load]; it writes all or,
// if a field cannot be encoded, nothing. A nil pointer, an empty plain text and,
// with "omitempty", a zero value or an empty slice or map delete the key; other
// nil slices and maps are JSON null. A key whose value was read and means the same is
// left as it is, however it was written.
func Save[T any](ctx context.Context, to Databag, value T) error {
	fields, err := fieldsOf(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	source := reflect.ValueOf(&value).Elem()
	values := make(map[string]string, len(fields))
	for _, f := range fields {
		text, err := f.encode(source.FieldByIndex(f.index))
		if err != nil {
			return fmt.Errorf("cannot save field %s as key %q: %w", f.name, f.key, err)
		}
		now, known, err := to.view.peek(ctx, f.key)
		if err != nil {
			return err
		}
		if known && f.same(now, text) {
			continue
		}
		values[f.key] = text
	}
	if len(values) == 0 {
		return nil
	}
	return to.Update(ctx, values)
}

// field is one field of a struct and the key it is kept under.
type field struct {
	name      string
	key       string
	index     []int
	typ       reflect.Type
	optional  bool // a missing key is no error
	omitEmpty bool
	text      bool // plain text, not JSON
}

// fieldsOf returns the fields of a struct. A field of an embedded struct is
// hidden by one of its name, as in Go.
func fieldsOf(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		if t.Kind() == reflect.Pointer {
			return nil, fmt.Errorf("cannot map %s to a databag: it is no struct; take %s", t, t.Elem())
		}
		return nil, fmt.Errorf("cannot map %s to a databag: it is no struct", t)
	}
	all, err := appendFields(nil, t, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot map %s to a databag: %w", t, err)
	}
	slices.SortStableFunc(all, func(a, b field) int { return cmp.Compare(len(a.index), len(b.index)) })
	byKey := make(map[string]field)
	var fields []field
	for _, f := range all {
		other, taken := byKey[f.key]
		switch {
		case !taken:
			byKey[f.key] = f
			fields = append(fields, f)
		case f.name != other.name || len(f.index) == len(other.index):
			return nil, fmt.Errorf("cannot map %s to a databag: fields %s and %s have the key %q", t, other.name, f.name, f.key)
		}
	}
	return fields, nil
}

// appendFields appends the fields of t, which is embedded at index.
func appendFields(fields []field, t reflect.Type, index []int) ([]field, error) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clone(index), i)
		tag, tagged := sf.Tag.Lookup("databag")
		if sf.Anonymous && !tagged {
			if sf.Type.Kind() == reflect.Struct {
				var err error
				if fields, err = appendFields(fields, sf.Type, at); err != nil {
					return nil, err
				}
				continue
			}
			if sf.Type.Kind() == reflect.Pointer && sf.Type.Elem().Kind() == reflect.Struct {
				return nil, fmt.Errorf("field %s is an embedded pointer; embed the struct, or give it a key", sf.Name)
			}
		}
		if !sf.IsExported() || tag == "-" {
			continue
		}
		f, err := fieldOf(sf, tag)
		if err != nil {
			return nil, err
		}
		f.index = at
		fields = append(fields, f)
	}
	return fields, nil
}

func fieldOf(sf reflect.StructField, tag string) (field, error) {
	key, options, _ := strings.Cut(tag, ",")
	f := field{name: sf.Name, key: key, typ: sf.Type, optional: sf.Type.Kind() == reflect.Pointer}
	if key == "" {
		f.key = sf.Name
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "omitempty":
			f.optional, f.omitEmpty = true, true
		case "string":
			f.text = true
		default:
			return f, fmt.Errorf("field %s has the unknown option %q", sf.Name, option)
		}
	}
	return f, nil
}

func isEmpty(value reflect.Value) bool {
	if value.Kind() == reflect.Slice || value.Kind() == reflect.Map {
		return value.Len() == 0
	}
	return value.IsZero()
}

// encode returns an empty text for a key that is to be deleted.
func (f field) encode(value reflect.Value) (string, error) {
	if f.omitEmpty && isEmpty(value) || value.Kind() == reflect.Pointer && value.IsNil() {
		return "", nil
	}
	if f.text {
		return encodeText(value)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value.Addr().Interface()); err != nil {
		return "", err
	}
	// That is how encoding/json writes bytes that are not UTF-8; U+FFFD itself
	// it does not escape.
	if bytes.Contains(b.Bytes(), []byte(`\ufffd`)) && jsontext.HasInvalid(value) {
		return "", errors.New("it has text that is not valid UTF-8")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func (f field) decode(text string, target reflect.Value) error {
	if f.text {
		return decodeText(text, target)
	}
	err := json.Unmarshal([]byte(text), target.Addr().Interface())
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return &unreadableError{"not JSON (the option \"string\" is for plain text): " + syntax.Error(), err}
	case errors.As(err, &mismatch):
		kind, _, _ := strings.Cut(mismatch.Value, " ") // what follows is quoted
		return &unreadableError{fmt.Sprintf("JSON %s where %s is expected", kind, mismatch.Type), err}
	}
	return &unreadableError{"not JSON of " + target.Type().String(), err}
}

// same reports whether the text that is there means the value that is to be
// written.
func (f field) same(there, text string) bool {
	if there == text || there == "" {
		return there == text
	}
	if text == "" { // a nil pointer, loaded from JSON null, leaves it
		return !f.text && f.typ.Kind() == reflect.Pointer && strings.TrimSpace(there) == "null"
	}
	a, b := reflect.New(f.typ).Elem(), reflect.New(f.typ).Elem()
	if f.decode(there, a) == nil && f.decode(text, b) == nil && reflect.DeepEqual(a.Interface(), b.Interface()) {
		return true
	}
	// A type such as json.RawMessage keeps the text.
	return !f.text && reflect.DeepEqual(anyJSON(there), anyJSON(text))
}

// anyJSON decodes JSON of any type; what is none equals nothing else.
func anyJSON(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if !json.Valid([]byte(text)) || decoder.Decode(&value) != nil {
		return math.NaN()
	}
	return value
}
