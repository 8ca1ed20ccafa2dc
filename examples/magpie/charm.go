// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

// The endpoints.
const (
	peersEndpoint = "magpie"
	agentEndpoint = "cos-agent"
)

// checker is the charm.
type checker struct {
	*charm.Charm
	peers     *magpie.Peers
	system    *system
	listening *charm.Stored[listening] // what the action listen has said
	passed    *charm.Stored[passed]    // the throughput of peers that the check has measured

	inHook  bool   // rather than in an action
	problem string // of the server, which a hook has found, for the status
}

// register returns what charm.Main is given, on a machine.
func register(s *system) func(*charm.Charm) {
	return func(c *charm.Charm) {
		charm.WatchPeers(c, peersEndpoint)
		k := &checker{
			Charm: c, system: s, peers: magpie.New(c, peersEndpoint),
			listening: charm.NewStored[listening](c, "listening"),
			passed:    charm.NewStored[passed](c, "passed"),
		}
		k.peers.OnJoined(k.welcome)
		k.peers.OnDeparted(k.mourn)
		charm.On(c, k.reconcile)
		charm.OnAction(c, "ping", k.pingAction)
		charm.OnAction(c, "dns", k.dnsAction)
		charm.OnAction(c, "iperf", k.iperfAction)
		charm.OnAction(c, "info", k.infoAction)
		charm.OnAction(c, "listen", k.listenAction)
		charm.OnAction(c, "advertise", k.advertiseAction)
		charm.OnCollectStatus(c, k.status)
		cosagent.New(c, agentEndpoint, &cosagent.Options{
			Charm: "magpie", DynamicScrapeJobs: k.scrapeJobs,
			Files: metrics.Files(), MetricsRulesDir: "rules", DashboardsDir: "dashboards",
		})
	}
}

// welcome logs who has joined, once.
func (k *checker) welcome(ctx context.Context, joined []string) error {
	k.Logger().InfoContext(ctx, "peers have joined", "units", joined)
	_, err := k.peers.DismissJoined(ctx)
	return err
}

// mourn logs who has departed, once, and has the metrics forget them.
func (k *checker) mourn(ctx context.Context, departed []string) error {
	k.Logger().InfoContext(ctx, "peers have departed", "units", departed)
	if err := k.system.forget(k.results(), departed); err != nil {
		k.Logger().WarnContext(ctx, "the metrics still tell of peers that have departed", "cause", err)
	}
	_, err := k.peers.DismissDeparted(ctx)
	return err
}

// reconcile runs in every hook: it has the server run, and the peers know about it.
func (k *checker) reconcile(ctx context.Context, ev events.Hook) error {
	switch ev := ev.(type) {
	case events.Stop, events.Remove:
		return k.system.stop(ctx, k.dir())
	case events.PeerDeparted:
		if ev.Self {
			return nil // we leave, and Stop comes
		}
	}
	k.inHook = true
	o, err := charm.LoadConfig[options](ctx, k.Charm)
	if err != nil {
		return charm.BlockOnConfigError(ctx, k.Charm, err)
	}
	local, err := k.system.addresses()
	if err != nil {
		return err
	}
	if err := k.peers.AdvertiseAddresses(ctx, local); err != nil {
		return err
	}
	said, err := k.listening.Get(ctx)
	if err != nil {
		return err
	}
	_, k.problem, err = k.keepServing(ctx, o, said)
	return err
}

// dir is where the process keeps its files, and finds what the metrics tell. It is in
// the charm's directory, which upgrades leave it in.
func (k *checker) dir() string { return filepath.Join(k.Environment().Dir, ".magpie") }

// results is the file with what the metrics tell.
func (k *checker) results() string { return filepath.Join(k.dir(), resultsFile) }

func (k *checker) scrapeJobs(ctx context.Context) ([]cosagent.ScrapeJob, error) {
	o, err := charm.LoadConfig[options](ctx, k.Charm)
	return []cosagent.ScrapeJob{{Port: int(o.MetricsPort)}}, err
}

// status tells how many peers there are or, if it is to, how the checks went; and
// whatever is wrong with the server. Actions, which check what they are asked to, leave
// it as it is.
func (k *checker) status(ctx context.Context, set *charm.StatusSet) error {
	if !k.inHook {
		return nil
	}
	o, err := charm.LoadConfig[options](ctx, k.Charm)
	if err != nil {
		return charm.BlockOnConfigError(ctx, k.Charm, err)
	}
	if k.problem != "" {
		set.Add(charm.Blocked(k.problem))
	}
	nodes, err := k.peers.Nodes(ctx)
	if err != nil {
		return err
	}
	ready := fmt.Sprintf("Ready, with %d peers", len(nodes))
	if len(nodes) == 1 {
		ready = "Ready, with 1 peer"
	}
	if o.Status == "quiet" {
		set.Add(charm.Active(ready))
		return nil
	}
	return k.check(ctx, o, nodes, ready, set)
}
