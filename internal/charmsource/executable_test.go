// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// elfProgram is the start of an ELF program.
func elfProgram(machine elf.Machine, order binary.ByteOrder, abi elf.OSABI) string {
	data := elf.ELFDATA2LSB
	if order == binary.BigEndian {
		data = elf.ELFDATA2MSB
	}
	var text bytes.Buffer
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64}
	copy(header.Ident[:], []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(data), 1, byte(abi)})
	if err := binary.Write(&text, order, header); err != nil {
		panic(err)
	}
	return text.String()
}

func TestForeignPrograms(t *testing.T) {
	t.Parallel()
	windows := make([]byte, 0x100)
	copy(windows, "MZ")
	windows[0x3c] = 0x80
	copy(windows[0x80:], "PE\x00\x00\x64\x86")
	for name, row := range map[string]struct{ text, platform string }{
		"sparc":     {elfProgram(elf.EM_SPARCV9, binary.BigEndian, 0), "linux/sparcv9"},
		"mips":      {elfProgram(elf.EM_MIPS, binary.BigEndian, elf.ELFOSABI_LINUX), "linux/mips"},
		"freebsd":   {elfProgram(elf.EM_X86_64, binary.LittleEndian, elf.ELFOSABI_FREEBSD), "freebsd/amd64"},
		"mac arm":   {"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "darwin/arm64"},
		"mac intel": {"\xcf\xfa\xed\xfe\x07\x00\x00\x01", "darwin/amd64"},
		"mac old":   {"\xfe\xed\xfa\xce\x00\x00\x00\x12", "darwin/unknown(0x12)"},
		"mac both":  {"\xca\xfe\xba\xbe\x00\x00\x00\x02", "darwin/universal"},
		"windows":   {string(windows), "windows/amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.platform == runtime.GOOS+"/"+runtime.GOARCH {
				t.Skip("it is this platform's own program; run this row on another one")
			}
			dir := directory(t, tree{"metadata.yaml": meta, "+dispatch": row.text})
			assertRefused(t, dir, `cannot run charm "x": "DIR/dispatch" is for `+row.platform+`, and this machine is PLATFORM; build it with BUILD`)
		})
	}
	for machine, goarch := range map[elf.Machine]string{
		elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_ARM: "arm", elf.EM_S390: "s390x", elf.EM_RISCV: "riscv64", elf.EM_PPC64: "ppc64le", elf.EM_LOONGARCH: "loong64",
	} {
		path := charmFile(t, zipped(t, file("metadata.yaml", meta), entry{"dispatch", elfProgram(machine, binary.LittleEndian, 0), 0o755}))
		if runtime.GOOS == "linux" && runtime.GOARCH == goarch {
			stage(t, path)
			continue
		}
		assertRefused(t, path, `cannot run charm "x": dispatch in "DIR" is for linux/`+goarch+`, and this machine is PLATFORM; build it with BUILD`)
	}
	assertRefused(t, directory(t, tree{"metadata.yaml": meta, "+dispatch": "\xca\xfe\xba\xbe\x00\x00\x00\x41"}),
		`cannot run charm "x": "DIR/dispatch" is neither a script nor a program for PLATFORM`) // of Java
}

func TestProgramWithoutItsLoader(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	text := []byte(read(t, self))
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		t.Skip("this machine has no ELF programs; run this test on Linux")
	}
	// Any segment becomes the name of a loader.
	at := int(program.ByteOrder.Uint64(text[32:])) // of the program headers
	if program.Class != elf.ELFCLASS64 {
		t.Skip("this machine has no 64-bit programs; run this test on one that has")
	}
	name := "/no/loader\x00"
	program.ByteOrder.PutUint32(text[at:], uint32(elf.PT_INTERP))
	program.ByteOrder.PutUint64(text[at+8:], uint64(len(text)))  // offset
	program.ByteOrder.PutUint64(text[at+32:], uint64(len(name))) // size
	dir := directory(t, tree{"metadata.yaml": meta, "+dispatch": string(text) + name})
	assertRefused(t, dir, `cannot run charm "x": "DIR/dispatch" needs "/no/loader" to be loaded, which this machine does not have; build it with CGO_ENABLED=0`)
	assert.Equal(t, 64, int(program.ByteOrder.Uint16(text[52:])), "size of a header")
}
