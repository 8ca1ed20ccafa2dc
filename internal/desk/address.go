// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"fmt"
	"net"
	"runtime"
	"strconv"
)

// addresses are the addresses 127.BLOCK.0.0/16 of this host, which no other Desk
// has meanwhile.
type addresses struct {
	block int
	lock  net.Listener // nil: this system has no such locks
}

// takeAddresses takes the first block that is free. What locks it is a socket
// without a file, which the system removes with the process: it is a matter of
// the network namespace, as the addresses are.
func takeAddresses() addresses {
	for block := 1; block < 255 && runtime.GOOS == "linux"; block++ {
		if lock, err := net.Listen("unix", "@charmsmith-127."+strconv.Itoa(block)); err == nil {
			return addresses{block, lock}
		}
	}
	return addresses{block: 1}
}

// of returns the address of the n-th unit, from 1.
func (a addresses) of(n int) string {
	return fmt.Sprintf("127.%d.%d.%d", a.block, (n-1)/250, 1+(n-1)%250)
}

func (a addresses) release() error {
	if a.lock == nil {
		return nil
	}
	return a.lock.Close()
}
