// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/process"
)

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "a", "a\nb\n", "a\r\n\r\nb", "\xff\n", strings.Repeat("é", 3000), strings.Repeat("x", 4096) + "\n", strings.Repeat("x", 4097) + "\ny"} {
		f.Add([]byte(seed), uint16(len(seed)/2), uint16(7))
	}
	f.Add(bytes.Repeat([]byte("0123456789abcde\n"), 2000), uint16(100), uint16(49)) // more than is kept
	f.Fuzz(func(t *testing.T, data []byte, cut, repeat uint16) {
		at := int(cut) % (len(data) + 1)
		whole, _ := process.Lines(data)
		parts, dropped := process.Lines(data[:at], data[at:])
		assert.Equal(t, whole, parts, "however it comes")
		assert.Zero(t, dropped)
		for _, line := range whole {
			require.True(t, utf8.ValidString(line))
			require.NotContains(t, line, "\n")
		}
		if utf8.Valid(data) && !bytes.Contains(data, []byte{'\r'}) {
			text := string(data)
			if lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n"); text != "" && longest(lines) <= 4096 {
				require.Equal(t, lines, whole)
			}
			require.Equal(t, strings.ReplaceAll(text, "\n", ""), strings.Join(whole, ""))
			require.LessOrEqual(t, longest(whole), 4096)
		}

		many := bytes.Repeat(data, int(repeat)%50)
		var chunks [][]byte
		for rest := many; len(rest) > 0; {
			n := min(len(rest), 100+at*16)
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		end := process.End(chunks...)
		require.True(t, bytes.HasSuffix(many, end))
		require.LessOrEqual(t, len(end), 4096)
		if len(many) <= 4096 {
			require.Equal(t, string(many), string(end))
		}
		_, dropped = process.Lines(chunks...)
		require.EqualValues(t, max(0, len(many)-1<<20), dropped)
	})
}

func longest(lines []string) (n int) {
	for _, line := range lines {
		n = max(n, len(line))
	}
	return n
}

func FuzzExplainFile(f *testing.F) {
	for _, seed := range []string{"", "#!", "#!\t/bin/sh\tx", "\x7fELF", elf(3), "MZ"} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, format bool) {
		errno := syscall.ENOENT
		if format {
			errno = syscall.ENOEXEC
		}
		text := process.ExplainFile(errno, data)
		assert.NotContains(t, text, "\n", "one line")
	})
}
