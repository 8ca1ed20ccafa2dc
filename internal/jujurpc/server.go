// SPDX-License-Identifier: Apache-2.0

package jujurpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Handler runs a hook command. An error is answered as the RPC's error, which a
// command that fails is not: its answer is a Response. It is called by several
// goroutines at once, and owns the request.
//
// A panic is answered as an error that has the stack, and a handler that ends
// its goroutine, as a test does that fails, as an error too.
type Handler func(Request) (Response, error)

// Server serves a unit agent's socket. It is safe for concurrent use.
type Server struct {
	handler  Handler
	listener net.Listener
	close    func()        // closes closing, once
	closing  chan struct{} // closed by Close
	accepted chan struct{} // closed when no connection is accepted any more
	ended    chan struct{} // closed when, besides, no connection is left

	mu          sync.Mutex
	connections map[*connection]bool
}

// Serve accepts connections on l and serves them until [Server.Close]. It
// returns at once. The Server owns l.
//
// All requests run concurrently, those of one connection too: each in a
// goroutine of its own, in any order, and is answered when it ends. Only while
// the unanswered requests of a connection have 64 MiB together, the next waits.
//
// When a client closes its side, or sends what is no request, its connection is
// closed as soon as the running handlers have been answered. A request of more
// than 64 MiB, or output of more, is answered as an error.
func Serve(l net.Listener, handler Handler) *Server {
	s := &Server{
		handler:     handler,
		listener:    l,
		closing:     make(chan struct{}),
		accepted:    make(chan struct{}),
		ended:       make(chan struct{}),
		connections: make(map[*connection]bool),
	}
	s.close = sync.OnceFunc(func() { close(s.closing) })
	go s.accept()
	return s
}

// Close stops accepting, which removes the socket's file, and waits until all
// clients have closed their connections, as Juju's agent does at the end of a
// dispatch. When ctx ends before that, Close closes the connections itself and
// returns an error that says how many were left open, and wraps ctx's.
//
// When Close returns, with an error or without, no handler runs, none will be
// called, all connections are closed and no goroutine of the Server is left.
// Nothing can end a handler from outside, so Close waits for those that run even
// when ctx has ended; their answers are lost then.
//
// Close may be called again, and by several goroutines at once.
func (s *Server) Close(ctx context.Context) error {
	s.close()
	listenErr := s.listener.Close()
	<-s.accepted
	leftOpen := 0
	select {
	case <-s.ended:
	case <-ctx.Done():
		leftOpen = s.drop()
		<-s.ended
	}
	switch {
	case leftOpen == 1:
		return fmt.Errorf("cannot close agent socket: 1 connection was left open: %w", ctx.Err())
	case leftOpen > 1:
		return fmt.Errorf("cannot close agent socket: %d connections were left open: %w", leftOpen, ctx.Err())
	case listenErr != nil && !errors.Is(listenErr, net.ErrClosed):
		return fmt.Errorf("cannot close agent socket: %w", listenErr)
	}
	return nil
}

// Drop closes all connections, as an agent does that dies. Handlers that run are
// not waited for, and their answers are lost. New connections are accepted, if
// the Server is not closed.
func (s *Server) Drop() { s.drop() }

// drop returns how many of the connections it closed were open on the client's
// side.
func (s *Server) drop() (open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		if !c.readAll.Load() {
			open++
		}
		_ = c.conn.Close()
	}
	return open
}

func (s *Server) accept() {
	var connections sync.WaitGroup
	defer close(s.ended)
	defer connections.Wait()
	defer close(s.accepted)
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, say: later there may be fewer
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-s.closing:
				return
			}
		}
		c := newConnection(conn, s.handler)
		s.mu.Lock()
		s.connections[c] = true
		s.mu.Unlock()
		connections.Go(func() {
			c.serve()
			s.mu.Lock()
			delete(s.connections, c)
			s.mu.Unlock()
		})
	}
}
