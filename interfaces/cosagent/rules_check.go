// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// check returns what is wrong with the group apart from its rules.
func (g RuleGroup) check() error {
	switch {
	case strings.TrimSpace(g.Name) == "":
		return errors.New("the name is empty")
	case !utf8.ValidString(g.Name):
		return errors.New("the name is not valid UTF-8")
	case g.Limit < 0:
		return fmt.Errorf("limit %d is negative", g.Limit)
	}
	if err := checkDurations([...]named{{"interval", g.Interval}, {"query_offset", g.QueryOffset}}); err != nil {
		return err
	}
	return checkLabels(g.Labels)
}

// check returns what is wrong with the rule. Whether Prometheus or Loki can run the
// expression is not checked, only what would break it off.
func (r Rule) check() error {
	switch {
	case r.Alert == "" && r.Record == "":
		return errors.New(`it has neither "alert" nor "record"`)
	case r.Alert != "" && r.Record != "":
		return errors.New(`it has both "alert" and "record"`)
	case !utf8.ValidString(r.Alert):
		return errors.New("the name is not valid UTF-8")
	case r.Record != "" && !isMetricName(r.Record):
		return fmt.Errorf("%q is not the name of a metric", r.Record)
	case r.Record != "" && (r.For != "" || r.KeepFiringFor != "" || len(r.Annotations) > 0):
		return errors.New(`a recording rule has no "for", "keep_firing_for" or "annotations"`)
	case strings.TrimSpace(r.Expr) == "":
		return errors.New(`"expr" is empty`)
	case !utf8.ValidString(r.Expr):
		return errors.New(`"expr" is not valid UTF-8`)
	}
	if err := checkExpr(r.Expr); err != nil {
		return fmt.Errorf(`"expr": %w`, err)
	}
	if err := checkDurations([...]named{{"for", r.For}, {"keep_firing_for", r.KeepFiringFor}}); err != nil {
		return err
	}
	for name, text := range r.Annotations {
		if !isLabelName(name) || !utf8.ValidString(text) {
			return fmt.Errorf("annotation %q is not called like a label, or its text is not valid UTF-8", name)
		}
	}
	return checkLabels(r.Labels)
}

func checkLabels(labels map[string]string) error {
	for name, value := range labels {
		switch {
		case !isLabelName(name) || name == "__name__":
			return fmt.Errorf("%q cannot be the name of a label", name)
		case !utf8.ValidString(value):
			return fmt.Errorf("the value of label %q is not valid UTF-8", name)
		}
	}
	return nil
}

// checkExpr finds brackets and quotes that are not closed, and tokens that nothing
// replaces, in an expression of PromQL or LogQL.
func checkExpr(expr string) error {
	var open []byte
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; c {
		case '"', '\'', '`':
			end := endOfString(expr, i)
			if end < 0 {
				return fmt.Errorf("the quote %c at byte %d is not closed", c, i)
			}
			i = end
		case '#':
			if end := strings.IndexByte(expr[i:], '\n'); end >= 0 {
				i += end
			} else {
				i = len(expr)
			}
		case '(':
			open = append(open, ')')
		case '[':
			open = append(open, ']')
		case '{':
			open = append(open, '}')
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != c {
				return fmt.Errorf("the bracket %c at byte %d closes none", c, i)
			}
			open = open[:len(open)-1]
		case '%':
			if strings.HasPrefix(expr[i:], topologyToken) {
				i += len(topologyToken) - 1
			} else if strings.HasPrefix(expr[i:], "%%") {
				return fmt.Errorf("the token at byte %d is not known; %s is", i, topologyToken)
			}
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("the bracket %c is missing", open[len(open)-1])
	}
	return nil
}

// endOfString returns the index of the quote that ends the string which begins at
// start, or -1.
func endOfString(expr string, start int) int {
	quote := expr[start]
	for i := start + 1; i < len(expr); i++ {
		switch expr[i] {
		case quote:
			return i
		case '\\':
			if quote != '`' {
				i++
			}
		}
	}
	return -1
}

type named struct{ key, value string }

func checkDurations(durations [2]named) error {
	for _, d := range durations {
		if d.value != "" && !isDuration(d.value) {
			return fmt.Errorf(`%q: %q is not a duration of Prometheus, such as "5m" or "1h30m"`, d.key, d.value)
		}
	}
	return nil
}

// isDuration reports whether s is a duration as Prometheus writes it: numbers with
// units, each at most once and the largest first.
func isDuration(s string) bool {
	if s == "0" {
		return true
	}
	rest := s
	for _, unit := range [...]string{"y", "w", "d", "h", "m", "s", "ms"} {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		after := rest[digits:]
		if digits == 0 || digits > 9 || !strings.HasPrefix(after, unit) || unit == "m" && strings.HasPrefix(after, "ms") {
			continue
		}
		rest = after[len(unit):]
	}
	return rest == "" && s != ""
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func isLabelName(s string) bool { return isMetricName(s) && !strings.Contains(s, ":") }

func isMetricName(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) && s[i] != ':' {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}
