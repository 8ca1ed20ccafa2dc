// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
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

// serversOf returns the server of that text, or if it is empty, those of a file.
func serversOf(server, resolvConf string) ([]netip.AddrPort, error) {
	if server != "" {
		if ip, err := netip.ParseAddr(server); err == nil {
			return []netip.AddrPort{netip.AddrPortFrom(ip, port)}, nil
		}
		if s, err := netip.ParseAddrPort(server); err == nil && s.Port() != 0 {
			return []netip.AddrPort{s}, nil
		}
		return nil, fmt.Errorf("cannot use the DNS server %s: it is not an IP address, or one with a port", quoted(server))
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, fmt.Errorf("cannot read the DNS servers: %w", err)
	}
	var servers []netip.AddrPort
	for _, s := range config.Servers {
		if ip, err := netip.ParseAddr(s); err == nil && len(servers) < maxServers {
			servers = append(servers, netip.AddrPortFrom(ip, port))
		}
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("cannot find a DNS server in %q", resolvConf)
	}
	return servers, nil
}
