// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"io"
	"net"
	"os"
	"syscall"
)

// discarder returns what [io.Reader.Read] returns for a connection, without the
// bytes: the kernel drops them in its own buffer. Nothing is ever written to sink, whose
// length is the most that is dropped at once, so that all streams may share it. It
// returns nil for a connection that cannot do that.
func discarder(conn net.Conn, sink []byte) func() (int, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var n int
	var failure error
	drop := func(fd uintptr) bool {
		for {
			n, _, failure = syscall.Recvfrom(int(fd), sink, syscall.MSG_TRUNC)
			if failure != syscall.EINTR {
				return failure != syscall.EAGAIN
			}
		}
	}
	return func() (int, error) {
		if err := raw.Read(drop); err != nil {
			return 0, err
		}
		if failure != nil {
			return 0, os.NewSyscallError("recvfrom", failure)
		}
		if n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
}
