// SPDX-License-Identifier: Apache-2.0

package resolve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
)

// patient are options for a server that answers.
func patient(server string) *resolve.Options {
	return &resolve.Options{Server: server, Timeout: time.Minute}
}

// one returns the result of one address.
func one(t *testing.T, address string, opts *resolve.Options) resolve.Result {
	t.Helper()
	results := resolve.Check(t.Context(), []resolve.Target{{Name: "magpie/1", Address: address}}, opts)
	assert.Len(t, results, 1)
	result := results["magpie/1"]
	return result
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

const goodZone = `
2.0.0.10.in-addr.arpa.     PTR  Magpie-1.example.
magpie-1.example.          A    10.0.0.2
magpie-1.example.          AAAA fd00::2
3.0.0.10.in-addr.arpa.     PTR  magpie-2.example.
magpie-2.example.          A    10.0.0.99
4.0.0.10.in-addr.arpa.     PTR  magpie-3.example.
5.0.0.10.in-addr.arpa.     PTR  other.example.
5.0.0.10.in-addr.arpa.     PTR  magpie-4.example.
magpie-4.example.          A    10.0.0.5
other.example.             A    10.0.0.6
6.0.0.10.in-addr.arpa.     TXT  "no names"
7.0.0.10.in-addr.arpa.     CNAME 7.0/26.0.0.10.in-addr.arpa.
7.0/26.0.0.10.in-addr.arpa. PTR magpie-7.example.
magpie-7.example.          CNAME a.example.
a.example.                 CNAME b.example.
b.example.                 A    10.0.0.7
text.example.              TXT  "no addresses"
2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR magpie-1.example.
single.example.            A    10.0.0.4
`

func TestCheck(t *testing.T) {
	t.Parallel()
	server := serve(t, zone(t, goodZone))
	const magpie1 = `{
		"reverse": {"hostnames": ["magpie-1.example"], "ok": true},
		"forward": {"magpie-1.example": {"ips": ["10.0.0.2", "fd00::2"], "ok": true, "match": true}}
	}`
	for name, row := range map[string]struct {
		address string
		want    string
		ok      bool
	}{
		"IPv4":               {"10.0.0.2", magpie1, true},
		"IPv6":               {"fd00::2", magpie1, true},
		"mapped":             {"::ffff:10.0.0.2", magpie1, true},
		"zone":               {"fd00::2%eth0", magpie1, true},
		"host name":          {"magpie-1.example", magpie1, true},
		"host name with dot": {"MAGPIE-1.example.", magpie1, true},
		"CNAMEs of both ways": {"10.0.0.7", `{
			"reverse": {"hostnames": ["magpie-7.example"], "ok": true},
			"forward": {"magpie-7.example": {"ips": ["10.0.0.7"], "ok": true, "match": true}}
		}`, true},
		"mismatch": {"10.0.0.3", `{
			"reverse": {"hostnames": ["magpie-2.example"], "ok": true},
			"forward": {"magpie-2.example": {"ips": ["10.0.0.99"], "ok": true, "match": false}}
		}`, false},
		"one of two names matches": {"10.0.0.5", `{
			"reverse": {"hostnames": ["magpie-4.example", "other.example"], "ok": true},
			"forward": {
				"magpie-4.example": {"ips": ["10.0.0.5"], "ok": true, "match": true},
				"other.example": {"ips": ["10.0.0.6"], "ok": true, "match": false}
			}
		}`, false},
		"no address of the name": {"10.0.0.4", `{
			"reverse": {"hostnames": ["magpie-3.example"], "ok": true},
			"forward": {"magpie-3.example": {"ips": [], "ok": false, "match": false,
				"error": "cannot look up the addresses of \"magpie-3.example\": the server knows no such name (NXDOMAIN)"}}
		}`, false},
		"no name of the host name's address": {"single.example", `{
			"reverse": {"hostnames": ["magpie-3.example"], "ok": true},
			"forward": {"magpie-3.example": {"ips": [], "ok": false, "match": false,
				"error": "cannot look up the addresses of \"magpie-3.example\": the server knows no such name (NXDOMAIN)"}}
		}`, false},
		"no reverse zone": {"10.0.0.9", `{
			"reverse": {"hostnames": [], "ok": false, "error": "cannot look up the names of 10.0.0.9: the server knows no such name (NXDOMAIN)"},
			"forward": {}
		}`, false},
		"no PTR": {"10.0.0.6", `{
			"reverse": {"hostnames": [], "ok": false, "error": "cannot look up the names of 10.0.0.6: the name has no such record"},
			"forward": {}
		}`, false},
		"no such host": {"none.example", `{
			"reverse": {"hostnames": [], "ok": false, "error": "cannot look up the addresses of \"none.example\": the server knows no such name (NXDOMAIN)"},
			"forward": {}
		}`, false},
		"host without address": {"text.example", `{
			"reverse": {"hostnames": [], "ok": false, "error": "cannot look up the addresses of \"text.example\": the name has no A and no AAAA record"},
			"forward": {}
		}`, false},
		"hostile address": {"a\x1b[2J", `{
			"reverse": {"hostnames": [], "ok": false, "error": "cannot look up \"a\\x1b[2J\": it is neither an IP address nor a host name"},
			"forward": {}
		}`, false},
		"empty": {"", `{
			"reverse": {"hostnames": [], "ok": false, "error": "cannot look up \"\": it is neither an IP address nor a host name"},
			"forward": {}
		}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := one(t, row.address, patient(server))
			assert.JSONEq(t, row.want, asJSON(t, result))
			assert.Equal(t, row.ok, result.OK())
		})
	}
}

func TestResultsAreByUnit(t *testing.T) {
	t.Parallel()
	server := serve(t, zone(t, goodZone))
	var targets []resolve.Target
	for i := range 100 {
		address := "10.0.0.2"
		if i == 42 {
			address = "10.0.0.9"
		}
		targets = append(targets, resolve.Target{Name: fmt.Sprintf("magpie/%d", i), Address: address})
	}
	results := resolve.Check(t.Context(), targets, patient(server))
	assert.Len(t, results, 100)
	for unit, result := range results {
		assert.Equal(t, unit != "magpie/42", result.OK(), "%s: %+v", unit, result)
	}
	assert.Empty(t, resolve.Check(t.Context(), nil, nil))
}

func TestAResultWithoutForwardIsNotOK(t *testing.T) {
	t.Parallel()
	good := resolve.Forward{IPs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, OK: true, Match: true}
	for _, row := range []struct {
		reverse bool
		forward map[string]resolve.Forward
		ok      bool
	}{
		{true, map[string]resolve.Forward{"a": good}, true},
		{false, map[string]resolve.Forward{"a": good}, false},
		{true, nil, false},
		{true, map[string]resolve.Forward{"a": good, "b": {OK: true}}, false},
		{true, map[string]resolve.Forward{"a": good, "b": {Match: true}}, false},
	} {
		result := resolve.Result{Reverse: resolve.Reverse{OK: row.reverse}, Forward: row.forward}
		assert.Equal(t, row.ok, result.OK(), "%+v", result)
	}
}

func TestChainsOfCNAMEs(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, n := range []int{8, 9} { // the last name has an address
		for i := range n {
			fmt.Fprintf(&text, "c%d-%d.example. CNAME c%d-%d.example.\n", n, i, n, i+1)
		}
		fmt.Fprintf(&text, "c%d-%d.example. A 10.0.0.2\n", n, n)
	}
	text.WriteString("loop.example. CNAME pool.example.\npool.example. CNAME LOOP.example.\nself.example. CNAME self.example.\nend.example. CNAME none.example.\n")
	asked := zone(t, text.String())

	// A recursive server has all CNAMEs in one answer.
	parser := dns.NewZoneParser(strings.NewReader("$TTL 60\n"+text.String()), ".", "")
	var all []dns.RR
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		all = append([]dns.RR{rr}, all...) // in no helpful order
	}
	require.NoError(t, parser.Err())
	atOnce := func(w dns.ResponseWriter, q *dns.Msg) {
		if name := q.Question[0].Name; name == "end.example." || name == "none.example." {
			asked(w, q)
			return
		}
		answer := new(dns.Msg).SetReply(q)
		answer.Answer = all
		send(w, answer)
	}

	for kind, handler := range map[string]dns.HandlerFunc{"asked": asked, "at once": atOnce} {
		server := serve(t, handler)
		for host, want := range map[string]string{
			"c8-0.example": "the names of 10.0.0.2", // as far as that
			"c9-0.example": `there are more than 8 CNAMEs from "c9-0.example." on`,
			"loop.example": `the CNAMEs of "loop.example." are a loop`,
			"self.example": `the CNAMEs of "self.example." are a loop`,
			"end.example":  `the server knows no such name (NXDOMAIN)`,
		} {
			t.Run(kind+" "+host, func(t *testing.T) {
				t.Parallel()
				result := one(t, host, patient(server))
				assert.Contains(t, result.Reverse.Error, want)
				assert.False(t, result.OK())
			})
		}
	}
}

func TestMuchIsBounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "2.0.0.10.in-addr.arpa. PTR n%02d.example.\nn%02d.example. A 10.0.0.2\n", i, i)
	}
	for i := range 70 {
		fmt.Fprintf(&text, "many.example. A 10.1.0.%d\n%d.0.1.10.in-addr.arpa. PTR many.example.\n", i, i)
	}
	var reverse atomic.Int32
	many := zone(t, text.String()) // these answers do not fit into UDP
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Qtype == dns.TypePTR {
			reverse.Add(1)
		}
		many(w, q)
	})

	names := one(t, "10.0.0.2", patient(server))
	assert.Len(t, names.Reverse.Hostnames, 32)
	assert.Len(t, names.Forward, 32)
	assert.Equal(t, "cannot look up the names of 10.0.0.2: there are more than 32 names; the others are left out", names.Reverse.Error)
	assert.False(t, names.Reverse.OK)

	addresses := one(t, "10.1.0.1", patient(server)).Forward["many.example"]
	assert.Len(t, addresses.IPs, 64)
	assert.Equal(t, `cannot look up the addresses of "many.example": there are more than 64 addresses; the others are left out`, addresses.Error)
	assert.False(t, addresses.OK)

	reverse.Store(0)
	host := one(t, "many.example", patient(server))
	assert.EqualValues(t, 8, reverse.Load(), "addresses of a host name that are looked up")
	assert.Contains(t, host.Reverse.Error, "more than 64 addresses")
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ ptr, text string }{
		"control characters": {`\027[2J.example.`, `"\\027[2J.example."`},
		"newline":            {`a\010b.example.`, `"a\\010b.example."`},
		"dot in a label":     {`a\.b.example.`, `"a\\.b.example."`},
		"space":              {`a\032b.example.`, `"a\\ b.example."`},
		"UTF-8":              {`\226\128\174.example.`, `"\\226\\128\\174.example."`},
		"option":             {`-f.example.`, `"-f.example."`},
		"root":               {`.`, `"."`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, zone(t, "2.0.0.10.in-addr.arpa. PTR "+row.ptr+"\n2.0.0.10.in-addr.arpa. PTR good.example.\ngood.example. A 10.0.0.2\n"))
			result := one(t, "10.0.0.2", patient(server))
			assert.Equal(t, []string{"good.example"}, result.Reverse.Hostnames)
			assert.Equal(t, "cannot look up the names of 10.0.0.2: the answer "+row.text+" is not a host name", result.Reverse.Error)
			assert.True(t, result.Forward["good.example"].Match)
			assert.False(t, result.OK())
		})
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, row := range map[string]struct {
		options resolve.Options
		want    string
	}{
		"name":           {resolve.Options{Server: "dns.\x1b"}, `cannot use the DNS server "dns.\x1b": it is not an IP address, or one with a port`},
		"port 0":         {resolve.Options{Server: "127.0.0.1:0"}, `cannot use the DNS server "127.0.0.1:0": it is not an IP address, or one with a port`},
		"port of a name": {resolve.Options{Server: "127.0.0.1:domain"}, `cannot use the DNS server "127.0.0.1:domain": it is not an IP address, or one with a port`},
		"zone":           {resolve.Options{Server: "fe80::1%nope"}, `cannot use the DNS server "fe80::1%nope": the zone is not an interface of this machine`},
		"zone and port":  {resolve.Options{Server: "[fe80::1%no\x1b]:53"}, `cannot use the DNS server "[fe80::1%no\x1b]:53": the zone is not an interface of this machine`},
		"no zone":        {resolve.Options{Server: "fe80::1"}, `cannot use the DNS server "fe80::1": a link-local address needs a zone, as in "fe80::1%eth0"`},
		"zone in a file": {resolve.Options{ResolvConf: file("zone", "nameserver fe80::1%nope\n")}, fmt.Sprintf(`cannot find a DNS server in %q: cannot use "fe80::1%%nope": the zone is not an interface of this machine`, dir+"/zone")},
		"after a zone":   {resolve.Options{ResolvConf: file("after", "nameserver fe80::1%nope\nnameserver 127.0.0.71\n")}, "cannot look up the names of 10.0.0.2: cannot ask the server 127.0.0.71:53 by udp: connection refused"},
		"tries":          {resolve.Options{Server: "127.0.0.1", Tries: -1}, "cannot ask a DNS server -1 times"},
		"timeout":        {resolve.Options{Server: "127.0.0.1", Timeout: -time.Second}, "cannot wait -1s for a DNS server"},
		"no file":        {resolve.Options{ResolvConf: dir + "/none"}, "cannot read the DNS servers: open " + dir + "/none: no such file or directory"},
		"no server":      {resolve.Options{ResolvConf: file("empty", "search example\nnameserver name.example\n")}, fmt.Sprintf("cannot find a DNS server in %q", dir+"/empty")},
		"nobody there":   {resolve.Options{Server: "127.0.0.71"}, "cannot look up the names of 10.0.0.2: cannot ask the server 127.0.0.71:53 by udp: connection refused"},
		"three of a file": {
			resolve.Options{ResolvConf: file("four", "nameserver 127.0.0.71\nnameserver 127.0.0.72\nnameserver 127.0.0.73\nnameserver 127.0.0.74\n"), Tries: 2},
			"cannot look up the names of 10.0.0.2: cannot ask the server 127.0.0.71:53 by udp: connection refused; " +
				"cannot ask the server 127.0.0.72:53 by udp: connection refused; cannot ask the server 127.0.0.73:53 by udp: connection refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := one(t, "10.0.0.2", &row.options)
			assert.Equal(t, row.want, result.Reverse.Error)
			assert.JSONEq(t, `{}`, asJSON(t, result.Forward))
			assert.False(t, result.OK())
		})
	}
}

func TestServerOfIPv6(t *testing.T) {
	t.Parallel()
	server := serveAt(t, "[::1]:0", zone(t, goodZone))
	assert.True(t, one(t, "10.0.0.2", patient(server)).OK())
}

func TestTheNextServerOfResolvConf(t *testing.T) {
	t.Parallel()
	// The first refuses, the second knows the names.
	serveAt(t, "127.0.0.81:53", rcode(dns.RcodeRefused))
	serveAt(t, "127.0.0.82:53", zone(t, goodZone))
	path := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(path, []byte("nameserver 127.0.0.81\nnameserver 127.0.0.82\n"), 0o600))
	result := one(t, "10.0.0.2", &resolve.Options{ResolvConf: path, Timeout: time.Minute})
	assert.True(t, result.OK(), "%+v", result)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(dns.ResponseWriter, *dns.Msg) { cancel() })
	targets := make([]resolve.Target, 100)
	for i := range targets {
		targets[i] = resolve.Target{Name: fmt.Sprint(i), Address: "10.0.0.2"}
	}
	results := resolve.Check(ctx, targets, &resolve.Options{Server: server, Timeout: time.Hour})
	assert.Len(t, results, 100)
	for _, result := range results {
		assert.Equal(t, "cannot look up the names of 10.0.0.2: context canceled", result.Reverse.Error)
	}
}
