// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// optionField is a field of a struct that is an option.
type optionField struct {
	name   string
	option string
	target reflect.Value
	typ    reflect.Type // of a pointer, what it points to
	byText bool         // see isText
}

// optionsOf returns the fields of a struct.
func optionsOf(target reflect.Value) ([]optionField, error) {
	switch t := target.Type(); {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return nil, fmt.Errorf("it is no struct; take %s", t.Elem())
	case t.Kind() != reflect.Struct:
		return nil, errors.New("it is no struct")
	}
	return appendOptions(make([]optionField, 0, target.NumField()), target)
}

// appendOptions appends the fields of a struct that may be embedded.
func appendOptions(fields []optionField, target reflect.Value) ([]optionField, error) {
	for i := range target.NumField() {
		sf := target.Type().Field(i)
		option, tagged := sf.Tag.Lookup("config")
		switch {
		case option == "-":
			continue
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct && !isText(sf.Type):
			var err error
			if fields, err = appendOptions(fields, target.Field(i)); err != nil {
				return nil, err
			}
			continue
		case !sf.IsExported() && !tagged && !sf.Anonymous:
			continue
		case !sf.IsExported():
			return nil, fmt.Errorf("field %s is not exported, and cannot be an option", sf.Name)
		case strings.Contains(option, ","):
			return nil, fmt.Errorf("field %s has the tag %q, which is to be the name of an option", sf.Name, option)
		case option == "":
			option = optionName(sf.Name)
		}
		f := optionField{name: sf.Name, option: option, target: target.Field(i), typ: sf.Type}
		if f.typ.Kind() == reflect.Pointer {
			f.typ = f.typ.Elem()
		}
		if f.byText = isText(f.typ); !f.byText && !isPlain(f.typ.Kind()) {
			return nil, fmt.Errorf("field %s is of type %s, which no option can be", sf.Name, sf.Type)
		}
		for j := range fields {
			if other := &fields[j]; other.option == option {
				return nil, fmt.Errorf("fields %s and %s are both of option %q", other.name, sf.Name, option)
			}
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// optionName returns what an option is called whose field is.
func optionName(field string) string {
	name := make([]byte, 0, 64)
	before := '_'
	for i, r := range field {
		if unicode.IsUpper(r) {
			after, _ := utf8.DecodeRuneInString(field[i+utf8.RuneLen(r):])
			if before != '_' && (!unicode.IsUpper(before) || unicode.IsLower(after)) {
				name = append(name, '-')
			}
		}
		name = utf8.AppendRune(name, unicode.ToLower(r))
		before = r
	}
	return string(name)
}

// isText reports whether a type is read from text by a method or a function.
func isText(t reflect.Type) bool {
	return t.PkgPath() != "" && // the rest costs time
		(t == reflect.TypeFor[time.Duration]() || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()))
}

func isPlain(kind reflect.Kind) bool {
	switch kind {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// errNoValue is the rule that an option without a value breaks.
var errNoValue = errors.New("must be set")

// optionTypeError is a field that cannot be of its option, whatever its value.
type optionTypeError struct {
	field *optionField
	is    string
}

func (e *optionTypeError) Error() string {
	return fmt.Sprintf("field %s is of type %s, and option %q is %s", e.field.name, e.field.typ, e.field.option, e.is)
}

// set sets the field to an option's value, which is JSON. An error that is no
// *optionTypeError is the rule that the value breaks.
func (f *optionField) set(value json.RawMessage) error {
	is, text, err := readOption(value)
	if err != nil {
		return err
	}
	target := f.target
	if is == "" || f.byText && is == "text" && text == "" {
		if target.Kind() == reflect.Pointer {
			return nil
		}
		return errNoValue
	}
	if is != f.wants() {
		return &optionTypeError{f, is}
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(f.typ))
		target = target.Elem()
	}
	switch {
	case f.byText:
		return setText(target, text)
	case is == "text":
		target.SetString(text)
	case is == "a boolean":
		target.SetBool(text == "true")
	default:
		return setNumber(target, text)
	}
	return nil
}

// wants returns what the option of a field is.
func (f *optionField) wants() string {
	switch {
	case f.byText, f.typ.Kind() == reflect.String:
		return "text"
	case f.typ.Kind() == reflect.Bool:
		return "a boolean"
	}
	return "a number"
}

// readOption returns what an option is, nothing if it has no value, and its value
// as text.
func readOption(value json.RawMessage) (is, text string, err error) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return "", "", nil
	}
	switch value[0] {
	case 'n':
		return "", "", nil
	case '"':
		if end := bytes.IndexAny(value[1:], "\\\"") + 1; end == len(value)-1 && utf8.Valid(value) { // most have no escapes
			return "text", string(value[1:end]), nil
		}
		err = json.Unmarshal(value, &text)
		return "text", text, err
	case 't', 'f':
		return "a boolean", string(value), nil
	case '{', '[':
		return "no value that options have", string(value), nil
	}
	return "a number", string(value), nil
}

// textOf returns an option's value as the operator has given it.
func textOf(value json.RawMessage) string {
	_, text, _ := readOption(value)
	return text
}

func setText(target reflect.Value, text string) error {
	if duration, ok := target.Addr().Interface().(*time.Duration); ok {
		d, err := parseDuration(text)
		*duration = d
		return err
	}
	return target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
}
