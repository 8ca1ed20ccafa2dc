// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"strings"
)

//go:embed page.css
var pageCSS string

//go:embed details.js
var detailsJS string

//go:embed page.js
var pageJS string

// policy is the page's Content-Security-Policy: nothing may run or be applied
// but the script and the styles above, by their hashes, and nothing may be
// loaded. A test keeps it current.
//
//go:embed policy.txt
var policy string

// pageTotal is how many bytes of entries a page holds, if halving what it
// holds of each can make it so; the JSON format has all.
const pageTotal = 16 << 20

// limits is what a page holds of an entry.
type limits struct {
	text     int // bytes of a string
	changes  int
	commands int
}

// pageRun is the run as a page holds it.
type pageRun struct {
	Run
	Entries []pageEntry `json:"entries"`
}

// pageEntry is an entry without what is left out, and how much that is.
type pageEntry struct {
	Entry
	MoreChanges  int `json:"more-changes,omitempty"`
	MoreCommands int `json:"more-commands,omitempty"`
}

// WriteHTML writes the run as a page of one file, which loads nothing and
// sends nothing: the picture of WriteSVG, in which one can zoom and search,
// and the details of each hook. Without JavaScript it shows the picture.
// Of an entry it holds 200 changes, 500 hook commands and 4 KiB of each
// string, less in a run with a great deal of text, and says how much more there
// is.
func (r *Run) WriteHTML(w io.Writer) error {
	p := &pen{layout: newLayout(r), Writer: bufio.NewWriter(w), links: true}
	data, err := encode(forPage(r, p.lanes), true)
	if err != nil {
		return fmt.Errorf("cannot write timeline: %w", err)
	}
	p.printf("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n"+
		"<script>%s</script>\n<style>%s</style>\n<style>%s</style>\n</head>\n<body>\n",
		strings.TrimSpace(policy), markup("Timeline of "+cut(r.Model, 200)), detailsJS+pageJS, pictureCSS, pageCSS)
	p.heading()
	p.view()
	p.printf("<section id=\"details\" aria-label=\"Details\"></section>\n"+
		"<script type=\"application/json\" id=\"run\">%s</script>\n</body>\n</html>\n", data)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("cannot write timeline: %w", err)
	}
	return nil
}

// heading writes what is above the lanes.
func (p *pen) heading() {
	p.printf("<header>\n<div>\n<h1>%s</h1>\n<p>%s", markup(cut(orUnnamed(p.run.Model), 200)), markup(strings.Join(p.facts(), " · ")))
	if p.problems > 0 {
		p.printf(" · <span class=\"bad\">%s</span>", count(p.problems, "problem"))
	}
	p.printf("</p>\n</div>\n<div class=\"tools\">\n<span id=\"matches\" role=\"status\"></span>\n" +
		"<input id=\"filter\" type=\"search\" placeholder=\"Filter units and hooks\" aria-label=\"Filter units and hooks\">\n")
	if p.problems > 0 {
		p.printf("<button id=\"problem\" class=\"bad\" title=\"Show the next hook with a problem (n)\">Next problem</button>\n")
	}
	p.printf("<button id=\"out\" title=\"Zoom out (−)\" aria-label=\"Zoom out\">−</button>\n" +
		"<button id=\"in\" title=\"Zoom in (+)\" aria-label=\"Zoom in\">+</button>\n" +
		"<button id=\"fit\" title=\"Show all (0)\">Fit</button>\n</div>\n</header>\n<ul class=\"legend\">\n")
	for _, s := range p.legend() {
		p.printf("<li><svg width=\"17\" height=\"14\" aria-hidden=\"true\"><g class=\"b %s\"><rect x=\"1\" y=\"1\" width=\"15\" height=\"12\" rx=\"3\"/></g></svg>%s</li>\n",
			s.class, s.text)
	}
	if len(p.layout.links) > 0 {
		p.printf("<li><svg width=\"24\" height=\"14\" aria-hidden=\"true\"><g class=\"arrows\"><path d=\"M1 7h21\"/></g></svg>from a databag write to the hook it caused</li>\n")
	}
	p.printf("</ul>\n")
}

