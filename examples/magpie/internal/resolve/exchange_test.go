// SPDX-License-Identifier: Apache-2.0

package resolve_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
)

// changed sends the answers of a handler after a change.
func changed(handler dns.HandlerFunc, change func(w dns.ResponseWriter, answer *dns.Msg)) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) { handler(changing{w, change}, q) }
}

type changing struct {
	dns.ResponseWriter
	change func(w dns.ResponseWriter, answer *dns.Msg)
}

func (c changing) WriteMsg(answer *dns.Msg) error {
	c.change(c.ResponseWriter, answer)
	return c.ResponseWriter.WriteMsg(answer)
}

func TestWhatServersDoWrong(t *testing.T) {
	t.Parallel()
	good := zone(t, goodZone)
	raw := func(packet func(q *dns.Msg) []byte) dns.HandlerFunc {
		return func(w dns.ResponseWriter, q *dns.Msg) { _, _ = w.Write(packet(q)) }
	}
	rows := map[string]struct {
		handler dns.HandlerFunc
		want    string // with ADDRESS for the server's
	}{
		"SERVFAIL":      {rcode(dns.RcodeServerFailure), "the server ADDRESS cannot find the answer (SERVFAIL)"},
		"REFUSED":       {rcode(dns.RcodeRefused), "the server ADDRESS refuses to answer (REFUSED)"},
		"NXDOMAIN":      {rcode(dns.RcodeNameError), "the server knows no such name (NXDOMAIN)"},
		"NOTIMP":        {rcode(dns.RcodeNotImplemented), "the server ADDRESS answers with the error NOTIMP"},
		"unknown error": {rcode(13), "the server ADDRESS answers with the error 13"},
		"no question left": {raw(func(q *dns.Msg) []byte {
			return []byte{byte(q.Id >> 8), byte(q.Id), 0x80, dns.RcodeRefused, 0, 0, 0, 0, 0, 0, 0, 0}
		}), "the server ADDRESS refuses to answer (REFUSED)"},
		"silence": {silent, "the server ADDRESS does not answer by udp within 2s"},
		"no records": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Answer = nil }),
			"the name has no such record"},
		"records of another name": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Answer[0].Header().Name = "other.example." }),
			"the name has no such record"},
		"records of another class": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) {
			a.Answer[0].Header().Class = dns.ClassCHAOS
		}), "the name has no such record"},
		"wrong ID": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Id++ }),
			"cannot ask the server ADDRESS by udp: the answer is to another question"},
		"other question": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Question[0].Name = "3.0.0.10.in-addr.arpa." }),
			"cannot ask the server ADDRESS by udp: the answer is to another question"},
		"other type": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Question[0].Qtype = dns.TypeA }),
			"cannot ask the server ADDRESS by udp: the answer is to another question"},
		"no question": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Question = nil }),
			"cannot ask the server ADDRESS by udp: the answer is to another question"},
		"two questions": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Question = append(a.Question, a.Question[0]) }),
			"cannot ask the server ADDRESS by udp: the answer is to another question"},
		"question": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Response = false }),
			"cannot ask the server ADDRESS by udp: the answer is to another question"},
		"short": {raw(func(q *dns.Msg) []byte { return []byte{byte(q.Id >> 8), byte(q.Id), 0x80} }),
			"cannot ask the server ADDRESS by udp: the answer is malformed"},
		"rubbish": {raw(func(q *dns.Msg) []byte {
			packet, err := new(dns.Msg).SetReply(q).Pack()
			assert.NoError(t, err)
			packet[7] = 1 // there is an answer
			return append(packet, "rubbish"...)
		}), "cannot ask the server ADDRESS by udp: the answer is malformed"},
	}
	// Most of them end with the time-out: not one behind the other.
	var wg sync.WaitGroup
	for name, row := range rows {
		server := serve(t, row.handler)
		wg.Go(func() {
			result := one(t, "10.0.0.2", &resolve.Options{Server: server, Timeout: 2 * time.Second})
			want := "cannot look up the names of 10.0.0.2: " + strings.ReplaceAll(row.want, "ADDRESS", server)
			assert.Equal(t, want, result.Reverse.Error, name)
			assert.Empty(t, result.Forward, name)
			assert.False(t, result.OK(), name)
		})
	}
	wg.Wait()
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	good := zone(t, goodZone)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		assert.True(t, q.RecursionDesired)
		if assert.Len(t, q.Question, 1) && assert.NotNil(t, q.IsEdns0()) {
			assert.EqualValues(t, dns.ClassINET, q.Question[0].Qclass)
			assert.EqualValues(t, 1232, q.IsEdns0().UDPSize(), "what fits into a packet anywhere")
		}
		good(w, q)
	})
	assert.True(t, one(t, "10.0.0.2", patient(server)).OK())
}

