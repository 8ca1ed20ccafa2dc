// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Quote returns a text as a string of Go, quotes included; of a text of more
// than 200 bytes only the beginning, and "…" behind the quotes.
func Quote(text string) string {
	const limit = 200
	if len(text) <= limit {
		return strconv.Quote(text)
	}
	cut := limit
	for cut > limit-utf8.UTFMax+1 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.Quote(text[:cut]) + "…"
}

// Escape returns a text in which what is not printable is as in a string of Go.
// The backslash is as it is: what is read need not be what was written.
func Escape(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		text = text[escapeFirst(&b, text):]
	}
	return b.String()
}

// Clip returns the first characters of a text, as many as limit, and "…" if
// there are more. What is not printable is as in a string of Go, and so is the
// backslash, by which two texts are the same only if what was written is.
func Clip(text string, limit int) string {
	var b strings.Builder
	for kept := 0; len(text) > 0; kept++ {
		if kept == limit {
			b.WriteString("…")
			break
		}
		if text[0] == '\\' {
			b.WriteByte('\\')
		}
		text = text[escapeFirst(&b, text):]
	}
	return b.String()
}

// escapeFirst writes the first character of a text, and returns its size.
func escapeFirst(b *strings.Builder, text string) int {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && size == 1:
		b.WriteString(`\x` + strconv.FormatUint(uint64(text[0]), 16))
	case strconv.IsPrint(r):
		b.WriteRune(r)
	default:
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return size
}
