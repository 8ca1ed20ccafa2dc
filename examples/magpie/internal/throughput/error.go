// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Error is a target that was not measured to the end. Its cause is found by
// [errors.Is]: [syscall.ECONNREFUSED], [os.ErrDeadlineExceeded], that of a
// context, …
type Error struct {
	Target      Target
	Concurrency int // streams of the run that did not end well; 0 if none began
	Err         error
}

// Error names the target, the number of streams if a run had begun, and the cause.
func (e *Error) Error() string {
	if e.Concurrency == 0 {
		return fmt.Sprintf("cannot measure throughput to %q: %v", e.Target.name(), e.Err)
	}
	return fmt.Sprintf("cannot measure throughput to %q in %d streams: %v", e.Target.name(), e.Concurrency, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// cause returns what was said below err, without the address, which the text
// around it has. A deadline that passed is told as the time that was waited.
func cause(err error, waited time.Duration) error {
	var timeout net.Error
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("no answer within %v: %w", waited, os.ErrDeadlineExceeded)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
