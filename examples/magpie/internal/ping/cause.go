// SPDX-License-Identifier: Apache-2.0

package ping

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// ErrPermission is the cause when the process may not send ICMP at all.
var ErrPermission = errors.New("needs the capability CAP_NET_RAW, or a group within net.ipv4.ping_group_range")

// explain returns the error of a result from the error of a Pinger.
func (o *Options) explain(address string, sent int, err error) error {
	switch {
	case errors.Is(err, ErrPermission):
		return fmt.Errorf("cannot send ICMP: %w", ErrPermission)
	case errors.Is(err, syscall.EMSGSIZE) && o.MTU != 0:
		which := "link's MTU is smaller, or the path's" // the system knows without having asked
		if sent > 0 {
			which = "path's MTU is smaller" // a router has told
		}
		return &tooBig{fmt.Sprintf("packets of %d bytes do not pass: the %s", o.MTU, which)}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("cannot wait for all answers of %s: %w", hostile.Quote(address), systemCause(err))
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot send to %s: the address is for broadcasts, or forbidden: %w", hostile.Quote(address), systemCause(err))
	}
	return fmt.Errorf("cannot send to %s: %w", hostile.Quote(address), systemCause(err))
}

// tooBig is EMSGSIZE in the words of who asked for an MTU.
type tooBig struct{ text string }

func (e *tooBig) Error() string { return e.text }

func (e *tooBig) Unwrap() error { return syscall.EMSGSIZE }

// systemCause returns the part of an error whose text has no foreign names in it.
func systemCause(err error) error {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return &escaped{err}
}

// lookupCause is systemCause for what a resolver returns.
func lookupCause(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		switch {
		case dns.IsNotFound:
			return errors.New("no such host")
		case errors.Is(err, context.Canceled):
			return context.Canceled
		case dns.IsTimeout:
			return errors.New("no DNS server answers in time")
		}
		return &escaped{errors.New(dns.Err)}
	}
	return systemCause(err)
}

// escaped is an error whose text is safe to print.
type escaped struct{ err error }

func (e *escaped) Error() string { return hostile.Clip(e.err.Error(), 200) }

func (e *escaped) Unwrap() error { return e.err }
