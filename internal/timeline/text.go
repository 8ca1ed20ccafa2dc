// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// markup returns s as text or attribute value of XML and HTML. What neither
// may contain becomes U+FFFD, and so do the characters that turn the
// direction of the text around them.
func markup(s string) string {
	return html.EscapeString(strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t':
			return c
		case c == '\r':
			return ' '
		case c < ' ', c >= 0x7f && c <= 0x9f, c == 0xfffe, c == 0xffff,
			c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069:
			return utf8.RuneError
		}
		return c
	}, s))
}

// cut returns s, or its first limit bytes and how many more there are.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return fmt.Sprintf("%s… [%d bytes more]", s[:limit], len(s)-limit)
}

// short returns s in at most limit characters.
func short(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// number writes f for an attribute, in hundredths.
func number(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

// duration writes a length of time.
func duration(seconds float64) string {
	switch ms := seconds * 1000; {
	case ms < 9.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case seconds < 59.995:
		return strconv.FormatFloat(seconds, 'f', 2, 64) + " s"
	}
	s := int64(math.Round(seconds))
	if s < 3600 {
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %02d min", s/3600, s%3600/60)
}

// moment writes a tick of an axis whose ticks are step seconds apart.
func moment(seconds, step float64) string {
	if seconds == 0 {
		return "0"
	}
	decimals := 0
	unit := 1.0
	if step < 0.01 {
		unit = 1000
	}
	for s := step * unit; decimals < 6 && s < 0.999; s *= 10 {
		decimals++
	}
	switch s := int64(math.Round(seconds)); {
	case unit > 1:
		return strconv.FormatFloat(seconds*1000, 'f', decimals, 64) + " ms"
	case seconds < 59.999 || decimals > 0:
		return strconv.FormatFloat(seconds, 'f', decimals, 64) + " s"
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	default:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s%3600/60, s%60)
	}
}

// count writes how many there are of what.
func count(n int, what string) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n == 1 {
		return digits + " " + what
	}
	return digits + " " + what + "s"
}