func TestAnAnswerBehindWrongOnesCounts(t *testing.T) {
	t.Parallel()
	server := serve(t, changed(zone(t, goodZone), func(w dns.ResponseWriter, right *dns.Msg) {
		for _, change := range []func(*dns.Msg){
			func(wrong *dns.Msg) { wrong.Id++ },
			func(wrong *dns.Msg) { wrong.Question[0].Name = "wrong.example." },
			func(wrong *dns.Msg) { wrong.Response = false },
		} {
			wrong := right.Copy()
			wrong.Rcode, wrong.Answer = dns.RcodeNameError, nil
			change(wrong)
			assert.NoError(t, w.WriteMsg(wrong))
		}
		_, err := w.Write([]byte("x"))
		assert.NoError(t, err)
	}))
	result := one(t, "10.0.0.2", patient(server))
	assert.True(t, result.OK(), "%+v", result)
}

func TestLostAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	good := zone(t, goodZone)
	losing := func() dns.HandlerFunc { // the first answer to each question
		var mu sync.Mutex
		asked := make(map[dns.Question]bool)
		return func(w dns.ResponseWriter, q *dns.Msg) {
			mu.Lock()
			again := asked[q.Question[0]]
			asked[q.Question[0]] = true
			mu.Unlock()
			if again {
				good(w, q)
			}
		}
	}
	result := one(t, "10.0.0.2", &resolve.Options{Server: serve(t, losing()), Tries: 20, Timeout: 100 * time.Millisecond})
	assert.True(t, result.OK(), "%+v", result)

	result = one(t, "10.0.0.2", &resolve.Options{Server: serve(t, losing()), Timeout: 100 * time.Millisecond})
	assert.Contains(t, result.Reverse.Error, "does not answer by udp within 100ms")
}

func TestOnePartOfAForwardLookupCanFail(t *testing.T) {
	t.Parallel()
	good := zone(t, goodZone)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Qtype == dns.TypeAAAA {
			rcode(dns.RcodeServerFailure)(w, q)
			return
		}
		good(w, q)
	})
	result := one(t, "10.0.0.2", patient(server))
	assert.JSONEq(t, fmt.Sprintf(`{
		"reverse": {"hostnames": ["magpie-1.example"], "ok": true},
		"forward": {"magpie-1.example": {"ips": ["10.0.0.2"], "ok": false, "match": true,
			"error": "cannot look up the addresses of \"magpie-1.example\": the server %s cannot find the answer (SERVFAIL)"}}
	}`, server), asJSON(t, result))
	assert.False(t, result.OK())
}

