// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/desk"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 5, ""},
		{" plain\n", 9, "plain"},
		{`"quoted" \ 'text'`, 99, `"quoted" \ 'text'`},
		{"12345", 5, "12345"},
		{"123456", 5, "1234…"},
		{"a\nb\tc\x00\x9b\u2028\u200b", 99, `a\nb\tc\x00\x9b\u2028\u200b`},
		{"\u009b31m", 99, `\u009b31m`}, // one character that begins an escape sequence
		{"ab\n", 2, "ab"},
		{"ab\nc", 3, "ab…"}, // no half of an escape
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"🚀🚀", 3, "🚀…"},
	} {
		got := desk.Clean(c.text, c.limit)
		assert.Equal(t, c.want, got, "%q, %d", c.text, c.limit)
		assert.LessOrEqual(t, desk.Width(got), c.limit, "%q", c.text)
	}
}

func FuzzClean(f *testing.F) {
	for _, text := range []string{"", "plain", "\x1b[2J\x07", "日本語 e\u0301", "\xff\xfe", "\u202etxt", strings.Repeat("\u0301", 50), "🚀\n🚀", "\ufffd"} {
		f.Add(text, 12)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 1 + int(uint(limit)%300)
		got := desk.Clean(text, limit)
		assert.True(t, utf8.ValidString(got), "%q", got)
		assert.LessOrEqual(t, desk.Width(got), limit, "%q", got)
		for _, r := range got {
			assert.True(t, r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && (r < 0x202a || r > 0x202e), "%q", got)
		}
		if printable := strings.Trim(text, " abcdefg0123456789") == ""; printable && len(text) <= limit {
			assert.Equal(t, strings.TrimSpace(text), got)
		}
	})
}
