// SPDX-License-Identifier: Apache-2.0

package jujurpc

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
)

// Request is what a hook command asks of the unit agent. A slice of no elements
// arrives as nil.
type Request struct {
	ContextId   string // JUJU_CONTEXT_ID of the dispatch; Juju's spelling
	Dir         string // working directory of the hook command, absolute
	CommandName string
	Args        []string // without the name
	StdinSet    bool     // whether Stdin is the standard input, be it empty
	Stdin       []byte
	Token       string // of Juju 3.6, for agents that are elsewhere; else empty
}

// Response is what a hook command prints, and its exit code. A slice of no
// elements arrives as nil.
type Response struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// ErrNoStdin is the error of a handler whose hook command needs standard input
// when the request has none. A client then sends the request again, with it.
var ErrNoStdin = errors.New("hook tool requires stdin, none supplied")

// ServerError is an error that the handler, or the server itself, answered.
type ServerError struct {
	Text string // exactly the server's
}

// Error returns the server's text.
func (e *ServerError) Error() string { return e.Text }

// Is tells whether e is target, which can be [ErrNoStdin].
func (e *ServerError) Is(target error) bool {
	return target == ErrNoStdin && e.Text == ErrNoStdin.Error()
}

// method is the only one of the only service.
const (
	service = "Jujuc"
	method  = service + ".Main"
)

// requestHeader comes before every request, replyHeader before every reply. A
// reply with an error has an empty struct for a body.
type requestHeader struct {
	ServiceMethod string
	Seq           uint64
}

type replyHeader struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

// maxMessage is what a header and its body may have, in bytes.
const maxMessage = 64 << 20

var errTooLarge = fmt.Errorf("message is larger than %d MiB", maxMessage>>20)

// decoder reads messages of a peer that may send anything.
type decoder struct {
	in  limitedReader
	gob *gob.Decoder
}

func newDecoder(r io.Reader) *decoder {
	d := &decoder{in: limitedReader{r: bufio.NewReader(r)}}
	d.gob = gob.NewDecoder(&d.in)
	return d
}

// header reads a header, into v. What is read after that, up to the next
// header, counts as the same message.
func (d *decoder) header(v any) error {
	d.in.count = 0
	return d.body(v)
}

// body reads what comes next into v, or drops it if v is nil.
func (d *decoder) body(v any) (err error) {
	defer func() {
		if p := recover(); p != nil { // encoding/gob has some for what it thinks impossible
			d.in.err = fmt.Errorf("cannot decode message: %v", p)
			err = d.in.err
		}
	}()
	return d.gob.Decode(v)
}

// limitedReader fails once more than maxMessage bytes were read since count was
// zero, and fails for good. It is an io.ByteReader so that encoding/gob does not
// read ahead.
type limitedReader struct {
	r     *bufio.Reader
	count int
	err   error
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.err == nil && l.count >= maxMessage && len(p) > 0 {
		l.err = errTooLarge
	}
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.r.Read(p[:min(len(p), maxMessage-l.count)])
	l.count += n
	l.err = err
	return n, err
}

func (l *limitedReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(l, b[:])
	return b[0], err
}

// encoder writes messages. It is not safe for concurrent use.
type encoder struct {
	out *bufio.Writer
	gob *gob.Encoder
}

func newEncoder(w io.Writer) *encoder {
	out := bufio.NewWriter(w)
	return &encoder{out, gob.NewEncoder(out)}
}

// message writes a header and a body, which are sent by flush at the latest.
// After an error no more can be written.
func (e *encoder) message(header, body any) error {
	if err := e.gob.Encode(header); err != nil {
		return err
	}
	return e.gob.Encode(body)
}

func (e *encoder) flush() error { return e.out.Flush() }
