// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"time"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/lldp"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// system is what the charm asks of its machine and of the network.
type system struct {
	machine   *link.Machine
	addresses func() ([]netip.Addr, error) // of the machine's interfaces
	hostname  func(ctx context.Context) resolve.Hostname
	lldp      func(ctx context.Context) lldp.Report
	ping      func(ctx context.Context, targets []ping.Target, opts *ping.Options) []ping.Result
	resolve   func(ctx context.Context, targets []resolve.Target, opts *resolve.Options) resolve.Results
	measure   func(ctx context.Context, targets []throughput.Target, opts *throughput.Options) ([]throughput.Run, error)
	ensure    func(ctx context.Context, spec daemon.Spec) (daemon.Status, error)
	stop      func(ctx context.Context, dir string) error
	record    func(file string, run metrics.Run) error // nothing where there is no directory yet
	forget    func(file string, units []string) error
	now       func() time.Time
}

// newSystem returns this machine.
func newSystem() *system {
	return &system{
		machine:   link.New(nil, &link.Options{NeighbourDump: link.DumpNeighbours}),
		addresses: interfaceAddresses,
		hostname:  func(ctx context.Context) resolve.Hostname { return resolve.LocalHostname(ctx, nil) },
		lldp:      func(ctx context.Context) lldp.Report { return lldp.Read(ctx, nil) },
		ping:      ping.Run,
		resolve:   resolve.Check,
		measure:   throughput.Measure,
		ensure:    daemon.Ensure,
		stop:      func(ctx context.Context, dir string) error { return daemon.Stop(ctx, dir, nil) },
		record: func(file string, run metrics.Run) error {
			if err := metrics.Record(file, run); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		},
		forget: metrics.Forget,
		now:    time.Now,
	}
}

func interfaceAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	var addresses []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			addresses = append(addresses, prefix.Addr())
		}
	}
	return addresses, err
}
