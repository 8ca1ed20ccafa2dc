// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"net"
	"net/rpc"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// bubble runs a test on a clock of its own. It fails if a goroutine is left.
func bubble(t *testing.T, test func(t *testing.T, listener *memory)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newMemory()) })
}

func call(t *testing.T, client *rpc.Client, name string) {
	t.Helper()
	var response jujurpc.Response
	require.NoError(t, client.Call("Jujuc.Main", request(name), &response))
	assert.Equal(t, name, string(response.Stdout))
}

// closeSoon is Close with a ctx of a minute, and how long it took.
func closeSoon(server *jujurpc.Server) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	begun := time.Now()
	err := server.Close(ctx)
	return time.Since(begun), err
}

func TestServerCloseWaitsForClients(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		server := jujurpc.Serve(listener, echo)
		client := listener.dial()
		call(t, client, "config-get")
		time.AfterFunc(time.Second, func() { // that it closes does not stop a client that is connected
			call(t, client, "is-leader")
			assert.NoError(t, client.Close())
		})
		took, err := closeSoon(server)
		require.NoError(t, err)
		assert.Equal(t, time.Second, took)
		took, err = closeSoon(server)
		require.NoError(t, err, "to close again")
		assert.Zero(t, took)
	})
}

func TestServerCloseConnectionsLeftOpen(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		server := jujurpc.Serve(listener, echo)
		clients := []*rpc.Client{listener.dial(), listener.dial(), listener.dial()}
		for _, client := range clients {
			call(t, client, "config-get")
		}
		require.NoError(t, clients[0].Close())
		took, err := closeSoon(server)
		require.EqualError(t, err, "cannot close agent socket: 2 connections were left open: context deadline exceeded")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, took)
		for _, client := range clients[1:] {
			require.Error(t, client.Call("Jujuc.Main", request("x"), &jujurpc.Response{}), "call after Close")
			_ = client.Close()
		}
	})
	// And the words for one.
	listener := listen(t)
	server := jujurpc.Serve(listener, echo)
	client := dial(t, listener.Addr().String())
	_, err := client.Run(request("x"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(background)
	cancel()
	require.EqualError(t, server.Close(ctx), "cannot close agent socket: 1 connection was left open: context canceled")
	_, err = client.Run(request("x"))
	require.Error(t, err, "call after Close")
}

// A handler cannot be ended, so Close waits for it, whether its client waits or
// has gone. Only in the first case it is the client's fault.
func TestServerCloseWaitsForHandlers(t *testing.T) {
	for name, gone := range map[string]bool{"client waits": false, "client is gone": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, listener *memory) {
				var running atomic.Int64
				server := jujurpc.Serve(listener, func(jujurpc.Request) (jujurpc.Response, error) {
					running.Add(1)
					defer running.Add(-1)
					time.Sleep(time.Hour)
					return jujurpc.Response{}, nil
				})
				client := listener.dial()
				pending := client.Go("Jujuc.Main", request("x"), &jujurpc.Response{}, nil)
				synctest.Wait()
				require.EqualValues(t, 1, running.Load(), "handlers that run")
				if gone {
					require.NoError(t, client.Close())
				}
				took, err := closeSoon(server)
				assert.Zero(t, running.Load(), "handlers that run after Close")
				assert.Equal(t, time.Hour, took)
				<-pending.Done
				require.Error(t, pending.Error)
				if gone {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, "1 connection was left open")
					_ = client.Close()
				}
			})
		})
	}
}

func TestServerCloseUnlinks(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	server := jujurpc.Serve(listener, echo)
	address := listener.Addr().String()
	require.FileExists(t, address)
	require.NoError(t, server.Close(background))
	require.NoFileExists(t, address)
	_, err := jujurpc.Dial(background, "unix", address)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestServerDrop(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		release := make(chan struct{})
		server := jujurpc.Serve(listener, func(request jujurpc.Request) (jujurpc.Response, error) {
			if request.CommandName == "block" {
				<-release
			}
			return echo(request)
		})
		client, idle := listener.dial(), listener.dial()
		pending := client.Go("Jujuc.Main", request("block"), &jujurpc.Response{}, nil)
		synctest.Wait()
		server.Drop() // does not wait for the handler
		<-pending.Done
		require.Error(t, pending.Error, "call that runs")
		require.Error(t, idle.Call("Jujuc.Main", request("x"), &jujurpc.Response{}), "call after Drop")
		again := listener.dial()
		call(t, again, "config-get")
		close(release)
		for _, client := range []*rpc.Client{client, idle, again} {
			_ = client.Close()
		}
		_, err := closeSoon(server)
		require.NoError(t, err)
	})
}

