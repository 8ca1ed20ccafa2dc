// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
)

// names are the metrics that this package serves; those that end in "_" are of
// node_exporter.
var names = regexp.MustCompile(`\b(magpie|node)_[a-z_]+\b`)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(metrics.Files(), name)
	require.NoError(t, err)
	return text
}

func served(t *testing.T, expr string) bool {
	t.Helper()
	used := names.FindAllString(expr, -1)
	for _, name := range used {
		if !strings.HasPrefix(name, "node_") && !strings.Contains(documentation, name) {
			return false
		}
	}
	return len(used) > 0
}

const documentation = "magpie_iperf_bandwidth magpie_iperf_concurrency magpie_check_ok magpie_metrics_file_errors"

func TestDashboard(t *testing.T) {
	t.Parallel()
	var d struct {
		UID        string `json:"uid"`
		Title      string `json:"title"`
		Templating struct {
			List []struct {
				Name       string `json:"name"`
				Type       string `json:"type"`
				Datasource string `json:"datasource"`
				Definition string `json:"definition"`
			} `json:"list"`
		} `json:"templating"`
		Panels []struct {
			ID         int    `json:"id"`
			Title      string `json:"title"`
			Type       string `json:"type"`
			Datasource struct {
				Type string `json:"type"`
				UID  string `json:"uid"`
			} `json:"datasource"`
			GridPos struct{ X, Y, W, H int } `json:"gridPos"`
			Targets []struct {
				Expr  string `json:"expr"`
				RefID string `json:"refId"`
			} `json:"targets"`
		} `json:"panels"`
	}
	require.NoError(t, json.Unmarshal(read(t, "dashboards/magpie.json"), &d))
	assert.Regexp(t, `^[0-9a-f]{40}$`, d.UID, "what COS accepts, and does not replace")
	assert.NotEmpty(t, d.Title)

	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Type+" "+v.Name)
		if v.Type == "query" {
			assert.Equal(t, "${prometheusds}", v.Datasource, v.Name)
			assert.True(t, strings.HasPrefix(v.Definition, "label_values(up") && strings.HasSuffix(v.Definition, ","+v.Name+")"), v.Definition)
		}
	}
	assert.Equal(t, []string{"datasource prometheusds", "query juju_model", "query juju_model_uuid", "query juju_application", "query juju_unit"}, variables)

	want := map[string][]string{
		"Total bandwidth":                 {"sum by (tag) (avg_over_time(magpie_iperf_bandwidth{"},
		"Bandwidth per unit":              {"avg_over_time(magpie_iperf_bandwidth{"},
		"Network traffic of the machines": {"8 * sum(rate(node_network_receive_bytes_total{", "8 * sum(rate(node_network_transmit_bytes_total{"},
		"Concurrency":                     {"magpie_iperf_concurrency{"},
	}
	ids, places := make(map[int]bool), make(map[[2]int]bool)
	for _, panel := range d.Panels {
		assert.False(t, panel.ID <= 0 || ids[panel.ID], "ID of panel %q", panel.Title)
		ids[panel.ID] = true
		place := [2]int{panel.GridPos.X, panel.GridPos.Y}
		assert.False(t, panel.GridPos.W != 12 || places[place], "place of panel %q", panel.Title)
		places[place] = true
		assert.Equal(t, "timeseries", panel.Type, panel.Title)
		assert.Equal(t, "prometheus", panel.Datasource.Type, panel.Title)
		assert.Equal(t, "${prometheusds}", panel.Datasource.UID, panel.Title)
		require.Len(t, panel.Targets, len(want[panel.Title]), panel.Title)
		refs := make(map[string]bool)
		for i, target := range panel.Targets {
			assert.True(t, strings.HasPrefix(target.Expr, want[panel.Title][i]), target.Expr)
			assert.True(t, served(t, target.Expr), target.Expr)
			assert.False(t, refs[target.RefID], panel.Title)
			refs[target.RefID] = true
			for _, name := range []string{"juju_model", "juju_model_uuid", "juju_application", "juju_unit"} {
				assert.Contains(t, target.Expr, name+`=~"$`+name+`"`, panel.Title)
			}
		}
		delete(want, panel.Title)
	}
	assert.Empty(t, want, "panels that are missing")
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Name  string `json:"name"`
			Rules []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	}
	require.NoError(t, json.Unmarshal(read(t, "rules/magpie.json"), &rules))
	require.Len(t, rules.Groups, 1)
	assert.Equal(t, "magpie", rules.Groups[0].Name)
	alerts := make(map[string]string)
	for _, rule := range rules.Groups[0].Rules {
		alerts[rule.Alert] = rule.Expr
		assert.Contains(t, rule.Expr, "{%%juju_topology%%}", rule.Alert)
		assert.True(t, served(t, rule.Expr), rule.Expr)
		assert.Equal(t, "15m", rule.For, rule.Alert)
		assert.Contains(t, []string{"warning", "critical"}, rule.Labels["severity"], rule.Alert)
		assert.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		assert.NotEmpty(t, rule.Annotations["description"], rule.Alert)
	}
	assert.Equal(t, map[string]string{
		"MagpieCheckFailed":       "magpie_check_ok{%%juju_topology%%} == 0",
		"MagpieMetricsFileErrors": "magpie_metrics_file_errors{%%juju_topology%%} > 0",
	}, alerts)
}
