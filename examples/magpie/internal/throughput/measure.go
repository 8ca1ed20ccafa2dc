// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Target is a server to measure the throughput to.
type Target struct {
	Node string // name of the unit, for runs and errors; can be empty
	Host string // IP address or host name
	Port uint16
}

// name returns what errors call the target.
func (t Target) name() string {
	if t.Node != "" {
		return t.Node
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}

// Link is what lies between two addresses. What is not known is empty.
type Link struct {
	Interface      string // of the source
	SourceMAC      string
	DestinationMAC string
	Speed          int64 // mbit/s; not known unless above zero
}

// MaxConcurrency is how many streams a run may have, and how many of all runs
// together a server receives at a time unless its options say otherwise.
const MaxConcurrency = 256

// Options are settings of [Measure]. Nil and zero values mean the defaults.
type Options struct {
	// Concurrency is the progression: how many streams the runs have, 2, 4 and 8
	// by default, each at most [MaxConcurrency].
	Concurrency []int
	// BatchTime is how long a run takes, 10 s by default.
	BatchTime time.Duration
	// TotalTime is for each target, 10 minutes by default. It is split evenly over
	// the progression, of which each entry is repeated until its share is used up.
	// The last run of an entry takes what is left of the share, or is left out if
	// that is less than half of BatchTime. What it takes to connect and to be
	// answered at the end of a share comes on top.
	TotalTime time.Duration
	// MinSpeed is what MinSpeedCheck of the runs tells about. A run that is too
	// slow is no error.
	MinSpeed MinSpeed
	// Timeout is how long each of these may take: to resolve a host name, to
	// connect, to be answered. The default is 10 s.
	Timeout time.Duration
	// Describe, if not nil, tells what the runs say of the link. It is called at
	// the end of each run.
	Describe func(src, dst netip.Addr) Link
	// Ran, if not nil, is called with each run when it ends.
	Ran func(Run)
}

// measurement is one call of Measure.
type measurement struct {
	opts    Options
	payload []byte // only read
}

const leastTime = time.Millisecond

// Measure measures the throughput to one target after another. It returns the runs in the order
// of the targets and of time, also together with an error.
//
// The first run that cannot be made, or in which nothing arrives, is the last of
// its target; the others are measured nevertheless. The error is an [*Error] for
// each such target, joined by [errors.Join]; if ctx is done, for each target that
// is not measured to the end. Options that make no sense are another error, before
// anything is measured. When Measure returns, nothing of it runs any more.
func Measure(ctx context.Context, targets []Target, opts *Options) ([]Run, error) {
	m := &measurement{payload: payload()}
	if opts != nil {
		m.opts = *opts
	}
	m.opts.Concurrency = slices.Clone(m.opts.Concurrency)
	if len(m.opts.Concurrency) == 0 {
		m.opts.Concurrency = []int{2, 4, 8}
	}
	m.opts.BatchTime = orDefault(m.opts.BatchTime, 10*time.Second)
	m.opts.TotalTime = orDefault(m.opts.TotalTime, 10*time.Minute)
	m.opts.Timeout = orDefault(m.opts.Timeout, 10*time.Second)
	if err := m.opts.check(); err != nil {
		return nil, fmt.Errorf("cannot measure throughput: %w", err)
	}

	var runs []Run
	var failures []error
	for _, target := range targets {
		measured, err := m.measure(ctx, target)
		runs, failures = append(runs, measured...), append(failures, err)
	}
	return runs, errors.Join(failures...)
}

// check tells what of the options, with their defaults, makes no sense.
func (o *Options) check() error {
	for _, n := range o.Concurrency {
		if n < 1 || n > MaxConcurrency {
			return fmt.Errorf("a run has from 1 to %d streams, not %d", MaxConcurrency, n)
		}
	}
	if o.BatchTime < leastTime {
		return fmt.Errorf("a run takes at least %v, not %v", leastTime, o.BatchTime)
	}
	if share := o.TotalTime / time.Duration(len(o.Concurrency)); share < leastTime {
		return fmt.Errorf("a run takes at least %v, and %v for %d of them leaves %v", leastTime, o.TotalTime, len(o.Concurrency), share)
	}
	return nil
}

// payload returns what streams are filled with: nothing that a network can make
// smaller.
func payload() []byte {
	b := make([]byte, chunk)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}

// measure makes all runs to one target. Its error is an *Error.
func (m *measurement) measure(ctx context.Context, target Target) ([]Run, error) {
	if target.Host == "" || target.Port == 0 {
		return nil, &Error{Target: target, Err: errors.New("it has no host or no port")}
	}
	address, err := m.resolve(ctx, target)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, &Error{Target: target, Err: err}
	}
	var runs []Run
	plan := newSchedule(m.opts.Concurrency, m.opts.BatchTime, m.opts.TotalTime)
	for {
		streams, batch, more := plan.next(time.Now())
		if !more {
			return runs, nil
		}
		run, err := m.run(ctx, target, address, streams, batch)
		if err != nil {
			return runs, &Error{Target: target, Concurrency: streams, Err: err}
		}
		runs = append(runs, run)
		if m.opts.Ran != nil {
			m.opts.Ran(run)
		}
	}
}
