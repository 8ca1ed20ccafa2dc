// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"context"
	"errors"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

const patience = 20 * time.Second

var background = context.Background()

// socketDir is a directory whose path is short enough for a socket's.
func socketDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "jujurpc")
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	listener, err := net.Listen("unix", filepath.Join(socketDir(tb), "s"))
	require.NoError(tb, err)
	return listener
}

// serve serves handler until the test ends, by when clients have closed.
func serve(tb testing.TB, handler jujurpc.Handler) (address string) {
	tb.Helper()
	listener := listen(tb)
	server := jujurpc.Serve(listener, handler)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(background, patience)
		defer cancel()
		require.NoError(tb, server.Close(ctx))
	})
	return listener.Addr().String()
}

func dial(tb testing.TB, address string) *jujurpc.Client {
	tb.Helper()
	client, err := jujurpc.Dial(background, "unix", address)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	return client
}

func request(name string, args ...string) jujurpc.Request {
	return jujurpc.Request{ContextId: "db/0-install-1", Dir: "/charm", CommandName: name, Args: args}
}

// echo answers a request with its parts. A command "fail" has the error of its
// first argument.
func echo(request jujurpc.Request) (jujurpc.Response, error) {
	if request.CommandName == "fail" {
		return jujurpc.Response{Code: 9}, errors.New(request.Args[0])
	}
	response := jujurpc.Response{
		Code:   len(request.Args),
		Stdout: []byte(strings.Join(append([]string{request.CommandName}, request.Args...), " ")),
		Stderr: request.Stdin,
	}
	if request.StdinSet {
		response.Stdout = append(response.Stdout, " <stdin>"...)
	}
	return response, nil
}

// memory is a listener in memory, so that a test can run in a bubble.
type memory struct {
	conns  chan net.Conn
	errs   chan error // of the next Accepts
	closed chan struct{}
	close  func()
}

func newMemory() *memory {
	m := &memory{conns: make(chan net.Conn), errs: make(chan error, 9), closed: make(chan struct{})}
	m.close = sync.OnceFunc(func() { close(m.closed) })
	return m
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case err := <-m.errs:
		return nil, err
	default:
	}
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error { m.close(); return nil }

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// conn returns the client's side of a new connection.
func (m *memory) conn() net.Conn {
	client, server := net.Pipe()
	m.conns <- server
	return client
}

func (m *memory) dial() *rpc.Client { return rpc.NewClient(m.conn()) }
