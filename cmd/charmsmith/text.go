// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/internal/termtext"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// cleanLines makes a text of several lines harmless for a terminal; each but the
// first gets an indent. Tabs stay.
func cleanLines(text, indent string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		parts := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
		for j, part := range parts {
			parts[j] = termtext.Clean(part, math.MaxInt)
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n"+indent)
}

// problemText returns what people are told of a problem.
func problemText(message string) string {
	return "charmsmith: " + cleanLines(strings.TrimRight(message, "\r\n"), "  ") + "\n"
}

// warningOf returns the text of an entry that is a warning.
func warningOf(e *timeline.Entry) (string, bool) {
	return e.Text, e.Kind == timeline.KindNote && strings.HasPrefix(e.Text, "warning: ")
}

// valueLimit is how many characters are shown of a value, and columns of a name.
const valueLimit = 80

// quote returns a value in quotes, or its beginning and how long it is.
func quote(value string) string {
	n := 0
	for i := range value {
		if n++; n > valueLimit {
			return termtext.Clean(strconv.Quote(value[:i]), math.MaxInt) + "… (" + count(len(value), "byte") + ")"
		}
	}
	return termtext.Clean(strconv.Quote(value), math.MaxInt)
}

// duration returns a length of time in a few characters.
func duration(seconds float64) string {
	switch ms := seconds * 1000; {
	case ms < 9.95:
		return strconv.FormatFloat(math.Max(ms, 0), 'f', 1, 64) + "ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + "ms"
	case seconds < 59.95:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "s"
	}
	s := int64(math.Round(seconds))
	if s < 3600 {
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
}

// count returns how many there are of what: "1 hook", "2 hooks".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
