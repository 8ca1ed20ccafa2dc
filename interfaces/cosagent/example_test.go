// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// A charm with files in the usual places, whose workload is scraped at a port that
// is configured.
func Example() {
	register := func(c *charm.Charm) {
		agent := cosagent.New(c, "cos-agent", &cosagent.Options{
			Charm:            "webapp",
			Files:            files, // rules and dashboards
			ScrapeJobs:       []cosagent.ScrapeJob{{Name: "node", Port: 9200}},
			LogSlots:         []string{"webapp:logs"},
			TracingProtocols: []cosagent.TracingProtocol{cosagent.OTLPHTTP},
			DynamicScrapeJobs: func(ctx context.Context) ([]cosagent.ScrapeJob, error) {
				cfg, err := charm.LoadConfig[struct{ Port uint16 }](ctx, c)
				return []cosagent.ScrapeJob{{Port: int(cfg.Port)}}, err
			},
		})

		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			url, err := agent.TracingEndpoint(ctx, cosagent.OTLPHTTP)
			if err != nil {
				return err
			}
			fmt.Println("send traces to", url)
			return nil
		})
	}

	state, err := charmtest.Run(register, events.ConfigChanged{}, charmtest.State{
		Metadata: metadata,
		Relations: []charmtest.RelationState{{
			Endpoint: "cos-agent", ID: 7, App: "grafana-agent",
			Units: map[string]map[string]string{"grafana-agent/0": {
				"receivers": `[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://juju-1.lxd:4318"}]`,
			}},
		}},
	})
	fmt.Println("error:", err)
	var config struct {
		Rules struct {
			Groups []struct{ Name string }
		} `json:"metrics_alert_rules"`
		Jobs []struct {
			Name string `json:"job_name"`
		} `json:"metrics_scrape_jobs"`
		Dashboards []string
	}
	if err := json.Unmarshal([]byte(state.Relations[0].Local["config"]), &config); err != nil {
		fmt.Println(err)
	}
	for _, group := range config.Rules.Groups {
		fmt.Println("rules", group.Name)
	}
	for _, job := range config.Jobs {
		fmt.Println("job", job.Name)
	}
	fmt.Println("dashboards", len(config.Dashboards))
	// Output:
	// send traces to http://juju-1.lxd:4318
	// error: <nil>
	// rules testmodel_deadbeef_webapp_cpu_rules
	// rules testmodel_deadbeef_webapp_Gr__e_of_disks_mounts_rules
	// rules other_0123abcd_app_memory_rules
	// rules testmodel_deadbeef_webapp_down_rules
	// rules testmodel_deadbeef_webapp_network_link_speed_rules
	// rules testmodel_deadbeef_webapp_HostHealth_rules
	// job webapp_default_83b01065
	// job webapp_node_7e00e63e
	// dashboards 2
}

// Rules as Go values, and nothing else.
func ExampleRuleGroup() {
	register := func(c *charm.Charm) {
		cosagent.New(c, "cos-agent", &cosagent.Options{
			NoHostHealth: true,
			MetricsRules: []cosagent.RuleGroup{{Name: "errors", Rules: []cosagent.Rule{{
				Alert:  "ManyErrors",
				Expr:   "rate(http_errors_total{%%juju_topology%%}[5m]) > 10",
				For:    "5m",
				Labels: map[string]string{"severity": "warning"},
			}}}},
		})
	}

	state, err := charmtest.Run(register, events.ConfigChanged{}, charmtest.State{
		Metadata: metadata, ModelName: "prod", ModelUUID: modelUUID,
		Relations: []charmtest.RelationState{{Endpoint: "cos-agent", ID: 7, App: "grafana-agent"}},
	})
	fmt.Println(err)
	var config struct {
		Rules struct {
			Groups []cosagent.RuleGroup
		} `json:"metrics_alert_rules"`
	}
	if err := json.Unmarshal([]byte(state.Relations[0].Local["config"]), &config); err != nil {
		fmt.Println(err)
	}
	fmt.Println(config.Rules.Groups[0].Rules[0].Expr)
	// Output:
	// <nil>
	// rate(http_errors_total{juju_model="prod", juju_model_uuid="f2c1b2a6-e006-42eb-8cf1-7cf4b19f0b1a", juju_application="webapp"}[5m]) > 10
}
