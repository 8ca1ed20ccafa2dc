// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// actionField is a field of a struct of parameters or results.
type actionField struct {
	key       string // its name in Juju
	name      string // its name in Go
	typ       reflect.Type
	index     []int
	omitEmpty bool
	omitZero  bool
}

// actionFields returns the fields of a struct, in its order. A field of an
// embedded struct is hidden by one of the same key that is less deep, as in Go.
func actionFields(t reflect.Type) ([]actionField, error) {
	all, err := appendActionFields(nil, t, nil)
	if err != nil {
		return nil, err
	}
	var fields []actionField
	for _, f := range all {
		hidden := false
		for _, other := range all {
			if other.key != f.key || slices.Equal(other.index, f.index) {
				continue
			}
			switch d := cmp.Compare(len(other.index), len(f.index)); {
			case d == 0:
				return nil, fmt.Errorf("fields %s and %s have the name %q", f.name, other.name, f.key)
			case d < 0:
				hidden = true
			}
		}
		if !hidden {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// appendActionFields appends the fields of t, which is embedded at index.
func appendActionFields(fields []actionField, t reflect.Type, index []int) ([]actionField, error) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clip(index), i)
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		key, options, _ := strings.Cut(tag, ",")
		if sf.Anonymous && key == "" {
			if sf.Type.Kind() == reflect.Struct {
				var err error
				if fields, err = appendActionFields(fields, sf.Type, at); err != nil {
					return nil, err
				}
				continue
			}
			if sf.Type.Kind() == reflect.Pointer && sf.Type.Elem().Kind() == reflect.Struct {
				return nil, fmt.Errorf("field %s is an embedded pointer; embed the struct, or give it a name by a json tag", sf.Name)
			}
		}
		if !sf.IsExported() {
			continue
		}
		f := actionField{key: key, name: sf.Name, typ: sf.Type, index: at}
		if key == "" {
			f.key = optionName(sf.Name)
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "":
			case "omitempty":
				f.omitEmpty = true
			case "omitzero":
				f.omitZero = true
			default:
				return nil, fmt.Errorf("field %s has the option %q in its json tag, which has no meaning here", sf.Name, option)
			}
		}
		fields = append(fields, f)
	}
	return fields, nil
}

var (
	durationType        = reflect.TypeFor[time.Duration]()
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
)

func hasUnmarshaler(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshalerType) || p.Implements(textUnmarshalerType)
}

func hasMarshaler(t reflect.Type) bool {
	return t.Implements(jsonMarshalerType) || t.Implements(textMarshalerType)
}

// checkParams returns why a handler cannot take a type.
func checkParams(t reflect.Type) error {
	switch {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return fmt.Errorf("take %s", t.Elem())
	case t.Kind() != reflect.Struct && t.Kind() != reflect.Map:
		return errors.New("take a struct, struct{} for none, or map[string]any")
	case hasUnmarshaler(t):
		return errors.New("it has UnmarshalJSON or UnmarshalText, which are for fields; take a struct without them")
	}
	return checkParam(t, "", nil)
}

// checkParam returns why a parameter cannot be of a type. outer are the structs
// that it is in.
func checkParam(t reflect.Type, field string, outer []reflect.Type) error {
	if hasUnmarshaler(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return nil
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return checkParam(t.Elem(), field, outer)
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return checkParam(t.Elem(), field, outer)
		}
	case reflect.Struct:
		if slices.Contains(outer, t) {
			return nil
		}
		return eachActionField(t, field, func(f actionField, name string) error {
			return checkParam(f.typ, name, append(slices.Clip(outer), t))
		})
	}
	return unusable(t, field)
}

// checkResults returns why a handler cannot return a type.
func checkResults(t reflect.Type) error {
	switch {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return fmt.Errorf("return %s", t.Elem())
	case t.Kind() != reflect.Struct && t.Kind() != reflect.Map:
		return errors.New("return a struct, struct{} for none, or a map such as map[string]string")
	case hasMarshaler(t) || hasMarshaler(reflect.PointerTo(t)):
		return errors.New("it has MarshalJSON or MarshalText, which are for fields; return a struct without them")
	}
	return checkResult(t, "", nil)
}

// checkResult returns why a result cannot be of a type. outer are the structs
// that it is in.
func checkResult(t reflect.Type, field string, outer []reflect.Type) error {
	if hasMarshaler(t) || t.Kind() != reflect.Pointer && hasMarshaler(reflect.PointerTo(t)) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return checkResult(t.Elem(), field, outer)
	case reflect.Slice, reflect.Array:
		if t.Elem() == durationType {
			return fmt.Errorf("field %s would be a list of numbers of nanoseconds; return strings", field)
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return checkResult(t.Elem(), field, outer)
		}
		return unusable(t, field)
	case reflect.Struct:
		if slices.Contains(outer, t) {
			return fmt.Errorf("field %s contains itself, and would have keys without end", field)
		}
		return eachActionField(t, field, func(f actionField, name string) error {
			if err := checkResultKey(f.key, outer == nil); err != nil {
				return fmt.Errorf("field %s cannot have the key %q: %w", name, f.key, err)
			}
			return checkResult(f.typ, name, append(slices.Clip(outer), t))
		})
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return unusable(t, field)
	}
	return nil
}

// eachActionField calls check with the fields of a struct, which is a field itself.
func eachActionField(t reflect.Type, field string, check func(f actionField, name string) error) error {
	fields, err := actionFields(t)
	if err != nil {
		return err
	}
	for _, f := range fields {
		name := f.name
		if field != "" {
			name = field + "." + name
		}
		if err := check(f, name); err != nil {
			return err
		}
	}
	return nil
}

func unusable(t reflect.Type, field string) error {
	if field == "" {
		return fmt.Errorf("%s is nothing that Juju has", t)
	}
	return fmt.Errorf("field %s is of type %s, which is nothing that Juju has", field, t)
}
