// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

type iperfParams struct {
	Units       string `json:"units"`
	BatchTime   int    `json:"batch-time"`
	Concurrency text   `json:"concurrency-progression"`
	TotalTime   int    `json:"total-run-time"`
	MinSpeed    text   `json:"min-speed"`
	NetworkCIDR string `json:"network-cidr"`
	Port        uint16 `json:"port"`
	Tag         text   `json:"tag"`
}

// text is a parameter that can be a number alone, as which Juju then takes what the
// operator types: min-speed=900.
type text string

// UnmarshalJSON takes a JSON string or number.
func (t *text) UnmarshalJSON(raw []byte) error {
	var number json.Number
	if err := json.Unmarshal(raw, (*string)(t)); err == nil {
		return nil
	}
	if err := json.Unmarshal(raw, &number); err != nil {
		return errors.New("must be text or a number")
	}
	*t = text(number)
	return nil
}

// iperfAction measures the throughput to peers. Its output are the runs; the metrics
// tell of each as soon as it has ended, and so does the action's log.
func (k *checker) iperfAction(ctx context.Context, in iperfParams) (out output, err error) {
	o, err := charm.LoadConfig[options](ctx, k.Charm)
	if err != nil {
		return out, err
	}
	concurrency, concurrencyErr := parseProgression(string(in.Concurrency))
	minSpeed, speedErr := throughput.ParseMinSpeed(string(in.MinSpeed))
	prefix, networkErr := parseNetwork(cmp.Or(in.NetworkCIDR, o.IperfListenCIDR))
	err = errors.Join(param("concurrency-progression", concurrencyErr), param("min-speed", speedErr), param("network-cidr", networkErr))
	if err != nil {
		return out, err
	}
	nodes, err := k.nodesIn(ctx, prefix)
	if err != nil {
		return out, err
	}
	if nodes, err = named(nodes, in.Units); err != nil {
		return out, param("units", err)
	}
	runs, failures, err := k.measureAll(ctx, nodes, string(in.Tag), cmp.Or(in.Port, o.IperfPort), &throughput.Options{
		Concurrency: concurrency, BatchTime: seconds(in.BatchTime), TotalTime: seconds(in.TotalTime), MinSpeed: minSpeed,
		Ran: func(run throughput.Run) {
			_ = k.ActionLog(ctx, fmt.Sprintf("%s, connections: %d, %d mbit/s", run.Node, run.Concurrency, run.Mbits)) // the output has it too
		},
	})
	if err != nil && len(runs) == 0 {
		return out, err
	}
	return outputOf(runs), cmp.Or(err, failures.failed(len(nodes)))
}

// parseProgression reads numbers of connections.
func parseProgression(text string) ([]int, error) {
	var progression []int
	for _, word := range words(text) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > throughput.MaxConcurrency {
			return nil, fmt.Errorf("must be numbers from 1 to %d, which %q is not", throughput.MaxConcurrency, word)
		}
		progression = append(progression, n)
	}
	if len(progression) == 0 {
		return nil, errors.New("must have a number at least")
	}
	return progression, nil
}

// measureAll measures the throughput to nodes, and returns the runs and why units have
// failed. If ctx ends, that is the error, and the runs are those before.
func (k *checker) measureAll(ctx context.Context, nodes []magpie.Node, tag string, port uint16, opts *throughput.Options) (runs []throughput.Run, failed failures, err error) {
	failed = make(failures)
	var targets []throughput.Target
	for _, node := range nodes {
		if node.Err != nil {
			failed[node.Unit] = node.Err.Error()
		} else {
			targets = append(targets, throughput.Target{Node: node.Unit, Host: node.Address.String(), Port: port})
		}
	}
	last := make(map[string]*metrics.Throughput) // by unit
	record := func() {                           // what is known of peers by now
		var peers []metrics.Peer
		for _, node := range nodes {
			if why := failed[node.Unit]; why != "" || last[node.Unit] != nil {
				peers = append(peers, metrics.Peer{Unit: node.Unit, OK: why == "", Throughput: last[node.Unit]})
			}
		}
		if len(peers) > 0 {
			k.record(ctx, metrics.Iperf, tag, peers)
		}
	}
	told := opts.Ran
	opts.Describe = k.describe
	opts.Ran = func(run throughput.Run) {
		last[run.Node] = &metrics.Throughput{BitsPerSecond: float64(run.BitsPerSecond), Concurrency: run.Concurrency}
		if !run.MinSpeedCheck.OK {
			failed[run.Node] = run.MinSpeedCheck.Message
		}
		record()
		if told != nil {
			told(run)
		}
	}
	runs, err = k.system.measure(ctx, targets, opts)
	ended := failuresIn(err)
	if len(ended) > 0 {
		err = nil
	}
	for _, failure := range ended {
		if isInterrupted(ctx, failure) {
			err = fmt.Errorf("measuring was interrupted: %w", failure.Err)
		} else {
			failed[failure.Target.Node] = failure.Err.Error()
		}
	}
	if runs == nil {
		runs = []throughput.Run{} // no null for the operator
	}
	record()
	return runs, failed, err
}

// isInterrupted reports whether it is not the peer's failure, but the end of ctx.
func isInterrupted(ctx context.Context, failure error) bool {
	return errors.Is(failure, context.Canceled) || ctx.Err() != nil && errors.Is(failure, context.Cause(ctx))
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
