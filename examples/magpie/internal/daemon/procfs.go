// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// holder is a process that holds, or is said to hold, the lock of a directory.
type holder struct {
	pid   int
	start uint64 // when it has started, in ticks since the machine has
	fd    int    // its descriptor of the lock
	ready bool
}

const (
	ready         = "ready"
	notReady      = "start" // as long, so that one replaces the other
	maxHolderText = 64
)

func (h holder) text() []byte {
	word := notReady
	if h.ready {
		word = ready
	}
	return fmt.Appendf(nil, "%d %d %d %s\n", h.pid, h.start, h.fd, word)
}

// parseHolder is the inverse of text, and accepts nothing else.
func parseHolder(text []byte) (holder, bool) {
	fields := strings.Split(strings.TrimSuffix(string(text), "\n"), " ")
	if len(fields) != 4 || len(text) > maxHolderText {
		return holder{}, false
	}
	pid, err1 := strconv.ParseInt(fields[0], 10, 32)
	start, err2 := strconv.ParseUint(fields[1], 10, 64)
	fd, err3 := strconv.ParseInt(fields[2], 10, 32)
	h := holder{pid: int(pid), start: start, fd: int(fd), ready: fields[3] == ready}
	ok := err1 == nil && err2 == nil && err3 == nil && pid > 0 && fd >= 0
	return h, ok && bytes.Equal(h.text(), text)
}

// holds reports whether the process lives, and has locked that file.
func (h holder) holds(lock os.FileInfo) bool {
	stat, err := readStat(h.pid)
	return err == nil && stat.start == h.start && locks(h.pid, h.fd, lock)
}

// gone reports whether the process has ended, its other threads included: what
// it had open is closed then.
func (h holder) gone() bool {
	stat, err := readStat(h.pid)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH):
		return true
	case err != nil:
		return false
	case stat.start != h.start:
		return true
	case stat.state != 'Z' && stat.state != 'X':
		return false
	}
	// It is a child of this process, or of one that lets its children lie.
	if reaped, err := syscall.Wait4(h.pid, nil, syscall.WNOHANG, nil); err == nil && reaped == h.pid {
		return true
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", h.pid))
	return errors.Is(err, os.ErrNotExist) || err == nil && len(threads) <= 1
}

// processStat is part of /proc/PID/stat.
type processStat struct {
	state byte
	start uint64
}

func readStat(pid int) (processStat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processStat{}, err
	}
	// The second field is the name of the program, which may have any character.
	const state, start = 0, 19 // fields after that
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= start {
		return processStat{}, fmt.Errorf("cannot read state of process %d: it has %d fields", pid, len(fields))
	}
	ticks, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return processStat{}, fmt.Errorf("cannot read start of process %d: %w", pid, err)
	}
	return processStat{state: fields[state][0], start: ticks}, nil
}

// locks reports whether a descriptor of a process is of that file, and has an
// exclusive lock (flock) on it.
func locks(pid, fd int, lock os.FileInfo) bool {
	info, err := os.Stat(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
	if err != nil || !os.SameFile(info, lock) {
		return false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if locked, ok := strings.CutPrefix(line, "lock:"); ok {
			fields := strings.Fields(locked) // number, kind, whether mandatory, mode, …
			if len(fields) > 3 && fields[1] == "FLOCK" && fields[3] == "WRITE" {
				return true
			}
		}
	}
	return false
}

// search looks at all processes for the one that has locked a file. If there is
// none, its pid is 0.
func search(lock os.FileInfo) (holder, error) {
	for pid, err := range numbers("/proc") {
		if err != nil {
			return holder{}, fmt.Errorf("cannot look for the process: %w", err)
		}
		before, err := readStat(pid)
		if err != nil {
			continue // it has ended
		}
		for fd, err := range numbers(fmt.Sprintf("/proc/%d/fd", pid)) {
			if err != nil {
				break // it has ended, or is another user's
			}
			if h := (holder{pid: pid, start: before.start, fd: fd}); locks(pid, fd, lock) && h.holds(lock) {
				return h, nil
			}
		}
	}
	return holder{}, nil
}

// numbers returns those entries of a directory that are numbers.
func numbers(dir string) func(yield func(int, error) bool) {
	return func(yield func(int, error) bool) {
		file, err := os.Open(dir)
		if err != nil {
			yield(0, err)
			return
		}
		defer file.Close()
		for {
			const some = 256
			names, err := file.Readdirnames(some)
			for _, name := range names {
				if n, err := strconv.Atoi(name); err == nil && !yield(n, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(0, err)
				return
			}
		}
	}
}
