// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"embed"
	"io/fs"
)

//go:embed cos
var files embed.FS

// Files returns what belongs to these metrics: the folder "dashboards" has a Grafana
// dashboard, whose data source is the variable "prometheusds", and whose variables of
// the Juju topology are the very ones that Grafana's charm adds to dashboards, which
// thus leaves them as they are. The folder "rules" has Prometheus alert rules, as JSON:
// an object with "groups", as in a file of rules. In their expressions
// %%juju_topology%% stands for the label matchers of the unit's application.
func Files() fs.FS {
	sub, err := fs.Sub(files, "cos")
	if err != nil {
		panic(err) // the name is right
	}
	return sub
}
