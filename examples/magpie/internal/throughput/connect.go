// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// resolve returns the address at which a target answers.
func (m *measurement) resolve(ctx context.Context, target Target) (netip.AddrPort, error) {
	addresses, err := m.lookup(ctx, target.Host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return m.reach(ctx, addresses, target.Port)
}

// reach returns the first of the addresses that answers. One that is alone is not
// asked.
func (m *measurement) reach(ctx context.Context, addresses []netip.Addr, port uint16) (netip.AddrPort, error) {
	if len(addresses) == 1 {
		return netip.AddrPortFrom(addresses[0], port), nil
	}
	var failures []error
	for _, a := range addresses {
		to := netip.AddrPortFrom(a, port)
		conn, err := m.dial(ctx, to)
		if err == nil {
			_ = conn.Close()
			return to, nil
		}
		failures = append(failures, err)
	}
	return netip.AddrPort{}, errors.Join(failures...)
}

// lookup returns the addresses of a host, one or more.
func (m *measurement) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		if err := hostile.CheckZone(a); err != nil {
			return nil, fmt.Errorf("cannot reach %s: %w", hostile.Quote(host), err)
		}
		return []netip.Addr{a.Unmap()}, nil
	}
	if !hostile.IsHostName(host) {
		return nil, fmt.Errorf("cannot reach %s: it is neither an IP address nor a host name", hostile.Quote(host))
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.Timeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("cannot resolve host %q: %w", host, cause(err, m.opts.Timeout))
	}
	for i, a := range found {
		found[i] = a.Unmap()
	}
	return found, nil
}

// dial connects to an address.
func (m *measurement) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{Timeout: m.opts.Timeout}
	dialer.SetMultipathTCP(false) // it is TCP that is measured
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("cannot connect to %q: nothing listens at the port: %w", to, cause(err, m.opts.Timeout))
	}
	return nil, fmt.Errorf("cannot connect to %q: %w", to, cause(err, m.opts.Timeout))
}
