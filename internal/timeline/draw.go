// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
)

// pen draws a layout as SVG elements. Its errors are the writer's, which
// Flush reports.
type pen struct {
	*layout
	*bufio.Writer
	links bool // bars are links to themselves, as on a page
}

func (p *pen) printf(format string, args ...any) { fmt.Fprintf(p.Writer, format, args...) }

// stripes draws the background of every other lane.
func (p *pen) stripes() {
	p.printf("<g class=\"stripes\">")
	for i := range p.lanes {
		if i%2 == 0 {
			p.printf("<rect y=\"%s\" width=\"%s\" height=\"%s\"/>",
				number(float64(i)*p.laneHeight), number(p.width), number(p.laneHeight))
		}
	}
	p.printf("</g>\n")
}

// grid draws a line across the lanes for each tick.
func (p *pen) grid() {
	moments, _ := p.ticks()
	p.printf("<g class=\"grid\">")
	for _, t := range moments {
		x := number(p.x(t))
		p.printf("<line x1=\"%s\" x2=\"%s\" y1=\"0\" y2=\"%s\"/>", x, x, number(p.height()))
	}
	p.printf("</g>\n")
}

// axis draws the times of the ticks, above y.
func (p *pen) axis(y float64) {
	moments, step := p.ticks()
	p.printf("<g class=\"ticks\">")
	for _, t := range moments {
		x := number(p.x(t))
		p.printf("<line x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"/><text x=\"%s\" y=\"%s\">%s</text>",
			x, x, number(y-6), number(y), x, number(y-10), moment(t, step))
	}
	p.printf("</g>\n")
}

// noteTexts draws the flags of notes in rows below y, on poles that end where
// the lanes begin.
func (p *pen) noteTexts(y float64) {
	for _, n := range slices.Backward(p.notes) { // texts above the poles of later ones
		x := p.x(n.entry.Start)
		p.printf("<g class=\"n\" transform=\"translate(%s %s)\"><title>%s</title>", number(x), number(y), markup(noteTitle(n.entry)))
		top := 0.0
		if n.row >= 0 {
			top = float64(n.row)*noteHeight + 4
			p.printf("<path d=\"M0 %s h6 l-6 8z\"/><text x=\"9\" y=\"%s\">%s</text>", number(top), number(top+8.5), markup(n.text))
		}
		p.printf("<line y1=\"%s\" y2=\"%s\"/></g>\n", number(top), number(p.head()-axisHeight))
	}
}

// noteLines draws the moments of notes across the lanes.
func (p *pen) noteLines() {
	p.printf("<g class=\"marks\">")
	for _, n := range p.notes {
		x := number(p.x(n.entry.Start))
		p.printf("<line x1=\"%s\" x2=\"%s\" y1=\"0\" y2=\"%s\"/>", x, x, number(p.height()))
	}
	p.printf("</g>\n")
}

// bars draws the hooks.
func (p *pen) bars() {
	seen := make(map[int]bool)
	for i := range p.run.Entries {
		e := &p.run.Entries[i]
		if e.Kind == KindNote {
			continue
		}
		element := "g"
		if p.links {
			element = "a"
		}
		result := outcome(e.Result)
		p.printf("<%s class=\"b %s %s\"", element, family(e.Hook), result)
		if e.Seq > 0 && !seen[e.Seq] {
			seen[e.Seq] = true
			p.printf(" id=\"hook-%d\"", e.Seq)
			if p.links {
				p.printf(" href=\"#hook-%d\"", e.Seq)
			}
		}
		x, width, top := p.x(e.Start), p.barWidth(e), p.y(e.Unit)-p.barHeight/2
		p.printf("><title>%s</title><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"%s\"/>",
			markup(hookTitle(e)), number(x), number(top), number(width), number(p.barHeight), number(min(3, width/2)))
		if isProblem(result) {
			p.printf("<path d=\"M%s %s l-4 -6 h8z\"/>", number(x+min(width, 8)/2), number(top-1))
		}
		if text := caption(e, width); text != "" {
			p.printf("<text x=\"%s\" y=\"%s\">%s</text>", number(x+4), number(p.y(e.Unit)+4), markup(text))
		}
		p.printf("</%s>\n", element)
	}
}

