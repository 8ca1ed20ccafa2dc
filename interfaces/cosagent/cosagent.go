// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// Options of [New]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// Charm is the charm's name, as in charmcraft.yaml, which Juju does not tell.
	// It becomes the label juju_charm of alert rules, a tag of the dashboards, and
	// part of their uid. Default: no label and no tag, and the application's name
	// in the uid.
	Charm string
	// ScrapeJobs are what to scrape for metrics.
	ScrapeJobs []ScrapeJob
	// DynamicScrapeJobs returns more of them, those that depend on the
	// configuration, for example. It is called in every hook while there is a
	// relation, so it should be cheap. It sees what those handlers have done that
	// were registered before New was called. Its error fails the hook; one that is a
	// [charm.ConfigError] blocks the unit instead, and what was published stays.
	DynamicScrapeJobs func(ctx context.Context) ([]ScrapeJob, error)
	// Files has the charm's rule files and dashboards: an embed.FS of the folder src,
	// for example, or os.DirFS("."), as Juju starts a charm in its directory.
	// Default: no files.
	Files fs.FS
	// MetricsRulesDir has files of rules in PromQL, LogRulesDir in LogQL; in folders
	// below it too. They are all those whose names end in .json, .rule, .rules, .yml
	// or .yaml. Their text is JSON: {"groups": […]}, as Prometheus and Loki define
	// it, or one rule, whose group is called like the file. Default:
	// "src/prometheus_alert_rules" and "src/loki_alert_rules", if they are there.
	MetricsRulesDir, LogRulesDir string
	// MetricsRules and LogRules are more rules, which come first.
	MetricsRules, LogRules []RuleGroup
	// NoHostHealth leaves out the group HostHealth, with the rules HostDown and
	// HostMetricsMissing, which otherwise all applications have.
	NoHostHealth bool
	// DashboardsDir has Grafana dashboards: all files NAME.json, in folders below it
	// too. Their uid is made from their path in Files. Default:
	// "src/grafana_dashboards", if it is there.
	DashboardsDir string
	// LogSlots are slots of snaps with logs, "SNAP:SLOT".
	LogSlots []string
	// TracingProtocols are those that the charm wants to send traces by; see
	// [Agent.TracingEndpoint].
	TracingProtocols []TracingProtocol
	// RefreshOn tells in which hooks to look whether something has changed, besides
	// the events of the relation itself. Default: in those that the package comment
	// names.
	RefreshOn func(ev events.Hook) bool
}

// Agent is the relation, or are the relations, of one endpoint with those who
// observe the charm.
type Agent struct {
	charm    *charm.Charm
	endpoint string
	opts     Options
}

// New returns the provider side of an endpoint of the interface cos_agent, which
// most charms call "cos-agent". It is called in register, and registers all that
// is needed; for several endpoints several times.
//
// It panics if an option cannot be right: mistakes in the charm's code.
func New(c *charm.Charm, endpoint string, opts *Options) *Agent {
	a := &Agent{charm: c, endpoint: endpoint}
	if opts != nil {
		a.opts = *opts
		a.opts.ScrapeJobs = slices.Clone(opts.ScrapeJobs)
		a.opts.LogSlots = slices.Clone(opts.LogSlots)
		a.opts.TracingProtocols = slices.Clone(opts.TracingProtocols)
		a.opts.MetricsRules = slices.Clone(opts.MetricsRules)
		a.opts.LogRules = slices.Clone(opts.LogRules)
	}
	if endpoint == "" {
		panic("cosagent.New: the name of the endpoint is empty; most charms call it \"cos-agent\"")
	}
	if err := a.opts.check(); err != nil {
		panic("cosagent.New: " + err.Error())
	}
	charm.On(c, a.refresh).Name("cosagent/" + endpoint + "/refresh")
	return a
}

// check returns what is wrong with the options as such.
func (o *Options) check() error {
	if o.Charm != "" && !isName(o.Charm) {
		return fmt.Errorf("Options.Charm: %q is not the name of a charm", o.Charm)
	}
	for i, job := range o.ScrapeJobs {
		if err := job.check(); err != nil {
			return fmt.Errorf("Options.ScrapeJobs[%d]: %w", i, err)
		}
	}
	for _, dir := range []string{o.MetricsRulesDir, o.LogRulesDir, o.DashboardsDir} {
		if dir != "" && (o.Files == nil || !fs.ValidPath(dir)) {
			return fmt.Errorf("the directory %q needs Options.Files, and to be a path in it, without .. and a / at either end", dir)
		}
	}
	for _, slot := range o.LogSlots {
		if !isSlot(slot) {
			return fmt.Errorf("Options.LogSlots: %q is not of the form \"SNAP:SLOT\"", slot)
		}
	}
	for _, p := range o.TracingProtocols {
		if !p.known() {
			return fmt.Errorf("Options.TracingProtocols: agents do not know %q; they know %q", p, protocols)
		}
	}
	return nil
}

// refresh is the handler of all hooks.
func (a *Agent) refresh(ctx context.Context, ev events.Hook) error {
	if !a.isDue(ev) {
		return nil
	}
	return charm.BlockOnConfigError(ctx, a.charm, a.Publish(ctx))
}

func (a *Agent) isDue(ev events.Hook) bool {
	switch ev := ev.(type) {
	case events.RelationCreated:
		if ev.Endpoint == a.endpoint {
			return true
		}
	case events.RelationJoined:
		if ev.Endpoint == a.endpoint {
			return true
		}
	case events.RelationChanged:
		if ev.Endpoint == a.endpoint {
			return true
		}
	}
	if a.opts.RefreshOn != nil {
		return a.opts.RefreshOn(ev)
	}
	switch ev.(type) {
	case events.ConfigChanged, events.UpgradeCharm:
		return true
	}
	return a.opts.DynamicScrapeJobs != nil
}

// Publish writes what has changed to the relations, whatever the event is. New
// has it called where that is needed; a charm calls it after what no hook tells,
// such as an action.
func (a *Agent) Publish(ctx context.Context) error {
	relations, err := a.charm.Relations(ctx, a.endpoint)
	if err != nil || len(relations) == 0 {
		return err
	}
	value, err := a.config(ctx)
	if err != nil {
		return err
	}
	for _, rel := range relations {
		if err := a.publish(ctx, rel, value); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) publish(ctx context.Context, rel *relation.Relation, value string) error {
	published, err := rel.Local().Get(ctx, configKey)
	if errors.Is(err, hookcmd.ErrUnitNotFound) || errors.Is(err, hookcmd.ErrRelationNotFound) {
		// A relation whose subordinate is only now being deployed, or that is gone: a
		// relation event follows, or none is needed.
		a.charm.Logger().DebugContext(ctx, "relation cannot be used yet", "relation", rel.String(), "error", err)
		return nil
	}
	if err != nil || published == value {
		return err
	}
	return rel.Local().Set(ctx, configKey, value)
}
