// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// endingWriter tells once that writing failed, and writes no more.
type endingWriter struct {
	to     io.Writer
	failed func(error)
	err    error
}

// Write writes, unless that failed before.
func (w *endingWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.to.Write(p)
	if err != nil {
		w.err = err
		w.failed(err)
	}
	return n, err
}

// outputError says that standard output cannot be written to.
type outputError struct{ err error }

// Error says so.
func (e *outputError) Error() string {
	return fmt.Sprintf("cannot write to standard output: %v", cause(e.err))
}

// Unwrap returns the error of the write.
func (e *outputError) Unwrap() error { return e.err }

// unread reports whether nobody reads the output any more, as after "| head":
// who does that knows.
func unread(err error) bool {
	_, isOutput := errors.AsType[*outputError](err)
	return isOutput && errors.Is(err, syscall.EPIPE)
}
