// SPDX-License-Identifier: Apache-2.0

package ping

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// Defaults of Options.
const (
	defaultTries    = 20
	defaultInterval = 50 * time.Millisecond
	defaultTimeout  = 2 * time.Second
)

// maxParallel is how many targets are pinged at the same time: each has a socket.
const maxParallel = 64

// Target is what is pinged.
type Target struct {
	Name    string // of the unit: "magpie/1"
	Address string // an IP address, with or without a zone, or a host name, as the peer wrote it
}

// Options are optional settings; zero values are the defaults. What is negative
// is an error in each result.
type Options struct {
	Tries    int           // packets to each target; 20
	Interval time.Duration // between two packets; 50 ms
	// Timeout is how long to wait for answers after the last packet, as of
	// ping's -W; 2 s. A target that answers everything is done earlier.
	Timeout time.Duration
	// MTU is how many bytes the IP packets have, which then may not be
	// fragmented, at most 65535; 0 sends small packets that may.
	MTU int
	// Lookup has the addresses of a host name; nil asks the system.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Pinger sends the packets; nil sends ICMP.
	Pinger Pinger
}

// Pinger sends packets to one address and waits for the answers. Several
// goroutines may call it at the same time.
type Pinger interface {
	// Ping returns the answers it got, and also them with an error. An error
	// of the system should wrap its syscall.Errno.
	Ping(ctx context.Context, e Echo) (Answers, error)
}

// Echo is what a Pinger is to do.
type Echo struct {
	To           netip.Addr
	Tries        int
	Interval     time.Duration
	Timeout      time.Duration // after the last packet
	Size         int           // bytes of the payload behind the header of ICMP
	DontFragment bool
}

// Answers are what came back.
type Answers struct {
	Sent int
	RTTs []time.Duration // one for each packet that was answered, in the order of the answers
}

// Run pings all targets, up to 64 of them at the same time, and returns their
// results in the same order. It returns soon once ctx is done; the results of
// what was not finished then wrap the error of ctx. It keeps none of its arguments.
func Run(ctx context.Context, targets []Target, opts *Options) []Result {
	o := opts.withDefaults()
	results := make([]Result, len(targets))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i, t := range targets {
		slots <- struct{}{} // free soon once ctx is done
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = o.ping(ctx, t)
		})
	}
	wg.Wait()
	return results
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Tries == 0 {
		c.Tries = defaultTries
	}
	if c.Interval == 0 {
		c.Interval = defaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Lookup == nil {
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.Pinger == nil {
		c.Pinger = newICMP()
	}
	return c
}

// check returns what is wrong with the options themselves.
func (o *Options) check() error {
	switch {
	case o.Tries < 0:
		return fmt.Errorf("the number of tries is %d", o.Tries)
	case o.Interval < 0:
		return fmt.Errorf("the interval is %v", o.Interval)
	case o.Timeout < 0:
		return fmt.Errorf("the timeout is %v", o.Timeout)
	}
	return nil
}

func (o *Options) ping(ctx context.Context, t Target) Result {
	r := Result{Name: t.Name, Address: t.Address}
	r.Err = func() error {
		err := o.check()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("cannot ping %s: %w", hostile.Quote(t.Address), err)
		}
		if r.IP, err = o.addressOf(ctx, t.Address); err != nil {
			return err
		}
		size, err := payloadSize(r.IP, o.MTU)
		if err != nil {
			return fmt.Errorf("cannot ping %s: %w", hostile.Quote(t.Address), err)
		}
		answers, err := o.Pinger.Ping(ctx, Echo{
			To:    r.IP,
			Tries: o.Tries, Interval: o.Interval, Timeout: o.Timeout,
			Size: size, DontFragment: o.MTU != 0,
		})
		r.Sent, r.Received, r.RTTs = answers.Sent, len(answers.RTTs), answers.RTTs
		if err != nil {
			return o.explain(t.Address, answers.Sent, err)
		}
		return nil
	}()
	return r
}

// addressOf returns the address that a peer wrote, or the first of the host name
// that it wrote.
func (o *Options) addressOf(ctx context.Context, address string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(address); err == nil {
		if err := checkAddress(ip.Unmap()); err != nil {
			return netip.Addr{}, fmt.Errorf("cannot ping %s: %w", hostile.Quote(address), err)
		}
		return ip.Unmap(), nil
	}
	if !hostile.IsHostName(address) {
		return netip.Addr{}, fmt.Errorf("cannot ping %s: it is neither an IP address nor a host name", hostile.Quote(address))
	}
	ips, err := o.Lookup(ctx, address)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("cannot resolve %s: %w", hostile.Quote(address), lookupCause(err))
	}
	var wrong error
	for _, ip := range ips {
		if wrong = checkAddress(ip.Unmap()); wrong == nil {
			return ip.Unmap(), nil
		}
	}
	if wrong == nil {
		wrong = errors.New("it has no addresses")
	}
	return netip.Addr{}, fmt.Errorf("cannot ping %s: %w", hostile.Quote(address), wrong)
}

// checkAddress returns why an address is not pinged.
func checkAddress(ip netip.Addr) error {
	switch {
	case ip.IsUnspecified():
		return errors.New("it is no unit's address")
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return errors.New("it is the address of many machines")
	case ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "":
		return errors.New(`a link-local address needs a zone, as in "fe80::1%eth0"`)
	}
	return nil
}
