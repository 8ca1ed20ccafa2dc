// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files of testdata/stderr")

// TestExcerpts is about what real programs wrote to their stderr.
func TestExcerpts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stderr/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			require.Len(t, archive.Files, 2)
			got := strings.Join(excerpt(string(archive.Files[0].Data)), "\n") + "\n"
			if *update {
				archive.Files[1].Data = []byte(got)
				require.NoError(t, os.WriteFile(name, txtar.Format(archive), 0o644))
			}
			assert.Equal(t, string(archive.Files[1].Data), got)
		})
	}
}

func TestShortStderrIsShownAsAWhole(t *testing.T) {
	t.Parallel()
	lines := func(n int) string { return strings.Repeat("line\n", n) }
	for text, want := range map[string]int{"": 0, "\r\n\n": 0, "a": 1, "a\r\n\nb\n": 3, lines(stderrLines): stderrLines} {
		got := excerpt(text)
		assert.Len(t, got, want, "%q", text)
		assert.NotContains(t, strings.Join(got, "\n"), "\r")
	}
	// It is not made longer by saying that it is shortened.
	assert.Len(t, excerpt(lines(stderrLines+1)), stderrHead+1+stderrTail)
	assert.Contains(t, excerpt(lines(stderrLines+1)), "… 2 lines …")
}

func FuzzExcerpt(f *testing.F) {
	f.Add("panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\tmain.go:1\n" + strings.Repeat("\n", 20) + "x")
	f.Add(strings.Repeat("goroutine 1 [running]:\n", 20))
	f.Add(strings.Repeat("a: panic: b\n", 20) + "goroutine 1 [running]:\nruntime stack:")
	f.Fuzz(func(t *testing.T, text string) {
		lines := excerpt(text)
		assert.LessOrEqual(t, len(lines), 30)
		rest := strings.ReplaceAll(text, "\r", "")
		for _, line := range lines {
			var n int
			if got, _ := fmt.Sscanf(line, "… %d lines …", &n); got == 1 {
				continue
			}
			_, after, found := strings.Cut(rest, strings.ReplaceAll(line, "\r", ""))
			assert.True(t, found, "%q is in the text, in this order", line)
			rest = after
		}
	})
}
