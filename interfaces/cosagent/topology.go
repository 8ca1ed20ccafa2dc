// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"strconv"
	"strings"
)

// topology is what tells this application from all others that are observed.
type topology struct {
	model, modelUUID, application string
	charm                         string // may be empty
}

// identifier is what the names of groups begin with.
func (t topology) identifier() string {
	short := t.modelUUID
	if len(short) > 8 {
		short = short[:8]
	}
	return strings.Join([]string{t.model, short, t.application}, "_")
}

// labels returns those that every rule has; without the unit, as a rule is that
// of all units.
func (t topology) labels() map[string]string {
	labels := map[string]string{"juju_model": t.model, "juju_model_uuid": t.modelUUID, "juju_application": t.application}
	if t.charm != "" {
		labels["juju_charm"] = t.charm
	}
	return labels
}

// topologyToken stands in expressions for the matchers of the topology.
const topologyToken = "%%juju_topology%%"

// matched are the labels that expressions are matched by. The charm is not among
// them: metrics can be those of a subordinate's principal.
var matched = [...]string{"juju_model", "juju_model_uuid", "juju_application"}

// withTopology replaces the token in an expression of a rule that has these
// labels. Commas are put where they are missing, as the token may also be taken out
// of an expression, with the comma after it.
func withTopology(expr string, labels map[string]string) string {
	if !strings.Contains(expr, topologyToken) {
		return expr
	}
	matchers := make([]string, len(matched))
	for i, name := range matched {
		matchers[i] = name + "=" + strconv.Quote(labels[name])
	}
	text := strings.Join(matchers, ", ")
	parts := strings.Split(expr, topologyToken)
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			if before := strings.TrimRight(parts[i-1], " \t\r\n"); before != "" && !strings.HasSuffix(before, "{") && !strings.HasSuffix(before, ",") {
				b.WriteString(", ")
			}
			b.WriteString(text)
			if after := strings.TrimLeft(part, " \t\r\n"); after != "" && after[0] != '}' && after[0] != ',' {
				b.WriteString(", ")
			}
		}
		b.WriteString(part)
	}
	return b.String()
}
