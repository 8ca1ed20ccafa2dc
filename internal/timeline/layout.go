// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// Sizes of a picture, in pixels. page.js knows those marked so.
const (
	plotPad    = 22.0 // page.js: left of the first moment
	plotEnd    = 36.0 // page.js: right of the last
	minBar     = 2.0  // page.js: width of the shortest hook
	axisHeight = 26.0 // page.js
	noteHeight = 17.0 // page.js: of a row of notes
	noteRows   = 4    // page.js: at most so many rows of notes; others show their mark only
	barChar    = 6.8  // page.js: width of a character in a bar
	noteChar   = 6.0  // page.js: of a note
	noteLength = 44   // page.js: characters of a note that are shown
	tickSpace  = 84.0 // page.js: least distance of ticks
	manyArrows = 400  // page.js: more than these are not drawn, or faintly
)

// layout is where things are: x of time, y of lanes. The origin is the upper
// left corner of the lanes.
type layout struct {
	run        *Run
	lanes      []string
	lane       map[string]int // index of a unit in lanes
	total      float64        // seconds
	scale      float64        // pixels per second
	width      float64        // of the plot, without the units' names
	laneHeight float64
	barHeight  float64
	hooks      int            // how many
	problems   int            // how many of them ended with a problem
	links      [][2]*Entry    // writers, and the hooks that tell of what they wrote
	notes      []placedNote   // in the order of r.Entries
	rows       int            // of notes
	classes    map[string]int // of families and outcomes: how many bars have them
}

// placedNote is a note and its row, or -1 if there is no room for its text.
type placedNote struct {
	entry *Entry
	row   int
	text  string
}

func newLayout(r *Run) *layout {
	l := &layout{run: r, lanes: r.lanes(), lane: make(map[string]int), classes: make(map[string]int)}
	for i, unit := range l.lanes {
		l.lane[unit] = i
	}
	switch n := len(l.lanes); {
	case n <= 6:
		l.laneHeight, l.barHeight = 50, 26
	case n <= 12:
		l.laneHeight, l.barHeight = 36, 20
	case n <= 30:
		l.laneHeight, l.barHeight = 26, 16
	default:
		l.laneHeight, l.barHeight = 20, 13
	}

	perLane, most := make(map[string]int), 0
	bySeq := make(map[int]*Entry)
	for i := range r.Entries {
		e := &r.Entries[i]
		l.total = max(l.total, instant(e.Start), instant(e.End))
		if e.Kind == KindNote {
			continue
		}
		l.hooks++
		perLane[e.Unit]++
		most = max(most, perLane[e.Unit])
		l.classes[family(e.Hook)]++
		l.classes[outcome(e.Result)]++
		if isProblem(outcome(e.Result)) {
			l.problems++
		}
		if bySeq[e.Seq] == nil {
			bySeq[e.Seq] = e
		}
	}
	for i := range r.Entries {
		if e := &r.Entries[i]; e.Cause != 0 && e.Kind != KindNote && bySeq[e.Cause] != nil {
			l.links = append(l.links, [2]*Entry{bySeq[e.Cause], e})
		}
	}
	l.total = max(l.total, 1e-3)
	plot := min(max(1100, float64(most)*9), 6000)
	l.scale = plot / l.total
	l.width = plotPad + plot + plotEnd
	l.placeNotes()
	return l
}

// placeNotes gives each note the first row that has room for its text.
func (l *layout) placeNotes() {
	var ends [noteRows]float64
	for i := range l.run.Entries {
		e := &l.run.Entries[i]
		if e.Kind != KindNote {
			continue
		}
		note := placedNote{entry: e, row: -1, text: short(e.Text, noteLength)}
		x := l.x(e.Start)
		end := x + 14 + float64(utf8.RuneCountInString(note.text))*noteChar
		for row := range ends {
			if ends[row] <= x && (end <= l.width || x < l.width/2) {
				ends[row], note.row = end, row
				l.rows = max(l.rows, row+1)
				break
			}
		}
		l.notes = append(l.notes, note)
	}
}

// instant returns a time that can be drawn.
func instant(seconds float64) float64 {
	if seconds > 0 && seconds < math.MaxInt32 {
		return seconds
	}
	return 0
}

func (l *layout) x(seconds float64) float64 { return plotPad + instant(seconds)*l.scale }

// y returns the middle of a unit's lane.
func (l *layout) y(unit string) float64 {
	return (float64(l.lane[unit]) + 0.5) * l.laneHeight
}

func (l *layout) height() float64 { return float64(len(l.lanes)) * l.laneHeight }

// head returns the height of axis and notes.
func (l *layout) head() float64 {
	if l.rows == 0 {
		return axisHeight
	}
	return axisHeight + float64(l.rows)*noteHeight + 3
}

// barWidth returns the width of a hook's bar.
func (l *layout) barWidth(e *Entry) float64 {
	return max(minBar, (instant(e.End)-instant(e.Start))*l.scale)
}

// arrow returns the path from the end of a hook that wrote to a databag to
// the start of one that tells of it. It leaves and enters bars at the side of
// the other's lane, so that it hides little of the bars beside. page.js has
// the same.
func (l *layout) arrow(from, to *Entry) string {
	x1, x2 := l.x(max(from.Start, from.End)), l.x(to.Start)
	y1, y2 := l.y(from.Unit), l.y(to.Unit)
	half := l.barHeight / 2
	var out, in float64 // how far the path goes straight on from each end
	switch {
	case y1 == y2:
		y1, y2 = y1-half, y2-half
		out = l.barHeight - l.laneHeight
		in = out
	case y1 < y2:
		y1, y2 = y1+half, y2-half
		out = 0.65 * (y2 - y1)
		in = -out
	default:
		y1, y2 = y1-half, y2+half
		out = 0.65 * (y2 - y1)
		in = -out
	}
	return fmt.Sprintf("M%s %sC%s %s %s %s %s %s", number(x1), number(y1), number(x1), number(y1+out),
		number(x2), number(y2+in), number(x2), number(y2))
}

// caption returns what fits into a bar of that width, or nothing.
func caption(e *Entry, width float64) string {
	for _, text := range captions(e) {
		if float64(utf8.RuneCountInString(text))*barChar+8 <= width {
			return text
		}
	}
	return ""
}

// ticks returns the moments that the axis names, and how far apart they are.
func (l *layout) ticks() (moments []float64, step float64) {
	step = niceStep(tickSpace / l.scale)
	for i := 0.0; i*step <= l.total*1.0001; i++ {
		moments = append(moments, i*step)
	}
	return moments, step
}

// niceStep returns the least length of time that people count in and that is
// at least so many seconds.
func niceStep(least float64) float64 {
	for _, step := range [...]float64{
		1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
		1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200,
	} {
		if step >= least {
			return step
		}
	}
	return math.Ceil(least/86400) * 86400
}
