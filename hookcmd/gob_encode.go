// SPDX-License-Identifier: Apache-2.0

package hookcmd

// This file writes, and gob_decode.go reads, as much of the gob format, which is documented in
// package encoding/gob, as the two messages of the agent's RPC need. That
// package would be a tenth of a charm's size, and most of its time before the
// first hook command. Tests hold these files to it.

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
