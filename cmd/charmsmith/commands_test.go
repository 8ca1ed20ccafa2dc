// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// signals are those that a script can send.
var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "QUIT": syscall.SIGQUIT, "HUP": syscall.SIGHUP}

// runProgram runs charmsmith. It writes its output to the files stdout and
// stderr, and its exit code to the file code. If at is not empty, it sends it
// signal when there is a file like that, or more of its input.
func runProgram(ts *testscript.TestScript, neg bool, signal, at string, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! charmsmith; use exits")
	}
	file, err := program()
	ts.Check(err)
	cmd := exec.Command(file, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range append([]string{"TMPDIR", "PATH", "HOME", "NO_COLOR"}, goEnv...) {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if stdin, err := os.Open(ts.MkAbs("stdin")); err == nil {
		defer stdin.Close()
		cmd.Stdin = stdin
	}
	var operator *os.File
	if text, err := os.ReadFile(ts.MkAbs("pipe")); err == nil {
		var r *os.File
		r, operator, err = os.Pipe()
		cmd.Stdin = r
		ts.Check(err)
		defer r.Close()
		defer operator.Close()
		_, err = operator.Write(text)
		ts.Check(err)
	}
	ts.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	if at != "" {
		waitFor(ts, ts.MkAbs(at))
	}
	switch {
	case signal != "":
		ts.Check(cmd.Process.Signal(signals[signal]))
	case at != "":
		_, err := operator.WriteString(ts.ReadFile("more"))
		ts.Check(err)
		ts.Check(operator.Close())
	}
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			ts.Check(err)
		}
	case <-time.After(2 * time.Minute):
		_ = cmd.Process.Kill()
		<-done
		ts.Fatalf("charmsmith does not end; it printed:\n%s\n%s", &stdout, &stderr)
	}
	ts.Logf("[stdout]\n%s[stderr]\n%s", &stdout, &stderr)
	for name, text := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String(), "code": strconv.Itoa(cmd.ProcessState.ExitCode())} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func waitFor(ts *testscript.TestScript, file string) {
	for range 6000 {
		if found, _ := filepath.Glob(file); len(found) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s does not appear", file)
}

// printed returns one of the files of runProgram; ReadFile has another stdout.
func printed(ts *testscript.TestScript, name string) string {
	text, err := os.ReadFile(ts.MkAbs(name))
	ts.Check(err)
	return string(text)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if code := printed(ts, "code"); code != args[0] || neg {
		ts.Fatalf("charmsmith exited with %s, not %s", code, args[0])
	}
}

func refused(ts *testscript.TestScript, neg bool, args []string) {
	exits(ts, neg, []string{"2"})
	text := printed(ts, "stderr")
	if !strings.HasPrefix(text, "charmsmith: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		ts.Fatalf("it is not told in one line: %q", text)
	}
	if !regexp.MustCompile(args[0]).MatchString(text) {
		ts.Fatalf("%q is not told, but %q", args[0], text)
	}
}

// told checks what was printed between the echo of a line and the next echo.
func told(ts *testscript.TestScript, neg bool, args []string) {
	_, text, ok := strings.Cut("\n"+printed(ts, "stdout"), "\n> "+args[1]+"\n")
	if !ok {
		ts.Fatalf("line %q was not done", args[1])
	}
	text, _, _ = strings.Cut("\n"+text, "\n> ")
	if regexp.MustCompile("(?m)"+args[0]).MatchString(text) == neg {
		ts.Fatalf("%q printed %q", args[1], text)
	}
}

// noProcess fails if a process has something of this script: its directory in the
// environment or command line, as working directory, or its program in it; or if
// the script's temporary directory is not empty. Negated, there must be a process.
func noProcess(ts *testscript.TestScript, neg bool, args []string) {
	work := regexp.MustCompile(regexp.QuoteMeta(ts.Getenv("WORK")) + `\b`)
	found, err := filepath.Glob("/proc/[0-9]*")
	ts.Check(err)
	for _, proc := range found {
		command, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(proc, "environ"))
		cwd, _ := os.Readlink(filepath.Join(proc, "cwd"))
		exe, _ := os.Readlink(filepath.Join(proc, "exe"))
		if slices.ContainsFunc([]string{string(command), string(environ), cwd, exe}, work.MatchString) {
			if neg {
				return
			}
			ts.Fatalf("process %s is left: %q in %q", filepath.Base(proc), command, cwd)
		}
	}
	if neg {
		ts.Fatalf("no process is left")
	}
	entries, err := os.ReadDir(ts.Getenv("TMPDIR"))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s is left in the temporary directory", entries[0].Name())
	}
}

func archive(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	w := zip.NewWriter(file)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		header, err := zip.FileInfoHeader(info)
		ts.Check(err)
		entry, err := w.CreateHeader(header)
		ts.Check(err)
		_, err = io.WriteString(entry, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(w.Close())
}

// foreign writes the header of a program for Linux on s390x, or riscv64 there.
func foreign(ts *testscript.TestScript, _ bool, args []string) {
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2MSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_S390), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}
	var order binary.ByteOrder = binary.BigEndian
	if runtime.GOARCH == "s390x" {
		header.Ident[elf.EI_DATA], header.Machine, order = byte(elf.ELFDATA2LSB), uint16(elf.EM_RISCV), binary.LittleEndian
	}
	var program bytes.Buffer
	ts.Check(binary.Write(&program, order, header))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), program.Bytes(), 0o755))
}
