// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestCleanLines(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a\tb\n  \\x1bc\n  \n  d", cleanLines("a\tb\r\n\x1bc\n\nd", "  "))
}

func FuzzQuote(f *testing.F) {
	f.Add("\x1b[31m\u009b\xff\u202e")
	f.Add(strings.Repeat("a\u0301\u0301\u0301\u0301\u0301", valueLimit))
	f.Fuzz(func(t *testing.T, value string) {
		quoted := quote(value)
		assert.True(t, utf8.ValidString(quoted), "%q", quoted)
		for _, r := range quoted {
			assert.True(t, strconv.IsPrint(r), "%q has %q", quoted, r)
		}
	})
}

func TestQuote(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `"a \"b\"\n\x1b[1m"`, quote("a \"b\"\n\x1b[1m"))
	assert.Equal(t, `"`+strings.Repeat("ü", valueLimit)+`"`, quote(strings.Repeat("ü", valueLimit)))
	assert.Equal(t, `"`+strings.Repeat("ü", valueLimit)+`"… (162 bytes)`, quote(strings.Repeat("ü", valueLimit+1)))
	assert.Equal(t, `"`+strings.Repeat(`\xff`, valueLimit)+`"… (1000 bytes)`, quote(strings.Repeat("\xff", 1000)))
	assert.Equal(t, `""`, quote(""))
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{
		-1: "0.0ms", 0: "0.0ms", 0.0004: "0.4ms", 0.00994: "9.9ms", 0.00996: "10ms", 0.53: "530ms", 0.9996: "1.0s",
		59.9: "59.9s", 59.96: "1m00s", 125: "2m05s", 3725: "1h02m",
	} {
		assert.Equal(t, want, duration(seconds), "%v", seconds)
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	v := newView(nil, true, false)
	for _, test := range []struct{ name, text, want string }{
		{"colors of tables stay", "\x1b[32mactive\x1b[0m x", "\x1b[32mactive\x1b[0m x\n"},
		{"a color ends with its line", "\x1b[31ma\nb", "\x1b[31ma\x1b[0m\nb\n"},
		{"others do not", "\x1b[8mhidden\x1b[2Jm\x1b]0;m\x1b[", `\x1b[8mhidden\x1b[2Jm\x1b]0;m\x1b[` + "\n"},
		{"blank lines stay", "a\n\nb\n", "a\n\nb\n\n"},
	} {
		assert.Equal(t, test.want, v.harmless(test.text), test.name)
	}
	assert.Equal(t, `\x1b[32mactive`+"\n", newView(nil, false, false).harmless("\x1b[32mactive"))
}
