// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

// output is the result of every action: indented JSON.
type output struct {
	Output string `json:"output"`
}

// outputOf returns a value as the result of an action.
func outputOf(value any) output {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // people read it
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(err) // a type that is no JSON
	}
	return output{strings.TrimSuffix(text.String(), "\n")}
}

type pingParams struct {
	Timeout     int     `json:"timeout"`
	Tries       int     `json:"tries"`
	Interval    float64 `json:"interval"`
	RequiredMTU int     `json:"required-mtu"`
}

// pingAction pings all peers. Its output tells of each "ok", or what is wrong.
func (k *checker) pingAction(ctx context.Context, in pingParams) (out output, err error) {
	if err := checkMTU(in.RequiredMTU); err != nil {
		return out, param("required-mtu", err)
	}
	nodes, err := k.peers.Nodes(ctx)
	if err != nil {
		return out, err
	}
	results, failures := k.pingAll(ctx, nodes, &ping.Options{
		Tries: in.Tries, Interval: seconds(in.Interval), Timeout: seconds(in.Timeout), MTU: in.RequiredMTU,
	})
	return outputOf(results), failures.failed(len(nodes))
}

// pingAll pings nodes. It returns what to tell of each, by unit, and why units have
// failed.
func (k *checker) pingAll(ctx context.Context, nodes []magpie.Node, opts *ping.Options) (results map[string]string, failed failures) {
	results, failed = make(map[string]string), make(failures)
	var targets []ping.Target
	for _, node := range nodes {
		if node.Err != nil {
			results[node.Unit] = node.Err.Error()
		} else {
			targets = append(targets, ping.Target{Name: node.Unit, Address: node.Address.String()})
		}
	}
	for _, r := range k.system.ping(ctx, targets, opts) {
		results[r.Name] = r.String()
	}
	var peers []metrics.Peer
	for _, node := range nodes {
		ok := results[node.Unit] == "ok"
		peers = append(peers, metrics.Peer{Unit: node.Unit, OK: ok})
		if !ok {
			failed[node.Unit] = results[node.Unit]
		}
	}
	k.record(ctx, metrics.Ping, "", peers)
	return results, failed
}

type dnsParams struct {
	Server  string `json:"server"`
	Tries   int    `json:"tries"`
	Timeout int    `json:"timeout"`
}

// dnsAction looks up all peers.
func (k *checker) dnsAction(ctx context.Context, in dnsParams) (out output, err error) {
	if err := checkServer(in.Server); err != nil {
		return out, param("server", err)
	}
	nodes, err := k.peers.Nodes(ctx)
	if err != nil {
		return out, err
	}
	results, failures := k.resolveAll(ctx, nodes, &resolve.Options{Server: in.Server, Tries: in.Tries, Timeout: seconds(in.Timeout)})
	return outputOf(results), failures.failed(len(nodes))
}

// resolveAll looks nodes up, and returns what pingAll does.
func (k *checker) resolveAll(ctx context.Context, nodes []magpie.Node, opts *resolve.Options) (results resolve.Results, failed failures) {
	failed = make(failures)
	var targets []resolve.Target
	for _, node := range nodes {
		if node.Err == nil {
			targets = append(targets, resolve.Target{Name: node.Unit, Address: node.Address.String()})
		}
	}
	results = k.system.resolve(ctx, targets, opts)
	var peers []metrics.Peer
	for _, node := range nodes {
		if node.Err != nil {
			results[node.Unit] = resolve.Result{
				Reverse: resolve.Reverse{Hostnames: []string{}, Error: node.Err.Error()}, Forward: map[string]resolve.Forward{},
			}
		}
		result := results[node.Unit]
		peers = append(peers, metrics.Peer{Unit: node.Unit, OK: result.OK()})
		if !result.OK() {
			failed[node.Unit] = whyUnresolved(result)
		}
	}
	k.record(ctx, metrics.DNS, "", peers)
	return results, failed
}

// whyUnresolved returns the first that is wrong with a result.
func whyUnresolved(r resolve.Result) string {
	if !r.Reverse.OK {
		if r.Reverse.Error != "" {
			return r.Reverse.Error
		}
		return "its address has no name"
	}
	for _, name := range r.Reverse.Hostnames {
		switch forward := r.Forward[name]; {
		case forward.Error != "":
			return forward.Error
		case !forward.OK:
			return name + " has no address"
		case !forward.Match:
			return name + " has another address"
		}
	}
	return "its names have no addresses"
}

// record leaves what was found for the metrics. Without the server's directory, before
// the first hook has started it, nobody asks for them. What was found is not lost if they
// cannot be told.
func (k *checker) record(ctx context.Context, check, tag string, peers []metrics.Peer) {
	err := k.system.record(k.results(), metrics.Run{
		Check: check, Tag: tag, Model: k.Environment().ModelName, Unit: k.Unit(), Time: k.system.now(), Peers: peers,
	})
	if err != nil {
		k.Logger().WarnContext(ctx, "the metrics do not tell of a check", "cause", err)
	}
}
