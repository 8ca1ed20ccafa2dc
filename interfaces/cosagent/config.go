// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// configKey is the databag's key.
const configKey = "config"

const (
	maxFile  = 4 << 20
	maxTotal = 8 << 20 // Juju 4 allows a databag of 16 MiB
)

// wireConfig is what a unit tells the agent: the JSON of the key's value.
type wireConfig struct {
	MetricsRules wireRules `json:"metrics_alert_rules"`
	LogRules     wireRules `json:"log_alert_rules"`
	Dashboards   []string  `json:"dashboards"`
	// Subordinate is always null. Older agents require the key.
	Subordinate      *bool             `json:"subordinate"`
	ScrapeJobs       []map[string]any  `json:"metrics_scrape_jobs"`
	LogSlots         []string          `json:"log_slots"`
	TracingProtocols []TracingProtocol `json:"tracing_protocols"`
}

// wireRules is a file of rules.
type wireRules struct {
	Groups []RuleGroup `json:"groups,omitempty"`
}

// config returns the value to write; the same for the same options, always.
func (a *Agent) config(ctx context.Context) (string, error) {
	env := a.charm.Environment()
	t := topology{model: env.ModelName, modelUUID: env.ModelUUID, application: env.Application, charm: a.opts.Charm}

	var last []RuleGroup
	if !a.opts.NoHostHealth {
		last = hostHealth()
	}
	w := wireConfig{LogSlots: orEmpty(a.opts.LogSlots), TracingProtocols: a.opts.TracingProtocols}
	var err error
	o := &a.opts
	if w.MetricsRules.Groups, err = (folder{o.Files, o.MetricsRulesDir, "src/prometheus_alert_rules"}).rules(t, o.MetricsRules, last); err != nil {
		return "", fmt.Errorf("cannot publish metrics rules: %w", err)
	}
	if w.LogRules.Groups, err = (folder{o.Files, o.LogRulesDir, "src/loki_alert_rules"}).rules(t, o.LogRules, nil); err != nil {
		return "", fmt.Errorf("cannot publish log rules: %w", err)
	}
	if w.Dashboards, err = (folder{o.Files, o.DashboardsDir, "src/grafana_dashboards"}).dashboards(t); err != nil {
		return "", fmt.Errorf("cannot publish dashboards: %w", err)
	}
	jobs := a.opts.ScrapeJobs
	if a.opts.DynamicScrapeJobs != nil {
		dynamic, err := a.opts.DynamicScrapeJobs(ctx)
		if err != nil {
			return "", fmt.Errorf("cannot publish scrape jobs: %w", err)
		}
		jobs = slices.Concat(jobs, dynamic)
	}
	if w.ScrapeJobs, err = scrapeJobs(jobs, env.Application); err != nil {
		return "", fmt.Errorf("cannot publish scrape jobs: %w", err)
	}
	value, err := marshal(w)
	if err != nil {
		return "", fmt.Errorf("cannot publish to %q: %w", a.endpoint, err)
	}
	if len(value) > maxTotal {
		return "", fmt.Errorf("cannot publish to %q: %d bytes are more than %d; most are of dashboards", a.endpoint, len(value), maxTotal)
	}
	return string(value), nil
}

// marshal is json.Marshal without escapes for HTML.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// isSlot reports whether s is "SNAP:SLOT".
func isSlot(s string) bool {
	snap, slot, ok := strings.Cut(s, ":")
	return ok && isName(snap) && isName(slot)
}

// isName reports whether s is like the name of a snap, a slot or a charm.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
