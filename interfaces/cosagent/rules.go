// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// RuleGroup is a group of rules, as Prometheus and Loki define it.
//
// Each rule is given the labels juju_model, juju_model_uuid, juju_application and,
// with Options.Charm, juju_charm, unless it has them. The token %%juju_topology%%
// in an expression becomes the matchers of the first three: rules are those of all
// units, so none is of the unit.
//
//	sum(rate(http_errors_total{%%juju_topology%%}[5m])) > 10
//
// The Prometheus and Loki charms add these matchers to selectors without the token
// too.
type RuleGroup struct {
	// Name is given the model and the application as a prefix, and "_rules" at its
	// end; what no metric's name can have becomes "_".
	Name        string            `json:"name"`
	Interval    string            `json:"interval,omitempty"`     // "30s"
	QueryOffset string            `json:"query_offset,omitempty"` // "1m"
	Limit       int               `json:"limit,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Rules       []Rule            `json:"rules"`
}

// Rule is an alerting rule, which has Alert, or a recording rule, which has Record.
type Rule struct {
	Alert         string            `json:"alert,omitempty"`
	Record        string            `json:"record,omitempty"`
	Expr          string            `json:"expr"`
	For           string            `json:"for,omitempty"`             // "5m"
	KeepFiringFor string            `json:"keep_firing_for,omitempty"` // "5m"
	Labels        map[string]string `json:"labels,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// hostHealth returns the rules that every application has. COS knows them, and the
// second in particular, by their names.
func hostHealth() []RuleGroup {
	return []RuleGroup{{Name: "HostHealth", Rules: []Rule{
		{
			Alert: "HostDown", Expr: "up{" + topologyToken + "} < 1", For: "5m",
			Labels: map[string]string{"severity": "critical"},
			Annotations: map[string]string{
				"summary":     "{{ $labels.instance }} cannot be scraped.",
				"description": "A target of {{ $labels.juju_application }} in model {{ $labels.juju_model }} has not answered for five minutes.",
			},
		},
		{
			Alert: "HostMetricsMissing", Expr: "absent(up{" + topologyToken + "})", For: "5m",
			Labels: map[string]string{"severity": "warning"},
			Annotations: map[string]string{
				"summary":     "There are no metrics of {{ $labels.juju_application }}.",
				"description": "No metrics of {{ $labels.juju_application }} in model {{ $labels.juju_model }} have arrived for five minutes: it is down, or its agent cannot send them.",
			},
		},
	}}}
}

// ruleSet is all rules of one language.
type ruleSet struct {
	topology topology
	groups   []RuleGroup
	origins  map[string]string // of each group: where it is from
}

// add adds groups with the topology in them, after which none share a name.
func (s *ruleSet) add(origin, prefix string, groups []RuleGroup) error {
	for _, g := range groups {
		placed, err := g.placed(s.topology, prefix)
		if err != nil {
			return fmt.Errorf("cannot use %s: %w", origin, err)
		}
		if first, ok := s.origins[placed.Name]; ok {
			return fmt.Errorf("cannot use %s: its group %q is also in %s", origin, placed.Name, first)
		}
		s.origins[placed.Name] = origin
		s.groups = append(s.groups, placed)
	}
	return nil
}

// rules returns those given as values, then those of the files, then the last ones.
func (f folder) rules(t topology, values, last []RuleGroup) ([]RuleGroup, error) {
	set := ruleSet{topology: t, origins: make(map[string]string)}
	if err := set.add("Options", t.identifier(), values); err != nil {
		return nil, err
	}
	err := f.each([]string{".json", ".rule", ".rules", ".yml", ".yaml"}, func(name, below string, content []byte) error {
		groups, err := readRules(name, content)
		if err != nil {
			return fmt.Errorf("cannot read rule file %q: %w", name, err)
		}
		prefix := t.identifier()
		if dir := path.Dir(below); dir != "." {
			prefix += "_" + dir
		}
		return set.add(fmt.Sprintf("rule file %q", name), prefix, groups)
	})
	if err != nil {
		return nil, err
	}
	if err := set.add("HostHealth, which NoHostHealth leaves out", t.identifier(), last); err != nil {
		return nil, err
	}
	return set.groups, nil
}

// readRules reads a rule file of either form.
func readRules(name string, content []byte) ([]RuleGroup, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(content, &keys); err != nil {
		if errors.As(err, new(*json.SyntaxError)) {
			return nil, fmt.Errorf("it is not JSON, to which YAML has to be converted: %w", err)
		}
		return nil, err
	}
	if _, ok := keys["groups"]; ok {
		var file struct {
			Groups []RuleGroup `json:"groups"`
		}
		return file.Groups, strict(content, &file)
	}
	var rule Rule
	if err := strict(content, &rule); err != nil {
		return nil, err
	}
	base := path.Base(name)
	return []RuleGroup{{Name: strings.TrimSuffix(base, path.Ext(base)), Rules: []Rule{rule}}}, nil
}

// strict decodes JSON that has no other keys than those of into.
func strict(content []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// placed returns a copy of the group with the topology in it.
func (g RuleGroup) placed(t topology, prefix string) (RuleGroup, error) {
	if err := g.check(); err != nil {
		return RuleGroup{}, fmt.Errorf("group %q: %w", g.Name, err)
	}
	rules := slices.Clone(orNone(g.Rules))
	for i := range rules {
		r := &rules[i]
		if err := r.check(); err != nil {
			return RuleGroup{}, fmt.Errorf("group %q: rule %d (%q): %w", g.Name, i+1, r.Alert+r.Record, err)
		}
		labels := t.labels()
		maps.Copy(labels, r.Labels)
		r.Labels = labels
		r.Expr = withTopology(r.Expr, labels)
	}
	g.Name, g.Rules = groupName(prefix, g.Name), rules
	return g, nil
}

func orNone(rules []Rule) []Rule {
	if rules == nil {
		return []Rule{}
	}
	return rules
}

// groupName returns the name of a group with its prefix, unless it has one, of
// characters that a metric's name can have.
func groupName(prefix, name string) string {
	if !hasTopology(name) {
		name = prefix + "_" + name
		if !strings.HasSuffix(name, "_rules") {
			name += "_rules"
		}
	}
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (isWordByte(byte(r)) || r == ':') {
			return r
		}
		return '_'
	}, name)
}

// hasTopology reports whether the name of a group looks like one that has got its
// prefix before: "MODEL_0123abcd_…rules".
func hasTopology(name string) bool {
	rest, ok := strings.CutSuffix(name, "rules")
	if !ok {
		return false
	}
	for i := range len(rest) {
		if i+9 < len(rest) && rest[i] == '_' && rest[i+9] == '_' && strings.Trim(rest[i+1:i+9], "0123456789abcdef") == "" {
			return true
		}
	}
	return false
}
