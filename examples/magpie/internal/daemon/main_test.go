// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

// TestMain lets the test's program be the process, and the hook that starts it.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "serve":
			serve(os.Args[2], os.Args[3:])
		case "hook":
			hook(os.Args[2])
		}
	}
	adoptOrphans()
	code := m.Run()
	if left := killLeft(); left > 0 {
		fmt.Fprintln(os.Stderr, "the tests have left processes behind:", left)
		code = 1
	}
	os.Exit(code)
}

// adoptOrphans makes this process the parent of all that its children leave.
func adoptOrphans() {
	const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setChildSubreaper, 1, 0, 0, 0, 0); errno != 0 {
		panic(errno)
	}
}

// killLeft kills the children that live, and returns how many these were.
func killLeft() int {
	left := 0
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return left
		case errors.Is(err, syscall.EINTR) || pid > 0:
			continue
		}
		lists, _ := filepath.Glob("/proc/self/task/*/children")
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			for _, field := range strings.Fields(string(text)) {
				if child, err := strconv.Atoi(field); err == nil && syscall.Kill(child, syscall.SIGKILL) == nil {
					_, _ = syscall.Wait4(child, nil, 0, nil)
					left++
				}
			}
		}
		if left == 0 {
			return 1 // they cannot be listed
		}
	}
}

// exit is not os.Exit, before which the race detector sleeps for a second.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		syscall.Exit(1)
	}
	syscall.Exit(0)
}

// report is what the process sees of itself.
type report struct {
	Env     []string
	Dir     string
	Session int
	Group   int
	Umask   string
	Files   map[string]string // by descriptor
}

func writeReport(dir string) error {
	session, _, errno := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	r := report{Env: os.Environ(), Session: int(session), Group: syscall.Getpgrp(), Files: make(map[string]string)}
	r.Dir, _ = os.Getwd()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if umask, ok := strings.CutPrefix(line, "Umask:"); ok {
			r.Umask = strings.TrimSpace(umask)
		}
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			r.Files[entry.Name()] = target
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report"), text, 0o600)
}

// serve is the process. Its arguments change how it behaves.
func serve(dir string, args []string) {
	has := func(word string) bool {
		for _, arg := range args {
			if arg == word {
				return true
			}
		}
		return false
	}
	const longerThanTests = 15 * time.Minute // nobody else ends it if the tests are killed
	time.AfterFunc(longerThanTests, func() { exit(errors.New("the tests have forgotten this process")) })
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if has("stranger") {
		<-terminated
		exit(nil)
	}
	if has("die") {
		fmt.Print("first\n\x1b[2Jlast\xff\u202e\n")
		syscall.Exit(3)
	}
	if has("killed") {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if has("chatty") {
		fmt.Println(strings.Repeat("much text, ", 300_000))
	}
	held, err := daemon.Hold(dir)
	if err != nil {
		exit(err)
	}
	for _, arg := range args {
		if address, ok := strings.CutPrefix(arg, "listen="); ok {
			if _, err := net.Listen("tcp", address); err != nil {
				exit(err)
			}
		}
	}
	if err := writeReport(dir); err != nil {
		exit(err)
	}
	if !has("never ready") {
		if err := held.Ready(); err != nil {
			exit(err)
		}
	}
	for range terminated {
		if !has("stubborn") {
			fmt.Println("terminated")
			exit(nil)
		}
	}
}

// hook is a hook that makes sure that the process runs, and does not end.
func hook(spec string) {
	var s daemon.Spec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		exit(err)
	}
	status, err := daemon.Ensure(context.Background(), s)
	if err != nil {
		exit(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(status); err != nil {
		exit(err)
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	<-terminated
	exit(nil)
}
