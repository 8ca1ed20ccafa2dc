// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/lldp"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// lab is the network that units are tested in: what is not said to be broken works.
type lab struct {
	mu          sync.Mutex
	unreachable map[string]string // by address: why
	slow        map[string]bool   // by address
	unnamed     map[string]bool   // by address: DNS does not know it
	serverFails string            // why
	failsFor    string            // with this in its arguments
	serverAt    map[string]bool   // if not nil: where peers' servers are, beside those of units in the lab
	recordFails bool

	interruptedAt string // the host at which a measurement is interrupted
	lldpJSON      string
	addresses     []netip.Addr
	files         fstest.MapFS

	specs    []daemon.Spec       // of the processes that were asked for
	listens  map[string][]string // by directory: where throughput servers listen
	stopped  int
	pings    []ping.Options
	lookups  []resolve.Options
	measured []string // unit and address
	records  []metrics.Run
	forgot   []string
}

func newLab() *lab {
	return &lab{
		listens:     map[string][]string{},
		unreachable: map[string]string{}, slow: map[string]bool{}, unnamed: map[string]bool{},
		addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fd00::5")},
		files: fstest.MapFS{
			"proc/net/route": {Data: []byte("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" +
				"eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")},
			"sys/class/net/eth0/address":   {Data: []byte("00:16:3e:00:00:05\n")},
			"sys/class/net/eth0/mtu":       {Data: []byte("1500\n")},
			"sys/class/net/eth0/speed":     {Data: []byte("1000\n")},
			"sys/class/net/eth0/operstate": {Data: []byte("up\n")},
		},
	}
}

// system returns the machines of the lab.
func (l *lab) system() *system {
	return &system{
		machine:   link.New(l.files, nil),
		addresses: func() ([]netip.Addr, error) { return l.addresses, nil },
		hostname:  func(context.Context) resolve.Hostname { return resolve.Hostname{Hostname: "node5"} },
		lldp: func(context.Context) lldp.Report {
			report, err := lldp.Parse([]byte(l.lldpJSON))
			if err != nil {
				return lldp.Report{Problem: "lldpd is not installed"}
			}
			return report
		},
		ping: l.ping, resolve: l.resolve, measure: l.measure,
		ensure: l.ensure,
		stop:   func(context.Context, string) error { l.mu.Lock(); defer l.mu.Unlock(); l.stopped++; return nil },
		record: func(_ string, run metrics.Run) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.recordFails {
				return errors.New("no space left on device")
			}
			run.Peers = append([]metrics.Peer(nil), run.Peers...)
			l.records = append(l.records, run)
			return nil
		},
		forget: func(_ string, units []string) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.forgot = append(l.forgot, units...)
			return nil
		},
		now: func() time.Time { return time.Unix(1e9, 0) },
	}
}

func (l *lab) ping(_ context.Context, targets []ping.Target, opts *ping.Options) []ping.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pings = append(l.pings, *opts)
	var results []ping.Result
	for _, t := range targets {
		r := ping.Result{Name: t.Name, Address: t.Address, Sent: opts.Tries, Received: opts.Tries}
		if why, bad := l.unreachable[t.Address]; bad {
			r.Received = 0
			if why != "" {
				r.Err = errors.New(why)
			}
		}
		results = append(results, r)
	}
	return results
}

func (l *lab) resolve(_ context.Context, targets []resolve.Target, opts *resolve.Options) resolve.Results {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookups = append(l.lookups, *opts)
	results := make(resolve.Results)
	for _, t := range targets {
		name := strings.ReplaceAll(t.Name, "/", "-") + ".example"
		r := resolve.Result{Reverse: resolve.Reverse{Hostnames: []string{name}, OK: true}, Forward: map[string]resolve.Forward{
			name: {IPs: []netip.Addr{netip.MustParseAddr(t.Address)}, OK: true, Match: true},
		}}
		if l.unnamed[t.Address] {
			r = resolve.Result{Reverse: resolve.Reverse{Hostnames: []string{}, Error: "no such name"}, Forward: map[string]resolve.Forward{}}
		}
		results[t.Name] = r
	}
	return results
}

func (l *lab) measure(_ context.Context, targets []throughput.Target, opts *throughput.Options) (runs []throughput.Run, err error) {
	l.mu.Lock()
	var failures []error
	for _, t := range targets {
		l.measured = append(l.measured, t.Node+" at "+t.Host)
		if err := l.refusal(net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port))), t.Host); err != nil {
			failures = append(failures, &throughput.Error{Target: t, Err: err})
			continue
		}
		speed := int64(940)
		if l.slow[t.Host] {
			speed = 94
		}
		for _, n := range opts.Concurrency {
			destination := netip.MustParseAddr(t.Host)
			between := opts.Describe(netip.Addr{}, destination)
			runs = append(runs, throughput.Run{
				Node: t.Node, Port: t.Port, Destination: destination, Concurrency: n, Mbits: speed, BitsPerSecond: speed * 1e6,
				SourceInterface: between.Interface, MinSpeedCheck: opts.MinSpeed.Check(speed, between.Speed),
			})
		}
	}
	l.mu.Unlock()
	for _, run := range runs {
		opts.Ran(run)
	}
	return runs, errors.Join(failures...)
}

// refusal is why a server cannot be reached: what is broken, or it is not there.
func (l *lab) refusal(address, host string) error {
	if host == l.interruptedAt {
		return context.Canceled
	}
	if why, bad := l.unreachable[host]; bad {
		return errors.New(why)
	}
	if l.serverAt == nil || l.serverAt[address] {
		return nil
	}
	for _, listened := range l.listens {
		if slices.Contains(listened, address) {
			return nil
		}
	}
	return syscall.ECONNREFUSED
}

func (l *lab) ensure(_ context.Context, spec daemon.Spec) (daemon.Status, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.serverFails != "" && strings.Contains(strings.Join(spec.Args, " "), l.failsFor) {
		delete(l.listens, spec.Dir) // the one before has been stopped
		return daemon.Status{}, &daemon.StartError{Program: "magpie", Log: []string{"magpie: " + l.serverFails, ""}, Err: errors.New("exit status 1")}
	}
	l.listens[spec.Dir] = strings.Split(flagOf(spec, "-listen"), ",")
	started := len(l.specs) == 0 || strings.Join(l.specs[len(l.specs)-1].Args, " ") != strings.Join(spec.Args, " ")
	l.specs = append(l.specs, spec)
	return daemon.Status{PID: 1, Started: started}, nil
}

// flag returns what the process was last given as a flag.
func (l *lab) flag(name string) string { return flagOf(l.specs[len(l.specs)-1], name) }

func flagOf(spec daemon.Spec, name string) string {
	i := slices.Index(spec.Args, name)
	return spec.Args[i+1]
}

// newUnit returns a unit of the charm in a lab, whose endpoint is bound to 10.0.0.5.
func newUnit(t *testing.T, l *lab, opts *charmtest.Options) (*charmtest.Harness, *charmtest.Relation) {
	t.Helper()
	h := charmtest.New(t, register(l.system()), opts)
	h.SetNetwork("magpie", charmtest.Network{Interfaces: []charmtest.Interface{
		{Name: "eth0", Addresses: []charmtest.InterfaceAddress{{Value: "10.0.0.5", CIDR: "10.0.0.0/24"}}},
	}})
	return h, h.Peers("magpie")
}

// at returns the databag of a peer at an address.
func at(address string) map[string]string {
	return map[string]string{"ingress-address": address, "iperf.server": "True"}
}
