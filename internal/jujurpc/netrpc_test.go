// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"net/rpc"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// caller is a client, ours or net/rpc's.
type caller interface {
	Run(jujurpc.Request) (jujurpc.Response, error)
	Close() error
}

func dialOurs(address string) (caller, error) {
	return jujurpc.Dial(background, "unix", address)
}

func dialNetRPC(address string) (caller, error) {
	client, err := rpc.Dial("unix", address)
	return netRPCClient{client}, err
}

// netRPCClient runs requests by net/rpc.
type netRPCClient struct{ *rpc.Client }

func (c netRPCClient) Run(request jujurpc.Request) (response jujurpc.Response, err error) {
	err = c.Call("Jujuc.Main", request, &response)
	return response, err
}

// jujuc is a Handler as a service of net/rpc.
type jujuc struct{ handler jujurpc.Handler }

// Main is exported for net/rpc.
func (j jujuc) Main(request jujurpc.Request, response *jujurpc.Response) (err error) {
	*response, err = j.handler(request)
	return err
}

func newNetRPC(tb testing.TB, handler jujurpc.Handler) *rpc.Server {
	tb.Helper()
	server := rpc.NewServer()
	require.NoError(tb, server.RegisterName("Jujuc", jujuc{handler}))
	return server
}

// serveNetRPC is like serve, by net/rpc.
func serveNetRPC(tb testing.TB, handler jujurpc.Handler) (address string) {
	tb.Helper()
	listener := listen(tb)
	tb.Cleanup(func() { _ = listener.Close() })
	server := newNetRPC(tb, handler)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go server.ServeConn(conn)
		}
	}()
	return listener.Addr().String()
}
