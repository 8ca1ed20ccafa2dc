// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"errors"
	"io"
	"slices"
)

// The agent serves net/rpc: a request is a header and a body, each encoded by
// one gob encoder for the whole connection, and so is a reply. Gob matches
// structs by the names of their fields.
const serviceMethod = "Jujuc.Main"

type requestHeader struct {
	ServiceMethod string
	Seq           uint64
}

type requestBody struct {
	ContextId   string // Juju's spelling
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool // else the agent asks for the input in a second call
	Stdin       []byte
}

type replyHeader struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

type replyBody struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// maxFrame bounds one gob message; Juju's largest limit for data is 16 MiB.
const maxFrame = 1 << 30

var errFrame = errors.New("the unit agent's answer is malformed")

// frames reads a stream of gob messages and hands out bytes only of those that
// have arrived whole. A read that is interrupted between two calls of Read
// therefore leaves a decoder where it can go on.
type frames struct {
	from  io.Reader
	buf   []byte // read from the stream, not yet handed out
	start int    // of what is not handed out in buf
	whole int    // how many bytes from start on belong to a whole message
}

// Read blocks until a whole message has arrived, or from fails.
func (f *frames) Read(p []byte) (int, error) {
	if f.whole == 0 {
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.buf[f.start:f.start+f.whole])
	f.start += n
	f.whole -= n
	return n, nil
}

// ReadByte keeps gob from buffering on its own.
func (f *frames) ReadByte() (byte, error) {
	var b [1]byte
	_, err := f.Read(b[:])
	return b[0], err
}

func (f *frames) fill() error {
	if f.start == len(f.buf) {
		f.buf, f.start = f.buf[:0], 0
	}
	for {
		size, err := frameSize(f.buf[f.start:])
		if err != nil {
			return err
		}
		if size > 0 && len(f.buf)-f.start >= size {
			f.whole = size
			return nil
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
		if err != nil && n == 0 {
			return err
		}
	}
}

// frameSize returns the size of the gob message that b begins with, its length
// prefix included; 0 if b is too short to tell. A length is one byte up to 127,
// or the negated count of the big-endian bytes that follow.
func frameSize(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0] <= 0x7f {
		return 1 + int(b[0]), nil
	}
	count := -int(int8(b[0]))
	if count > 4 {
		return 0, errFrame
	}
	if len(b) < 1+count {
		return 0, nil
	}
	n := 0
	for _, digit := range b[1 : 1+count] {
		n = n<<8 | int(digit)
	}
	if n > maxFrame {
		return 0, errFrame
	}
	return 1 + count + n, nil
}
