// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
)

// peakMemory runs a program and returns the most memory, in bytes, that was
// resident at a time, and whether the program succeeded.
//
// The kernel's ru_maxrss is of no use: it counts the memory of the process that
// starts a program as that of the program. So the program is stopped before it
// exits, and its own mark is read.
func peakMemory(path string, attr *os.ProcAttr) (peak int64, success bool, err error) {
	runtime.LockOSThread() // who starts a traced process is its tracer
	defer runtime.UnlockOSThread()
	files := make([]uintptr, len(attr.Files))
	for i, f := range attr.Files {
		files[i] = f.Fd()
	}
	pid, err := syscall.ForkExec(path, []string{path}, &syscall.ProcAttr{
		Dir: attr.Dir, Env: attr.Env, Files: files, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, false, err
	}
	started := false
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			return 0, false, err
		}
		signal := 0
		switch {
		case status.Exited() || status.Signaled():
			return peak, status.ExitStatus() == 0, nil
		case !started: // stopped by its exec
			started = true
			err = syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACEEXIT)
		case status.TrapCause() == syscall.PTRACE_EVENT_EXIT:
			peak, err = highWaterMark(pid)
		default:
			signal = int(status.StopSignal())
		}
		if err = errors.Join(err, syscall.PtraceCont(pid, signal)); err != nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
			return 0, false, err
		}
	}
}

// highWaterMark reads the peak resident memory of a living process.
func highWaterMark(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	kib, _, ok := bytes.Cut(rest, []byte(" kB\n"))
	if !ok {
		return 0, errors.New("cannot find VmHWM in the process's status")
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(kib)), 10, 64)
	return n * 1024, err
}
