// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

type iperfParams struct {
	Units       string `json:"units"`
	BatchTime   int    `json:"batch-time"`
	Concurrency string `json:"concurrency-progression"`
	TotalTime   int    `json:"total-run-time"`
	MinSpeed    string `json:"min-speed"`
	NetworkCIDR string `json:"network-cidr"`
	Port        uint16 `json:"port"`
	Tag         string `json:"tag"`
}

// iperfAction measures the throughput to peers. Its output are the runs; the metrics
// tell of each as soon as it has ended, and so does the action's log.
func (k *checker) iperfAction(ctx context.Context, in iperfParams) (out output, err error) {
	concurrency, concurrencyErr := parseProgression(in.Concurrency)
	minSpeed, speedErr := throughput.ParseMinSpeed(in.MinSpeed)
	prefix, networkErr := parseNetwork(in.NetworkCIDR)
	if err := errors.Join(concurrencyErr, speedErr, networkErr); err != nil {
		return out, err
	}
	if in.Port == 0 {
		o, err := charm.LoadConfig[options](ctx, k.Charm)
		if err != nil {
			return out, err
		}
		in.Port = o.IperfPort
	}
	nodes, err := k.chosen(ctx, in.Units, prefix)
	if err != nil {
		return out, err
	}
	runs, failures, err := k.measureAll(ctx, nodes, in.Tag, in.Port, &throughput.Options{
		Concurrency: concurrency, BatchTime: seconds(in.BatchTime), TotalTime: seconds(in.TotalTime), MinSpeed: minSpeed,
		Ran: func(run throughput.Run) {
			_ = k.ActionLog(ctx, fmt.Sprintf("%s, connections: %d, %d mbit/s", run.Node, run.Concurrency, run.Mbits)) // the output has it too
		},
	})
	if err != nil {
		return out, err
	}
	return outputOf(runs), failed(len(nodes), failures)
}

// parseProgression reads numbers of connections.
func parseProgression(text string) ([]int, error) {
	var progression []int
	for _, word := range words(text) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > 1024 {
			return nil, fmt.Errorf("cannot read concurrency-progression: %q is no number from 1 to 1024", word)
		}
		progression = append(progression, n)
	}
	if len(progression) == 0 {
		return nil, errors.New("cannot read concurrency-progression: it is empty")
	}
	return progression, nil
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' })
}

// chosen returns the peers that the operator has named; all of them, if none. With a
// network their addresses are those inside it.
func (k *checker) chosen(ctx context.Context, units string, prefix netip.Prefix) ([]magpie.Node, error) {
	nodes, err := k.peers.Nodes(ctx)
	if prefix.IsValid() {
		var missing []magpie.Node
		nodes, missing, err = k.peers.NodesIn(ctx, prefix)
		nodes = append(nodes, missing...)
	}
	names := words(units)
	if err != nil || len(names) == 0 {
		return nodes, err
	}
	var chosen []magpie.Node
	for _, name := range names {
		i := slices.IndexFunc(nodes, func(n magpie.Node) bool { return n.Unit == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no peer %q", name)
		}
		chosen = append(chosen, nodes[i])
	}
	return chosen, nil
}

// measureAll measures the throughput to nodes, and returns the runs and what pingAll
// returns of those that failed.
func (k *checker) measureAll(ctx context.Context, nodes []magpie.Node, tag string, port uint16, opts *throughput.Options) (runs []throughput.Run, failures []string, err error) {
	why := make(map[string]string) // by unit
	var targets []throughput.Target
	peers := make([]metrics.Peer, len(nodes))
	for i, node := range nodes {
		peers[i] = metrics.Peer{Unit: node.Unit}
		if node.Err != nil {
			why[node.Unit] = node.Err.Error()
			continue
		}
		targets = append(targets, throughput.Target{Node: node.Unit, Host: node.Address.String(), Port: port})
	}
	told := opts.Ran
	opts.Describe = k.describe
	opts.Ran = func(run throughput.Run) {
		i := slices.IndexFunc(peers, func(p metrics.Peer) bool { return p.Unit == run.Node })
		peers[i].OK = run.MinSpeedCheck.OK
		peers[i].Throughput = &metrics.Throughput{BitsPerSecond: float64(run.BitsPerSecond), Concurrency: run.Concurrency}
		if !run.MinSpeedCheck.OK {
			why[run.Node] = run.MinSpeedCheck.Message
		}
		_ = k.record(metrics.Iperf, tag, peers) // it is recorded again at the end
		if told != nil {
			told(run)
		}
	}
	runs, err = k.system.measure(ctx, targets, opts)
	var failure *throughput.Error
	if err != nil && !errors.As(err, &failure) {
		return nil, nil, err
	}
	for _, failure := range failuresIn(err) {
		why[failure.Target.Node] = failure.Err.Error()
	}
	for i, node := range nodes {
		if text, bad := why[node.Unit]; bad {
			peers[i].OK = false
			failures = append(failures, node.Unit+": "+text)
		}
	}
	if runs == nil {
		runs = []throughput.Run{}
	}
	return runs, failures, k.record(metrics.Iperf, tag, peers)
}

// failuresIn returns the failures that are joined in an error.
func failuresIn(err error) []*throughput.Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*throughput.Error
		for _, part := range joined.Unwrap() {
			all = append(all, failuresIn(part)...)
		}
		return all
	}
	if failure, ok := err.(*throughput.Error); ok {
		return []*throughput.Error{failure}
	}
	return nil
}

// describe tells what lies between this machine and an address.
func (k *checker) describe(_, destination netip.Addr) throughput.Link {
	path := k.system.machine.Reach(destination)
	described := throughput.Link{Interface: path.Interface, SourceMAC: path.SourceMAC, DestinationMAC: path.NeighbourMAC}
	if nic, err := k.system.machine.Interface(path.Interface); err == nil {
		described.Speed = int64(nic.Speed)
	}
	return described
}
