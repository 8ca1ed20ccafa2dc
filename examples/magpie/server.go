// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/network"
)

// listening is where the action listen has the throughput server listen.
type listening struct {
	CIDR  string `json:"cidr,omitempty"`
	Count int    `json:"count,omitempty"` // ports; 0: one
}

// keepServing has the process run that measures and is scraped, with the program and the
// configuration as they are now, and tells the peers whether it does. It returns the
// addresses of the throughput server; or what the operator has to mend, for the status,
// which is no error.
func (k *checker) keepServing(ctx context.Context, o options, said listening) (addresses []string, problem string, err error) {
	ports, wrong := throughputPorts(o, said)
	if wrong != nil {
		return k.notServing(ctx, wrong.Error())
	}
	bound, err := k.bound(ctx)
	if errors.Is(err, hookcmd.ErrNoAddress) {
		return k.notServing(ctx, "Juju has no address for the endpoint magpie")
	}
	if err != nil {
		return nil, "", err
	}
	hosts := []string{bound} // where peers look that know of no network
	if cidr := cmp.Or(said.CIDR, o.IperfListenCIDR); cidr != "" {
		inside, err := k.hostsIn(cidr)
		if err != nil {
			return nil, "", err
		}
		if len(inside) == 0 {
			return k.notServing(ctx, fmt.Sprintf("no address of this machine is in the network %s", cidr))
		}
		hosts = append(hosts, slices.DeleteFunc(inside, func(host string) bool { return host == bound })...)
	}
	scraped, err := k.scraped(ctx, bound, o)
	if err != nil {
		return nil, "", err
	}
	addresses = join(hosts, ports)
	status, err := k.system.ensure(ctx, daemon.Spec{Dir: k.dir(), Args: serveArgs(k.dir(), addresses, scraped)})
	if failed, ok := errors.AsType[*daemon.StartError](err); ok {
		k.Logger().ErrorContext(ctx, "the server does not start", "cause", err)
		return k.notServing(ctx, "neither throughput nor metrics are served: "+lastOf(failed))
	}
	if err != nil {
		return nil, "", err
	}
	if status.Started {
		k.Logger().InfoContext(ctx, "the server has started", "addresses", addresses, "replaced", status.Replaced)
	}
	problem, err = k.openPorts(ctx, append(ports, int(o.MetricsPort)))
	if err != nil {
		return nil, "", err
	}
	return addresses, problem, k.peers.SetIperfServerReady(ctx)
}

// notServing tells the peers that there is no server, because of a problem.
func (k *checker) notServing(ctx context.Context, problem string) ([]string, string, error) {
	return nil, problem, k.peers.ClearIperfServerReady(ctx)
}

// throughputPorts returns the ports of the throughput server; an error if there are not
// as many, or the metrics have one of them.
func throughputPorts(o options, said listening) ([]int, error) {
	first := int(o.IperfPort)
	last := first + max(said.Count, 1) - 1
	if last > 65535 {
		return nil, fmt.Errorf("there are no %d ports from %d on for the action listen", said.Count, first)
	}
	if metrics := int(o.MetricsPort); first <= metrics && metrics <= last {
		return nil, fmt.Errorf("ports %d to %d of the action listen include metrics_port %d", first, last, metrics)
	}
	var ports []int
	for port := first; port <= last; port++ {
		ports = append(ports, port)
	}
	return ports, nil
}

// join returns the addresses of all ports at all hosts.
func join(hosts []string, ports []int) []string {
	var addresses []string
	for _, host := range hosts {
		for _, port := range ports {
			addresses = append(addresses, net.JoinHostPort(host, strconv.Itoa(port)))
		}
	}
	return addresses
}

// bound returns the address that Juju binds the endpoint to.
func (k *checker) bound(ctx context.Context) (string, error) {
	n, err := network.Of(ctx, k.Charm, peersEndpoint)
	if err != nil {
		return "", err
	}
	address, err := n.BindAddress()
	return address.String(), err
}

// hostsIn returns the machine's addresses inside a network.
func (k *checker) hostsIn(cidr string) ([]string, error) {
	prefix, err := parseNetwork(cidr)
	if err != nil {
		return nil, err
	}
	local, err := k.system.addresses()
	var hosts []string
	for _, ip := range local {
		if prefix.Contains(ip.Unmap()) {
			hosts = append(hosts, ip.Unmap().String())
		}
	}
	return hosts, err
}

// scraped returns the addresses of the metrics: that of the endpoint and, for an agent
// on this machine, localhost.
func (k *checker) scraped(ctx context.Context, bound string, o options) ([]string, error) {
	hosts := []string{bound}
	agents, err := k.Relations(ctx, agentEndpoint)
	if ip, _ := netip.ParseAddr(bound); len(agents) > 0 && ip != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		hosts = append(hosts, "127.0.0.1")
	}
	return join(hosts, []int{int(o.MetricsPort)}), err
}

// lastOf returns the last that a process has said which did not start.
func lastOf(err *daemon.StartError) string {
	for _, line := range slices.Backward(err.Log) {
		if line := strings.TrimSpace(strings.TrimPrefix(line, "magpie: ")); line != "" {
			return line
		}
	}
	return err.Err.Error()
}

// openPorts opens these ports and no others. Each is one of its own for Juju, so that
// none is closed when others are opened beside it. A conflict is a problem.
func (k *checker) openPorts(ctx context.Context, ports []int) (problem string, err error) {
	var open []charm.PortRange
	for _, port := range ports {
		open = append(open, charm.TCP(port))
	}
	err = k.SetPorts(ctx, open...)
	if refused, ok := errors.AsType[*hookcmd.Error](err); ok && errors.Is(err, hookcmd.ErrPortConflict) {
		k.Logger().WarnContext(ctx, "ports of the server are not open", "cause", err)
		return "ports of the server are not open: " + refused.Stderr, nil
	}
	return "", err
}
