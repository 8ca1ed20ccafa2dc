// SPDX-License-Identifier: Apache-2.0

package jujurpc

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
)

// connection is one client of a Server.
type connection struct {
	conn    net.Conn
	handler Handler
	readAll atomic.Bool // nothing more is read: the client closed its side, or should have

	running sync.WaitGroup // handlers

	replying atomic.Int32 // replies that are written, or about to be
	writing  sync.Mutex
	encoder  *encoder

	mu         sync.Mutex
	unanswered int // bytes of the requests that are
	answered   sync.Cond
}

func newConnection(conn net.Conn, handler Handler) *connection {
	c := &connection{conn: conn, handler: handler, encoder: newEncoder(conn)}
	c.answered.L = &c.mu
	return c
}

// serve answers requests until there are no more, and closes the connection.
func (c *connection) serve() {
	decoder := newDecoder(c.conn)
	for {
		var header requestHeader
		if decoder.header(&header) != nil {
			break
		}
		if err := find(header.ServiceMethod); err != nil {
			_ = decoder.body(nil)
			c.reply(&header, &Response{}, err.Error())
			continue
		}
		var request Request
		if err := decoder.body(&request); err != nil {
			c.reply(&header, &Response{}, err.Error())
			continue // to fail there, if it was not only that type
		}
		size := decoder.in.count + requestCost
		c.acquire(size)
		c.running.Go(func() {
			defer c.release(size)
			c.run(&header, request)
		})
	}
	c.readAll.Store(true)
	c.running.Wait()
	_ = c.conn.Close()
}

// find returns the error of a method that is not ours, as net/rpc says it.
func find(name string) error {
	dot := strings.LastIndex(name, ".")
	switch {
	case name == method:
		return nil
	case dot < 0:
		return errors.New("rpc: service/method request ill-formed: " + name)
	case name[:dot] == service:
		return errors.New("rpc: can't find method " + name)
	default:
		return errors.New("rpc: can't find service " + name)
	}
}

// run answers a request, whatever the handler does.
func (c *connection) run(header *requestHeader, request Request) {
	var response Response
	failure := fmt.Sprintf("cannot run hook command %q: its handler ended the goroutine", request.CommandName)
	defer func() {
		if p := recover(); p != nil {
			failure = fmt.Sprintf("cannot run hook command %q: panic: %v\n\n%s", request.CommandName, p, debug.Stack())
		}
		c.reply(header, &response, failure)
	}()
	answer, err := c.handler(request)
	switch size := len(answer.Stdout) + len(answer.Stderr); {
	case err != nil:
		failure = err.Error()
		if failure == "" { // which would be a success
			failure = fmt.Sprintf("cannot run hook command %q", request.CommandName)
		}
	case size > maxMessage-requestCost:
		failure = fmt.Sprintf("cannot answer hook command %q: its output of %d bytes is too large", request.CommandName, size)
	default:
		response, failure = answer, ""
	}
}

// reply answers a request: with response, or if there is a failure, with that.
func (c *connection) reply(to *requestHeader, response *Response, failure string) {
	header := replyHeader{ServiceMethod: to.ServiceMethod, Seq: to.Seq, Error: failure}
	var body any = response
	if failure != "" {
		body = struct{}{}
	}
	c.replying.Add(1)
	c.writing.Lock()
	defer c.writing.Unlock()
	err := c.encoder.message(&header, body)
	if c.replying.Add(-1) == 0 && err == nil { // else the next, which is here already, sends this one too
		err = c.encoder.flush()
	}
	if err != nil {
		_ = c.conn.Close()
	}
}

// requestCost is what an unanswered request costs in addition to its bytes.
const requestCost = 1 << 10

// acquire waits until unanswered requests leave room for one of size.
func (c *connection) acquire(size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.unanswered > 0 && c.unanswered+size > maxMessage {
		c.answered.Wait()
	}
	c.unanswered += size
}

func (c *connection) release(size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unanswered -= size
	c.answered.Signal()
}
