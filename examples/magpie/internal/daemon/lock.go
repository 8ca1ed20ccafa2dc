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

// The files of a directory.
const (
	startLock  = "start.lock" // held by who starts or stops the process
	runLock    = "run.lock"   // held by the process; says who that is
	stateFile  = "state.json" // from what the process was started
	logFile    = "log"
	oldLogFile = "log.1"
)

// safeOpen never follows a link, and never waits for the other end of a pipe.
const safeOpen = syscall.O_CLOEXEC | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// tryLock locks an open file, and reports false if another has a lock on it.
func tryLock(fd uintptr, how int) (bool, error) {
	for {
		switch err := syscall.Flock(int(fd), how|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}

// lockTimeout is how long a caller waits for another one: longer than the other
// may take to stop a process and to start the next.
const lockTimeout = time.Minute

// lockDir waits until nobody else starts or stops the process of a directory.
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, startLock), os.O_RDWR|os.O_CREATE|safeOpen, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open lock of directory: %w", err)
	}
	err = poll(ctx, lockTimeout, func() (bool, error) { return tryLock(file.Fd(), syscall.LOCK_EX) })
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("cannot lock directory %q: %w", dir, err)
	}
	return func() {
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) // a child that is being started may have a copy
		_ = file.Close()
	}, nil
}

var errTimeout = errors.New("it took too long")

// poll calls done, at first often and then less so, until it returns true or an
// error, ctx ends, or the limit is reached, which is errTimeout.
func poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	const slowest = 20 * time.Millisecond
	deadline := time.Now().Add(limit)
	for delay := time.Millisecond; ; delay = min(delay*2, slowest) {
		if ok, err := done(); ok || err != nil {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return errTimeout
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(delay, left)):
		}
	}
}
