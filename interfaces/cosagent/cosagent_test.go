// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// commands returns the names of the hook commands since the last call.
func commands(h *charmtest.Harness) []string {
	var names []string
	for _, c := range h.Calls() {
		names = append(names, c.Command)
	}
	h.ResetCalls()
	return names
}

// In a life of the relation, the value is written once, and nothing else of the
// databag changes; whether commands are typed or text, leader or not.
func TestPublish(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]charmtest.Options{
		"by value": {}, "as text": {TextOnly: true}, "leader": {Leader: true}, "Juju 3.6": {JujuVersion: "3.6.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, &opts, with(ported["all"]))
			for _, ev := range []events.Event{events.Install{}, events.UpdateStatus{}, events.Start{}} {
				h.Emit(ev)
			}
			assert.Empty(t, commands(h), "hooks that change nothing")
			h.Emit(events.ConfigChanged{})
			assert.Equal(t, []string{"relation-ids"}, commands(h), "without a relation")

			rel := h.Relate("cos-agent", "grafana-agent")
			assert.Equal(t, []string{"relation-ids", "relation-get", "relation-set"}, commands(h), "created")
			value := rel.Local()["config"]
			w := decode(t, rel.Local())
			assert.Contains(t, value, `\"} < 1"`, "without escapes for HTML")
			assert.Len(t, w.Metrics.Groups, 6)
			assert.Len(t, w.Logs.Groups, 1)
			assert.Len(t, w.Dashboards, 2)
			assert.Len(t, w.Jobs, 4)
			assert.Equal(t, []string{"webapp:logs", "other-snap:journal"}, w.LogSlots)
			assert.Equal(t, []string{"otlp_http", "otlp_grpc"}, w.Protocols)

			rel.Join("grafana-agent/0", nil)
			assert.Equal(t, []string{"relation-ids", "relation-get", "relation-ids", "relation-get"}, commands(h), "joined, changed")
			h.Emit(events.ConfigChanged{})
			assert.Equal(t, []string{"relation-ids", "relation-get"}, commands(h), "config-changed")
			h.Emit(events.UpdateStatus{})
			h.Relate("website", "haproxy").Join("haproxy/0", nil)
			assert.Empty(t, commands(h), "hooks of others")
			assert.Equal(t, value, rel.Local()["config"])
			assert.Empty(t, rel.LocalApp())

			rel.Depart("grafana-agent/0")
			rel.Break()
			assert.Empty(t, commands(h), "departed, broken")
			h.Emit(events.ConfigChanged{})
			assert.Equal(t, []string{"relation-ids"}, commands(h), "after the end")
			again := h.Relate("cos-agent", "opentelemetry-collector")
			assert.Equal(t, value, again.Local()["config"])
		})
	}
}

func TestNoOptions(t *testing.T) {
	t.Parallel()
	w := published(t, nil)
	require.Len(t, w.Metrics.Groups, 1)
	assert.Equal(t, "prod_f2c1b2a6_web_app_HostHealth_rules", w.Metrics.Groups[0].Name)
	assert.Equal(t, map[string]string{
		"juju_model": "prod", "juju_model_uuid": modelUUID, "juju_application": "web-app", "severity": "critical",
	}, w.Metrics.Groups[0].Rules[0].Labels)

	h := newHarness(t, nil, with(&cosagent.Options{NoHostHealth: true}))
	assert.JSONEq(t, `{"metrics_alert_rules": {}, "log_alert_rules": {}, "dashboards": [], "subordinate": null,
		"metrics_scrape_jobs": [], "log_slots": [], "tracing_protocols": null}`, h.Relate("cos-agent", "grafana-agent").Local()["config"])
}

