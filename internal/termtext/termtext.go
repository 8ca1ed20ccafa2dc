// SPDX-License-Identifier: Apache-2.0

// Package termtext makes texts that others wrote, like charms, harmless for a
// terminal, and as wide as there is room. Widths are columns of a terminal.
//
//	fmt.Println(termtext.Clean("\x1b[2J", 40)) // prints \x1b[2J
package termtext

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// marksInRow is how many combining marks may follow one another: no script
// needs more, and more of them draw over other lines.
const marksInRow = 3

// Clean returns a text in one line that does nothing to a terminal: what cannot
// be printed is escaped as in a string of Go. What is wider than limit is cut,
// but not within an escape, and ends in "…".
func Clean(text string, limit int) string {
	var b strings.Builder
	c := cutter{limit: max(limit, 0)}
	marks := 0 // so far in a row
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		piece, width := text[:size], runeWidth(r)
		text = text[size:]
		if marks++; width > 0 {
			marks = 0
		}
		escape := ""
		switch {
		case r == utf8.RuneError && size == 1:
			escape = fmt.Sprintf(`\x%02x`, piece[0])
		case !strconv.IsPrint(r):
			escape = strings.Trim(strconv.QuoteRune(r), "'")
		case marks > marksInRow:
			escape = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if escape != "" {
			piece, width = escape, len(escape)
		}
		if !c.add(len(piece), width) {
			return c.cut(b.String())
		}
		b.WriteString(piece)
	}
	return b.String()
}

// Fit returns as much of a clean text as columns can show, and "…" for the rest.
func Fit(text string, columns int) string {
	c := cutter{limit: max(columns, 0)}
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if !c.add(size, runeWidth(r)) {
			return c.cut(text)
		}
		rest = rest[size:]
	}
	return text
}

// cutter finds out where a text is cut.
type cutter struct {
	limit int // columns
	width int // so far
	bytes int
	room  int // bytes that leave a column for the "…"
}

// add adds some bytes, and reports whether they fit.
func (c *cutter) add(bytes, width int) bool {
	if width > c.limit-c.width {
		return false
	}
	c.width += width
	c.bytes += bytes
	if c.width < c.limit {
		c.room = c.bytes
	}
	return true
}

// cut cuts a text of which a piece did not fit.
func (c *cutter) cut(text string) string {
	if c.limit == 0 {
		return ""
	}
	return text[:c.room] + "…"
}
