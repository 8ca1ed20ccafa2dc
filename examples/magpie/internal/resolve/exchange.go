// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"github.com/miekg/dns"
)

const (
	// udpSize is how many bytes a server may send by UDP; more, and packets
	// would be fragmented somewhere.
	udpSize = 1232
	// bufferSize is what is read of a packet: some servers send more.
	bufferSize = 4096
)

// ask asks the servers one question, each of them once in each try, and returns
// the records of the first answer: errNoName if it is that there is no such
// name.
func (c *client) ask(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	var errs []error
	for range c.tries {
		for _, server := range c.servers {
			answer, err := c.try(ctx, server, name, qtype)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				errs = append(errs, err)
			case answer.Rcode == dns.RcodeSuccess:
				return answer.Answer, nil
			case answer.Rcode == dns.RcodeNameError:
				return nil, errNoName
			default:
				errs = append(errs, fmt.Errorf("the server %v %s", server, rcodeText(answer.Rcode)))
			}
		}
	}
	return nil, joined(errs)
}

func rcodeText(rcode int) string {
	name, known := dns.RcodeToString[rcode]
	if !known {
		name = fmt.Sprint(rcode)
	}
	switch rcode {
	case dns.RcodeServerFailure:
		return "cannot find the answer (SERVFAIL)"
	case dns.RcodeRefused:
		return "refuses to answer (REFUSED)"
	}
	return "answers with the error " + name
}

var (
	errForeign   = errors.New("the answer is to another question")
	errMalformed = errors.New("the answer is malformed")
)

// try asks a server by UDP, and if the answer does not fit, by TCP, both within
// the time-out.
func (c *client) try(ctx context.Context, server netip.AddrPort, name string, qtype uint16) (*dns.Msg, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	question := new(dns.Msg).SetQuestion(name, qtype).SetEdns0(udpSize, false)
	network := "udp"
	answer, err := exchange(ctx, network, server, question)
	if err == nil && answer.Truncated {
		network = "tcp"
		if answer, err = exchange(ctx, network, server, question); err == nil && answer.Truncated {
			err = errMalformed
		}
	}
	var errno syscall.Errno
	switch {
	case err == nil:
		return answer, nil
	case errors.Is(err, errForeign), errors.Is(err, errMalformed):
		// These are more than that there was no other within the time-out.
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the server %v does not answer by %s within %v", server, network, c.timeout)
	case errors.As(err, &errno):
		err = errno
	}
	return nil, fmt.Errorf("cannot ask the server %v by %s: %w", server, network, err)
}

// exchange sends a question and waits for its answer until ctx is done.
func exchange(ctx context.Context, network string, server netip.AddrPort, question *dns.Msg) (*dns.Msg, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	c := dns.Conn{Conn: conn, UDPSize: bufferSize}
	if err := c.WriteMsg(question); err != nil {
		return nil, err
	}
	var wrong error // of a packet, which need not be the server's
	for {
		packet, err := c.ReadMsgHeader(nil)
		switch {
		case errors.Is(err, dns.ErrShortRead):
			err = errMalformed
		case wrong != nil && ctx.Err() != nil:
			return nil, wrong
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errors.New("it closes the connection")
		case err != nil:
			return nil, err
		}
		var answer *dns.Msg
		if err == nil {
			answer, err = decode(packet, question)
		}
		if err == nil || network == "tcp" {
			return answer, err
		}
		wrong = err
	}
}

// decode returns the answer to a question that a packet is. If it is truncated,
// there need not be records in it.
func decode(packet []byte, question *dns.Msg) (*dns.Msg, error) {
	answer := new(dns.Msg)
	err := answer.Unpack(packet)
	if err != nil && !answer.Response {
		return nil, errMalformed
	}
	if !answer.Response || answer.Id != question.Id || answer.Opcode != dns.OpcodeQuery {
		return nil, errForeign
	}
	switch len(answer.Question) {
	case 0:
		// A server that could not read the question, or does not want to,
		// need not repeat it.
		if err == nil && (answer.Rcode == dns.RcodeSuccess || answer.Rcode == dns.RcodeNameError) {
			return nil, errForeign
		}
	case 1:
		got, want := answer.Question[0], question.Question[0]
		if got.Qtype != want.Qtype || got.Qclass != want.Qclass || dns.CanonicalName(got.Name) != dns.CanonicalName(want.Name) {
			return nil, errForeign
		}
	default:
		return nil, errForeign
	}
	if err != nil && !answer.Truncated {
		return nil, errMalformed
	}
	return answer, nil
}