// arrows draws what caused what: from the end of the hook that wrote to a
// databag to the hook that tells of it.
func (p *pen) arrows() {
	if len(p.layout.links) > manyArrows {
		p.printf("<g class=\"arrows many\">")
	} else {
		p.printf("<g class=\"arrows\">")
	}
	for _, link := range p.layout.links {
		p.printf("<path d=\"%s\"/>", p.arrow(link[0], link[1]))
	}
	p.printf("</g>\n")
}

// definitions draws what style sheets refer to: the head of an arrow, and the
// hatching of a refused flush.
func (p *pen) definitions() {
	p.printf("<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" " +
		"orient=\"auto\"><path d=\"M0 0.5 8 4 0 7.5z\"/></marker>" +
		"<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">" +
		"<rect class=\"light\" width=\"6\" height=\"6\"/><rect class=\"dark\" width=\"3\" height=\"6\"/></pattern></defs>\n")
}

// facts returns what there is to say about the run as a whole.
func (l *layout) facts() []string {
	var facts []string
	if l.run.Juju != "" {
		facts = append(facts, "Juju "+l.run.Juju)
	}
	if l.run.Type != "" {
		facts = append(facts, l.run.Type)
	}
	facts = append(facts, fmt.Sprintf("seed %d", l.run.Seed), count(len(l.lanes), "unit"), count(l.hooks, "hook"))
	if l.hooks > 0 {
		facts = append(facts, duration(l.total))
	}
	return facts
}

// legend returns the looks that bars of this run have, each with a class that
// shows it: families among those that succeeded, then what went wrong.
func (l *layout) legend() []style {
	var used []style
	for _, s := range families() {
		if l.classes[s.class] > 0 {
			used = append(used, style{s.class + " ok", s.text})
		}
	}
	for _, s := range outcomes() {
		if l.classes[s.class] > 0 {
			used = append(used, style{"life " + s.class, s.text})
		}
	}
	return used
}

// hookTitle tells of a hook in a few lines.
func hookTitle(e *Entry) string {
	var b strings.Builder
	b.WriteString(short(e.Hook, 100))
	if e.Remote != "" {
		b.WriteString(" " + short(e.Remote, 100))
	}
	fmt.Fprintf(&b, "\n%s at %s", short(e.Unit, 100), duration(instant(e.Start)))
	if e.Result != "skipped" {
		fmt.Fprintf(&b, " for %s", duration(max(0, instant(e.End)-instant(e.Start))))
	}
	if e.Result != "" {
		b.WriteString(": " + short(e.Result, 100))
	}
	if e.Cause != 0 {
		fmt.Fprintf(&b, "\ncaused by hook %d", e.Cause)
	}
	if e.Error != "" {
		b.WriteString("\n" + cut(e.Error, 300))
	}
	if e.Stderr != "" {
		b.WriteString("\n" + cut(e.Stderr, 300))
	}
	const most = 8
	for i, c := range e.Changes {
		if i == most {
			fmt.Fprintf(&b, "\nand %s", count(len(e.Changes)-most, "more change"))
			break
		}
		b.WriteString("\n" + c.line())
	}
	return b.String()
}

// line tells of a change in one line.
func (c Change) line() string {
	var words []string
	for _, word := range []string{c.Kind, c.Relation, c.Owner, c.Key} {
		if word != "" {
			words = append(words, short(word, 60))
		}
	}
	line := strings.Join(words, " ") + ":"
	if c.Old != "" {
		line += " " + short(c.Old, 60)
	}
	if c.New == "" {
		return line + " removed"
	}
	return line + " → " + short(c.New, 60)
}

func noteTitle(e *Entry) string {
	title := cut(e.Text, 300) + "\nat " + duration(instant(e.Start))
	if e.Unit != "" {
		title = short(e.Unit, 100) + ": " + title
	}
	return title
}
