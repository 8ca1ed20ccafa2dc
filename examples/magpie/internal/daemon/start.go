// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// StartError says why a process did not start, or did not get ready.
type StartError struct {
	Program string
	Log     []string // the last lines of what it has written; nothing in them does anything to a terminal
	Err     error
}

// Error names the program and the cause, and has the end of the log.
func (e *StartError) Error() string {
	text := fmt.Sprintf("cannot start %q: %v", e.Program, e.Err)
	if len(e.Log) > 0 {
		text += "; its log ends: " + strings.Join(e.Log, " | ")
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// start starts the process, and waits until it is ready.
func start(ctx context.Context, spec Spec) (holder, error) {
	log, err := os.OpenFile(filepath.Join(spec.Dir, logFile), os.O_RDWR|os.O_CREATE|os.O_APPEND|safeOpen&^syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return holder{}, fmt.Errorf("cannot open log of the process: %w", err)
	}
	defer log.Close()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return holder{}, fmt.Errorf("cannot open log of the process: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return holder{}, fmt.Errorf("cannot open standard input of the process: %w", err)
	}
	defer null.Close()
	if err := closeOnExec(); err != nil {
		return holder{}, err
	}
	process, err := os.StartProcess(spec.Program, append([]string{spec.Program}, spec.Args...), &os.ProcAttr{
		Dir:   spec.Dir,
		Env:   append([]string{}, spec.Env...), // nil would be the caller's
		Files: []*os.File{null, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return holder{}, &StartError{Program: spec.Program, Err: err}
	}
	started, err := awaitReady(ctx, spec, process.Pid)
	if err != nil {
		return holder{}, &StartError{Program: spec.Program, Log: tail(log, before), Err: err}
	}
	_ = process.Release()
	return started, nil
}

// awaitReady waits until a child is ready. If it does not get so, it is no more.
func awaitReady(ctx context.Context, spec Spec, pid int) (holder, error) {
	var h holder
	ended := false
	err := poll(ctx, spec.StartTimeout, func() (bool, error) {
		var status syscall.WaitStatus
		if reaped, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); reaped == pid {
			ended = true
			return false, endOf(status)
		} else if err != nil && !errors.Is(err, syscall.EINTR) {
			return false, fmt.Errorf("cannot wait for process %d: %w", pid, err)
		}
		var err error
		h, err = readReady(spec.Dir, pid)
		return h.pid != 0, err
	})
	if err == nil {
		return h, nil
	}
	if !ended { // a child that is not reaped keeps its number; it leads a process group
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		for {
			if _, waitErr := syscall.Wait4(pid, nil, 0, nil); !errors.Is(waitErr, syscall.EINTR) {
				break
			}
		}
	}
	if errors.Is(err, errTimeout) {
		err = fmt.Errorf("it was not ready within %v", spec.StartTimeout)
	}
	return holder{}, err
}

// readReady returns the holder of a directory if it is that process, and ready.
func readReady(dir string, pid int) (holder, error) {
	file, err := os.OpenFile(filepath.Join(dir, runLock), os.O_RDONLY|safeOpen, 0)
	if errors.Is(err, os.ErrNotExist) {
		return holder{}, nil
	}
	if err != nil {
		return holder{}, err
	}
	defer file.Close()
	lock, err := file.Stat()
	if err != nil {
		return holder{}, err
	}
	if h, ok := readHolder(file); ok && h.ready && h.pid == pid && h.holds(lock) {
		return h, nil
	}
	return holder{}, nil
}

func endOf(status syscall.WaitStatus) error {
	if status.Signaled() {
		return fmt.Errorf("it was killed by signal %d (%v) before it was ready", status.Signal(), status.Signal())
	}
	return fmt.Errorf("it ended with status %d before it was ready", status.ExitStatus())
}

// closeOnExec makes sure that no descriptor which this process has inherited
// gets to the processes that it starts, unless they are given it.
func closeOnExec() error {
	const standard = 3 // input, output, error
	for fd, err := range numbers("/proc/self/fd") {
		if err != nil {
			return fmt.Errorf("cannot list open files: %w", err)
		}
		if fd >= standard {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
