// SPDX-License-Identifier: Apache-2.0

// Package cosagent is the provider side of the interface cos_agent: a machine
// charm tells the subordinate that observes it, such as grafana-agent or
// opentelemetry-collector, what to scrape, and which alert rules, dashboards and
// logs it has.
//
//	//go:embed src
//	var files embed.FS
//
//	func register(c *charm.Charm) {
//		cosagent.New(c, "cos-agent", &cosagent.Options{
//			Charm:      "webapp",
//			ScrapeJobs: []cosagent.ScrapeJob{{Port: 9100}},
//			Files:      files, // src/prometheus_alert_rules, src/grafana_dashboards, …
//		})
//	}
//
// That is all: the databag of each relation is kept as it should be. It is the
// unit's own, so leadership does not matter, and each unit writes its own.
//
// # What is written, and when
//
// One key, "config", whose value is the JSON that the published Python library
// cos_agent (version 0.26) writes, with the same names of jobs and groups of
// rules and the same uid of dashboards: a charm that is ported keeps its series.
//
// It is written again only if it has changed. By default it is looked at in the
// relation events created, joined and changed of the endpoint, in
// [events.ConfigChanged] and [events.UpgradeCharm] or, with DynamicScrapeJobs, in
// every hook. That costs one relation-ids and, for each relation, one
// relation-get of the own databag; if something has changed one relation-set
// more. All other hooks cost nothing.
//
// What cannot be written, such as a dashboard that is no JSON, fails the hook with
// an error that names the file; [New] panics if an option cannot be right. Both are
// found by any test that relates the endpoint.
//
// # Limits
//
// Rule files are JSON, which is YAML too: the files can keep their names. YAML
// that is not JSON has to be converted, as no reader of YAML is linked. A file may
// have 4 MiB, all that is published 8 MiB. Dashboards are not compressed, but wrapped
// in the format xz, as the standard library has no compressor for it.
//
// # Testing
//
// In a test with package charmtest, Relate the endpoint: what cannot be written
// fails the hook. What was written is in the Local of that relation.
package cosagent
