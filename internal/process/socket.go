// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// socket is the socket of a unit's agent. Juju makes one for each dispatch; this
// one stays, and has another name in between, as a file system may be slow to
// make a file like one that is just removed.
type socket struct {
	path     string
	listener *net.UnixListener // nil: not yet
	file     fs.FileInfo       // its own
}

func (s *socket) idlePath() string { return s.path + ".idle" }

// open returns a listener for one dispatch, whose Close does not close the
// socket but hides it.
func (s *socket) open() (net.Listener, error) {
	if s.listener != nil {
		if file, err := os.Lstat(s.idlePath()); err == nil && os.SameFile(file, s.file) && os.Rename(s.idlePath(), s.path) == nil {
			return session{s}, s.listener.SetDeadline(time.Time{})
		}
		s.close() // as the charm did something with the files
		_ = os.RemoveAll(s.idlePath())
	}
	address := net.UnixAddr{Net: "unix", Name: s.path}
	listener, err := net.ListenUnix("unix", &address)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err = os.RemoveAll(s.path); err == nil {
			listener, err = net.ListenUnix("unix", &address)
		}
	}
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	s.listener = listener
	s.file, err = os.Lstat(s.path)
	return session{s}, err
}

// close closes the socket for good.
func (s *socket) close() {
	if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
	}
}

// refuse closes the connections that nobody has accepted.
func (s *socket) refuse() {
	if s.listener == nil {
		return
	}
	raw, err := s.listener.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock() // lest a program inherits one
		defer syscall.ForkLock.RUnlock()
		for {
			conn, _, err := syscall.Accept(int(fd))
			if err != nil {
				return
			}
			_ = syscall.Close(conn)
		}
	})
}

// session is a [net.Listener] at a socket for as long as a dispatch runs.
type session struct{ socket *socket }

func (s session) Accept() (net.Conn, error) {
	conn, err := s.socket.listener.AcceptUnix()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, net.ErrClosed
	}
	return conn, err
}

func (s session) Close() error {
	err := os.Rename(s.socket.path, s.socket.idlePath())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the charm removed it
	}
	return errors.Join(err, s.socket.listener.SetDeadline(time.Unix(1, 0)))
}

func (s session) Addr() net.Addr { return s.socket.listener.Addr() }