// view writes the lanes, the names of the units and the axis.
func (p *pen) view() {
	size := "low"
	switch p.laneHeight {
	case 50:
		size = "high"
	case 36:
		size = "tall"
	case 26:
		size = "medium"
	}
	p.printf("<main id=\"view\">\n<div class=\"corner\"></div>\n<div class=\"top\"><svg id=\"axis\" width=\"%s\" height=\"%s\">\n",
		number(p.width), number(p.head()))
	p.definitions()
	p.axis(axisHeight)
	p.printf("<g id=\"notes\">\n")
	p.noteTexts(axisHeight)
	p.printf("</g></svg></div>\n<div id=\"labels\" class=\"%s\">\n", size)
	for _, unit := range p.lanes {
		p.printf("<div title=\"%s\">%[1]s</div>\n", markup(cut(laneName(unit), 200)))
	}
	p.printf("</div>\n<svg id=\"plot\" width=\"%s\" height=\"%s\" data-lane=\"%s\" data-bar=\"%s\">\n",
		number(p.width), number(p.height()), number(p.laneHeight), number(p.barHeight))
	p.stripes()
	p.grid()
	p.noteLines()
	p.bars()
	if len(p.layout.links) <= manyArrows {
		p.arrows()
	}
	p.printf("</svg>\n</main>\n")
	if p.hooks == 0 {
		p.printf("<p class=\"none\">No hook ran.</p>\n")
	}
}

// forPage returns what a page holds of the run.
func forPage(r *Run, lanes []string) pageRun {
	l := limits{text: 4096, changes: 200, commands: 500}
	for l.text > 64 && l.size(r) > pageTotal {
		l = limits{l.text / 2, max(l.changes/2, 10), max(l.commands/2, 10)}
	}
	page := pageRun{Run: *r, Entries: make([]pageEntry, len(r.Entries))}
	page.Units = make([]string, 0, len(lanes))
	for _, unit := range lanes {
		page.Units = append(page.Units, cut(unit, l.text))
	}
	for i, e := range r.Entries {
		of := pageEntry{
			Entry:        e,
			MoreChanges:  max(0, len(e.Changes)-l.changes),
			MoreCommands: max(0, len(e.Commands)-l.commands),
		}
		of.Changes = append([]Change(nil), e.Changes[:len(e.Changes)-of.MoreChanges]...)
		of.Commands = append([]string(nil), e.Commands[:len(e.Commands)-of.MoreCommands]...)
		eachText(&of.Entry, func(s *string) { *s = cut(*s, l.text) })
		page.Entries[i] = of
	}
	return page
}

// size returns about how many bytes of entries a page has within the limits.
func (l limits) size(r *Run) int {
	const object = 50 // keys, quotes and commas
	size := 0
	for _, e := range r.Entries {
		e.Changes = e.Changes[:min(len(e.Changes), l.changes)]
		e.Commands = e.Commands[:min(len(e.Commands), l.commands)]
		size += object * (2 + len(e.Changes))
		eachText(&e, func(s *string) { size += min(len(*s), l.text) })
	}
	return size
}

// eachText calls f for each string of an entry.
func eachText(e *Entry, f func(*string)) {
	for _, s := range [...]*string{&e.Kind, &e.Unit, &e.Hook, &e.Remote, &e.Relation, &e.Result, &e.Error, &e.Stderr, &e.Text} {
		f(s)
	}
	for i := range e.Changes {
		c := &e.Changes[i]
		for _, s := range [...]*string{&c.Kind, &c.Owner, &c.Relation, &c.Key, &c.Old, &c.New} {
			f(s)
		}
	}
	for i := range e.Commands {
		f(&e.Commands[i])
	}
}
