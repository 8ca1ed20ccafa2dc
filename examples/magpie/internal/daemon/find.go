// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Status is what Ensure has found, and done.
type Status struct {
	// PID is the number of the process that runs now.
	PID int

	// Started reports that this call has started it.
	Started bool

	// Replaced reports that this call has stopped another one before.
	Replaced bool
}

// find returns the process that holds a directory, and changes nothing. If there
// is none, or no such directory, its pid is 0.
func find(dir string) (holder, error) {
	file, err := os.OpenFile(filepath.Join(dir, runLock), os.O_RDONLY|safeOpen, 0)
	if errors.Is(err, os.ErrNotExist) {
		return holder{}, nil
	}
	if err != nil {
		return holder{}, fmt.Errorf("cannot look for the process: %w", err)
	}
	defer file.Close()
	lock, err := file.Stat()
	if err != nil {
		return holder{}, fmt.Errorf("cannot look for the process: %w", err)
	}
	if !lock.Mode().IsRegular() {
		return holder{}, fmt.Errorf("cannot look for the process: %q is no file", file.Name())
	}
	// A process may end, or begin, while it is looked for.
	const attempts = 3
	for range attempts {
		if h, ok := readHolder(file); ok && h.holds(lock) {
			return h, nil
		}
		free, err := tryLock(file.Fd(), syscall.LOCK_SH)
		if err != nil {
			return holder{}, fmt.Errorf("cannot look for the process: %w", err)
		}
		if free {
			return holder{}, nil // closing the file gives the lock up
		}
		h, err := search(lock)
		if err != nil || h.pid != 0 {
			return h, err
		}
	}
	return holder{}, fmt.Errorf("cannot find the process that holds %q: none that is visible has a lock on it", file.Name())
}

// readHolder reads what the file of a lock says.
func readHolder(file *os.File) (holder, bool) {
	buffer := make([]byte, maxHolderText+1)
	n, err := file.ReadAt(buffer, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return holder{}, false
	}
	return parseHolder(buffer[:n])
}
