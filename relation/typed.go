// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
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
// with "omitempty", a zero value or an empty slice or map delete the key. A key whose value was read and means the same is
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
		if now, known := to.peek(f.key); known && f.same(now, text) {
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

func fieldsOf(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("cannot map %s to a databag: it is no struct", t)
	}
	var fields []field
	var whole [][]int // embedded structs that are one key, or none
	names := make(map[string]string)
	for _, sf := range reflect.VisibleFields(t) {
		tag, tagged := sf.Tag.Lookup("databag")
		if isInside(sf.Index, whole) {
			continue
		}
		if sf.Anonymous && tagged {
			whole = append(whole, sf.Index)
		}
		if !sf.IsExported() || tag == "-" || sf.Anonymous && !tagged {
			continue
		}
		if throughPointer(t, sf.Index) {
			return nil, fmt.Errorf("cannot map %s to a databag: field %s is in an embedded pointer", t, sf.Name)
		}
		key, options, _ := strings.Cut(tag, ",")
		f := field{name: sf.Name, key: key, index: sf.Index, typ: sf.Type, optional: sf.Type.Kind() == reflect.Pointer}
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
				return nil, fmt.Errorf("cannot map %s to a databag: field %s has the unknown option %q", t, sf.Name, option)
			}
		}
		if other, taken := names[f.key]; taken {
			return nil, fmt.Errorf("cannot map %s to a databag: fields %s and %s have the key %q", t, other, sf.Name, f.key)
		}
		names[f.key] = sf.Name
		fields = append(fields, f)
	}
	return fields, nil
}

// isInside reports whether a field is one of an embedded struct among structs.
func isInside(index []int, structs [][]int) bool {
	return slices.ContainsFunc(structs, func(outer []int) bool {
		return len(index) > len(outer) && slices.Equal(index[:len(outer)], outer)
	})
}

func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
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
	if err := encoder.Encode(value.Interface()); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func (f field) decode(text string, target reflect.Value) error {
	if f.text {
		return decodeText(text, target)
	}
	err := json.Unmarshal([]byte(text), target.Addr().Interface())
	var typeError *json.UnmarshalTypeError
	if errors.As(err, &typeError) { // its text quotes numbers
		kind, _, _ := strings.Cut(typeError.Value, " ")
		return fmt.Errorf("the value has a JSON %s where %s is expected", kind, typeError.Type)
	}
	if err != nil {
		return fmt.Errorf("the value is not the expected JSON: %w", err)
	}
	return nil
}

// same reports whether two texts mean the same value.
func (f field) same(a, b string) bool {
	if a == b || f.text || a == "" || b == "" {
		return a == b
	}
	decodedA, decodedB := reflect.New(f.typ).Elem(), reflect.New(f.typ).Elem()
	return f.decode(a, decodedA) == nil && f.decode(b, decodedB) == nil &&
		reflect.DeepEqual(decodedA.Interface(), decodedB.Interface())
}

// encodeText writes a value as plain text.
func encodeText(value reflect.Value) (string, error) {
	if m, ok := value.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	if value.Kind() == reflect.Pointer {
		return encodeText(value.Elem())
	}
	if !isPlain(value.Kind()) {
		return "", fmt.Errorf("%s has no plain text", value.Type())
	}
	return fmt.Sprint(value.Interface()), nil
}

func decodeText(text string, target reflect.Value) error {
	if u, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		return decodeText(text, target.Elem())
	}
	switch {
	case target.Kind() == reflect.String:
		target.SetString(text)
		return nil
	case isPlain(target.Kind()):
		// The plain text of booleans and numbers is their JSON.
		if err := json.Unmarshal([]byte(text), target.Addr().Interface()); err != nil {
			return fmt.Errorf("the value is no %s", target.Type())
		}
		return nil
	}
	return fmt.Errorf("%s has no plain text", target.Type())
}

func isPlain(kind reflect.Kind) bool {
	return kind == reflect.String || kind >= reflect.Bool && kind <= reflect.Float64 && kind != reflect.Uintptr
}
