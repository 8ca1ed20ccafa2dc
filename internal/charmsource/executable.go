// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
	"unicode/utf8"
)

// checkProgram refuses a program that the operating system would not run. where is
// what errors call it.
func checkProgram(root *os.Root, name, where string) error {
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is a symlink to nothing", where)
	case err != nil:
		return fmt.Errorf("%s: %w", where, cause(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s must be a file", where)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable (mode %#o); chmod +x it", where, info.Mode().Perm())
	case info.Size() == 0:
		return fmt.Errorf("%s is empty", where)
	}
	file, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", where, cause(err))
	}
	defer file.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %w", where, cause(err))
	}
	head = head[:n]

	if line, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		return checkInterpreter(root, string(line), where)
	}
	goos, goarch := platformOf(head)
	switch isNative := goos == runtime.GOOS; {
	case goos == "" && isText(head):
		return fmt.Errorf(`%s is text without a first line that names an interpreter, such as "#!/bin/sh"`, where)
	case goos == "":
		return fmt.Errorf("%s is neither a script nor a program for %s/%s", where, runtime.GOOS, runtime.GOARCH)
	case !isNative || goarch != runtime.GOARCH && !(goarch == "386" && runtime.GOARCH == "amd64"):
		return fmt.Errorf("%s is for %s/%s, and this machine is %s/%s; build it with GOOS=%[4]s GOARCH=%[5]s CGO_ENABLED=0",
			where, goos, goarch, runtime.GOOS, runtime.GOARCH)
	}
	if loader := loaderOf(file); loader != "" {
		if _, err := os.Stat(loader); err != nil {
			return fmt.Errorf("%s needs %q to be loaded, which this machine does not have; build it with CGO_ENABLED=0", where, loader)
		}
	}
	return nil
}

func isText(head []byte) bool {
	for i := 0; i < utf8.UTFMax && len(head) > 0 && !utf8.Valid(head); i++ {
		head = head[:len(head)-1] // it may end within a rune
	}
	return utf8.Valid(head) && !bytes.ContainsRune(head, 0)
}

// checkInterpreter checks the first line of a script, without its #!.
func checkInterpreter(root *os.Root, line, where string) error {
	if strings.HasSuffix(line, "\r") {
		return fmt.Errorf("%s has a carriage return in its first line; give it Unix line ends", where)
	}
	interpreter, argument, _ := strings.Cut(strings.Trim(line, " \t"), " ")
	if interpreter, _, _ = strings.Cut(interpreter, "\t"); interpreter == "" {
		return fmt.Errorf(`%s has no interpreter in its first line, such as "#!/bin/sh"`, where)
	}
	stat := root.Stat // from the charm's directory, where hooks run
	if path.IsAbs(interpreter) {
		stat = os.Stat
	}
	info, err := stat(interpreter)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s needs the interpreter %q, which this machine does not have; install it or change the first line", where, interpreter)
	case err != nil:
		return fmt.Errorf("%s needs the interpreter %q: %w", where, interpreter, cause(err))
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s needs the interpreter %q, which is not executable", where, interpreter)
	}
	argument = strings.Trim(argument, " \t")
	if path.Base(interpreter) == "env" && argument != "" && !strings.HasPrefix(argument, "-") && !strings.ContainsAny(argument, "=/ \t") {
		if _, err := exec.LookPath(argument); err != nil {
			return fmt.Errorf("%s needs the interpreter %q, which is not on PATH; install it or change the first line", where, argument)
		}
	}
	return nil
}

// platformOf returns the GOOS and GOARCH that a program is for, by its first bytes.
func platformOf(head []byte) (goos, goarch string) {
	switch {
	case len(head) >= 20 && bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return elfPlatform(head)
	case len(head) >= 8:
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			switch magic := order.Uint32(head); {
			case magic == 0xfeedface || magic == 0xfeedfacf:
				return "darwin", architecture(machOMachines, order.Uint32(head[4:]))
			case magic == 0xcafebabe && binary.BigEndian.Uint32(head[4:]) < 32: // above, it is a Java class
				return "darwin", "universal"
			}
		}
	}
	if len(head) >= 0x40 && bytes.HasPrefix(head, []byte("MZ")) {
		at := uint64(binary.LittleEndian.Uint32(head[0x3c:]))
		if at+6 <= uint64(len(head)) && bytes.HasPrefix(head[at:], []byte("PE\x00\x00")) {
			return "windows", architecture(peMachines, uint32(binary.LittleEndian.Uint16(head[at+4:])))
		}
	}
	return "", ""
}

var (
	machOMachines = map[uint32]string{7: "386", 12: "arm", 0x01000007: "amd64", 0x0100000c: "arm64"}
	peMachines    = map[uint32]string{0x14c: "386", 0x1c4: "arm", 0x8664: "amd64", 0xaa64: "arm64"}
)

func architecture(of map[uint32]string, machine uint32) string {
	if name, ok := of[machine]; ok {
		return name
	}
	return fmt.Sprintf("unknown(%#x)", machine)
}

func elfPlatform(head []byte) (goos, goarch string) {
	var order binary.ByteOrder = binary.LittleEndian
	if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	switch abi := elf.OSABI(head[elf.EI_OSABI]); abi {
	case elf.ELFOSABI_NONE, elf.ELFOSABI_LINUX:
		goos = "linux"
	default:
		goos = strings.ToLower(strings.TrimPrefix(abi.String(), "ELFOSABI_"))
	}
	isLittle := head[elf.EI_DATA] == byte(elf.ELFDATA2LSB)
	switch machine := elf.Machine(order.Uint16(head[18:])); machine {
	case elf.EM_X86_64:
		goarch = "amd64"
	case elf.EM_386:
		goarch = "386"
	case elf.EM_AARCH64:
		goarch = "arm64"
	case elf.EM_ARM:
		goarch = "arm"
	case elf.EM_PPC64:
		if goarch = "ppc64"; isLittle {
			goarch = "ppc64le"
		}
	case elf.EM_S390:
		goarch = "s390x"
	case elf.EM_RISCV:
		goarch = "riscv64"
	case elf.EM_LOONGARCH:
		goarch = "loong64"
	default:
		goarch = strings.ToLower(strings.TrimPrefix(machine.String(), "EM_"))
	}
	return goos, goarch
}

// loaderOf returns the dynamic loader that an ELF program asks for, or "".
func loaderOf(file io.ReaderAt) string {
	program, err := elf.NewFile(file)
	if err != nil {
		return "" // unusual, which it may be: packed programs are
	}
	for _, segment := range program.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(segment.Open(), 4096))
		if err != nil {
			return ""
		}
		loader, _, _ := bytes.Cut(text, []byte{0})
		return string(loader)
	}
	return ""
}
