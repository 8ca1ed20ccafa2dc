// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// color is the number of a color in an escape sequence of terminals; 0: none.
type color int

const (
	red    color = 31
	green  color = 32
	yellow color = 33
)

// statusColor is the color of a status.
func statusColor(status string) color {
	switch status {
	case "active", "idle", "executing":
		return green
	case "waiting", "maintenance", "allocating", "suspending", "suspended":
		return yellow
	case "blocked", "error":
		return red
	}
	return 0
}

// span is a text of one color.
type span struct {
	text  string
	color color
}

// cell is what a table shows in one place: texts that were made clean.
type cell []span

// cells returns texts as cells without colors.
func cells(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i] = cell{{text: text}}
	}
	return row
}

// statusCell is a status in its color.
func statusCell(status string) cell {
	return cell{{clean(status, nameWidth), statusColor(status)}}
}

func (c cell) width() int {
	n := 0
	for _, s := range c {
		n += width(s.text)
	}
	return n
}

// table is rows of cells, of which the first are the headings.
type table [][]cell

// append adds the lines of a table to text: columns are as wide as their widest
// cell, and two spaces apart. A table with headings only is nothing.
func (t table) append(text []byte, colors bool) []byte {
	if len(t) < 2 {
		return text
	}
	var widths []int
	for _, row := range t {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], c.width())
		}
	}
	if len(text) > 0 {
		text = append(text, '\n')
	}
	for _, row := range t {
		gap := 0 // before the next text
		for i, c := range row {
			for _, s := range c {
				if s.text == "" {
					continue
				}
				text = append(text, strings.Repeat(" ", gap)...)
				text, gap = s.append(text, colors), 0
			}
			gap += widths[i] - c.width() + 2
		}
		text = append(text, '\n')
	}
	return text
}

func (s span) append(text []byte, colors bool) []byte {
	if !colors || s.color == 0 {
		return append(text, s.text...)
	}
	return fmt.Appendf(text, "\x1b[%dm%s\x1b[0m", s.color, s.text)
}

// The widths that texts of charms are cut at.
const (
	nameWidth    = 60
	versionWidth = 15
	messageWidth = 200
)

// marksInRow is how many combining marks may follow one another: no script
// needs more, and more of them draw over other lines.
const marksInRow = 3

// clean makes a text harmless: what cannot be printed in one line, or would do
// something to a terminal, is escaped as in a string of Go. What is wider than
// limit is cut, and ends in "…".
func clean(text string, limit int) string {
	var b strings.Builder
	total, marks := 0, 0
	cut := 0 // bytes of b to which the "…" can be added
	for text = strings.TrimSpace(text); text != ""; {
		r, size := utf8.DecodeRuneInString(text)
		piece := text[:size]
		text = text[size:]
		if runeWidth(r) > 0 {
			marks = 0
		} else {
			marks++
		}
		switch {
		case r == utf8.RuneError && size == 1:
			piece = fmt.Sprintf(`\x%02x`, piece[0])
		case !strconv.IsPrint(r):
			piece = strings.Trim(strconv.QuoteRune(r), "'")
		case marks > marksInRow:
			piece = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if total += width(piece); total > limit {
			return b.String()[:cut] + "…"
		}
		b.WriteString(piece)
		if total < limit {
			cut = b.Len()
		}
	}
	return b.String()
}

// width returns how many columns of a terminal a text takes that is clean.
func width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// wide are the scripts and symbols of which a character takes two columns.
var wide = [...][2]rune{
	{0x1100, 0x115f}, // Hangul Jamo
	{0x2e80, 0x303e}, // CJK radicals and punctuation
	{0x3041, 0xa4cf}, // Hiragana to Yi
	{0xa960, 0xa97c},
	{0xac00, 0xd7a3}, // Hangul
	{0xf900, 0xfaff},
	{0xfe30, 0xfe6f},
	{0xff00, 0xff60}, // fullwidth forms
	{0xffe0, 0xffe6},
	{0x1f300, 0x1f64f}, // emoji
	{0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff},
	{0x20000, 0x3fffd}, // CJK extensions
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	for _, between := range wide {
		if between[0] <= r && r <= between[1] {
			return 2
		}
	}
	return 1
}
