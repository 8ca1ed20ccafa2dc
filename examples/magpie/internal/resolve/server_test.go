// SPDX-License-Identifier: Apache-2.0

package resolve_test

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve runs a DNS server by UDP and TCP until the test ends, and returns its
// address.
func serve(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	return serveAt(t, "127.0.0.1:0", handler)
}

func serveAt(t *testing.T, address string, handler dns.HandlerFunc) string {
	t.Helper()
	for range 20 { // the port that UDP got may be taken for TCP
		udp, err := net.ListenPacket("udp", address)
		if err != nil {
			t.Skipf("cannot listen at %s: %v; run the test where it is free and allowed", address, err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			require.NoError(t, udp.Close())
			continue
		}
		run(t, &dns.Server{PacketConn: udp, Handler: handler})
		run(t, &dns.Server{Listener: tcp, Handler: handler})
		return udp.LocalAddr().String()
	}
	t.Skipf("cannot listen at %s by both UDP and TCP; run the test where both are free", address)
	return ""
}

// serveUDP is serve without TCP.
func serveUDP(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	run(t, &dns.Server{PacketConn: udp, Handler: handler})
	return udp.LocalAddr().String()
}

func run(t *testing.T, s *dns.Server) {
	t.Helper()
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	done := make(chan error)
	go func() { done <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		assert.NoError(t, s.Shutdown())
		assert.NoError(t, <-done)
	})
}

// zone answers from records, one a line, as a server for their names only: it
// does not follow CNAMEs. A name of none of them does not exist.
func zone(t *testing.T, text string) dns.HandlerFunc {
	t.Helper()
	var records []dns.RR
	parser := dns.NewZoneParser(strings.NewReader("$TTL 60\n"+text), ".", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		records = append(records, rr)
	}
	require.NoError(t, parser.Err())
	return func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		answer.Rcode = dns.RcodeNameError
		for _, rr := range records {
			if h := rr.Header(); strings.EqualFold(h.Name, q.Question[0].Name) {
				answer.Rcode = dns.RcodeSuccess
				if h.Rrtype == q.Question[0].Qtype || h.Rrtype == dns.TypeCNAME {
					answer.Answer = append(answer.Answer, dns.Copy(rr))
				}
			}
		}
		send(w, answer)
	}
}

// send sends an answer, cut to what fits into a packet of UDP.
func send(w dns.ResponseWriter, answer *dns.Msg) {
	if isUDP(w) {
		answer.Truncate(512)
	}
	_ = w.WriteMsg(answer) // the client may be gone
}

func isUDP(w dns.ResponseWriter) bool { return w.RemoteAddr().Network() == "udp" }

// rcode answers every question with an error.
func rcode(code int) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) { send(w, new(dns.Msg).SetRcode(q, code)) }
}

// silent answers nothing.
func silent(dns.ResponseWriter, *dns.Msg) {}
