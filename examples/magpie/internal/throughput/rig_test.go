// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

const patience = 20 * time.Second // until a test that waits in vain fails

// listen listens at any port of an address.
func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := tcp(t.Context(), net.JoinHostPort(address, "0"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// serve serves a listener until the test ends, and then requires that nothing of it
// is left.
func serve(t testing.TB, l net.Listener, opts *throughput.ServerOptions) throughput.Target {
	t.Helper()
	stop := start(t, l, opts)
	t.Cleanup(stop)
	return target(t, l)
}

// start is serve, but returns what ends it.
func start(t testing.TB, l net.Listener, opts *throughput.ServerOptions) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go pprof.Do(ctx, pprof.Labels("server", t.Name()+l.Addr().String()), func(ctx context.Context) {
		err := throughput.Serve(ctx, []net.Listener{l}, opts)
		assert.Empty(t, goroutines("server", t.Name()+l.Addr().String()), "goroutines when Serve returns")
		done <- err
	})
	return sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			assert.NoError(t, err, "of Serve")
		case <-time.After(patience):
			assert.Fail(t, "Serve does not return")
		}
	})
}

// goroutines returns the stacks of all goroutines with a label that are in the
// package. One that has left it may still be about to end.
func goroutines(key, value string) string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, `"`+key+`":"`+value+`"`) && strings.Contains(stack, "/internal/throughput.") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// target is what a listener listens at.
func target(t testing.TB, l net.Listener) throughput.Target {
	t.Helper()
	a, err := netip.ParseAddrPort(l.Addr().String())
	require.NoError(t, err)
	return throughput.Target{Node: "magpie/1", Host: a.Addr().String(), Port: a.Port()}
}

// quick are options of short runs.
func quick(concurrency ...int) *throughput.Options {
	const batch = 40 * time.Millisecond
	return &throughput.Options{
		Concurrency: concurrency,
		BatchTime:   batch,
		TotalTime:   batch * time.Duration(len(concurrency)),
		Timeout:     patience,
	}
}

// measure measures one target.
func measure(ctx context.Context, to throughput.Target, opts *throughput.Options) ([]throughput.Run, error) {
	return throughput.Measure(ctx, []throughput.Target{to}, opts)
}

// dial connects to a target.
func dial(t testing.TB, to throughput.Target) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(to.Host), to.Port)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// say writes a text.
func say(t testing.TB, w io.Writer, text string) {
	t.Helper()
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
}

// hear reads as many bytes as a text has, and requires that they are the text.
func hear(t testing.TB, r io.Reader, text string) {
	t.Helper()
	b := make([]byte, len(text))
	_, err := io.ReadFull(r, b)
	require.NoError(t, err)
	require.Equal(t, text, string(b))
}

// streams collects what a server says of its streams.
type streams struct {
	mu  sync.Mutex
	all []throughput.Stream
}

func (s *streams) add(got throughput.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, got)
}

// get returns those that have ended.
func (s *streams) get() []throughput.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]throughput.Stream(nil), s.all...)
}

// plainListener hides that its connections are TCP, and calls what is not nil.
type plainListener struct {
	net.Listener
	accepted func()
	read     func(int)
}

func (l plainListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.accepted != nil {
		l.accepted()
	}
	return plainConn{conn, l.read}, nil
}

type plainConn struct {
	net.Conn
	read func(int)
}

func (c plainConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.read != nil {
		c.read(n)
	}
	return n, err
}

// tcp listens as the charm does.
func tcp(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	return config.Listen(ctx, "tcp", address)
}
