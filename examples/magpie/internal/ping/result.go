// SPDX-License-Identifier: Apache-2.0

package ping

import (
	"fmt"
	"net/netip"
	"time"
)

// Result is what pinging a target came to.
type Result struct {
	Name    string
	Address string     // as the target has it: print it with %q only
	IP      netip.Addr // that was pinged; not valid if it came to none

	Sent     int
	Received int             // without duplicates
	RTTs     []time.Duration // one for each packet that was answered, in the order of the answers

	// Err is why packets were not sent, or no longer waited for. That packets
	// are not answered is no error. It wraps ErrPermission, the error of the
	// context, or the syscall.Errno, if it has one of these causes.
	Err error
}

// OK reports whether packets were sent and each of them was answered.
func (r Result) OK() bool { return r.Err == nil && r.Sent > 0 && r.Received == r.Sent }

// String returns "ok"; or "R/T packets received" with the numbers of packets
// received and sent, and if there is an error, ": " and its text; or, if none
// was sent, only that. It has no control characters, whatever the address has.
func (r Result) String() string {
	switch {
	case r.OK():
		return "ok"
	case r.Err == nil:
		return fmt.Sprintf("%d/%d packets received", r.Received, r.Sent)
	case r.Sent == 0:
		return r.Err.Error()
	default:
		return fmt.Sprintf("%d/%d packets received: %v", r.Received, r.Sent, r.Err)
	}
}
