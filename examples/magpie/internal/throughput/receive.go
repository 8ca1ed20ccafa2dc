// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"errors"
	"io"
	"net"
	"time"
)

const (
	// chunk is how much is sent and dropped at once: on loopback, sending 1 MiB at a
	// time moves a fifth more than 256 KiB, which moves a little more than 128 KiB.
	chunk = 1 << 20
	// copied is the buffer of a connection that cannot drop bytes unread.
	copied = 128 << 10
)

// serve talks to one client, until its end.
func (s *server) serve(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(s.opts.IdleTime))
	open, err := readOpening(conn)
	if err != nil {
		return
	}
	if open.version != version {
		_, _ = conn.Write(answer{code: codeVersion, number: version}.append(nil))
		return
	}
	if !s.take() {
		_, _ = conn.Write(s.busy().append(nil))
		return
	}
	got, err := s.receive(conn)
	s.release() // before the client knows the end and comes again
	if err == nil {
		_ = conn.SetDeadline(time.Now().Add(s.opts.IdleTime))
		_, err = conn.Write(got.append(nil))
	}
	s.report(conn, open.run, got, err)
}

// receive says yes and drops all that the client sends.
func (s *server) receive(conn net.Conn) (result, error) {
	if _, err := conn.Write(answer{code: codeYes, number: version}.append(nil)); err != nil {
		return result{}, err
	}
	drop := discarder(conn, s.sink)
	if drop == nil {
		buffer := s.buffers.Get().(*[copied]byte)
		defer s.buffers.Put(buffer)
		drop = func() (int, error) { return conn.Read(buffer[:]) }
	}
	return s.count(conn, drop)
}

// count counts what drop drops, until the end of the stream. The deadline is moved
// only now and then, which is cheaper.
func (s *server) count(conn net.Conn, drop func() (int, error)) (result, error) {
	var got result
	var first, moved time.Time
	last := time.Now().Add(s.opts.MaxTime)
	for {
		now := time.Now()
		if now.Sub(moved) >= s.opts.IdleTime/8 {
			moved = now
			deadline := now.Add(s.opts.IdleTime + s.opts.IdleTime/8)
			if last.Before(deadline) {
				deadline = last
			}
			if err := conn.SetReadDeadline(deadline); err != nil {
				return got, err
			}
		}
		n, err := drop()
		if n > 0 {
			if first.IsZero() {
				first = time.Now()
			}
			got.bytes += int64(n)
		}
		if err == nil {
			continue
		}
		if !first.IsZero() {
			got.elapsed = time.Since(first)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return got, err
	}
}