func TestTruncatedAnswers(t *testing.T) {
	t.Parallel()
	good := zone(t, goodZone)
	truncated := func(w dns.ResponseWriter, a *dns.Msg) {
		if isUDP(w) {
			a.Answer, a.Truncated = nil, true
		}
	}
	t.Run("by TCP they are whole", func(t *testing.T) {
		t.Parallel()
		result := one(t, "10.0.0.2", patient(serve(t, changed(good, truncated))))
		assert.True(t, result.OK(), "%+v", result)
	})
	t.Run("cut within a record", func(t *testing.T) {
		t.Parallel()
		result := one(t, "10.0.0.2", patient(serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			if !isUDP(w) {
				good(w, q)
				return
			}
			answer := new(dns.Msg).SetReply(q)
			answer.Truncated = true
			packet, err := answer.Pack()
			assert.NoError(t, err)
			packet[7] = 1 // there is an answer
			_, _ = w.Write(append(packet, 0xc0))
		})))
		assert.True(t, result.OK(), "%+v", result)
	})
	t.Run("no TCP", func(t *testing.T) {
		t.Parallel()
		server := serveUDP(t, changed(good, truncated))
		result := one(t, "10.0.0.2", patient(server))
		assert.Equal(t, "cannot look up the names of 10.0.0.2: cannot ask the server "+server+" by tcp: connection refused", result.Reverse.Error)
	})
	for name, row := range map[string]struct {
		wrong dns.HandlerFunc // by TCP
		want  string
	}{
		"truncated again": {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Truncated = true }), "cannot ask the server ADDRESS by tcp: the answer is malformed"},
		"wrong ID":        {changed(good, func(_ dns.ResponseWriter, a *dns.Msg) { a.Id++ }), "cannot ask the server ADDRESS by tcp: the answer is to another question"},
		"too short":       {func(w dns.ResponseWriter, _ *dns.Msg) { _, _ = w.Write([]byte("x")) }, "cannot ask the server ADDRESS by tcp: the answer is malformed"},
		"closed":          {func(w dns.ResponseWriter, _ *dns.Msg) { _ = w.Close() }, "cannot ask the server ADDRESS by tcp: it closes the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
				if isUDP(w) {
					changed(good, truncated)(w, q)
				} else {
					row.wrong(w, q)
				}
			})
			result := one(t, "10.0.0.2", patient(server))
			assert.Equal(t, "cannot look up the names of 10.0.0.2: "+strings.ReplaceAll(row.want, "ADDRESS", server), result.Reverse.Error)
		})
	}
	t.Run("no answer by TCP", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			if isUDP(w) {
				changed(good, truncated)(w, q)
			}
		})
		result := one(t, "10.0.0.2", &resolve.Options{Server: server, Timeout: 2 * time.Second})
		assert.Equal(t, "cannot look up the names of 10.0.0.2: the server "+server+" does not answer by tcp within 2s", result.Reverse.Error)
	})
}

func FuzzDecode(f *testing.F) {
	pack := func(records ...string) []byte {
		answer := new(dns.Msg).SetReply(new(dns.Msg).SetQuestion("a.example.", dns.TypePTR))
		for _, text := range records {
			rr, err := dns.NewRR(text)
			require.NoError(f, err)
			answer.Answer = append(answer.Answer, rr)
		}
		packet, err := answer.Pack()
		require.NoError(f, err)
		return packet
	}
	f.Add(pack("a.example. PTR b.example."))
	f.Add(pack(`a.example. PTR \027[2J.example.`, "a.example. PTR b.example."))
	f.Add(pack("a.example. CNAME b.example.", "b.example. PTR c.example."))
	f.Add(pack("a.example. CNAME b.example.", "b.example. CNAME a.example."))
	f.Add(pack("a.example. A 10.0.0.1", "a.example. AAAA ::ffff:10.0.0.1", "a.example. AAAA fd00::1"))
	f.Add([]byte("\x00\x01\x80\x00"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, qtype := range []uint16{dns.TypePTR, dns.TypeA, dns.TypeAAAA} {
			question := new(dns.Msg).SetQuestion("a.example.", qtype)
			packet := append([]byte(nil), packet...)
			if len(packet) >= 2 { // else few packets would be looked into
				question.Id = binary.BigEndian.Uint16(packet)
			}
			if at := 12 + len("\x01a\x07example\x00"); len(packet) > at+1 {
				binary.BigEndian.PutUint16(packet[at:], qtype)
			}
			names, ips, err := resolve.Decode(packet, question)
			assert.LessOrEqual(t, len(names), 32)
			assert.LessOrEqual(t, len(ips), 64)
			for _, name := range names {
				assert.Regexp(t, `^[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*$`, name)
				assert.LessOrEqual(t, len(name), 253)
			}
			for _, ip := range ips {
				assert.True(t, ip.IsValid() && !ip.Is4In6(), ip)
			}
			if err != nil {
				assert.NotRegexp(t, `[^ -~…]`, err.Error())
				assert.Less(t, len(err.Error()), 1000)
			}
		}
	})
}

// TestAServerOfRubbish sends what no DNS library would.
func TestAServerOfRubbish(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		<-done
	})
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			for _, packet := range [][]byte{nil, buffer[:n], make([]byte, 60000), append([]byte{buffer[0], buffer[1], 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, buffer[12:n]...)} {
				_, _ = conn.WriteTo(packet, from)
			}
		}
	}()
	result := one(t, "10.0.0.2", &resolve.Options{Server: conn.LocalAddr().String(), Timeout: 2 * time.Second})
	assert.Regexp(t, "^cannot look up the names of 10.0.0.2: cannot ask the server .* by udp: the answer is (malformed|to another question)$", result.Reverse.Error)
}
