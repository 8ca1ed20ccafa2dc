// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/interfaces/cosagent"
)

// one returns files of one rule file.
func one(content string) fs.FS {
	return fstest.MapFS{"src/prometheus_alert_rules/a/cpu.rules": {Data: []byte(content)}}
}

func TestRuleFileErrors(t *testing.T) {
	t.Parallel()
	const file = `cannot publish metrics rules: cannot read rule file "src/prometheus_alert_rules/a/cpu.rules": `
	const use = `cannot publish metrics rules: cannot use rule file "src/prometheus_alert_rules/a/cpu.rules": group "cpu": rule 1 ("X"): `
	for content, want := range map[string]string{
		"groups:\n- name: a\n":      file + "it is not JSON, to which YAML has to be converted: invalid character 'g'",
		"":                          file + "it is not JSON, to which YAML has to be converted: unexpected end of JSON input",
		`[]`:                        file + "json: cannot unmarshal array",
		`{"groups": {}}`:            file + "json: cannot unmarshal object",
		`{"groups": []} {}`:         file + "it is not JSON",
		`{"groups": [], "x": 1}`:    file + `json: unknown field "x"`,
		`{"alert": "X", "exp": 1}`:  file + `json: unknown field "exp"`,
		`{"alert": "X", "expr": 1}`: file + `json: cannot unmarshal number`,
		"{\"alert\": \"\xff\"}":     `cannot read file "src/prometheus_alert_rules/a/cpu.rules": it is not valid UTF-8`,
		"{}":                        `group "cpu": rule 1 (""): it has neither "alert" nor "record"`,
		`{"alert": "X", "record": "x", "expr": "up"}`: `it has both "alert" and "record"`,
		`{"alert": "X"}`:                                                                  use + `"expr" is empty`,
		`{"alert": "X", "expr": "sum(up"}`:                                                use + `"expr": the bracket ) is missing`,
		`{"alert": "X", "expr": "up)"}`:                                                   use + `"expr": the bracket ) at byte 2 closes none`,
		`{"alert": "X", "expr": "up{a=[}]"}`:                                              use + `"expr": the bracket } at byte 6 closes none`,
		`{"alert": "X", "expr": "up{a=\"b\\\"}"}`:                                         use + `"expr": the quote " at byte 5 is not closed`,
		`{"alert": "X", "expr": "up{%%juju_toplogy%%}"}`:                                  use + `"expr": the token at byte 3 is not known; %%juju_topology%% is`,
		`{"alert": "X", "expr": "up", "for": "5 minutes"}`:                                use + `"for": "5 minutes" is not a duration of Prometheus`,
		`{"alert": "X", "expr": "up", "for": "5s3m"}`:                                     use + `"for": "5s3m" is not a duration`,
		`{"alert": "X", "expr": "up", "keep_firing_for": "m"}`:                            use + `"keep_firing_for": "m" is not a duration`,
		`{"alert": "X", "expr": "up", "labels": {"a-b": "c"}}`:                            use + `"a-b" cannot be the name of a label`,
		`{"alert": "X", "expr": "up", "labels": {"__name__": "c"}}`:                       use + `"__name__" cannot be the name of a label`,
		`{"alert": "X", "expr": "up", "annotations": {"a b": "c"}}`:                       use + `annotation "a b" is not called like a label`,
		`{"record": "a-b", "expr": "up"}`:                                                 `"a-b" is not the name of a metric`,
		`{"record": "a", "expr": "up", "for": "5m"}`:                                      `a recording rule has no "for"`,
		`{"groups": [{"name": " ", "rules": []}]}`:                                        `group " ": the name is empty`,
		`{"groups": [{"name": "x", "limit": -1}]}`:                                        `group "x": limit -1 is negative`,
		`{"groups": [{"name": "x", "interval": "1h1h"}]}`:                                 `group "x": "interval": "1h1h" is not a duration`,
		`{"groups": [{"name": "x", "labels": {"": "c"}}]}`:                                `group "x": "" cannot be the name of a label`,
		`{"groups": [{"name": "x"}, {"name": "x_rules"}]}`:                                `its group "prod_f2c1b2a6_web_app_a_x_rules" is also in rule file "src/prometheus_alert_rules/a/cpu.rules"`,
		`{"groups": [{"name": "prod_f2c1b2a6_web_app_HostHealth_rules"}]}`:                `cannot use HostHealth, which NoHostHealth leaves out: its group "prod_f2c1b2a6_web_app_HostHealth_rules" is also in rule file`,
		`{"alert": "X", "expr": "` + strings.Repeat("x", 4<<20) + `"}`:                    `it is larger than 4194304 bytes`,
		`{"groups": ` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`: `exceeded max depth`,
	} {
		assert.ErrorContains(t, failure(t, &cosagent.Options{Files: one(content)}), want, "%.100s", content)
	}
}

func TestRuleValueErrors(t *testing.T) {
	t.Parallel()
	err := failure(t, &cosagent.Options{LogRules: []cosagent.RuleGroup{{Name: "x", Rules: []cosagent.Rule{{Alert: "A", Expr: "\xff"}}}}})
	require.ErrorContains(t, err, `cannot publish log rules: cannot use Options: group "x": rule 1 ("A"): "expr" is not valid UTF-8`)
	err = failure(t, &cosagent.Options{LogRules: []cosagent.RuleGroup{{Name: "x", Labels: map[string]string{"a": "\xff"}}}})
	require.ErrorContains(t, err, `group "x": the value of label "a" is not valid UTF-8`)
}

// A folder that is named must be there, the usual one need not.
func TestFolders(t *testing.T) {
	t.Parallel()
	err := failure(t, &cosagent.Options{Files: files, LogRulesDir: "src/none"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, `cannot publish log rules: cannot read "src/none"`)

	w := published(t, &cosagent.Options{Files: files, LogRulesDir: "src/loki_alert_rules", MetricsRulesDir: "src/prometheus_alert_rules/network", NoHostHealth: true})
	require.Len(t, w.Metrics.Groups, 1)
	assert.Equal(t, "prod_f2c1b2a6_web_app_link_speed_rules", w.Metrics.Groups[0].Name)
	assert.Empty(t, published(t, &cosagent.Options{Files: fstest.MapFS{}}).Dashboards)
}

// What is no rule file by its name is not read.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	w := published(t, &cosagent.Options{NoHostHealth: true, Files: fstest.MapFS{
		"src/prometheus_alert_rules/README":        {Data: []byte("x")},
		"src/prometheus_alert_rules/.gitkeep":      {},
		"src/prometheus_alert_rules/a.json":        {Data: []byte(`{"alert": "A", "expr": "up"}`)},
		"src/prometheus_alert_rules/x.json/b.yml":  {Data: []byte(`{"alert": "B", "expr": "up"}`)},
		"src/grafana_dashboards/notes.txt":         {Data: []byte("x")},
		"src/grafana_dashboards/below/that/x.json": {Data: []byte(`{"title": "x"}`)},
	}})
	require.Len(t, w.Metrics.Groups, 2)
	assert.Equal(t, "prod_f2c1b2a6_web_app_a_rules", w.Metrics.Groups[0].Name)
	assert.Equal(t, "prod_f2c1b2a6_web_app_x_json_b_rules", w.Metrics.Groups[1].Name)
	assert.Len(t, w.Dashboards, 1)
}

func TestGroupsAsValues(t *testing.T) {
	t.Parallel()
	group := cosagent.RuleGroup{
		Name: "errors", Interval: "1m", QueryOffset: "30s", Limit: 3, Labels: map[string]string{"team": "web"},
		Rules: []cosagent.Rule{{Alert: "ManyErrors", Expr: `rate(errors{%%juju_topology%%}[5m]) > 1`, For: "5m", Labels: map[string]string{"juju_charm": "mine"}}},
	}
	w := published(t, &cosagent.Options{Charm: "webapp", MetricsRules: []cosagent.RuleGroup{group}, LogRules: []cosagent.RuleGroup{{Name: "empty"}}})
	require.Len(t, w.Metrics.Groups, 2)
	want := group
	want.Name = "prod_f2c1b2a6_web_app_errors_rules"
	want.Rules = []cosagent.Rule{{
		Alert: "ManyErrors", For: "5m",
		Expr:   `rate(errors{juju_model="prod", juju_model_uuid="` + modelUUID + `", juju_application="web-app"}[5m]) > 1`,
		Labels: map[string]string{"juju_charm": "mine", "juju_model": "prod", "juju_model_uuid": modelUUID, "juju_application": "web-app"},
	}}
	assert.Equal(t, want, w.Metrics.Groups[0])
	assert.Equal(t, []cosagent.RuleGroup{{Name: "prod_f2c1b2a6_web_app_empty_rules", Rules: []cosagent.Rule{}}}, w.Logs.Groups)
	assert.Equal(t, map[string]string{"juju_charm": "mine"}, group.Rules[0].Labels, "the caller's rule is as it was")
}

// The token can stand anywhere among the matchers, with the commas around it or not.
func TestTopologyInExpressions(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"juju_model": "m", "juju_model_uuid": "u", "juju_application": `a"b`}
	const m = `juju_model="m", juju_model_uuid="u", juju_application="a\"b"`
	for expr, want := range map[string]string{
		`up`:                                         `up`,
		`%%juju_topology%%`:                          m,
		`up{%%juju_topology%%}`:                      `up{` + m + `}`,
		`up{ %%juju_topology%% , a="b"}`:             `up{ ` + m + ` , a="b"}`,
		`up{%%juju_topology%% a="b"}`:                `up{` + m + `,  a="b"}`,
		`up{a="b",%%juju_topology%%}`:                `up{a="b",` + m + `}`,
		`up{a="b" %%juju_topology%%}`:                `up{a="b" , ` + m + `}`,
		`a{%%juju_topology%%}/b{%%juju_topology%%,}`: `a{` + m + `}/b{` + m + `,}`,
	} {
		assert.Equal(t, want, cosagent.WithTopology(expr, labels))
	}
}

func TestStringsAndCommentsInExpressions(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		`up{a=")", b='}', c="\"]"} == 1`, "{a=\"b\"} | line_format `{{.x}} \\`", "sum(up) # (not closed\n > 1", "up # ((", `up % 2`, `up{a="%%"}`,
	} {
		w := published(t, &cosagent.Options{NoHostHealth: true, MetricsRules: []cosagent.RuleGroup{{Name: "x", Rules: []cosagent.Rule{{Alert: "A", Expr: expr}}}}})
		assert.Equal(t, expr, w.Metrics.Groups[0].Rules[0].Expr)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for _, d := range []string{"0", "0s", "5m", "1h30m", "1y2w3d4h5m6s7ms", "500ms"} {
		w := published(t, &cosagent.Options{NoHostHealth: true, MetricsRules: []cosagent.RuleGroup{{Name: "x", Interval: d}}})
		assert.Equal(t, d, w.Metrics.Groups[0].Interval)
	}
	for _, d := range []string{"5", "m", "-5m", "1.5h", "5m ", "1m1h", "1s1s", "1ms1s", "00", "9999999999s", "1h0"} {
		err := failure(t, &cosagent.Options{MetricsRules: []cosagent.RuleGroup{{Name: "x", Interval: d}}})
		assert.ErrorContains(t, err, "is not a duration of Prometheus")
	}
}

func FuzzReadRules(f *testing.F) {
	f.Add(`{"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up{%%juju_topology%%}"}]}]}`)
	f.Add(`{"record": "a:b", "expr": "sum(up)"}`)
	f.Add(`{"groups": null}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, content string) {
		groups, err := cosagent.ReadRules("src/x.rules", []byte(content))
		if err != nil {
			return
		}
		text, err := json.Marshal(map[string]any{"groups": groups})
		require.NoError(t, err)
		again, err := cosagent.ReadRules("y.json", text)
		require.NoError(t, err)
		for i := range again {
			assert.Equal(t, groups[i].Name, again[i].Name)
			require.Len(t, again[i].Rules, len(groups[i].Rules))
			for j, rule := range groups[i].Rules {
				if cosagent.CheckRule(rule) == nil {
					assert.NotEmpty(t, rule.Expr)
					assert.NoError(t, cosagent.CheckRule(again[i].Rules[j]))
				}
			}
		}
	})
}

func FuzzTopology(f *testing.F) {
	f.Add(`up{%%juju_topology%%,a="b"}`, "m", "a")
	f.Add(`%%juju_topology%%%%juju_topology%%`, `"`, "\\")
	f.Fuzz(func(t *testing.T, expr, model, application string) {
		got := cosagent.WithTopology(expr, map[string]string{"juju_model": model, "juju_application": application})
		if !strings.Contains(expr, "%%juju_topology%%") {
			assert.Equal(t, expr, got)
			return
		}
		assert.Contains(t, got, "juju_model=")
		assert.GreaterOrEqual(t, len(got), len(expr))
	})
}
