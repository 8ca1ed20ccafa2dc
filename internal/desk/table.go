// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/internal/termtext"
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
		n += termtext.Width(s.text)
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

// clean makes a text harmless, in one line without the spaces around it.
func clean(text string, limit int) string {
	return termtext.Clean(strings.TrimSpace(text), limit)
}
