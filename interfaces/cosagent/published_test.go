// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
)

// recorded is what the published Python library, with its tool for expressions,
// has written for the charm in testdata/charm; without the texts that it adds
// to rules of its own. It compresses dashboards, so their JSON is recorded.
type recorded struct {
	Cases []struct {
		Name       string
		Keys       []string
		Config     map[string]any
		Dashboards []any
	}
	Agent struct {
		Ready    map[string]string
		NotReady map[string]string `json:"not_ready"`
	}
}

func readRecorded(t *testing.T) recorded {
	t.Helper()
	content, err := os.ReadFile("testdata/published.json")
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var r recorded
	require.NoError(t, d.Decode(&r))
	return r
}

// ported has the options that were recorded, in Go.
var ported = map[string]*cosagent.Options{
	"all": {
		Charm: "webapp",
		Files: files,
		ScrapeJobs: []cosagent.ScrapeJob{
			{Port: 9100},
			{Path: "/probe?x=<1>", Port: 9101},
			{
				Name: "node", Scheme: "https", Port: 9200, Targets: []string{"10.0.0.1:9200"},
				Interval: 15 * time.Second, Timeout: 500 * time.Millisecond,
				Labels: map[string]string{"size": "ü\u2028\U0001F600\"\\\n\x7f", "site": "a"},
				Extra: map[string]any{
					"tls_config":             map[string]any{"insecure_skip_verify": true, "ca_file": nil},
					"sample_limit":           5000,
					"metric_relabel_configs": []map[string]any{{"source_labels": []string{"a", "b"}, "action": "drop", "regex": "x.*"}},
				},
			},
			{Name: "long", Path: "/" + strings.Repeat("x", 300), Port: 1},
		},
		LogSlots:         []string{"webapp:logs", "other-snap:journal"},
		TracingProtocols: []cosagent.TracingProtocol{cosagent.OTLPHTTP, cosagent.OTLPGRPC},
	},
	"nothing": {Charm: "magpie"},
}

func TestPublishedLibrary(t *testing.T) {
	t.Parallel()
	cases := readRecorded(t).Cases
	require.Len(t, cases, len(ported))
	for _, c := range cases {
		opts := ported[c.Name]
		require.NotNil(t, opts, "case %q", c.Name)
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			unit := "web-app/3"
			if c.Name == "nothing" {
				unit = "magpie/0"
			}
			h := newHarnessOf(t, unit, with(opts))
			databag := h.Relate("cos-agent", "grafana-agent").Local()

			d := json.NewDecoder(strings.NewReader(databag["config"]))
			d.UseNumber()
			var config map[string]any
			require.NoError(t, d.Decode(&config))
			keys := make([]string, 0, len(config))
			for key := range config {
				keys = append(keys, key)
			}
			assert.ElementsMatch(t, c.Keys, keys)

			var dashboards []any
			for _, encoded := range decode(t, databag).Dashboards {
				dashboards = append(dashboards, dashboard(t, encoded))
			}
			assert.ElementsMatch(t, c.Dashboards, dashboards)
			delete(config, "dashboards")
			for _, key := range []string{"metrics_alert_rules", "log_alert_rules"} {
				normalize(config[key])
				normalize(c.Config[key])
			}
			assert.Equal(t, c.Config, config)
		})
	}
}

// normalize gives expressions of the same meaning the same text, and leaves out the
// texts of the rules that both libraries add.
func normalize(ruleFile any) {
	groups, _ := ruleFile.(map[string]any)["groups"].([]any)
	for _, g := range groups {
		group := g.(map[string]any)
		for _, r := range group["rules"].([]any) {
			rule := r.(map[string]any)
			rule["expr"] = canonical(rule["expr"].(string))
			if strings.HasSuffix(group["name"].(string), "_HostHealth_rules") {
				delete(rule, "annotations")
			}
		}
	}
}

var selector = regexp.MustCompile(`\{[^{}]*=[^{}]*\}`)

func canonical(expr string) string {
	expr = selector.ReplaceAllStringFunc(expr, func(s string) string {
		matchers := strings.Split(strings.Trim(s, "{}"), ",")
		for i, m := range matchers {
			matchers[i] = strings.TrimSpace(m)
		}
		slices.Sort(matchers)
		// The tool for LogQL needs a matcher before it adds the topology's.
		matchers = slices.DeleteFunc(matchers, func(m string) bool { return m == `job=~".+"` })
		return "{" + strings.Join(matchers, ",") + "}"
	})
	expr = strings.ReplaceAll(strings.Join(strings.Fields(expr), ""), "`", `"`)
	if strings.HasPrefix(expr, "(") && strings.HasSuffix(expr, ")") {
		expr = expr[1 : len(expr)-1]
	}
	return expr
}

func TestPublishedAgentAnswers(t *testing.T) {
	t.Parallel()
	answers := readRecorded(t).Agent

	ready, err := cosagent.ReadReceivers(answers.Ready["receivers"])
	require.NoError(t, err)
	assert.Equal(t, []cosagent.Receiver{
		{Protocol: cosagent.JaegerThriftHTTP, Transport: "http", URL: "http://juju-1.lxd:14268"},
		{Protocol: cosagent.OTLPGRPC, Transport: "grpc", URL: "juju-1.lxd:4317"},
		{Protocol: cosagent.OTLPHTTP, Transport: "http", URL: "http://juju-1.lxd:4318"},
		{Protocol: cosagent.Zipkin, Transport: "http", URL: "http://juju-1.lxd:9411"},
	}, ready)

	notReady, err := cosagent.ReadReceivers(answers.NotReady["receivers"])
	require.NoError(t, err)
	require.Len(t, notReady, 4)
	for _, r := range notReady {
		assert.Empty(t, r.URL, "%s", r.Protocol)
	}
}

// A value that the published library has written is replaced once.
func TestUpgradeFromThePublishedLibrary(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil, func(*charm.Charm) {})
	rel := h.Relate("cos-agent", "grafana-agent")
	old, err := json.Marshal(readRecorded(t).Cases[0].Config)
	require.NoError(t, err)
	rel.SetLocal(map[string]string{"config": string(old)})

	h.Upgrade(with(ported["all"]))
	assert.Len(t, h.Calls("relation-set"), 1)
	assert.Len(t, decode(t, rel.Local()).Dashboards, 2)
}
