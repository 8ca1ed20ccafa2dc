// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// encodeText writes the value of a field with the option "string"; it is empty
// for a nil pointer.
func encodeText(value reflect.Value) (string, error) {
	if value.Kind() == reflect.Pointer && value.IsNil() {
		return "", nil
	}
	m, ok := value.Interface().(encoding.TextMarshaler)
	if !ok && value.CanAddr() {
		m, ok = value.Addr().Interface().(encoding.TextMarshaler)
	}
	if ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	switch kind := value.Kind(); {
	case kind == reflect.Pointer:
		return encodeText(value.Elem())
	case kind == reflect.String:
		return value.String(), nil
	case kind == reflect.Bool:
		return strconv.FormatBool(value.Bool()), nil
	case value.CanInt():
		return strconv.FormatInt(value.Int(), 10), nil
	case value.CanUint() && kind != reflect.Uintptr:
		return strconv.FormatUint(value.Uint(), 10), nil
	case value.CanFloat():
		if math.IsNaN(value.Float()) || math.IsInf(value.Float(), 0) {
			return "", fmt.Errorf("%v is no number", value.Float())
		}
		return strconv.FormatFloat(value.Float(), 'g', -1, value.Type().Bits()), nil
	}
	return "", fmt.Errorf("%s has no plain text", value.Type())
}

// decodeText is the inverse of encodeText. Errors do not quote the text.
func decodeText(text string, target reflect.Value) error {
	if u, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return &unreadableError{"no " + target.Type().String(), err}
		}
		return nil
	}
	var err error
	switch kind := target.Kind(); {
	case kind == reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return decodeText(text, target.Elem())
	case kind == reflect.String:
		target.SetString(text)
	case kind == reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text) // "True" too, as old charms write it
		target.SetBool(b)
	case target.CanInt():
		var n int64
		n, err = strconv.ParseInt(text, 10, target.Type().Bits())
		target.SetInt(n)
	case target.CanUint() && kind != reflect.Uintptr:
		var n uint64
		n, err = strconv.ParseUint(text, 10, target.Type().Bits())
		target.SetUint(n)
	case target.CanFloat():
		var f float64
		f, err = strconv.ParseFloat(text, target.Type().Bits())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			err = strconv.ErrRange
		}
		target.SetFloat(f)
	default:
		return fmt.Errorf("%s has no plain text", target.Type())
	}
	if err != nil {
		return &unreadableError{"no " + target.Type().String(), err}
	}
	return nil
}

// unreadableError is the cause of a value that cannot be decoded, without the
// cause's text, which may quote the value.
type unreadableError struct {
	is    string
	cause error
}

func (e *unreadableError) Error() string { return "the value is " + e.is }
func (e *unreadableError) Unwrap() error { return e.cause }
