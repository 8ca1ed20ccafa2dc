// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Run is what one run moved: some streams to one target, all at once. Its JSON is
// that of the runs of the published magpie charm, but for Mbits, which there were
// not 10^6 bits.
type Run struct {
	SourcePorts      []int      `json:"src_port"` // one for each stream
	Port             uint16     `json:"dest_port,string"`
	Node             string     `json:"dest_node"`
	Sessions         []int      `json:"session"` // 1, 2, … for the streams
	TransferredBytes int64      `json:"transferred_bytes"`
	BitsPerSecond    int64      `json:"bits_per_second"` // in the time of the longest stream
	SourceInterface  string     `json:"src_interface"`
	SourceMAC        string     `json:"src_mac"`
	Source           netip.Addr `json:"src_ip"`
	Destination      netip.Addr `json:"dest_ip"`
	Timestamp        string     `json:"timestamp"`     // "20060102150405" of the start, UTC
	TimeInterval     string     `json:"time_interval"` // "0.0-10.1", seconds
	Concurrency      int        `json:"concurrency"`
	GBytes           float64    `json:"GBytes_transferred"` // 2^30 bytes, to three places
	Mbits            int64      `json:"Mbits_per_second"`   // 10^6 bits, rounded down
	DestinationMAC   string     `json:"dest_mac"`
	MinSpeedCheck    SpeedCheck `json:"min_speed_check"`
}

// stream is one connection of a run.
type stream struct {
	conn     net.Conn
	received result
}

// run measures one run of the given streams and time.
func (m *measurement) run(ctx context.Context, target Target, address netip.AddrPort, streams int, batch time.Duration) (Run, error) {
	open := opening{version: version}
	_, _ = rand.Read(open.run[:]) // never fails
	all := make([]stream, streams)
	defer func() {
		for _, s := range all {
			if s.conn != nil {
				_ = s.conn.Close()
			}
		}
	}()
	err := each(ctx, all, func(ctx context.Context, s *stream) (err error) {
		if s.conn, err = m.dial(ctx, address); err != nil {
			return err
		}
		return m.open(ctx, s, open)
	})
	if err != nil {
		return Run{}, err
	}
	start := time.Now()
	err = each(ctx, all, func(ctx context.Context, s *stream) error {
		return m.send(ctx, s, batch)
	})
	if err != nil {
		return Run{}, err
	}
	return m.sum(target, address, all, start)
}

// each calls f for each stream, all at once, and waits for all. The context of the
// others is cancelled by the first error, which each returns, or that of ctx.
func each(ctx context.Context, all []stream, f func(context.Context, *stream) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			if err := f(ctx, &all[i]); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// guard closes a stream's connection when ctx is done. The caller must call the
// function that it returns, after which it does no more.
func guard(ctx context.Context, s *stream) (release func()) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = s.conn.Close()
	})
	return func() {
		if !stop() {
			<-closed
		}
	}
}

// open opens a stream and waits for the answer.
func (m *measurement) open(ctx context.Context, s *stream, open opening) error {
	defer guard(ctx, s)()
	_ = s.conn.SetDeadline(time.Now().Add(m.opts.Timeout))
	// A server that refused unread may have reset the connection. What it said can
	// be read nevertheless.
	_, failure := s.conn.Write(open.append(nil))
	answered, err := readAnswer(s.conn)
	if err != nil {
		if failure != nil {
			err = failure
		}
		return fmt.Errorf("cannot open a stream to %q: %w", s.conn.RemoteAddr(), cause(err, m.opts.Timeout))
	}
	if err := answered.refusal(); err != nil {
		return fmt.Errorf("cannot open a stream to %q: the server refuses: %w", s.conn.RemoteAddr(), err)
	}
	return nil
}

// send sends for the time of the batch, and waits for what the server received of
// it. That may take as long again and longer than another answer: buffers are full.
func (m *measurement) send(ctx context.Context, s *stream, batch time.Duration) error {
	defer guard(ctx, s)()
	_ = s.conn.SetDeadline(time.Time{})
	_ = s.conn.SetWriteDeadline(time.Now().Add(batch))
	sent, err := m.fill(s.conn)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("cannot send to %q after %d bytes: %w", s.conn.RemoteAddr(), sent, cause(err, 0))
	}
	if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
		return fmt.Errorf("cannot end the stream to %q: %w", s.conn.RemoteAddr(), cause(err, 0))
	}
	wait := m.opts.Timeout + batch
	_ = s.conn.SetReadDeadline(time.Now().Add(wait))
	s.received, err = readResult(s.conn)
	if err != nil {
		return fmt.Errorf("cannot read from %q what it received: %w", s.conn.RemoteAddr(), cause(err, wait))
	}
	if s.received.bytes != sent {
		return fmt.Errorf("cannot believe %q: it says that it received %d bytes of the %d that were sent", s.conn.RemoteAddr(), s.received.bytes, sent)
	}
	return nil
}

// fill writes to a connection until that is an error.
func (m *measurement) fill(conn net.Conn) (int64, error) {
	var sent int64
	for {
		n, err := conn.Write(m.payload)
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
}

// sum makes one run of its streams.
func (m *measurement) sum(target Target, address netip.AddrPort, all []stream, start time.Time) (Run, error) {
	run := Run{
		Port:        target.Port,
		Node:        target.Node,
		Source:      local(all[0].conn).Addr(),
		Destination: address.Addr(),
		Timestamp:   start.UTC().Format("20060102150405"),
		Concurrency: len(all),
	}
	var longest time.Duration
	for i, s := range all {
		run.SourcePorts = append(run.SourcePorts, int(local(s.conn).Port()))
		run.Sessions = append(run.Sessions, i+1)
		run.TransferredBytes += s.received.bytes
		longest = max(longest, s.received.elapsed)
	}
	if run.TransferredBytes == 0 {
		return Run{}, fmt.Errorf("no bytes arrived at %q", address)
	}
	if longest == 0 {
		return Run{}, fmt.Errorf("cannot believe %q: it says that it received %d bytes in no time", address, run.TransferredBytes)
	}
	speed := 8 * float64(run.TransferredBytes) / longest.Seconds()
	run.BitsPerSecond = math.MaxInt64
	if speed < math.MaxInt64 {
		run.BitsPerSecond = int64(speed)
	}
	run.Mbits = run.BitsPerSecond / 1e6
	run.GBytes = math.Round(float64(run.TransferredBytes)/(1<<30)*1000) / 1000
	run.TimeInterval = fmt.Sprintf("0.0-%.1f", longest.Seconds())
	var link Link
	if m.opts.Describe != nil {
		link = m.opts.Describe(run.Source, run.Destination)
	}
	run.SourceInterface, run.SourceMAC, run.DestinationMAC = link.Interface, link.SourceMAC, link.DestinationMAC
	run.MinSpeedCheck = m.opts.MinSpeed.Check(run.Mbits, link.Speed)
	return run, nil
}

// local returns the local address of a TCP connection.
func local(conn net.Conn) netip.AddrPort {
	a := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
