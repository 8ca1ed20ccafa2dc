// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// StopOptions are the optional settings of Stop.
type StopOptions struct {
	// Timeout is how long the process has time to end after SIGTERM, before it
	// gets SIGKILL; 0 means 5 s.
	Timeout time.Duration
}

// Stop stops the process of a directory, and returns once it has ended. It does
// nothing if there is none, or no such directory. The directory remains, with
// the log. If ctx ends before the process does, that is the error. The nil
// options are the defaults.
func Stop(ctx context.Context, dir string, opts *StopOptions) error {
	var o StopOptions
	if opts != nil {
		o = *opts
	}
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := lockDir(ctx, dir)
	if err != nil {
		return err
	}
	defer unlock()
	h, err := find(dir)
	if err != nil {
		return err
	}
	if h.pid != 0 {
		if err := stop(ctx, dir, h, cmp.Or(max(o.Timeout, 0), defaultStopTimeout)); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(dir, stateFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot forget the process: %w", err)
	}
	return nil
}

// killTimeout is how long the kernel has time to end a process after SIGKILL.
const killTimeout = 10 * time.Second

// stop stops a process that find has found.
func stop(ctx context.Context, dir string, h holder, timeout time.Duration) error {
	process, err := os.FindProcess(h.pid)
	if err != nil {
		return fmt.Errorf("cannot stop process %d: %w", h.pid, err)
	}
	defer func() { _ = process.Release() }()
	// What was opened may be another process, if ours has ended meanwhile. If
	// ours has not by now, it is ours that was opened.
	now, err := find(dir)
	if err != nil {
		return err
	}
	if now.pid != h.pid || now.start != h.start {
		return nil
	}
	for _, try := range []struct {
		signal  syscall.Signal
		timeout time.Duration
	}{{syscall.SIGTERM, timeout}, {syscall.SIGKILL, killTimeout}} {
		if err := process.Signal(try.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("cannot stop process %d: %w", h.pid, err)
		}
		err = poll(ctx, try.timeout, func() (bool, error) { return h.gone(), nil })
		if !errors.Is(err, errTimeout) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot stop process %d: %w", h.pid, err)
	}
	return nil
}
