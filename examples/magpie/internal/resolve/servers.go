// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

const (
	port        = 53
	maxServers  = 3   // of resolv.conf, as of resolv.conf(5)
	maxInFlight = 256 // questions at the same time: each has a socket
)

// client asks DNS servers.
type client struct {
	servers []netip.AddrPort // at least one
	tries   int
	timeout time.Duration
	slots   chan struct{}
}

func newClient(opts *Options) (*client, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.ResolvConf == "" {
		o.ResolvConf = defaultResolvConf
	}
	if o.Tries == 0 {
		o.Tries = defaultTries
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	switch {
	case o.Tries < 0:
		return nil, fmt.Errorf("cannot ask a DNS server %d times", o.Tries)
	case o.Timeout < 0:
		return nil, fmt.Errorf("cannot wait %v for a DNS server", o.Timeout)
	}
	servers, err := serversOf(o.Server, o.ResolvConf)
	if err != nil {
		return nil, err
	}
	return &client{servers, o.Tries, o.Timeout, make(chan struct{}, maxInFlight)}, nil
}

// serversOf returns the server of that text, or if it is empty, those of a file
// that can be asked.
func serversOf(server, resolvConf string) ([]netip.AddrPort, error) {
	if server != "" {
		s, err := serverOf(server)
		if err != nil {
			return nil, fmt.Errorf("cannot use the DNS server %s: %w", hostile.Quote(server), err)
		}
		return []netip.AddrPort{s}, nil
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, fmt.Errorf("cannot read the DNS servers: %w", err)
	}
	var servers []netip.AddrPort
	for _, text := range config.Servers {
		ip, notIP := netip.ParseAddr(text)
		if notIP != nil || len(servers) == maxServers {
			continue
		}
		if zone := hostile.CheckZone(ip); zone != nil {
			err = fmt.Errorf("cannot use %s: %w", hostile.Quote(text), zone)
			continue
		}
		servers = append(servers, netip.AddrPortFrom(ip, port))
	}
	switch {
	case len(servers) > 0:
		return servers, nil
	case err != nil:
		return nil, fmt.Errorf("cannot find a DNS server in %q: %w", resolvConf, err)
	}
	return nil, fmt.Errorf("cannot find a DNS server in %q", resolvConf)
}

// serverOf returns the server of a text.
func serverOf(text string) (netip.AddrPort, error) {
	s, err := netip.ParseAddrPort(text)
	if ip, ipErr := netip.ParseAddr(text); ipErr == nil {
		s, err = netip.AddrPortFrom(ip, port), nil
	}
	if err != nil || s.Port() == 0 {
		return s, errors.New("it is not an IP address, or one with a port")
	}
	return s, hostile.CheckZone(s.Addr())
}
