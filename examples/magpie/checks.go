// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

// findings are what checks have found, in their order.
type findings struct{ passed, failed []string }

func (f *findings) add(check string, failures ...string) {
	if len(failures) == 0 {
		f.passed = append(f.passed, check+" ok")
	} else {
		f.failed = append(f.failed, check+" failed: "+strings.Join(failures, "; "))
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
		if name := k.system.hostname(ctx); name.OK() {
			f.add("hostname")
		} else {
			f.add("hostname", name.Errors)
		}
	}
	if o.RequiredMTU > 0 {
		if mtu := k.mtu(o.RequiredMTU); mtu.OK {
			f.add("mtu")
		} else {
			f.add("mtu", fmt.Sprintf("it is %d, and must be %d", mtu.Local, mtu.Required))
		}
	}
	if o.CheckBonds != "" {
		if bonds := k.bonds(ctx, o.CheckBonds, o.PassiveLACP); bonds.Checked {
			f.add("bonds", bondFailures(bonds)...)
		}
	}
	if o.CheckPorts {
		if ports := k.ports(ctx); ports.Failed() {
			f.add("port description", strings.TrimPrefix(ports.PortDescription, "failed: "))
		} else {
			f.add("port description")
		}
	}
}

func bondFailures(bonds link.Bonds) []string {
	var failures []string
	for name, bond := range bonds.Bonds {
		if !bond.OK {
			failures = append(failures, name+": "+bond.Error)
		}
	}
	slices.Sort(failures)
	return failures
}

func (k *checker) checkPing(ctx context.Context, o options, nodes []magpie.Node, f *findings) error {
	if !o.PingMesh {
		if leader, err := k.IsLeader(ctx); err != nil || !leader {
			return err
		}
	}
	_, failures, err := k.pingAll(ctx, nodes, &ping.Options{
		Tries: o.PingTries, Interval: seconds(o.PingInterval), Timeout: seconds(o.PingTimeout), MTU: o.RequiredMTU,
	})
	f.add("icmp", failures...)
	return err
}

func (k *checker) checkDNS(ctx context.Context, o options, nodes []magpie.Node, f *findings) error {
	if !o.CheckDNS {
		return nil
	}
	_, failures, err := k.resolveAll(ctx, nodes, &resolve.Options{Server: o.DNSServer, Tries: o.DNSTries, Timeout: seconds(o.DNSTime)})
	f.add("dns", failures...)
	return err
}

// checkIperf measures the throughput, if this unit is the leader, of those peers that
// are ready and were not measured yet, or not well; and tells the peers. The other units
// look for themselves among those that the leader has measured.
func (k *checker) checkIperf(ctx context.Context, o options, nodes []magpie.Node, f *findings) error {
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
			f.add("iperf")
		}
		return err
	}
	ready, err := k.peers.ReadyIperfServers(ctx)
	if err != nil {
		return err
	}
	before, err := k.measured.Get(ctx)
	if err != nil {
		return err
	}
	minSpeed, err := throughput.ParseMinSpeed(o.MinSpeed)
	if err != nil {
		return err
	}
	measured := make(map[string]string)
	var due []magpie.Node
	for _, node := range ready {
		if result, ok := before[node.Unit]; ok && result == "" {
			measured[node.Unit] = ""
		} else {
			due = append(due, node)
		}
	}
	if len(due) > 0 {
		_, failures, err := k.measureAll(ctx, due, "check", o.IperfPort, &throughput.Options{
			Concurrency: []int{2}, BatchTime: seconds(o.IperfDuration), TotalTime: seconds(o.IperfDuration), MinSpeed: minSpeed,
		})
		if err != nil {
			return err
		}
		for _, node := range due {
			measured[node.Unit] = ""
		}
		for _, failure := range failures {
			unit, why, _ := strings.Cut(failure, ": ")
			measured[unit] = why
		}
	}
	var units, failures []string
	for _, node := range ready {
		if why := measured[node.Unit]; why == "" {
			units = append(units, node.Unit)
		} else {
			failures = append(failures, node.Unit+": "+why)
		}
	}
	if len(failures) > 0 || len(units) == len(nodes) {
		f.add("iperf", failures...)
	}
	if err := k.measured.Set(ctx, measured); err != nil {
		return err
	}
	return k.peers.SetIperfChecked(ctx, units)
}
