// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"bytes"
	"fmt"
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
	f.Add([]byte(strings.Repeat("x", 600)+"\n"), uint16(3), uint16(20))             // more than a person is shown
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
		checkExcerpt(t, many, process.Excerpt(chunks...))
		_, dropped = process.Lines(chunks...)
		require.EqualValues(t, max(0, len(many)-1<<20), dropped)
	})
}

// checkExcerpt checks what a person is shown of a text: all of it, or its beginning
// and its end, and how much is between them.
func checkExcerpt(t *testing.T, text, got []byte) {
	t.Helper()
	if len(text) <= 6<<10 {
		require.Equal(t, string(text), string(got))
		return
	}
	require.LessOrEqual(t, len(got), 6<<10+40)
	for i := 0; ; i++ { // the text may have such a line itself
		n := bytes.Index(got[i:], []byte("\n… "))
		require.GreaterOrEqual(t, n, 0, "it says what is left out")
		i += n
		var left int
		if found, _ := fmt.Sscanf(string(got[i+1:]), "… %d bytes …", &left); found == 0 {
			continue
		}
		marker := fmt.Sprintf("\n… %d bytes …\n", left)
		end, ok := bytes.CutPrefix(got[i:], []byte(marker))
		if ok && bytes.HasPrefix(text, got[:i]) && bytes.HasSuffix(text, end) && i+len(end)+left == len(text) {
			return
		}
	}
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
