// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// The protocol byte by byte, as a client of another make would speak it.
func TestServeProtocol(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		l := listen(t, "127.0.0.1")
		to := target(t, l)
		if plain {
			l = plainListener{Listener: l}
		}
		var served streams
		stop := start(t, l, &throughput.ServerOptions{Ended: served.add})
		defer stop()
		conn := dial(t, to)
		say(t, conn, goodOpening)
		hear(t, conn, goodAnswer)
		const size = 3<<20 + 7
		say(t, conn, strings.Repeat("x", size))
		require.NoError(t, conn.CloseWrite())
		result, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Len(t, result, 24)
		assert.Equal(t, "MAGPIEok", string(result[:8]))
		assert.EqualValues(t, size, binary.BigEndian.Uint64(result[8:]), "bytes")
		elapsed := time.Duration(binary.BigEndian.Uint64(result[16:]))
		assert.Positive(t, elapsed)
		stop()
		assert.Equal(t, []throughput.Stream{{
			Run: "30313233343536373839616263646566", Client: conn.LocalAddr(), Bytes: size, Elapsed: elapsed,
		}}, served.get())
	}
}

// A stream of nothing is one.
func TestServeEmptyStream(t *testing.T) {
	t.Parallel()
	conn := dial(t, serve(t, listen(t, "127.0.0.1"), nil))
	say(t, conn, goodOpening)
	hear(t, conn, goodAnswer)
	require.NoError(t, conn.CloseWrite())
	hear(t, conn, "MAGPIEok"+strings.Repeat("\x00", 16))
}

func TestServeNotAClient(t *testing.T) {
	t.Parallel()
	var served streams
	l := listen(t, "127.0.0.1")
	stop := start(t, l, &throughput.ServerOptions{Ended: served.add})
	defer stop()
	for _, opening := range []string{"GET / HTTP/1.1\r\n\r\n", strings.Repeat("\x00", 1<<20), goodOpening[:20], ""} {
		conn := dial(t, target(t, l))
		_, _ = io.WriteString(conn, opening) // the server may have closed before all is written
		_ = conn.CloseWrite()
		got, _ := io.ReadAll(conn) // it may reset the connection
		assert.Empty(t, string(got), "answer to %.30q", opening)
	}
	conn := dial(t, target(t, l))
	say(t, conn, "MAGPIEtp\x00\x00\x00\x02"+"0123456789abcdef")
	hear(t, conn, oldAnswer)
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	stop()
	assert.Empty(t, served.get(), "streams")
}

// Those who come when all streams are taken are told, however many they are, and
// have a stream when there is one again.
func TestServeBusy(t *testing.T) {
	t.Parallel()
	to := serve(t, listen(t, "127.0.0.1"), &throughput.ServerOptions{MaxStreams: 2, IdleTime: time.Hour})
	var taken []*net.TCPConn
	for range 2 {
		conn := dial(t, to)
		say(t, conn, goodOpening)
		hear(t, conn, goodAnswer)
		taken = append(taken, conn)
	}
	refused := dial(t, to)
	say(t, refused, goodOpening)
	hear(t, refused, busyAnswer)
	_, err := refused.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)

	// Silent connections are not more either: one too many is refused unasked.
	var last *net.TCPConn
	for range 2*2 + 32 {
		last = dial(t, to)
	}
	hear(t, last, busyAnswer)
	_, err = measure(t.Context(), to, quick(1))
	require.ErrorContains(t, err, "the server refuses: it has the 2 streams that it takes at a time")

	require.NoError(t, taken[0].CloseWrite())
	_, err = io.ReadAll(taken[0])
	require.NoError(t, err)
	deadline := time.Now().Add(patience)
	for {
		conn := dial(t, to)
		_, _ = io.WriteString(conn, goodOpening)
		got := make([]byte, len(goodAnswer))
		_, err := io.ReadFull(conn, got)
		if err == nil && string(got) == goodAnswer {
			return
		}
		require.True(t, time.Now().Before(deadline), "no stream is free again: %q", got)
	}
}

// When Serve ends, so do the streams, and nothing is left of it.
func TestServeEnds(t *testing.T) {
	t.Parallel()
	reading := make(chan struct{}, 1)
	l := plainListener{Listener: listen(t, "127.0.0.1"), read: func(n int) {
		if n > 1000 {
			select {
			case reading <- struct{}{}:
			default:
			}
		}
	}}
	var served streams
	stop := start(t, l, &throughput.ServerOptions{Ended: served.add})
	defer stop()
	to := target(t, l)
	silent := dial(t, to)
	opts := quick(3)
	opts.BatchTime, opts.TotalTime = time.Hour, time.Hour
	ended := make(chan error, 1)
	go pprof.Do(context.Background(), pprof.Labels("client", t.Name()), func(ctx context.Context) {
		_, err := measure(ctx, to, opts)
		assert.Empty(t, goroutines("client", t.Name()), "goroutines when Measure returns")
		ended <- err
	})
	<-reading
	stop()
	require.ErrorContains(t, <-ended, `cannot measure throughput to "magpie/1" in 3 streams: cannot send to "127.0.0.1:`)
	_, err := silent.Read(make([]byte, 1))
	require.Error(t, err, "of a connection to a server that ended")
	require.Len(t, served.get(), 3)
	assert.True(t, slices.ContainsFunc(served.get(), func(s throughput.Stream) bool { return s.Err != nil }), "a stream did not end well")
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// brokenListener does not accept before it has returned its errors.
type brokenListener struct {
	net.Listener
	mu     sync.Mutex
	errors []error
}

func (l *brokenListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	if len(l.errors) > 0 {
		defer l.mu.Unlock()
		err := l.errors[0]
		l.errors = l.errors[1:]
		return nil, err
	}
	l.mu.Unlock()
	return l.Listener.Accept()
}

func TestServeAcceptsAgain(t *testing.T) {
	t.Parallel()
	l := &brokenListener{Listener: listen(t, "127.0.0.1"), errors: []error{
		&net.OpError{Op: "accept", Err: syscall.EMFILE}, &net.OpError{Op: "accept", Err: syscall.ECONNABORTED},
	}}
	runs, err := measure(t.Context(), serve(t, l, nil), quick(1))
	require.NoError(t, err)
	assert.Len(t, runs, 1)
}

func TestServeListenerFails(t *testing.T) {
	t.Parallel()
	broken := &brokenListener{Listener: listen(t, "127.0.0.1"), errors: []error{errors.New("it is broken")}}
	other := listen(t, "127.0.0.1")
	err := throughput.Serve(t.Context(), []net.Listener{other, broken}, nil)
	require.EqualError(t, err, fmt.Sprintf("cannot accept connections at %q: it is broken", broken.Addr()))
	for _, l := range []net.Listener{other, broken} {
		_, err := l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
	}
}

// Several listeners are one server.
func TestServeListeners(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, b := listen(t, "127.0.0.1"), listen(t, "127.0.0.1")
	done := make(chan error, 1)
	go func() {
		done <- throughput.Serve(ctx, []net.Listener{a, b}, &throughput.ServerOptions{MaxStreams: 1})
	}()
	conn := dial(t, target(t, a))
	say(t, conn, goodOpening)
	hear(t, conn, goodAnswer)
	_, err := measure(ctx, target(t, b), quick(1))
	require.ErrorContains(t, err, "it has the 1 streams that it takes at a time")
	cancel()
	require.NoError(t, <-done)

	require.EqualError(t, throughput.Serve(t.Context(), nil, nil), "cannot serve throughput: there is no listener")
}
