// SPDX-License-Identifier: Apache-2.0

package termtext_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/termtext"
)

func Example() {
	fmt.Println(termtext.Clean("done\x1b[2J\n", 40))
	fmt.Println(termtext.Clean("日本語", 5))
	fmt.Println(termtext.Fit("running: app/0 install", 10))
	// Output:
	// done\x1b[2J\n
	// 日本…
	// running: …
}

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"nothing", "", 5, ""},
		{"plain", "a b: ü 漢 →", 99, "a b: ü 漢 →"},
		{"spaces stay", " a ", 99, " a "},
		{"quotes stay", `'it's "so"\`, 99, `'it's "so"\`},
		{"escape sequence", "\x1b[2J\x1b]0;title\a", 99, `\x1b[2J\x1b]0;title\a`},
		{"lines", "a\nb\r\tc\u2028", 99, `a\nb\r\tc\u2028`},
		{"C1 control", "\u009b31m", 99, `\u009b31m`}, // one character that begins an escape sequence
		{"invisible", "a\x00\u200b\x7f", 99, `a\x00\u200b\x7f`},
		{"no UTF-8", "a\xff\xc3\x9b", 99, `a\xff` + "Û"},
		{"half a character", "a\xc3", 99, `a\xc3`},
		{"right to left", "\u202eevil\u2066", 99, `\u202eevil\u2066`},
		{"marks", "e\u0301\u0301\u0301\u0301e\u0301", 99, "e\u0301\u0301\u0301" + `\u0301` + "e\u0301"},
		{"marks that enclose", "\u20dd\u20dd\u20dd\u20dd", 99, "\u20dd\u20dd\u20dd" + `\u20dd`},
		{"it fits", "12345", 5, "12345"},
		{"cut", "123456", 5, "1234…"},
		{"one column", "12", 1, "…"},
		{"no column", "12", 0, ""},
		{"fewer", "12", math.MinInt, ""},
		{"any number", strings.Repeat("ü", 999), math.MaxInt, strings.Repeat("ü", 999)},
		{"an escape that does not fit", "ab\n", 2, "a…"},
		{"no half of an escape", "ab\nc", 3, "ab…"},
		{"wide, and it fits", "日本語", 6, "日本語"},
		{"wide, and a column is left", "日本語", 5, "日本…"},
		{"wide", "日本語", 4, "日…"},
		{"emoji", "🚀🚀", 3, "🚀…"},
		{"marks take nothing", "e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"marks stay with theirs", "e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		got := termtext.Clean(c.text, c.limit)
		assert.Equal(t, c.want, got, c.name)
		assert.LessOrEqual(t, termtext.Width(got), max(c.limit, 0), c.name)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"⠋ abcd", 4, "⠋ a…"},
		{"漢字", 4, "漢字"},
		{"漢字", 3, "漢…"},
		{"漢字", 2, "…"},
		{"e\u0301e\u0301e", 2, "e\u0301…"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
		{"abc", -1, ""},
		{"", 0, ""},
		{"abc", math.MaxInt, "abc"},
	} {
		assert.Equal(t, c.want, termtext.Fit(c.text, c.columns), "%q in %d", c.text, c.columns)
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "abc": 3, "ü→…⠋": 4, "e\u0301": 1, "漢": 2, "한": 2, "Ａ": 2, "ｱ": 1, "✅": 2, "⚠": 1, "🚀": 2, "🟢": 2, "\U00020000": 2, "\U0010fffd": 1,
	} {
		assert.Equal(t, want, termtext.Width(text), "%q", text)
	}
}

func FuzzClean(f *testing.F) {
	for _, text := range []string{
		"", "plain", "\x1b[31m\u009b2J\x07", "日本語 e\u0301", "\xff\xfe", "\u202etxt", strings.Repeat("\u0301", 50), "🚀\n🚀", "\ufffd",
	} {
		f.Add(text, 12)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit %= 300
		got := termtext.Clean(text, limit)
		assert.True(t, utf8.ValidString(got), "%q", got)
		assert.LessOrEqual(t, termtext.Width(got), max(limit, 0), "%q", got)
		for _, r := range got {
			assert.True(t, strconv.IsPrint(r), "%q has %q", got, r)
		}
		whole := termtext.Clean(text, math.MaxInt)
		assert.Equal(t, termtext.Width(whole) <= max(limit, 0), got == whole, "%q is cut if it must be", whole)
		assert.Equal(t, whole, termtext.Fit(whole, math.MaxInt))
		assert.LessOrEqual(t, termtext.Width(termtext.Fit(text, limit)), max(limit, 0), "%q", text)
		if strings.Trim(text, " abcdefg0123456789") == "" {
			assert.Equal(t, text, whole)
		}
	})
}
