// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// maxSocketPath is what fits into struct sockaddr_un on Linux.
const maxSocketPath = 107

// dial connects to a unix socket, until ctx ends or closing is closed. Package net, which a charm need not link for
// this, would do the same.
func dial(ctx context.Context, address string, closing <-chan struct{}) (*os.File, error) {
	if address == "" {
		return nil, errors.New("cannot connect to the agent: JUJU_AGENT_SOCKET_ADDRESS is not set")
	}
	if len(address) > maxSocketPath {
		return nil, fmt.Errorf("socket path of %d bytes is too long, at most %d are possible: %q", len(address), maxSocketPath, address)
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd) // an agent waits until the last copy is closed
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, os.NewSyscallError("setnonblock", err)
	}
	for {
		err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: address})
		if err == nil {
			return os.NewFile(uintptr(fd), address), nil
		}
		if !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
			_ = syscall.Close(fd)
			return nil, fmt.Errorf("cannot connect to %q: %w", address, err)
		}
		select { // the agent has too many connections to accept
		case <-ctx.Done():
			_ = syscall.Close(fd)
			return nil, fmt.Errorf("cannot connect to %q: %w", address, ctx.Err())
		case <-closing:
			_ = syscall.Close(fd)
			return nil, errClosed
		case <-time.After(time.Millisecond):
		}
	}
}
