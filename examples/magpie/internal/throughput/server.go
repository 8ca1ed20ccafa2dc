// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// ServerOptions are settings of [Serve]. Nil and zero values mean the defaults.
type ServerOptions struct {
	// MaxStreams is how many streams are received at a time, [MaxConcurrency] by
	// default: those of the largest run.
	// Others are refused, which their clients report.
	MaxStreams int
	// IdleTime is how long a connection may be silent, 10 s by default. It is
	// closed within an eighth more.
	IdleTime time.Duration
	// MaxTime is how long a stream may last before it is closed, an hour by
	// default. It must be longer than the BatchTime of all clients.
	MaxTime time.Duration
	// Ended, if not nil, is called for each stream that was not refused, one at a
	// time. It must not block.
	Ended func(Stream)
}

// Stream is what a server received on one connection.
type Stream struct {
	Run     string // ID of the run, in hexadecimal; of all its streams the same
	Client  net.Addr
	Bytes   int64
	Elapsed time.Duration // from the first byte to the end
	Err     error         // why it did not end as the client meant it to; or nil
}

// spare is how many connections are listened to at least, beside the streams, to be
// refused in words. There are as many as MaxStreams more, because the connections of
// a run that ended may be open when those of the next come.
const spare = 32

// server is one call of Serve.
type server struct {
	opts    ServerOptions
	sink    []byte // for all discarders
	buffers sync.Pool

	mu      sync.Mutex // of what follows
	conns   map[*connection]struct{}
	streams int
	closed  bool

	ended sync.Mutex // held while opts.Ended is called
}

// connection is one that a server listens to.
type connection struct{ net.Conn }

// Serve serves the clients of all listeners until ctx is done, which is no error,
// or a listener does not accept any more, which is. In either case it has then
// closed the listeners and all connections, and nothing of it runs any more.
func Serve(ctx context.Context, listeners []net.Listener, opts *ServerOptions) error {
	s := &server{sink: make([]byte, chunk), conns: map[*connection]struct{}{}}
	s.buffers.New = func() any { return new([copied]byte) }
	if opts != nil {
		s.opts = *opts
	}
	s.opts.MaxStreams = orDefault(s.opts.MaxStreams, MaxConcurrency)
	s.opts.IdleTime = orDefault(s.opts.IdleTime, 10*time.Second)
	s.opts.MaxTime = orDefault(s.opts.MaxTime, time.Hour)

	serving, end := context.WithCancelCause(ctx)
	defer end(nil)
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() { end(s.accept(serving, l, &wg)) })
	}
	if len(listeners) == 0 {
		end(errors.New("cannot serve throughput: there is no listener"))
	}
	<-serving.Done()
	s.close(listeners)
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(serving)
}

// orDefault returns v, or def if v is not above zero.
func orDefault[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}

// accept starts to serve each connection, until l is closed.
func (s *server) accept(ctx context.Context, l net.Listener, wg *sync.WaitGroup) error {
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := shortest
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = shortest
			c := &connection{conn}
			if s.enter(c) {
				wg.Go(func() {
					defer s.leave(c)
					s.serve(conn)
				})
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case passing(err):
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, longest)
		default:
			return fmt.Errorf("cannot accept connections at %q: %w", l.Addr(), cause(err, 0))
		}
	}
}

// passing tells whether a listener can accept again later: the connection was gone,
// or there was no file descriptor or memory for it.
func passing(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// enter takes a connection in. If there is no room to listen to it, it is refused
// and closed: its few bytes find room in any new connection.
func (s *server) enter(conn *connection) bool {
	s.mu.Lock()
	closed, full := s.closed, len(s.conns) >= 2*s.opts.MaxStreams+spare
	if !closed && !full {
		s.conns[conn] = struct{}{}
	}
	s.mu.Unlock()
	if full && !closed {
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = conn.Write(s.busy().append(nil))
	}
	if closed || full {
		_ = conn.Close()
	}
	return !closed && !full
}

// leave closes a connection that entered.
func (s *server) leave(conn *connection) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// close closes everything and lets nothing more in.
func (s *server) close(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
}

// busy is the answer to those who come when all streams are taken.
func (s *server) busy() answer {
	return answer{code: codeBusy, number: uint32(s.opts.MaxStreams)}
}

// take takes one of the streams that are received at a time.
func (s *server) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams >= s.opts.MaxStreams {
		return false
	}
	s.streams++
	return true
}

// release gives back what take took.
func (s *server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams--
}

// report calls Ended.
func (s *server) report(conn net.Conn, run runID, got result, err error) {
	if s.opts.Ended == nil {
		return
	}
	s.ended.Lock()
	defer s.ended.Unlock()
	s.opts.Ended(Stream{
		Run:     hex.EncodeToString(run[:]),
		Client:  conn.RemoteAddr(),
		Bytes:   got.bytes,
		Elapsed: got.elapsed,
		Err:     err,
	})
}