// Requests that arrive together run together.
func TestServerConcurrency(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		const requests = 100
		var all sync.WaitGroup
		all.Add(requests)
		server := jujurpc.Serve(listener, func(request jujurpc.Request) (jujurpc.Response, error) {
			all.Done()
			all.Wait() // for the others
			return echo(request)
		})
		client := listener.dial()
		var calls []*rpc.Call
		for range requests {
			calls = append(calls, client.Go("Jujuc.Main", request("x"), &jujurpc.Response{}, nil))
		}
		for _, call := range calls {
			<-call.Done
			require.NoError(t, call.Error)
		}
		require.NoError(t, client.Close())
		_, err := closeSoon(server)
		require.NoError(t, err)
	})
}

func TestServerHandlerFails(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		server := jujurpc.Serve(listener, func(request jujurpc.Request) (jujurpc.Response, error) {
			switch request.CommandName {
			case "panic":
				panic("oh")
			case "exit":
				runtime.Goexit()
			case "no text":
				return jujurpc.Response{Stdout: []byte("x")}, errors.New("")
			case "large":
				return jujurpc.Response{Stdout: make([]byte, 64<<20)}, nil
			}
			return echo(request)
		})
		client := listener.dial()
		for name, want := range map[string]string{
			"exit":    `cannot run hook command "exit": its handler ended the goroutine`,
			"no text": `cannot run hook command "no text"`,
			"large":   `cannot answer hook command "large": its output of 67108864 bytes is too large`,
		} {
			require.EqualError(t, client.Call("Jujuc.Main", request(name), &jujurpc.Response{}), want)
			call(t, client, "after")
		}
		err := client.Call("Jujuc.Main", request("panic"), &jujurpc.Response{})
		require.ErrorContains(t, err, `cannot run hook command "panic": panic: oh`)
		require.ErrorContains(t, err, "server_test.go:", "stack")
		call(t, client, "after")
		require.NoError(t, client.Close())
		_, err = closeSoon(server)
		require.NoError(t, err)
	})
}

// A client that closes its side only gets the answers that it waits for.
func TestServerHalfClosed(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	address := serve(t, func(request jujurpc.Request) (jujurpc.Response, error) {
		<-release
		return echo(request)
	})
	conn, err := net.Dial("unix", address)
	require.NoError(t, err)
	encoder := gob.NewEncoder(conn)
	require.NoError(t, encoder.Encode(rpc.Request{ServiceMethod: "Jujuc.Main", Seq: 7}))
	require.NoError(t, encoder.Encode(request("config-get")))
	require.NoError(t, conn.(*net.UnixConn).CloseWrite())
	close(release)
	decoder := gob.NewDecoder(conn)
	var header rpc.Response
	var response jujurpc.Response
	require.NoError(t, decoder.Decode(&header))
	require.NoError(t, decoder.Decode(&response))
	assert.Equal(t, rpc.Response{ServiceMethod: "Jujuc.Main", Seq: 7}, header)
	assert.Equal(t, "config-get", string(response.Stdout))
	require.ErrorIs(t, decoder.Decode(&header), io.EOF)
	require.NoError(t, conn.Close())
}

// A failure to accept does not end the server.
func TestServerAcceptFails(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		listener.errs <- syscall.EMFILE
		listener.errs <- syscall.EMFILE
		server := jujurpc.Serve(listener, echo)
		client := listener.dial()
		call(t, client, "config-get")
		require.NoError(t, client.Close())
		_, err := closeSoon(server)
		require.NoError(t, err)
	})
	bubbleless := newMemory()
	server := jujurpc.Serve(failingListener{bubbleless}, echo)
	require.EqualError(t, server.Close(background), "cannot close agent socket: no such thing")
}

// failingListener neither accepts nor closes.
type failingListener struct{ *memory }

func (failingListener) Accept() (net.Conn, error) { return nil, syscall.EMFILE }
func (failingListener) Close() error              { return errors.New("no such thing") }
