// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// pipeListener accepts connections in memory, which wait by the clock of a test.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// connect returns the client's side of a connection.
func (l *pipeListener) connect(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	l.conns <- server
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// bubble runs a test with a server in memory and a clock that does not wait.
func bubble(t *testing.T, opts throughput.ServerOptions, test func(t *testing.T, l *pipeListener, served *streams)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		served := &streams{}
		opts.Ended = served.add
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- throughput.Serve(ctx, []net.Listener{l}, &opts) }()
		test(t, l, served)
		cancel()
		require.NoError(t, <-done)
	})
}

// lasts returns how long until the server closes a connection.
func lasts(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Empty(t, got)
	return time.Since(start)
}

func TestServeIdle(t *testing.T) {
	bubble(t, throughput.ServerOptions{}, func(t *testing.T, l *pipeListener, served *streams) {
		assert.Equal(t, 10*time.Second, lasts(t, l.connect(t)), "of a silent connection")

		conn := l.connect(t)
		say(t, conn, goodOpening)
		hear(t, conn, goodAnswer)
		for range 20 { // as slow as may be
			time.Sleep(9900 * time.Millisecond)
			say(t, conn, "x")
		}
		assert.InDelta(t, 10.7, lasts(t, conn).Seconds(), 0.7, "seconds of a silent stream")
		synctest.Wait()
		require.Len(t, served.get(), 1)
		assert.EqualValues(t, 20, served.get()[0].Bytes)
		require.ErrorIs(t, served.get()[0].Err, os.ErrDeadlineExceeded)
	})
}

// An opening in small bites has no more time than a whole one.
func TestServeSlowOpening(t *testing.T) {
	bubble(t, throughput.ServerOptions{IdleTime: 4500 * time.Millisecond}, func(t *testing.T, l *pipeListener, _ *streams) {
		conn := l.connect(t)
		start := time.Now()
		for _, b := range []byte(goodOpening) {
			if _, err := conn.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		assert.Equal(t, 5*time.Second, time.Since(start), "until a byte is refused")
	})
}

// A stream that never ends does not last for ever.
func TestServeMaxTime(t *testing.T) {
	bubble(t, throughput.ServerOptions{MaxTime: time.Minute}, func(t *testing.T, l *pipeListener, served *streams) {
		conn := l.connect(t)
		say(t, conn, goodOpening)
		hear(t, conn, goodAnswer)
		start := time.Now()
		for {
			if _, err := io.WriteString(conn, "x"); err != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
			require.Less(t, time.Since(start), 2*time.Minute)
		}
		assert.InDelta(t, 60, time.Since(start).Seconds(), 0.2, "seconds")
		synctest.Wait()
		require.Len(t, served.get(), 1)
		require.ErrorIs(t, served.get()[0].Err, os.ErrDeadlineExceeded)
	})
}
