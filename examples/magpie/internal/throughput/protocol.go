// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

const version = 1

const (
	openingMagic = "MAGPIEtp"
	answerMagic  = "MAGPIEsv"
	resultMagic  = "MAGPIEok"

	magicSize   = 8
	openingSize = magicSize + 4 + 16
	answerSize  = magicSize + 4 + 4
	resultSize  = magicSize + 8 + 8
)

// Codes of an answer.
const (
	codeYes     = 0
	codeBusy    = 1
	codeVersion = 2
)

// errNotOurs is an opening of something that is no client.
var errNotOurs = errors.New("not the opening of a client")

// runID tells the streams of one run from those of others.
type runID [16]byte

// opening is what a client says first.
type opening struct {
	version uint32
	run     runID
}

// append appends the opening's bytes to b.
func (o opening) append(b []byte) []byte {
	b = append(b, openingMagic...)
	b = binary.BigEndian.AppendUint32(b, o.version)
	return append(b, o.run[:]...)
}

// readOpening reads no more than an opening. It is errNotOurs if r has another
// magic, of which no more than its size is read.
func readOpening(r io.Reader) (opening, error) {
	var b [openingSize]byte
	if _, err := io.ReadFull(r, b[:magicSize]); err != nil {
		return opening{}, err
	}
	if string(b[:magicSize]) != openingMagic {
		return opening{}, errNotOurs
	}
	if _, err := io.ReadFull(r, b[magicSize:]); err != nil {
		return opening{}, err
	}
	return opening{
		version: binary.BigEndian.Uint32(b[magicSize:]),
		run:     runID(b[magicSize+4:]),
	}, nil
}

// answer is what a server says to an opening.
type answer struct {
	code   uint32
	number uint32 // of streams for codeBusy, otherwise the version
}

// append appends the answer's bytes to b.
func (a answer) append(b []byte) []byte {
	b = append(b, answerMagic...)
	b = binary.BigEndian.AppendUint32(b, a.code)
	return binary.BigEndian.AppendUint32(b, a.number)
}

// refusal returns the error of an answer that is not yes.
func (a answer) refusal() error {
	switch {
	case a.code == codeYes && a.number == version:
		return nil
	case a.code == codeBusy:
		return fmt.Errorf("it has the %d streams that it takes at a time", a.number)
	case a.code == codeVersion || a.code == codeYes:
		return fmt.Errorf("it speaks version %d of the protocol, not %d", a.number, version)
	}
	return fmt.Errorf("for a reason that this client does not know: code %d, number %d", a.code, a.number)
}

// readAnswer reads no more than an answer.
func readAnswer(r io.Reader) (answer, error) {
	var b [answerSize]byte
	if n, err := io.ReadFull(r, b[:]); err != nil {
		return answer{}, unexpected(b[:n], answerMagic, err)
	}
	if string(b[:magicSize]) != answerMagic {
		return answer{}, unexpected(b[:], answerMagic, nil)
	}
	return answer{
		code:   binary.BigEndian.Uint32(b[magicSize:]),
		number: binary.BigEndian.Uint32(b[magicSize+4:]),
	}, nil
}

// result is what a server says at the end of a stream.
type result struct {
	bytes   int64
	elapsed time.Duration
}

// append appends the result's bytes to b.
func (r result) append(b []byte) []byte {
	b = append(b, resultMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.bytes))
	return binary.BigEndian.AppendUint64(b, uint64(r.elapsed))
}

// readResult reads no more than a result. Its numbers are not negative.
func readResult(r io.Reader) (result, error) {
	var b [resultSize]byte
	if n, err := io.ReadFull(r, b[:]); err != nil {
		return result{}, unexpected(b[:n], resultMagic, err)
	}
	if string(b[:magicSize]) != resultMagic {
		return result{}, unexpected(b[:], resultMagic, nil)
	}
	bytes, elapsed := binary.BigEndian.Uint64(b[magicSize:]), binary.BigEndian.Uint64(b[magicSize+8:])
	if bytes > math.MaxInt64 || elapsed > math.MaxInt64 {
		return result{}, fmt.Errorf("it says that it received %d bytes in %d ns", bytes, elapsed)
	}
	return result{bytes: int64(bytes), elapsed: time.Duration(elapsed)}, nil
}

// unexpected returns the error for bytes that came where the magic was due: err if
// what came before it is as it should be.
func unexpected(got []byte, magic string, err error) error {
	if n := min(len(got), magicSize); err != nil && string(got[:n]) == magic[:n] {
		return err
	}
	return fmt.Errorf("it is no throughput server: it said %q", got)
}
