// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

// findings are what checks have found, in their order.
type findings struct{ passed, failed []string }

func (f *findings) add(check, failure string) {
	if failure == "" {
		f.passed = append(f.passed, check+" ok")
	} else {
		f.failed = append(f.failed, check+" failed: "+failure)
	}
}

// check runs all checks that are to run in every hook: the unit is blocked when one
// fails.
func (k *checker) check(ctx context.Context, o options, nodes []magpie.Node, ready string, set *charm.StatusSet) error {
	var f findings
	k.checkMachine(ctx, o, &f)
	if len(nodes) > 0 {
		for _, check := range []func(context.Context, options, []magpie.Node, *findings) error{k.checkPing, k.checkDNS, k.checkIperf} {
			if err := check(ctx, o, nodes, &f); err != nil {
				return err
			}
		}
	}
	if len(f.failed) > 0 {
		set.Add(charm.Blocked(strings.Join(f.failed, ", ")))
	}
	set.Add(charm.Active(strings.Join(append([]string{ready}, f.passed...), ", ")))
	return nil
}

// checkMachine looks at this machine alone.
func (k *checker) checkMachine(ctx context.Context, o options, f *findings) {
	if o.CheckLocalHostname {
		f.add("hostname", k.system.hostname(ctx).Errors)
	}
	if o.RequiredMTU > 0 {
		f.add("mtu", mtuFailure(k.mtu(o.RequiredMTU)))
	}
	if o.CheckBonds != "" {
		if bonds := k.bonds(ctx, o.CheckBonds, o.PassiveLACP); bonds.Checked {
			f.add("bonds", bondFailures(bonds).String())
		}
	}
	if o.CheckPorts {
		f.add("port description", portFailure(k.ports(ctx)))
	}
}

func (k *checker) checkPing(ctx context.Context, o options, nodes []magpie.Node, f *findings) error {
	if !o.PingMesh {
		if leader, err := k.IsLeader(ctx); err != nil || !leader {
			return err
		}
	}
	_, failures := k.pingAll(ctx, nodes, &ping.Options{
		Tries: o.PingTries, Interval: seconds(o.PingInterval), Timeout: seconds(o.PingTimeout), MTU: o.RequiredMTU,
	})
	f.add("icmp", failures.String())
	return nil
}

func (k *checker) checkDNS(ctx context.Context, o options, nodes []magpie.Node, f *findings) error {
	if o.CheckDNS {
		_, failures := k.resolveAll(ctx, nodes, &resolve.Options{Server: o.DNSServer, Tries: o.DNSTries, Timeout: seconds(o.DNSTime)})
		f.add("dns", failures.String())
	}
	return nil
}

// passed are the peers whose throughput the check has measured and found well, and what
// it was held against.
type passed struct {
	MinSpeed  string            `json:"min_speed,omitempty"`
	Port      uint16            `json:"port,omitempty"`
	Addresses map[string]string `json:"addresses,omitempty"` // by unit: where it was measured
}

// checkIperf measures the throughput, if this unit is the leader, of those peers that
// are ready and did not pass yet, at this address and as fast as this; and tells the
// peers. The other units look for themselves among those that have passed.
func (k *checker) checkIperf(ctx context.Context, o options, _ []magpie.Node, f *findings) error {
	if !o.CheckIperf {
		return nil
	}
	leader, err := k.IsLeader(ctx)
	if err != nil {
		return err
	}
	if !leader {
		checked, err := k.peers.IperfChecked(ctx)
		if slices.Contains(checked, k.Unit()) {
			f.add("iperf", "")
		}
		return err
	}
	prefix, err := parseNetwork(o.IperfListenCIDR)
	if err != nil {
		return err
	}
	nodes, err := k.nodesIn(ctx, prefix)
	if err != nil {
		return err
	}
	ready, waiting, err := k.byReadiness(ctx, nodes)
	if err != nil {
		return err
	}
	now, failures, err := k.measureDue(ctx, o, ready)
	if err != nil {
		return err
	}
	if len(failures) == 0 && len(waiting) > 0 {
		f.passed = append(f.passed, "iperf waits for "+someOf(waiting, mostNamed))
	} else {
		f.add("iperf", failures.String())
	}
	if err := k.passed.Set(ctx, now); err != nil {
		return err
	}
	return k.peers.SetIperfChecked(ctx, slices.Collect(maps.Keys(now.Addresses)))
}

// measureDue measures those of the peers that are due. It returns those that have passed
// now or before, and why others have failed.
func (k *checker) measureDue(ctx context.Context, o options, ready []magpie.Node) (now passed, failed failures, err error) {
	minSpeed, err := throughput.ParseMinSpeed(o.MinSpeed)
	if err != nil {
		return now, nil, err
	}
	before, err := k.passed.Get(ctx)
	if err != nil {
		return now, nil, err
	}
	now = passed{o.MinSpeed, o.IperfPort, make(map[string]string)}
	var due []magpie.Node
	for _, node := range ready {
		address, ok := before.Addresses[node.Unit]
		if ok && address == node.Address.String() && before.MinSpeed == now.MinSpeed && before.Port == now.Port {
			now.Addresses[node.Unit] = address
		} else {
			due = append(due, node)
		}
	}
	if len(due) == 0 {
		return now, nil, nil
	}
	_, failed, err = k.measureAll(ctx, due, "check", o.IperfPort, &throughput.Options{
		Concurrency: []int{2}, BatchTime: seconds(o.IperfDuration), TotalTime: seconds(o.IperfDuration), MinSpeed: minSpeed,
	})
	if err != nil {
		return now, nil, err
	}
	for _, node := range due {
		if failed[node.Unit] == "" {
			now.Addresses[node.Unit] = node.Address.String()
		}
	}
	return now, failed, nil
}
