// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sample is one line of an exposition.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

func (s sample) key() string {
	parts := []string{s.name}
	for name, value := range s.labels {
		parts = append(parts, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(parts[1:])
	return strings.Join(parts, " ")
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// parse reads the text format 0.0.4 as strictly as its description has it, and
// more: each metric has its HELP and TYPE directly before its samples, which are
// there once and have no time.
func parse(text string) ([]sample, error) {
	if text == "" || !strings.HasSuffix(text, "\n") || !utf8.ValidString(text) {
		return nil, fmt.Errorf("no lines of UTF-8: %q", text)
	}
	var samples []sample
	var help, family string
	families, series := make(map[string]bool), make(map[string]bool)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, text, ok := strings.Cut(rest, " ")
			if !ok || text == "" || !metricName.MatchString(name) || families[name] {
				return nil, fmt.Errorf("wrong help: %q", line)
			}
			help = name
			families[name] = true
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			if rest != help+" gauge" {
				return nil, fmt.Errorf("wrong type: %q", line)
			}
			family = help
			continue
		}
		s, err := parseSample(line)
		if err != nil {
			return nil, err
		}
		if s.name != family || family != help || series[s.key()] {
			return nil, fmt.Errorf("sample of another metric, or there twice: %q", line)
		}
		series[s.key()] = true
		samples = append(samples, s)
	}
	return samples, nil
}

func parseSample(line string) (sample, error) {
	s := sample{labels: make(map[string]string)}
	end := strings.IndexAny(line, "{ ")
	if end < 0 || !metricName.MatchString(line[:end]) {
		return s, fmt.Errorf("no name: %q", line)
	}
	s.name = line[:end]
	rest := line[end:]
	if strings.HasPrefix(rest, "{") {
		for separator := "{"; ; separator = "," {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, separator); !ok {
				break
			}
			name, after, ok := strings.Cut(rest, `="`)
			if _, twice := s.labels[name]; !ok || twice || !labelName.MatchString(name) {
				return s, fmt.Errorf("no label: %q", line)
			}
			value, after, err := parseValue(after)
			if err != nil {
				return s, err
			}
			s.labels[name] = value
			rest = after
		}
		var ok bool
		if rest, ok = strings.CutPrefix(rest, "}"); !ok {
			return s, fmt.Errorf("labels do not end: %q", line)
		}
	}
	number, ok := strings.CutPrefix(rest, " ")
	if !ok || strings.ContainsAny(number, " \t") {
		return s, fmt.Errorf("no value, or a time: %q", line)
	}
	var err error
	s.value, err = strconv.ParseFloat(number, 64)
	return s, err
}

// parseValue reads the value of a label up to its quotation mark.
func parseValue(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			i++
			if i == len(text) {
				return "", "", fmt.Errorf("escape without character: %q", text)
			}
			switch text[i] {
			case '\\', '"':
				b.WriteByte(text[i])
			case 'n':
				b.WriteByte('\n')
			default:
				return "", "", fmt.Errorf("unknown escape: %q", text)
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", fmt.Errorf("value does not end: %q", text)
}
