// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"errors"
	"fmt"
	"slices"
)

// gobType is a type that the agent defined.
type gobType struct {
	kind   int        // as numbered in gob's definitions, from 1
	fields []gobField // of a struct
	key    int        // of a map
	elem   int        // of an array, slice or map
}

func (t gobType) has(field string) bool {
	return slices.ContainsFunc(t.fields, func(f gobField) bool { return f.name == field })
}

// Kinds of gob's definitions. Those after are encoded as bytes.
const (
	gobArray  = 1
	gobSlice  = 2
	gobStruct = 3
	gobMap    = 4
)

// gobTypes are the types that the agent defined, by number.
type gobTypes map[int]gobType

// errMalformed is a message that is not what an agent sends.
var errMalformed = errors.New("the unit agent's answer is malformed")

// readValue reads one message. If it is a struct, each is called for every
// field that is not zero, and must read its value. A struct whose type has no
// field of the name required, if that is not empty, is refused; ok is false if the message only defined a type.
func (t gobTypes) readValue(message []byte, required string, each func(field gobField, value *gobReader) error) (ok bool, err error) {
	r := &gobReader{b: message}
	for len(r.b) > 0 && r.err == nil {
		id := r.int()
		if id < 0 {
			t.define(-id, r)
			continue
		}
		typ, defined := t[id]
		if !defined || typ.kind != gobStruct || required != "" && !typ.has(required) {
			return false, errMalformed
		}
		if err := t.readStruct(typ, r, each); err != nil {
			return false, err
		}
		if len(r.b) > 0 {
			return false, errMalformed
		}
		return true, r.err
	}
	return false, r.err
}

func (t gobTypes) readStruct(typ gobType, r *gobReader, each func(field gobField, value *gobReader) error) error {
	number := 0
	for {
		distance := r.uint()
		if r.err != nil || distance == 0 {
			return r.err
		}
		if distance > uint64(len(typ.fields)-number) {
			return errMalformed
		}
		number += int(distance)
		if err := each(typ.fields[number-1], r); err != nil {
			return err
		}
	}
}

// define reads a definition: one field, whose number is its kind, that has the
// common part as its first.
func (t gobTypes) define(id int, r *gobReader) {
	typ := gobType{kind: int(min(r.uint(), 127))}
	number := 0
	for {
		distance := r.uint()
		if r.err != nil {
			return
		}
		if distance == 0 {
			break
		}
		number += int(min(distance, 127))
		switch {
		case number == 1:
			r.named()
		case typ.kind == gobStruct && number == 2:
			for range r.count() {
				if r.err != nil {
					return
				}
				typ.fields = append(typ.fields, r.named())
			}
		case typ.kind == gobMap && number == 2:
			typ.key = r.int()
		case (typ.kind == gobArray || typ.kind == gobSlice) && number == 2, typ.kind == gobMap && number == 3:
			typ.elem = r.int()
		case typ.kind == gobArray && number == 3:
			r.int() // its length, which values repeat
		default:
			r.err = errMalformed
			return
		}
	}
	if r.uint() != 0 {
		r.err = errMalformed
	}
	t[id] = typ
}

// skip reads a value that nobody asked for.
func (t gobTypes) skip(id int, r *gobReader) error { return t.skipDeep(id, r, 0) }

func (t gobTypes) skipDeep(id int, r *gobReader, depth int) error {
	if depth > 20 {
		return errMalformed
	}
	switch id {
	case gobBool, gobInt, gobUint, gobFloat:
		r.uint()
		return r.err
	case gobComplex:
		r.uint()
		r.uint()
		return r.err
	case gobBytes, gobString:
		r.bytes()
		return r.err
	}
	typ, defined := t[id]
	switch {
	case !defined: // an interface, or nothing
		return fmt.Errorf("%w: it has a value of type %d", errMalformed, id)
	case typ.kind == gobStruct:
		return t.readStruct(typ, r, func(field gobField, r *gobReader) error {
			return t.skipDeep(field.typ, r, depth+1)
		})
	case typ.kind > gobMap:
		r.bytes()
		return r.err
	}
	for range r.count() {
		if typ.kind == gobMap {
			if err := t.skipDeep(typ.key, r, depth+1); err != nil {
				return err
			}
		}
		if err := t.skipDeep(typ.elem, r, depth+1); err != nil {
			return err
		}
	}
	return r.err
}

// gobReader reads from a message; after an error all it reads is zero.
type gobReader struct {
	b   []byte
	err error
}

func (r *gobReader) uint() uint64 {
	n, size := gobUintAt(r.b)
	if size <= 0 || r.err != nil {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *gobReader) int() int {
	n := r.uint()
	if n&1 != 0 {
		return int(^(n >> 1))
	}
	return int(n >> 1)
}

// bytes returns a part of the message.
func (r *gobReader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// The typed methods read a value that must be of one type.

func (r *gobReader) typedUint(typ int) uint64 {
	if typ != gobUint {
		r.fail()
	}
	return r.uint()
}

func (r *gobReader) typedInt(typ int) int {
	if typ != gobInt {
		r.fail()
	}
	return r.int()
}

func (r *gobReader) typedBytes(typ, want int) []byte {
	if typ != want {
		r.fail()
	}
	return r.bytes()
}

// count returns how many elements follow, each of at least one byte.
func (r *gobReader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

// named reads a struct of a name and a number, the common part of a definition
// and each field of a struct's.
func (r *gobReader) named() gobField {
	var f gobField
	number := 0
	for {
		distance := r.uint()
		if distance == 0 {
			return f
		}
		switch number += int(min(distance, 127)); number {
		case 1:
			f.name = string(r.bytes())
		case 2:
			f.typ = r.int()
		default:
			r.fail()
		}
	}
}

func (r *gobReader) fail() {
	r.b, r.err = nil, errMalformed
}

// gobUintAt reads the number that b begins with, and its size; that is 0 if b
// is too short, and negative if b is malformed.
func gobUintAt(b []byte) (n uint64, size int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] <= 0x7f {
		return uint64(b[0]), 1
	}
	count := -int(int8(b[0]))
	if count > 8 {
		return 0, -1
	}
	if len(b) < 1+count {
		return 0, 0
	}
	for _, digit := range b[1 : 1+count] {
		n = n<<8 | uint64(digit)
	}
	return n, 1 + count
}
