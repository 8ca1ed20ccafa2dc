// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// Hostname is what this machine knows of its own name.
type Hostname struct {
	Hostname string `json:"hostname"`
	Errors   string `json:"errors"` // why the name has no address; empty if it has
}

// OK reports whether the machine's name has an address.
func (h Hostname) OK() bool { return h.Errors == "" }

// HostnameOptions are optional settings; zero values are the defaults.
type HostnameOptions struct {
	Hostname func() (string, error)                                           // os.Hostname
	Lookup   func(ctx context.Context, hostname string) ([]netip.Addr, error) // the system's
}

// LocalHostname looks up the name of this machine as programs do, so that
// /etc/hosts counts. A program that is built without cgo knows of the ways in
// nsswitch.conf "files" and "dns" only, and not of "myhostname".
func LocalHostname(ctx context.Context, opts *HostnameOptions) Hostname {
	var o HostnameOptions
	if opts != nil {
		o = *opts
	}
	if o.Hostname == nil {
		o.Hostname = os.Hostname
	}
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, hostname string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", hostname)
		}
	}
	name, err := o.Hostname()
	if err != nil {
		return Hostname{Errors: fmt.Sprintf("cannot read the host name of this machine: %v", err)}
	}
	if !hostile.IsHostName(name) {
		return Hostname{Errors: fmt.Sprintf("cannot look up the host name %s: it is not a host name", hostile.Quote(name))}
	}
	ips, err := o.Lookup(ctx, name)
	var dnsErr *net.DNSError
	switch {
	case err == nil && len(ips) == 0:
		err = errors.New("it has no addresses")
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		err = errors.New("no such host")
	case errors.As(err, &dnsErr) && ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &dnsErr) && dnsErr.IsTimeout:
		err = errors.New("no DNS server answers in time")
	}
	h := Hostname{Hostname: name}
	if err != nil {
		h.Errors = fmt.Sprintf("cannot look up the host name %q: %v", name, err)
	}
	return h
}
