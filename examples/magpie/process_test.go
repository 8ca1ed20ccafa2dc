// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
)

// desk is charmsmith run, with units of this charm as processes.
type desk struct {
	t      *testing.T
	stdin  io.WriteCloser
	stdout *json.Decoder
	stderr *bytes.Buffer
	cmd    *exec.Cmd
}

func run(t *testing.T, args ...string) *desk {
	t.Helper()
	program := filepath.Join(t.TempDir(), "charmsmith")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/charmsmith")
	build.Dir = "../.."
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	d := &desk{t: t, stderr: &bytes.Buffer{}}
	d.cmd = exec.CommandContext(t.Context(), program, append([]string{"run", ".", "--json", "-i"}, args...)...)
	d.cmd.WaitDelay = 10 * time.Second
	d.cmd.Stderr = d.stderr
	d.stdin, err = d.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := d.cmd.StdoutPipe()
	require.NoError(t, err)
	d.stdout = json.NewDecoder(stdout)
	require.NoError(t, d.cmd.Start())
	d.until("settled")
	return d
}

// event is what is looked at of a line of JSON.
type event struct {
	Kind, Text string
	Exit       int
}

// until reads until something of a kind comes.
func (d *desk) until(kind string) event {
	d.t.Helper()
	for {
		var e event
		require.NoError(d.t, d.stdout.Decode(&e), "waiting for %s; %s", kind, d.stderr)
		if e.Kind == kind {
			return e
		}
		require.NotEqual(d.t, "end", e.Kind, "waiting for %s; %s", kind, d.stderr)
	}
}

// do does what a line says, and returns what it prints.
func (d *desk) do(line string) string {
	d.t.Helper()
	_, err := fmt.Fprintln(d.stdin, line)
	require.NoError(d.t, err)
	return d.until("output").Text
}

// end ends the run, and returns its exit code.
func (d *desk) end() int {
	d.t.Helper()
	require.NoError(d.t, d.stdin.Close())
	code := d.until("end").Exit
	_ = d.cmd.Wait() // the code is known
	return code
}

// TestProcesses is three units as real processes at loopback addresses: they join, all
// checks are done for real, and one departs.
func TestProcesses(t *testing.T) {
	t.Parallel()
	d := run(t, "-n", "3")
	units := d.addresses()
	require.Len(t, units, 3)

	output := d.do("run magpie/0 dns server=" + nameServer(t, units))
	assert.Contains(t, output, "action dns on magpie/0: completed")
	assert.Contains(t, output, `"magpie-2.example"`)
	assert.Equal(t, 2, strings.Count(output, `"match": true`), output)
	assert.Contains(t, d.do("run magpie/0 dns timeout=1 server=127.0.0.1:9"), "action dns on magpie/0: failed")

	output = d.do(`run magpie/1 iperf batch-time=1 total-run-time=2 concurrency-progression="1 2"`)
	assert.Contains(t, output, "action iperf on magpie/1: completed")
	for _, unit := range []string{"magpie/0", "magpie/2"} {
		assert.Equal(t, 2, strings.Count(output, `"dest_node": "`+unit+`"`), output)
	}
	assert.NotContains(t, output, `"transferred_bytes": 0`)
	assert.Contains(t, d.do(`run magpie/1 iperf port=9 tag=refused total-run-time=1 concurrency-progression="1 1"`), "connection refused")

	assert.Contains(t, d.do("run magpie/2 info"), `"hostname"`)
	served := scrape(t, units[1])
	assert.Regexp(t, `magpie_iperf_bandwidth\{model="desk",src="magpie/1",dest="magpie/2",tag="default"\} [1-9]`, served, "after the action has ended")
	assert.Contains(t, scrape(t, units[0]), `magpie_check_ok{check="dns"`)

	d.settle("remove-unit magpie/2")
	assert.Regexp(t, `src="magpie/1",dest="magpie/0"`, scrape(t, units[1]))
	assert.NotContains(t, scrape(t, units[1]), `dest="magpie/2"`, "it has departed")
	assert.NotContains(t, d.do("run magpie/0 info")+d.do("status"), "magpie/2")
	_, err := net.DialTimeout("tcp", netip.AddrPortFrom(units[2], 5001).String(), time.Minute)
	assert.ErrorContains(t, err, "refused", "its server is gone with it")
	assert.Contains(t, d.do("status"), "Ready, with 1 peer")
	assert.Zero(t, d.end())
}

// TestProcessesPing is the check that needs a privilege: three units ping each other.
func TestProcessesPing(t *testing.T) {
	t.Parallel()
	if r := ping.Run(t.Context(), []ping.Target{{Name: "probe", Address: "127.0.0.1"}}, &ping.Options{Tries: 1}); !r[0].OK() {
		t.Skipf("this process cannot ping 127.0.0.1 (%s): run go test -run ProcessesPing as root, or after sysctl net.ipv4.ping_group_range=\"0 2147483647\"", r[0])
	}
	d := run(t, "-n", "3", "--config", "status=checks", "--config", "check_dns=false", "--config", "check_local_hostname=false", "--config", "ping_tries=3")
	output := d.do("run magpie/2 ping tries=3 required-mtu=1500")
	assert.Contains(t, output, "action ping on magpie/2: completed")
	assert.Equal(t, 2, strings.Count(output, `"ok"`), output)
	d.settle("update-status", "update-status")
	status := d.do("status")
	assert.Equal(t, 3, strings.Count(status, "Ready, with 2 peers, icmp ok, iperf ok\n")-1, "units, and the application, of: %s", status)
	assert.Zero(t, d.end())
}

// settle does what lines say, and waits for all that follows from them.
func (d *desk) settle(lines ...string) {
	d.t.Helper()
	for _, line := range lines {
		_, err := fmt.Fprintln(d.stdin, line+"\nsettle")
		require.NoError(d.t, err)
		d.until("settled")
	}
}

// addresses returns those of the units.
func (d *desk) addresses() []netip.Addr {
	d.t.Helper()
	var units []netip.Addr
	for _, text := range regexp.MustCompile(`\b127\.\d+\.\d+\.\d+\b`).FindAllString(d.do("status"), -1) {
		units = append(units, netip.MustParseAddr(text))
	}
	return units
}

// nameServer serves the names of units, magpie-0.example and so on, and returns its
// address.
func nameServer(t *testing.T, units []netip.Addr) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		for i, ip := range units {
			name, question := fmt.Sprintf("magpie-%d.example.", i), query.Question[0]
			reverse, err := dns.ReverseAddr(ip.String())
			assert.NoError(t, err)
			header := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET, Ttl: 1}
			switch {
			case question.Qtype == dns.TypePTR && question.Name == reverse:
				reply.Answer = append(reply.Answer, &dns.PTR{Hdr: header, Ptr: name})
			case question.Qtype == dns.TypeA && question.Name == name:
				reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: ip.AsSlice()})
			}
		}
		assert.NoError(t, w.WriteMsg(reply))
	})}
	ended := make(chan error)
	go func() { ended <- server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		assert.NoError(t, server.Shutdown())
		assert.NoError(t, <-ended)
	})
	return conn.LocalAddr().String()
}

// scrape returns the metrics of a unit.
func scrape(t *testing.T, unit netip.Addr) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+netip.AddrPortFrom(unit, 8088).String()+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}
