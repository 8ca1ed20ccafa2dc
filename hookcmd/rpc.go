// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"bytes"
	"io"
	"slices"
)

// The agent serves net/rpc: requests and replies are a header and a body each,
// and match by a number.

// reply is what the agent answers to a request.
type reply struct {
	seq    uint64
	err    string // the agent did not run the command
	code   int    // the command's exit code
	stdout []byte
	stderr []byte
}

// replies reads the agent's answers. A read that fails because it is
// interrupted loses nothing: the next goes on.
type replies struct {
	from    frames
	types   gobTypes
	pending *reply // its header was read
}

func newReplies(from io.Reader) *replies {
	return &replies{from: frames{from: from}, types: make(gobTypes)}
}

// next returns the next answer.
func (r *replies) next() (*reply, error) {
	for {
		message, err := r.from.next()
		if err != nil {
			return nil, err
		}
		if r.pending == nil {
			header := &reply{}
			ok, err := r.types.readValue(message, "Seq", r.header(header))
			if err != nil {
				return nil, err
			}
			if ok {
				r.pending = header
			}
			continue
		}
		answer, required := r.pending, "Code"
		if answer.err != "" { // there is no answer
			required = ""
		}
		ok, err := r.types.readValue(message, required, r.body(answer))
		if err != nil {
			return nil, err
		}
		if ok {
			r.pending = nil
			return answer, nil
		}
	}
}

// header returns a function that reads the fields of an answer's header.
func (r *replies) header(to *reply) func(gobField, *gobReader) error {
	return func(field gobField, value *gobReader) error {
		switch field.name {
		case "Seq":
			to.seq = value.typedUint(field.typ)
		case "Error":
			to.err = string(value.typedBytes(field.typ, gobString))
		default:
			return r.types.skip(field.typ, value)
		}
		return value.err
	}
}

// body returns a function that reads the fields of an answer's body.
func (r *replies) body(to *reply) func(gobField, *gobReader) error {
	return func(field gobField, value *gobReader) error {
		switch field.name {
		case "Code":
			to.code = value.typedInt(field.typ)
		case "Stdout":
			to.stdout = bytes.Clone(value.typedBytes(field.typ, gobBytes))
		case "Stderr":
			to.stderr = bytes.Clone(value.typedBytes(field.typ, gobBytes))
		default:
			return r.types.skip(field.typ, value)
		}
		return value.err
	}
}

// maxFrame bounds one gob message; Juju's largest limit for data is 16 MiB.
const maxFrame = 1 << 30

// frames splits a stream into gob messages.
type frames struct {
	from  io.Reader
	buf   []byte // read from the stream
	start int    // of what was not returned yet in buf
}

// next blocks until a whole message has arrived, or from fails. The message is
// valid until the next call.
func (f *frames) next() ([]byte, error) {
	for {
		length, size := gobUintAt(f.buf[f.start:])
		if size < 0 || length > maxFrame {
			return nil, errMalformed
		}
		if end := f.start + size + int(length); size > 0 && end <= len(f.buf) {
			message := f.buf[f.start+size : end]
			f.start = end
			return message, nil
		}
		if err := f.read(); err != nil {
			return nil, err
		}
	}
}

func (f *frames) read() error {
	if f.start == len(f.buf) {
		f.buf, f.start = f.buf[:0], 0
	}
	if len(f.buf) == cap(f.buf) {
		if f.start > 0 { // keep the buffer as small as one message
			f.buf = f.buf[:copy(f.buf, f.buf[f.start:])]
			f.start = 0
		}
		f.buf = slices.Grow(f.buf, 4096)
	}
	n, err := f.from.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}
