// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// checkProgram refuses what Juju does not start.
func checkProgram(name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("cannot run %q: it is a directory", name)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("cannot run %q: it is not executable; try chmod +x %s", name, name)
	}
	return nil
}

// explainStart returns the error of a program that did not start, with what is
// likely wrong with it.
func explainStart(program, charmDir string, err error) error {
	name := relative(charmDir, program)
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("cannot run %q: %w", name, err)
	}
	hint := ""
	switch errno {
	case syscall.ENOEXEC, syscall.ENOENT, syscall.EACCES:
		if _, statErr := os.Stat(charmDir); statErr != nil {
			return fmt.Errorf("cannot run %q: the charm's directory is gone: %w", name, statErr)
		}
		hint = explainFile(errno, head(program))
	case syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE:
		hint = "too many processes or open files; fewer units at once may do"
	}
	if hint == "" {
		return fmt.Errorf("cannot run %q: %w", name, errno)
	}
	return fmt.Errorf("cannot run %q: %w: %s", name, errno, hint)
}

// head returns the beginning of a file, which is empty if it cannot be read.
func head(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, 4096))
	return data
}

// machines are the names that Go has for those of ELF.
var machines = map[uint16]string{
	3: "386", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 258: "loong64",
}

// explainFile says what is wrong with a program that begins so, if it is known.
func explainFile(errno syscall.Errno, data []byte) string {
	line, _, _ := bytes.Cut(data, []byte{'\n'})
	switch {
	case len(data) == 0 && errno == syscall.ENOEXEC:
		return "it is empty"
	case bytes.HasPrefix(data, []byte("\x7fELF")):
		return explainELF(errno, data)
	case bytes.HasPrefix(data, []byte{0xcf, 0xfa, 0xed, 0xfe}) || bytes.HasPrefix(data, []byte{0xca, 0xfe, 0xba, 0xbe}):
		return "it is built for macOS; this is " + runtime.GOOS + "/" + runtime.GOARCH
	case bytes.HasPrefix(data, []byte("MZ")):
		return "it is built for Windows; this is " + runtime.GOOS + "/" + runtime.GOARCH
	case bytes.HasPrefix(data, []byte("#!")):
		return explainScript(errno, string(line[2:]))
	case errno == syscall.ENOEXEC:
		return "a script begins with a line such as #!/bin/sh"
	}
	return ""
}

func explainELF(errno syscall.Errno, data []byte) string {
	if len(data) < 20 {
		return "it is cut off"
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if data[5] == 2 {
		order = binary.BigEndian
	}
	machine := order.Uint16(data[18:])
	switch name := machines[machine]; {
	case name != runtime.GOARCH && errno == syscall.ENOEXEC:
		return fmt.Sprintf("it is built for %s; this machine is %s", cmp.Or(name, fmt.Sprintf("machine %d", machine)), runtime.GOARCH)
	case errno == syscall.ENOENT:
		return "its dynamic loader is missing; it may be built for another C library"
	}
	return ""
}

func explainScript(errno syscall.Errno, line string) string {
	if strings.HasSuffix(line, "\r") {
		return "its lines end with carriage returns, as on Windows"
	}
	interpreter, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	interpreter, _, _ = strings.Cut(interpreter, "\t")
	switch {
	case interpreter == "":
		return "its first line names no interpreter"
	case errno == syscall.ENOENT:
		return fmt.Sprintf("there is no interpreter %q, which its first line names", interpreter)
	case errno == syscall.EACCES:
		return fmt.Sprintf("interpreter %q, which its first line names, is not executable", interpreter)
	case !filepath.IsAbs(interpreter):
		return fmt.Sprintf("interpreter %q, which its first line names, is no absolute path", interpreter)
	}
	return ""
}
