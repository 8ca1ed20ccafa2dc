// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Held is the hold that a process has on its directory. It lasts until the
// process ends, also if the value is dropped.
type Held struct {
	path   string
	holder holder
}

// Hold makes the calling process the one of a directory, for the rest of its
// life. It is the first thing that the process does: until then Ensure cannot
// find it again. It returns an error if another process holds the directory.
// The directory must exist.
func Hold(dir string) (*Held, error) {
	path := filepath.Join(dir, runLock)
	fd, err := openForLife(path)
	if err != nil {
		return nil, fmt.Errorf("cannot hold directory of this process: %w", err)
	}
	// Who looks whether there is a process has a lock, too, for a moment.
	const moment = time.Second
	err = poll(context.Background(), moment, func() (bool, error) { return tryLock(uintptr(fd), syscall.LOCK_EX) })
	if err != nil {
		_ = syscall.Close(fd)
		if errors.Is(err, errTimeout) {
			err = errors.New("another process holds it")
		}
		return nil, fmt.Errorf("cannot hold directory %q: %w", dir, err)
	}
	self := os.Getpid()
	stat, err := readStat(self)
	if err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("cannot find out when this process has started: %w", err)
	}
	h := &Held{path: path, holder: holder{pid: self, start: stat.start, fd: fd}}
	if err := h.write(); err != nil {
		_ = syscall.Close(fd)
		return nil, err
	}
	return h, nil
}

// openForLife returns a descriptor that no garbage collection closes.
func openForLife(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|safeOpen, 0o600)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		default:
			return fd, nil
		}
	}
}

// Ready says that the process can serve: Ensure waits for that. Before it, the
// process takes all that it needs, such as the ports at which it listens.
func (h *Held) Ready() error {
	h.holder.ready = true
	return h.write()
}

// write puts in the lock's file who holds it.
func (h *Held) write() error {
	text := h.holder.text()
	if _, err := syscall.Pwrite(h.holder.fd, text, 0); err != nil {
		return &os.PathError{Op: "write", Path: h.path, Err: err}
	}
	if err := syscall.Ftruncate(h.holder.fd, int64(len(text))); err != nil {
		return &os.PathError{Op: "truncate", Path: h.path, Err: err}
	}
	return nil
}