// Two instances, on two endpoints, each with two relations, are told apart.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil, func(c *charm.Charm) {
		cosagent.New(c, "cos-agent", &cosagent.Options{LogSlots: []string{"a:logs"}})
		cosagent.New(c, "second-agent", &cosagent.Options{LogSlots: []string{"b:logs"}})
	})
	first, second := h.Relate("cos-agent", "grafana-agent"), h.Relate("second-agent", "otelcol")
	third := h.Relate("second-agent", "third")
	assert.Equal(t, []string{"a:logs"}, decode(t, first.Local()).LogSlots)
	assert.Equal(t, []string{"b:logs"}, decode(t, second.Local()).LogSlots)
	assert.Equal(t, second.Local()["config"], third.Local()["config"])

	third.Break()
	h.Upgrade(func(c *charm.Charm) {
		cosagent.New(c, "cos-agent", &cosagent.Options{LogSlots: []string{"a:logs"}})
		cosagent.New(c, "second-agent", &cosagent.Options{LogSlots: []string{"c:logs"}})
	})
	assert.Equal(t, []string{"c:logs"}, decode(t, second.Local()).LogSlots)
	h.ResetCalls()
	first.Join("grafana-agent/0", nil)
	assert.Empty(t, h.Calls("relation-set"))
}

func TestDynamicScrapeJobs(t *testing.T) {
	t.Parallel()
	type config struct{ Port int }
	var fails error
	h := newHarness(t, nil, func(c *charm.Charm) {
		agent := cosagent.New(c, "cos-agent", &cosagent.Options{
			ScrapeJobs: []cosagent.ScrapeJob{{Name: "fixed", Port: 1}},
			DynamicScrapeJobs: func(ctx context.Context) ([]cosagent.ScrapeJob, error) {
				cfg, err := charm.LoadConfig[config](ctx, c)
				return []cosagent.ScrapeJob{{Name: "dynamic", Port: cfg.Port}}, errors.Join(err, fails)
			},
		})
		charm.OnAction(c, "republish", func(ctx context.Context, _ struct{}) (struct{}, error) {
			return struct{}{}, agent.Publish(ctx)
		})
	})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"relation-ids"}, commands(h), "without a relation the function is not called")

	rel := h.Relate("cos-agent", "grafana-agent")
	targets := func() []any {
		var all []any
		for _, job := range decode(t, rel.Local()).Jobs {
			all = append(all, job["static_configs"].([]any)[0].(map[string]any)["targets"].([]any)...)
		}
		return all
	}
	assert.Equal(t, []any{"localhost:9100", "localhost:1"}, targets())
	h.SetConfig(map[string]any{"port": 9200})
	assert.Equal(t, []any{"localhost:9200", "localhost:1"}, targets())

	commands(h)
	h.Emit(events.UpdateStatus{})
	assert.ElementsMatch(t, []string{"relation-ids", "config-get", "relation-get"}, commands(h))
	result := h.RunAction("republish", nil)
	require.Equal(t, "completed", result.Status, "%v %s", result.Err, result.Message)
	assert.ElementsMatch(t, []string{"action-get", "relation-ids", "config-get", "relation-get"}, commands(h))

	fails = errors.New("no ports")
	err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
	require.ErrorIs(t, err, fails)
	require.ErrorContains(t, err, "cannot publish scrape jobs: no ports")

	fails = nil
	err = h.Try(func() { h.SetConfig(map[string]any{"port": 99999}) })
	require.ErrorContains(t, err, `cannot publish scrape jobs: job "dynamic": port 99999 is not from 1 to 65535`)
}

// Configuration that cannot be used blocks the unit; what was published stays.
func TestDynamicScrapeJobsOfWrongConfig(t *testing.T) {
	t.Parallel()
	type config struct{ Port uint16 }
	h := newHarness(t, nil, func(c *charm.Charm) {
		cosagent.New(c, "cos-agent", &cosagent.Options{
			DynamicScrapeJobs: func(ctx context.Context) ([]cosagent.ScrapeJob, error) {
				cfg, err := charm.LoadConfig[config](ctx, c)
				return []cosagent.ScrapeJob{{Port: int(cfg.Port)}}, err
			},
		})
	})
	rel := h.Relate("cos-agent", "grafana-agent")
	value := rel.Local()["config"]
	h.SetConfig(map[string]any{"port": 99999})
	assert.Equal(t, "blocked", h.Status().Status)
	assert.Contains(t, h.Status().Message, "port")
	assert.Equal(t, value, rel.Local()["config"])
}

func TestRefreshOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil, with(&cosagent.Options{
		DynamicScrapeJobs: func(context.Context) ([]cosagent.ScrapeJob, error) { return nil, nil },
		RefreshOn: func(ev events.Hook) bool {
			_, ok := ev.(events.UpdateStatus)
			return ok
		},
	}))
	h.Emit(events.ConfigChanged{})
	assert.Empty(t, commands(h))
	rel := h.Relate("cos-agent", "grafana-agent")
	assert.NotEmpty(t, rel.Local()["config"])
	commands(h)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"relation-ids", "relation-get"}, commands(h))
}

