// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
)

func TestHandlerServesTwoPages(t *testing.T) {
	t.Parallel()
	handler := metrics.Handler(newFile(t), nil)
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/", 200}, {"HEAD", "/", 200}, {"GET", "/metrics", 200}, {"HEAD", "/metrics", 200},
		{"POST", "/metrics", 405}, {"PUT", "/", 405}, {"DELETE", "/metrics", 405}, {"OPTIONS", "/metrics", 405},
		{"GET", "/metrics/", 404}, {"GET", "/other", 404}, {"GET", "/metrics/../../etc/passwd", 404}, {"POST", "/other", 404},
	} {
		response := get(handler, test.method, test.path)
		code := response.Code
		if code == http.StatusMovedPermanently || code == http.StatusTemporaryRedirect {
			code = get(handler, test.method, response.Header().Get("Location")).Code
		}
		assert.Equal(t, test.code, code, "%s %s", test.method, test.path)
	}
	assert.Contains(t, get(handler, "GET", "/").Body.String(), `href="/metrics"`)
}

func TestHandlerLogsCauseOnce(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	var log bytes.Buffer
	handler := metrics.Handler(path, &metrics.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	scrape(t, handler)
	assert.Empty(t, log.String(), "a file that is not there yet")
	for range 3 {
		write(t, path, "{")
		scrape(t, handler)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "metrics are missing"))
	record(t, path, ping(time.Now()))
	scrape(t, handler)
	write(t, path, "{")
	scrape(t, handler)
	assert.Equal(t, 2, strings.Count(log.String(), "metrics are missing"), "damaged again")
}

// startServer serves until the test ends, and returns the address.
func startServer(t *testing.T, handler http.Handler) (address string, stop func() error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- metrics.Serve(ctx, listener, handler) }()
	t.Cleanup(cancel)
	return listener.Addr().String(), func() error {
		cancel()
		return <-ended
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	address, stop := startServer(t, metrics.Handler(path, nil))
	record(t, path, ping(time.Now(), metrics.Peer{Unit: "magpie/1", OK: true}))
	response, err := http.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	samples, err := parse(string(text))
	require.NoError(t, err)
	assert.Len(t, samples, 3)
	assert.Equal(t, int64(len(text)), response.ContentLength)

	require.NoError(t, stop(), "the end of the context is no error")
	_, err = net.Dial("tcp", address)
	assert.ErrorContains(t, err, "refused", "the listener is closed")
}

func TestServeRefusesLongHeaders(t *testing.T) {
	t.Parallel()
	address, _ := startServer(t, metrics.Handler(newFile(t), nil))
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 16<<10))
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
}

// pipes is a listener of connections in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestServeEndsWhileClientsAreSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan struct{}), make(chan struct{})
		handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			<-leave
		})
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- metrics.Serve(ctx, listener, handler) }()
		client, server := net.Pipe()
		listener.conns <- server
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		<-entered
		before := time.Now()
		cancel()
		assert.NoError(t, <-ended, "a client that is cut off is no error")
		assert.Equal(t, 2*time.Second, time.Since(before), "it has time to finish")
		close(leave)
		_ = client.Close()
	})
}

func TestServeCutsOffSlowHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- metrics.Serve(ctx, listener, http.NotFoundHandler()) }()
		client, server := net.Pipe()
		listener.conns <- server
		before := time.Now()
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\n")
		require.NoError(t, err)
		_, err = io.ReadAll(client)
		require.NoError(t, err)
		assert.Equal(t, 5*time.Second, time.Since(before), "the server hangs up")
		cancel()
		assert.NoError(t, <-ended)
	})
}

func TestServeReportsBrokenListener(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	assert.ErrorContains(t, metrics.Serve(t.Context(), listener, http.NotFoundHandler()), "cannot serve metrics")
}
