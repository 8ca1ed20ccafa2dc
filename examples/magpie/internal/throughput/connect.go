// SPDX-License-Identifier: Apache-2.0

package throughput

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
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

// lookup returns the addresses of a host that the source can send to, one or more.
func (m *measurement) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		found = append(found, a)
	} else {
		ctx, cancel := context.WithTimeout(ctx, m.opts.Timeout)
		defer cancel()
		found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, fmt.Errorf("cannot resolve host %q: %w", host, cause(err, m.opts.Timeout))
		}
	}
	var usable []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if !m.opts.Source.IsValid() || m.opts.Source.Is4() == a.Is4() {
			usable = append(usable, a)
		}
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("cannot reach host %q from %q: no address of it is of the same family", host, m.opts.Source)
	}
	return usable, nil
}

// dial connects to an address, from the source if there is one.
func (m *measurement) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{Timeout: m.opts.Timeout}
	dialer.SetMultipathTCP(false) // it is TCP that is measured
	from := ""
	if m.opts.Source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(m.opts.Source, 0))
		from = fmt.Sprintf(" from %q", m.opts.Source)
	}
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("cannot connect to %q%s: nothing listens at the port: %w", to, from, cause(err, m.opts.Timeout))
	case from != "" && errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("cannot connect to %q%s: this machine has no such address: %w", to, from, cause(err, m.opts.Timeout))
	}
	return nil, fmt.Errorf("cannot connect to %q%s: %w", to, from, cause(err, m.opts.Timeout))
}
