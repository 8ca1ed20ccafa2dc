// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
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

// serve has the process run that measures and is scraped, with the program and the
// configuration as they are now, and tells the peers whether it does. It returns the
// addresses of the throughput server. What the operator has to mend is the problem that
// the status tells, and no error.
func (k *checker) serve(ctx context.Context, o options) (addresses []string, err error) {
	said, err := k.listening.Get(ctx)
	if err != nil {
		return nil, err
	}
	bound, err := k.bound(ctx)
	if errors.Is(err, hookcmd.ErrNoAddress) {
		k.problem = "Juju has no address for the endpoint magpie"
		return nil, k.peers.ClearIperfServerReady(ctx)
	}
	if err != nil {
		return nil, err
	}
	hosts := []string{bound}
	if cidr := said.CIDR + o.IperfListenCIDR; cidr != "" {
		if said.CIDR != "" {
			cidr = said.CIDR
		}
		if hosts, err = k.hostsIn(cidr); err != nil {
			return nil, err
		}
		if len(hosts) == 0 {
			k.problem = fmt.Sprintf("no address of this machine is in the network %s", cidr)
			return nil, k.peers.ClearIperfServerReady(ctx)
		}
	}
	last := int(o.IperfPort) + max(said.Count, 1) - 1
	for _, host := range hosts {
		for port := int(o.IperfPort); port <= last; port++ {
			addresses = append(addresses, net.JoinHostPort(host, strconv.Itoa(port)))
		}
	}
	scraped, err := k.scraped(ctx, bound, o)
	if err != nil {
		return nil, err
	}
	status, err := k.system.ensure(ctx, daemon.Spec{Dir: k.dir(), Args: serveArgs(k.dir(), addresses, scraped)})
	var failed *daemon.StartError
	if errors.As(err, &failed) {
		k.Logger().ErrorContext(ctx, "the server does not start", "cause", err)
		k.problem = "the server does not start: " + lastOf(failed)
		return nil, k.peers.ClearIperfServerReady(ctx)
	}
	if err != nil {
		return nil, err
	}
	if status.Started {
		k.Logger().InfoContext(ctx, "the server has started", "addresses", addresses, "replaced", status.Replaced)
	}
	ports := []charm.PortRange{charm.TCP(int(o.MetricsPort)), {From: int(o.IperfPort), To: last, Protocol: "tcp"}}
	if err := k.SetPorts(ctx, ports...); err != nil && !errors.Is(err, hookcmd.ErrPortConflict) {
		return nil, err // a conflict with what has just been closed is over in the next hook
	}
	return addresses, k.peers.SetIperfServerReady(ctx)
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
	addresses := []string{net.JoinHostPort(bound, strconv.Itoa(int(o.MetricsPort)))}
	agents, err := k.Relations(ctx, agentEndpoint)
	if ip, _ := netip.ParseAddr(bound); len(agents) > 0 && ip != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		addresses = append(addresses, net.JoinHostPort("127.0.0.1", strconv.Itoa(int(o.MetricsPort))))
	}
	return addresses, err
}

// lastOf returns the last that a process has said which did not start.
func lastOf(err *daemon.StartError) string {
	for i := len(err.Log) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(strings.TrimPrefix(err.Log[i], "magpie: ")); line != "" {
			return line
		}
	}
	return err.Err.Error()
}

type listenParams struct {
	NetworkCIDR   string `json:"network-cidr"`
	ListenerCount int    `json:"listener-count"`
}

// listenAction has the throughput server listen elsewhere.
func (k *checker) listenAction(ctx context.Context, in listenParams) (out output, err error) {
	if _, err := parseNetwork(in.NetworkCIDR); err != nil {
		return out, err
	}
	o, err := charm.LoadConfig[options](ctx, k.Charm)
	if err != nil {
		return out, err
	}
	if int(o.IperfPort)+in.ListenerCount-1 > 65535 {
		return out, fmt.Errorf("there are no %d ports from %d on", in.ListenerCount, o.IperfPort)
	}
	if err := k.listening.Set(ctx, listening{in.NetworkCIDR, in.ListenerCount}); err != nil {
		return out, err
	}
	addresses, err := k.serve(ctx, o)
	if err == nil && k.problem != "" {
		err = errors.New(k.problem)
	}
	return outputOf(map[string][]string{"listening": addresses}), err
}

// advertiseAction tells the peers this unit's addresses.
func (k *checker) advertiseAction(ctx context.Context, _ struct{}) (out output, err error) {
	local, err := k.system.addresses()
	if err != nil {
		return out, err
	}
	if err := k.peers.AdvertiseAddresses(ctx, local); err != nil {
		return out, err
	}
	rel, err := k.Peers(ctx, peersEndpoint)
	if err != nil {
		return out, err
	}
	advertised, err := rel.Local().Get(ctx, "iperf_addresses")
	return output{advertised}, err
}
