// SPDX-License-Identifier: Apache-2.0

package jujurpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Client is a connection to a unit agent. It is safe for concurrent use.
type Client struct {
	conn  net.Conn
	ended chan struct{} // closed when nothing is read any more

	writing sync.Mutex
	encoder *encoder

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan<- answer
	failure error // why the connection cannot be used any more
}

type answer struct {
	response Response
	err      error
}

// Dial connects to the unit agent at an address, as [net.Dialer.DialContext]
// does and with its errors. The ctx is for that only.
func Dial(ctx context.Context, network, address string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &Client{
		conn:    conn,
		ended:   make(chan struct{}),
		encoder: newEncoder(conn),
		waiting: make(map[uint64]chan<- answer),
	}
	go c.read()
	return c, nil
}

// Run sends a request and waits for its answer. Requests of several goroutines
// share the connection and do not wait for each other; the agent may run them in
// any order.
//
// What the agent answers as an error is a [*ServerError], after which the
// connection goes on. Any other error ends the connection, and is that of all
// requests then: [io.ErrUnexpectedEOF] if the agent closed it, [net.ErrClosed]
// if Close did.
func (c *Client) Run(request Request) (Response, error) {
	answered := make(chan answer, 1)
	c.send(&request, answered)
	a := <-answered
	return a.response, a.err
}

func (c *Client) send(request *Request, answered chan<- answer) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	if c.failure != nil {
		answered <- answer{err: c.failure}
		c.mu.Unlock()
		return
	}
	header := requestHeader{ServiceMethod: method, Seq: c.next}
	c.next++
	c.waiting[header.Seq] = answered
	c.mu.Unlock()
	err := c.encoder.message(&header, request)
	if err == nil {
		err = c.encoder.flush()
	}
	if err != nil {
		c.fail(err)
		// An agent that refuses the request may have answered why.
		_ = c.conn.SetReadDeadline(time.Now().Add(time.Second))
	}
}

// Close closes the connection. Requests that are unanswered fail. When it
// returns, no goroutine of the Client is left. To close twice is no error.
func (c *Client) Close() error {
	c.fail(net.ErrClosed)
	err := c.conn.Close()
	<-c.ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// fail makes all later requests fail with err, and those that wait when reading
// ends, unless they failed before.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
	}
}

// read hands out answers until there are no more, and closes the connection.
func (c *Client) read() {
	defer close(c.ended)
	decoder := newDecoder(c.conn)
	var err error
	for err == nil {
		err = c.readReply(decoder)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	c.fail(err)
	_ = c.conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, answered := range c.waiting {
		delete(c.waiting, seq)
		answered <- answer{err: c.failure}
	}
}

func (c *Client) readReply(decoder *decoder) error {
	var header replyHeader
	if err := decoder.header(&header); err != nil {
		return err
	}
	c.mu.Lock()
	answered, known := c.waiting[header.Seq]
	delete(c.waiting, header.Seq)
	c.mu.Unlock()
	if known && header.Error == "" {
		var response Response
		if err := decoder.body(&response); err != nil {
			err = fmt.Errorf("reading body %w", err)
			answered <- answer{err: err}
			return err
		}
		answered <- answer{response: response}
		return nil
	}
	err := decoder.body(nil)
	if known {
		answered <- answer{err: &ServerError{header.Error}}
	}
	if err != nil {
		return fmt.Errorf("reading error body: %w", err)
	}
	return nil
}
