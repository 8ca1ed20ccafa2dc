// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/termtext"
)

// What is shown of a long text that a charm wrote to its stderr. A program says
// last why it ended, and a Go program that panics first.
const (
	stderrLines  = 12 // of a text that is shown as a whole
	stderrHead   = 3
	stderrTail   = 8
	panicMessage = 8 // of the message of a panic
	panicAround  = 3 // before the message and after the stack
)

// writeStderr writes what a charm wrote to its stderr, in a few lines.
func writeStderr(b *strings.Builder, text, indent string) {
	for _, line := range excerpt(text) {
		b.WriteString(indent + "| " + termtext.Clean(strings.ReplaceAll(line, "\t", "    "), 4*valueLimit) + "\n")
	}
}

// excerpt returns the lines of a text that say most, with how many lines are left
// out between them.
func excerpt(text string) []string {
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	if len(lines) <= stderrLines {
		return lines
	}
	shown := make(marks, len(lines))
	if stack := slices.IndexFunc(lines, goroutine.MatchString); stack >= 0 {
		shown.panic(lines, stack)
	} else {
		shown.add(0, stderrHead)
		shown.add(len(lines)-stderrTail, len(lines))
	}
	return shown.of(lines)
}

// marks says which lines are shown.
type marks []bool

// add marks the lines from one to before another.
func (m marks) add(from, to int) {
	for i := max(0, from); i < min(to, len(m)); i++ {
		m[i] = true
	}
}

// of returns the marked lines; a gap of one line is shown, too.
func (m marks) of(lines []string) []string {
	var shown []string
	for i := 0; i < len(lines); i++ {
		next := i
		for next < len(m) && !m[next] {
			next++
		}
		if next-i > 1 {
			shown = append(shown, fmt.Sprintf("… %d lines …", next-i))
			i = next
		}
		if i < len(lines) {
			shown = append(shown, lines[i])
		}
	}
	return shown
}

// goroutine matches the line above a stack in Go.
var goroutine = regexp.MustCompile(`^goroutine [0-9]+ .*\[.*:$`)

// panic marks the message before the first stack, and where in the charm it comes
// from.
func (m marks) panic(lines []string, stack int) {
	message := max(0, stack-panicAround)
	for i, line := range lines[:stack] {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.Contains(line, ": panic: ") {
			message = i
		}
	}
	end := message + 1
	for end < stack && lines[end] != "runtime stack:" {
		end++
	}
	for end > message+1 && lines[end-1] == "" {
		end--
	}
	m.add(message-panicAround, min(end, message+panicMessage))
	m.frames(lines, stack+1)

	after := stack + 1
	for i := after; i < len(lines); i++ {
		if isPlace(lines[i]) {
			after = i + 1
		}
	}
	m.add(max(after, len(lines)-panicAround), len(lines))
}

// frames marks the first frame of a stack that is outside of the SDK and Go's
// runtime, and the first that is of the charm's main package.
func (m marks) frames(lines []string, from int) {
	outside := false
	for i := from; i+1 < len(lines) && lines[i] != ""; i++ {
		function := lines[i]
		isMain := strings.HasPrefix(function, "main.")
		if !isPlace(lines[i+1]) || isPlace(function) || isInternal(function) || outside && (!isMain || strings.HasPrefix(function, "main.main(")) {
			continue
		}
		m.add(i, i+2)
		outside = true
		if isMain {
			return
		}
	}
}

// isPlace reports whether a line of a stack names a file.
func isPlace(line string) bool {
	return strings.HasPrefix(line, "\t") && strings.Contains(line, ".go:")
}

// isInternal reports whether a frame is one of the SDK or of Go's runtime.
func isInternal(function string) bool {
	const sdk = "github.com/charmsmith/charmsmith/"
	return strings.HasPrefix(function, "panic(") || strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "runtime/") ||
		strings.HasPrefix(function, sdk) && !strings.HasPrefix(function, sdk+"examples/")
}
