// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// Defaults of Options.
const (
	defaultResolvConf = "/etc/resolv.conf"
	defaultTries      = 1
	defaultTimeout    = 5 * time.Second
)

// Bounds of what is asked and collected for one target.
const (
	maxNames     = 32 // of an address
	maxAddresses = 64 // of a name
	maxAsked     = 8  // addresses of a target that is a host name
	maxParallel  = 32 // targets at the same time
)

// Target is what is looked up.
type Target struct {
	Name    string // of the unit: "magpie/1"; each has its own
	Address string // an IP address or a host name, as the peer wrote it
}

// Options are optional settings; zero values are the defaults.
type Options struct {
	// Server is the server to ask: an IP address, or one with a port:
	// "10.0.0.3", "10.0.0.3:5353", "fd00::3", "[fd00::3]:5353". Empty: the
	// servers of ResolvConf, in their order, up to three.
	Server     string
	ResolvConf string        // path of a file as of resolv.conf(5); /etc/resolv.conf
	Tries      int           // how often each question goes to each server; 1
	Timeout    time.Duration // of each try; 5 s
}

// Results are the results by the names of the targets.
type Results map[string]Result

// Result is what is known of a target.
type Result struct {
	Reverse Reverse            `json:"reverse"`
	Forward map[string]Forward `json:"forward"` // by the names in Reverse; never nil
}

// Reverse are the names of a target's address; of a host name, those of its
// addresses, the first eight of them.
type Reverse struct {
	Hostnames []string `json:"hostnames"` // sorted, without the dot at the end, at most 32; never nil
	OK        bool     `json:"ok"`        // each address has a name, and there is no error
	Error     string   `json:"error,omitempty"`
}

// Forward are the addresses of a name.
type Forward struct {
	IPs []netip.Addr `json:"ips"` // sorted, IPv4 first, at most 64; never nil
	OK  bool         `json:"ok"`  // the name has addresses, and there is no error
	// Match is whether the addresses have the one that the name is of.
	Match bool   `json:"match"`
	Error string `json:"error,omitempty"`
}

// OK reports whether the target has names, and each of them the target's address.
func (r Result) OK() bool {
	for _, f := range r.Forward {
		if !f.OK || !f.Match {
			return false
		}
	}
	return r.Reverse.OK && len(r.Forward) > 0
}

// Check looks up all targets, up to 32 of them at the same time. It returns soon
// once ctx is done; what was not finished then has an error that says so. What
// is wrong with the options is an error of each result. A host name is looked up
// as it is, without the search domains of resolv.conf.
func Check(ctx context.Context, targets []Target, opts *Options) Results {
	c, optionsErr := newClient(opts)
	results := make(Results, len(targets))
	var mu sync.Mutex
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for _, t := range targets {
		slots <- struct{}{} // free soon once ctx is done
		wg.Go(func() {
			defer func() { <-slots }()
			result := newResult()
			if optionsErr != nil {
				result.Reverse.Error = optionsErr.Error()
			} else {
				result = c.check(ctx, t.Address)
			}
			mu.Lock()
			defer mu.Unlock()
			results[t.Name] = result
		})
	}
	wg.Wait()
	return results
}

func newResult() Result {
	return Result{Reverse: Reverse{Hostnames: []string{}}, Forward: map[string]Forward{}}
}

// check looks up one target.
func (c *client) check(ctx context.Context, address string) Result {
	r := newResult()
	asked, err := c.addressesOf(ctx, address)
	errs := []error{err}
	named := make(map[string][]netip.Addr) // by name, the addresses that have it
	for _, found := range inParallel(asked, func(ip netip.Addr) reverseAnswer { return c.reverse(ctx, ip) }) {
		errs = append(errs, found.err)
		for _, name := range found.names {
			if _, known := named[name]; !known && len(named) == maxNames {
				errs = append(errs, errTooManyNames)
				break
			}
			named[name] = append(named[name], found.ip)
		}
	}
	for name := range named {
		r.Reverse.Hostnames = append(r.Reverse.Hostnames, name)
	}
	slices.Sort(r.Reverse.Hostnames)
	r.Reverse.Error = text(errs)
	r.Reverse.OK = r.Reverse.Error == "" && len(named) > 0

	forward := inParallel(r.Reverse.Hostnames, func(name string) Forward { return c.forward(ctx, name, named[name]) })
	for i, name := range r.Reverse.Hostnames {
		r.Forward[name] = forward[i]
	}
	return r
}

// addressesOf returns the address that a peer wrote, or those of its host name.
func (c *client) addressesOf(ctx context.Context, address string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(address); err == nil {
		return []netip.Addr{ip.Unmap().WithZone("")}, nil
	}
	name, ok := hostName(address)
	if !ok {
		return nil, fmt.Errorf("cannot look up %s: it is neither an IP address nor a host name", hostile.Quote(address))
	}
	ips, err := c.addresses(ctx, name)
	if len(ips) > maxAsked {
		ips = ips[:maxAsked]
	}
	return ips, err
}

type reverseAnswer struct {
	ip    netip.Addr
	names []string
	err   error
}

func (c *client) reverse(ctx context.Context, ip netip.Addr) reverseAnswer {
	names, err := c.names(ctx, ip)
	return reverseAnswer{ip, names, err}
}

// forward looks up a name of some addresses.
func (c *client) forward(ctx context.Context, name string, of []netip.Addr) Forward {
	ips, err := c.addresses(ctx, name)
	f := Forward{IPs: append([]netip.Addr{}, ips...), Match: true}
	for _, ip := range of {
		f.Match = f.Match && slices.Contains(ips, ip)
	}
	f.OK = err == nil && len(ips) > 0
	f.Error = text([]error{err})
	return f
}

// inParallel calls a function with each item and returns what it returned, in
// the same order.
func inParallel[T, R any](items []T, f func(T) R) []R {
	results := make([]R, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { results[i] = f(item) })
	}
	wg.Wait()
	return results
}

// text returns the texts of errors in one line, each of them once.
func text(errs []error) string {
	var texts []string
	for _, err := range errs {
		if err != nil && !slices.Contains(texts, err.Error()) {
			texts = append(texts, err.Error())
		}
	}
	return strings.Join(texts, "; ")
}

var errTooManyNames = errors.New("there are more than 32 names; the others are left out")
