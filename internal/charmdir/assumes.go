// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"regexp"
	"strings"
)

var (
	feature = regexp.MustCompile(`^([a-z][a-z0-9-]*[a-z0-9])(?:\s*(>=|<)\s*(\S+))?$`)
	version = regexp.MustCompile(`^[0-9]{1,9}(?:\.[0-9]{1,9}(?:(?:\.|-[a-z]+)[0-9]{1,9}(?:\.[0-9]{1,9})?)?)?$`)
)

func (c *Charm) readAssumes(o *object) {
	c.Assumes = readAssumptions(o, o.list("assumes"))
}

func readAssumptions(o *object, list []any) []Assumption {
	var assumptions []Assumption
	for _, value := range list {
		assumptions = append(assumptions, readAssumption(o, value))
	}
	return assumptions
}

func readAssumption(o *object, value any) Assumption {
	switch value := value.(type) {
	case string:
		parts := feature.FindStringSubmatch(strings.TrimSpace(value))
		if parts != nil && (parts[2] == "" || version.MatchString(parts[3])) {
			return Assumption{Feature: parts[1], Constraint: parts[2], Version: parts[3]}
		}
	case map[string]any:
		for _, kind := range []string{"any-of", "all-of"} {
			list, ok := value[kind].([]any)
			if !ok || len(value) != 1 {
				continue
			}
			assumptions := readAssumptions(o, list)
			if assumptions == nil {
				assumptions = []Assumption{}
			}
			if kind == "any-of" {
				return Assumption{AnyOf: assumptions}
			}
			return Assumption{AllOf: assumptions}
		}
	}
	o.failf(`assumes must be a list of features such as "juju >= 3.6" or "k8s-api", and of maps of any-of or all-of to such a list, without %s`, describe(value))
	return Assumption{}
}
