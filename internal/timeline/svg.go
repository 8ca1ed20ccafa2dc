// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// pictureCSS is the style of bars, arrows, notes and axes, on pages too.
//
//go:embed picture.css
var pictureCSS string

const (
	margin     = 20.0
	titleSpace = 62.0 // from the top to the axis
	legendLine = 22.0
)

// WriteSVG writes the run as a picture that stands alone: a lane for each
// unit, time from left to right, a bar for each hook, and arrows from what
// was written to a databag to the hooks that told of it. Hooks that took less
// than two pixels are two pixels wide. It is well-formed XML whatever the
// run's strings are.
func (r *Run) WriteSVG(w io.Writer) error {
	p := &pen{layout: newLayout(r), Writer: bufio.NewWriter(w)}
	names := 0
	for _, unit := range p.lanes {
		names = max(names, utf8.RuneCountInString(laneName(unit)))
	}
	left := margin + max(60, float64(names)*7.2+14)
	width := left + p.width + margin
	top := titleSpace + p.head()
	legend, legendHeight := p.legendItems(width - 2*margin)
	height := top + p.height() + 18 + legendHeight + margin

	p.printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" "+
		"width=\"%s\" height=\"%s\" viewBox=\"0 0 %[1]s %[2]s\" role=\"img\">\n<title>%s</title>\n<style>\n%s</style>\n",
		number(width), number(height), markup("Timeline of "+cut(r.Model, 200)), pictureCSS)
	p.definitions()
	p.printf("<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n<text class=\"name\" x=\"%s\" y=\"32\">%s</text>\n",
		number(margin), markup(short(orUnnamed(r.Model), 80)))
	p.printf("<text class=\"facts\" x=\"%s\" y=\"52\">%s", number(margin), markup(strings.Join(p.facts(), " · ")))
	if p.problems > 0 {
		p.printf(" · <tspan class=\"bad\">%s</tspan>", count(p.problems, "problem"))
	}
	p.printf("</text>\n<g transform=\"translate(%s %s)\">\n", number(left), number(top))
	p.stripes()
	p.grid()
	p.axis(axisHeight - p.head())
	p.noteLines()
	p.noteTexts(axisHeight - p.head())
	for _, unit := range p.lanes {
		p.printf("<text class=\"unit\" x=\"-12\" y=\"%s\">%s</text>\n", number(p.y(unit)+4.5), markup(laneName(unit)))
	}
	p.bars()
	p.arrows()
	if p.hooks == 0 {
		p.printf("<text class=\"facts\" x=\"%s\" y=\"10\">No hook ran.</text>\n", number(plotPad))
	}
	p.printf("</g>\n<g transform=\"translate(%s %s)\">\n%s</g>\n</svg>\n", number(margin), number(top+p.height()+18), legend)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("cannot write timeline: %w", err)
	}
	return nil
}

// legendItems returns the legend in lines of that width, and its height.
func (p *pen) legendItems(width float64) (items string, height float64) {
	var b strings.Builder
	x, y := 0.0, 0.0
	place := func(text, format string, args ...any) {
		size := 22 + float64(utf8.RuneCountInString(text))*6.4 + 18
		if x > 0 && x+size > width {
			x, y = 0, y+legendLine
		}
		fmt.Fprintf(&b, "<g transform=\"translate(%s %s)\">", number(x), number(y))
		fmt.Fprintf(&b, format, args...)
		fmt.Fprintf(&b, "<text class=\"facts\" x=\"21\" y=\"11\">%s</text></g>\n", text)
		x += size
	}
	for _, s := range p.legend() {
		place(s.text, "<g class=\"b %s\"><rect y=\"1\" width=\"15\" height=\"12\" rx=\"3\"/></g>", s.class)
	}
	if len(p.layout.links) > 0 {
		place("from a databag write to the hook it caused", "<g class=\"arrows\"><path d=\"M0 7h15\"/></g>")
	}
	return b.String(), y + legendLine
}

func laneName(unit string) string {
	if unit == "" {
		return "(no unit)"
	}
	return short(unit, 36)
}

func orUnnamed(model string) string {
	if model == "" {
		return "(unnamed model)"
	}
	return model
}
