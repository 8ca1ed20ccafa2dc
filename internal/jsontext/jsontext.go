// SPDX-License-Identifier: Apache-2.0

// Package jsontext finds in Go values what encoding/json changes without a word.
package jsontext

import (
	"encoding"
	"encoding/json"
	"reflect"
	"unicode/utf8"
)

// HasInvalid reports whether encoding/json, which has encoded the value, has met a
// string in it that is not valid UTF-8. It does not look where encoding/json has not,
// where there can be cycles, nor into structs that encode themselves.
func HasInvalid(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.String:
		return !utf8.ValidString(value.String())
	case reflect.Pointer, reflect.Interface:
		return !value.IsNil() && HasInvalid(value.Elem())
	case reflect.Struct:
		if encodesItself(value.Type()) {
			return false
		}
		for field, part := range value.Fields() {
			if (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-" && HasInvalid(part) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			if HasInvalid(value.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for entries := value.MapRange(); entries.Next(); {
			if HasInvalid(entries.Key()) || HasInvalid(entries.Value()) {
				return true
			}
		}
	}
	return false
}

func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t) // which has the methods of both
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
