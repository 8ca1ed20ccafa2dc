// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"errors"
	"fmt"
)

// This file writes and reads as much of the gob format, which is documented in
// package encoding/gob, as the two messages of the agent's RPC need. That
// package would be a tenth of a charm's size, and most of its time before the
// first hook command. Tests hold this file to it.

// Types that gob has numbers for, of those that Juju's messages use.
const (
	gobBool    = 1
	gobInt     = 2
	gobUint    = 3
	gobFloat   = 4
	gobBytes   = 5
	gobString  = 6
	gobComplex = 7
)

// Numbers that we give to the types that we send; gob reserves those below 65.
const (
	gobHeader  = 65
	gobBody    = 66
	gobStrings = 67
)

// gobDefinitions are the messages that define our types. They begin the stream.
func gobDefinitions() []byte {
	b := appendStructDefinition(nil, gobHeader, "Request",
		gobField{"ServiceMethod", gobString},
		gobField{"Seq", gobUint})
	b = appendStructDefinition(b, gobBody, "Request",
		gobField{"ContextId", gobString}, // Juju's spelling
		gobField{"Dir", gobString},
		gobField{"CommandName", gobString},
		gobField{"Args", gobStrings},
		gobField{"StdinSet", gobBool},
		gobField{"Stdin", gobBytes})
	return appendStringsDefinition(b)
}

// appendRequest appends the two messages of a request.
func appendRequest(b []byte, seq uint64, agent Agent, call Call) []byte {
	header := gobValue{b: appendGobInt(nil, gobHeader)}
	header.string(1, "Jujuc.Main")
	header.uint(2, seq)
	b = header.appendTo(b)

	body := gobValue{b: appendGobInt(make([]byte, 0, 256+len(call.Stdin)), gobBody)}
	body.string(1, agent.ContextID)
	body.string(2, agent.Dir)
	body.string(3, call.Command)
	body.strings(4, call.Args)
	body.uint(5, 1) // StdinSet; else the agent asks for the input in a second request
	body.string(6, string(call.Stdin))
	return body.appendTo(b)
}

// gobValue is a struct being written: fields in ascending order, those that are
// zero left out, each after its distance from the one before.
type gobValue struct {
	b    []byte
	last int
}

func (v *gobValue) field(number int) {
	v.b = appendGobUint(v.b, uint64(number-v.last))
	v.last = number
}

func (v *gobValue) uint(number int, n uint64) {
	if n != 0 {
		v.field(number)
		v.b = appendGobUint(v.b, n)
	}
}

func (v *gobValue) string(number int, s string) {
	if s != "" {
		v.field(number)
		v.b = appendGobString(v.b, s)
	}
}

func (v *gobValue) strings(number int, list []string) {
	if len(list) == 0 {
		return
	}
	v.field(number)
	v.b = appendGobUint(v.b, uint64(len(list)))
	for _, s := range list {
		v.b = appendGobString(v.b, s)
	}
}

// appendTo ends the struct and appends it as a message.
func (v *gobValue) appendTo(b []byte) []byte { return appendGobMessage(b, append(v.b, 0)) }

type gobField struct {
	name string
	typ  int
}

func appendStructDefinition(b []byte, id int, name string, fields ...gobField) []byte {
	m := appendGobInt(nil, -id)
	m = append(m, 3) // a definition of the third kind, a struct: its common part and its fields
	m = appendCommon(append(m, 1), id, name)
	m = appendGobUint(append(m, 1), uint64(len(fields)))
	for _, f := range fields {
		m = appendGobString(append(m, 1), f.name)
		m = append(appendGobInt(append(m, 1), f.typ), 0)
	}
	return appendGobMessage(b, append(m, 0, 0))
}

func appendStringsDefinition(b []byte) []byte {
	m := appendGobInt(nil, -gobStrings)
	m = append(m, 2) // a definition of the second kind, a slice: its common part and its element
	m = appendCommon(append(m, 1), gobStrings, "[]string")
	m = appendGobInt(append(m, 1), gobString)
	return appendGobMessage(b, append(m, 0, 0))
}

func appendCommon(m []byte, id int, name string) []byte {
	m = appendGobString(append(m, 1), name)
	return append(appendGobInt(append(m, 1), id), 0)
}

func appendGobMessage(b, message []byte) []byte {
	return append(appendGobUint(b, uint64(len(message))), message...)
}

func appendGobString(b []byte, s string) []byte {
	return append(appendGobUint(b, uint64(len(s))), s...)
}

// appendGobUint writes one byte up to 127, else the negated count of the
// big-endian bytes that follow.
func appendGobUint(b []byte, n uint64) []byte {
	if n <= 0x7f {
		return append(b, byte(n))
	}
	count := 1
	for n>>(8*count) != 0 && count < 8 {
		count++
	}
	b = append(b, byte(-count))
	for ; count > 0; count-- {
		b = append(b, byte(n>>(8*(count-1))))
	}
	return b
}

func appendGobInt(b []byte, n int) []byte {
	if n < 0 {
		return appendGobUint(b, uint64(^n)<<1|1)
	}
	return appendGobUint(b, uint64(n)<<1)
}

// gobType is a type that the agent defined.
type gobType struct {
	kind   int        // as numbered in gob's definitions, from 1
	fields []gobField // of a struct
	key    int        // of a map
	elem   int        // of an array, slice or map
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
// field that is not zero, with its value in r, which it must read; ok is false
// if the message only defined a type.
func (t gobTypes) readValue(message []byte, each func(name string, typ int, r *gobReader) error) (ok bool, err error) {
	r := &gobReader{b: message}
	for len(r.b) > 0 && r.err == nil {
		id := r.int()
		if id < 0 {
			t.define(-id, r)
			continue
		}
		typ, defined := t[id]
		if !defined || typ.kind != gobStruct {
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

func (t gobTypes) readStruct(typ gobType, r *gobReader, each func(name string, typ int, r *gobReader) error) error {
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
		field := typ.fields[number-1]
		if err := each(field.name, field.typ, r); err != nil {
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
		return t.readStruct(typ, r, func(_ string, field int, r *gobReader) error {
			return t.skipDeep(field, r, depth+1)
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
