// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	readSize = 32 << 10 // of one read
	maxLine  = 4096     // of the log, in bytes; Juju splits longer ones
	maxKept  = 1 << 20  // of a stream, in the log and the results
	headSize = 2 << 10  // of what a person is shown: the beginning
	tailSize = 4 << 10  // and the end; not less than the beginning
)

// stream is one of the two outputs of a process. Its fields are set before it is
// read, and the results read when it is done.
type stream struct {
	file    *os.File
	log     func(line string) // nil: not logged
	capture bool
	ends    bool          // keep the beginning and the end
	done    chan struct{} // closed when all is read that counts

	part []byte // of a line
	kept []byte // what is captured
	head []byte // the beginning
	last []byte // the end, and what came before it
	size int64  // of all output
}

// newStream returns a stream and the end that is a process's.
func newStream() (*stream, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &stream{file: r, done: make(chan struct{})}, w, nil
}

// read reads to the end: all counts until the deadline of the file, what comes
// after it is discarded.
func (s *stream) read(buffer []byte) {
	late := false
	for {
		n, err := s.file.Read(buffer)
		s.add(buffer[:n])
		if err != nil {
			late = errors.Is(err, os.ErrDeadlineExceeded)
			break
		}
	}
	if late {
		s.readPipe(buffer)
	}
	s.flush()
	close(s.done)
	for late {
		_, err := s.file.Read(buffer)
		late = err == nil
	}
	_ = s.file.Close()
}

// readPipe reads what is in the pipe, which is all that a process wrote that has
// ended: a busy machine may not have come to it by the deadline.
func (s *stream) readPipe(buffer []byte) {
	_ = s.file.SetReadDeadline(time.Time{})
	raw, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	for left := 64 << 10; left > 0; { // a pipe holds no more, and others go on writing
		n := 0
		_ = raw.Read(func(fd uintptr) bool {
			n, _ = syscall.Read(int(fd), buffer)
			return true
		})
		if n <= 0 {
			return
		}
		s.add(buffer[:n])
		left -= n
	}
}

// wait waits until all is read that counts: to the end, or what comes within the
// grace.
func (s *stream) wait(grace time.Time) {
	select {
	case <-s.done:
		return
	default:
	}
	_ = s.file.SetReadDeadline(grace)
	<-s.done
}

// dropped returns how many bytes were neither logged nor captured.
func (s *stream) dropped() int64 { return max(0, s.size-maxKept) }

func (s *stream) add(data []byte) {
	if s.ends {
		s.head = append(s.head, data[:min(len(data), headSize-len(s.head))]...)
		s.last = append(s.last, data...)
		if extra := len(s.last) - tailSize; extra > tailSize {
			s.last = append(s.last[:0], s.last[extra:]...)
		}
	}
	room := max(0, maxKept-s.size)
	s.size += int64(len(data))
	data = data[:min(int64(len(data)), room)]
	if s.capture {
		s.kept = append(s.kept, data...)
	}
	if s.log != nil {
		s.addLines(data)
	}
}

// addLines logs the lines of data that are complete, and keeps the rest.
func (s *stream) addLines(data []byte) {
	for len(data) > 0 {
		line, rest, complete := bytes.Cut(data, []byte{'\n'})
		if len(s.part) > 0 || len(line) > maxLine || !complete {
			s.part = append(s.part, line...)
			line = s.split()
		}
		if complete {
			s.logLine(bytes.TrimSuffix(line, []byte{'\r'}))
			s.part = s.part[:0]
		}
		data = rest
	}
}

// split logs what is too long of the incomplete line, and returns the rest.
func (s *stream) split() []byte {
	rest := s.part
	for len(rest) > maxLine {
		cut := maxLine
		for i := range utf8.UTFMax {
			if utf8.RuneStart(rest[maxLine-i]) {
				cut = maxLine - i
				break
			}
		}
		s.logLine(rest[:cut])
		rest = rest[cut:]
	}
	s.part = append(s.part[:0], rest...)
	return s.part
}

// flush logs a last line that has no end.
func (s *stream) flush() {
	if len(s.part) > 0 {
		s.logLine(s.part)
	}
	s.part = nil
}

func (s *stream) logLine(line []byte) { s.log(strings.ToValidUTF8(string(line), "\uFFFD")) }

// excerpt returns the beginning and the end, and between them how much is left out:
// whole lines, if they are not too long.
func (s *stream) excerpt() []byte {
	if s.size <= headSize+tailSize { // last has twice tailSize
		return s.last
	}
	head, end := s.head, s.last[len(s.last)-tailSize:]
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	if _, rest, ok := bytes.Cut(end, []byte{'\n'}); ok && len(rest) > 0 {
		end = rest
	}
	text := fmt.Appendf(bytes.Clone(head), "\n… %d bytes …\n", s.size-int64(len(head)+len(end)))
	return append(text, end...)
}
