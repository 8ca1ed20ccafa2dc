// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// The schedule is a function of the time, which does not run as a test likes while
// sockets are waited for.

// NewSchedule returns what says which run is next.
func NewSchedule(progression []int, batch, total time.Duration) func(now time.Time) (int, time.Duration, bool) {
	return newSchedule(progression, batch, total).next
}

// The readers of the protocol are fuzzed without a connection, a thousand times
// faster. Each of them returns what it read, written again.

// ReadOpening reads what a client says first.
func ReadOpening(r io.Reader) ([]byte, error) {
	v, err := readOpening(r)
	return v.append(nil), err
}

// ReadAnswer reads what a server says to that.
func ReadAnswer(r io.Reader) ([]byte, error) {
	v, err := readAnswer(r)
	return v.append(nil), err
}

// ReadResult reads what a server says at the end.
func ReadResult(r io.Reader) ([]byte, error) {
	v, err := readResult(r)
	return v.append(nil), err
}

// Text returns what [ParseMinSpeed] parses, for its round trip.
func (m MinSpeed) Text() string {
	if m.percent {
		return fmt.Sprint(m.value, "%")
	}
	return fmt.Sprint(m.value)
}

// No host name has several addresses on every machine.

// Reach returns the first of the addresses that answers at a port.
func Reach(ctx context.Context, addresses []netip.Addr, port uint16) (netip.AddrPort, error) {
	m := &measurement{opts: Options{Timeout: time.Minute}}
	return m.reach(ctx, addresses, port)
}