// A relation whose databag Juju does not have yet, or not any more, is left alone.
func TestRelationThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, stderr := range []string{
		`ERROR cannot read settings for unit "web-app/3" in relation "web-app:cos-agent g:a": unit "web-app/3": settings not found`,
		`ERROR invalid value "cos-agent:0" for option -r: relation not found`,
	} {
		h := newHarness(t, &charmtest.Options{TextOnly: true}, with(nil))
		remove := h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
			return hookcmdtest.Failure(1, "%s", stderr), call.Command == "relation-get"
		})
		rel := h.Relate("cos-agent", "grafana-agent")
		assert.Empty(t, rel.Local()["config"])
		assert.Empty(t, h.Calls("relation-set"))
		remove()
		rel.Join("grafana-agent/0", nil)
		assert.NotEmpty(t, rel.Local()["config"])
	}
	h := newHarness(t, &charmtest.Options{TextOnly: true}, with(nil))
	h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "ERROR the controller is away"), call.Command == "relation-get"
	})
	err := h.Try(func() { h.Relate("cos-agent", "grafana-agent") })
	require.ErrorContains(t, err, "the controller is away")
}

// Options are copied: what the caller changes later is not published.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil, func(c *charm.Charm) {
		opts := &cosagent.Options{LogSlots: []string{"a:logs"}, ScrapeJobs: []cosagent.ScrapeJob{{Port: 1}}}
		cosagent.New(c, "cos-agent", opts)
		opts.LogSlots[0], opts.ScrapeJobs[0].Port, opts.Charm = "b:logs", 2, "x"
	})
	w := decode(t, h.Relate("cos-agent", "grafana-agent").Local())
	assert.Equal(t, []string{"a:logs"}, w.LogSlots)
	assert.Equal(t, []any{"localhost:1"}, w.Jobs[0]["static_configs"].([]any)[0].(map[string]any)["targets"])
	assert.NotContains(t, w.Metrics.Groups[0].Rules[0].Labels, "juju_charm")
}

// What cannot be right is found when the charm is started first.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]*cosagent.Options{
		`cosagent.New: Options.Charm: "Web App" is not the name of a charm`:                                                                           {Charm: "Web App"},
		`cosagent.New: Options.LogSlots: "logs" is not of the form "SNAP:SLOT"`:                                                                       {LogSlots: []string{"logs"}},
		`cosagent.New: Options.LogSlots: "a:b:c" is not of the form "SNAP:SLOT"`:                                                                      {LogSlots: []string{"a:b:c"}},
		`cosagent.New: Options.LogSlots: "a:" is not of the form "SNAP:SLOT"`:                                                                         {LogSlots: []string{"a:"}},
		`cosagent.New: Options.TracingProtocols: agents do not know "jaeger_grpc"; they know ["otlp_http" "otlp_grpc" "zipkin" "jaeger_thrift_http"]`: {TracingProtocols: []cosagent.TracingProtocol{"jaeger_grpc"}},
		`cosagent.New: Options.ScrapeJobs[1]: there is neither a port nor a target`:                                                                   {ScrapeJobs: []cosagent.ScrapeJob{{Port: 1}, {}}},
		`cosagent.New: the directory "rules" needs Options.Files, and to be a path in it, without .. and a / at either end`:                           {MetricsRulesDir: "rules"},
		`cosagent.New: the directory "./rules/" needs Options.Files, and to be a path in it, without .. and a / at either end`:                        {LogRulesDir: "./rules/", Files: fstest.MapFS{}},
	} {
		h := newHarness(t, nil, with(opts))
		require.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), want)
	}
	h := newHarness(t, nil, func(c *charm.Charm) { cosagent.New(c, "", nil) })
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), "the name of the endpoint is empty")
	h = newHarness(t, nil, func(c *charm.Charm) {
		cosagent.New(c, "cos-agent", nil)
		cosagent.New(c, "cos-agent", nil)
	})
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), `two handlers are called "cosagent/cos-agent/refresh"`)
}
