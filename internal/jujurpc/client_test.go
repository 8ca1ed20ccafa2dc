// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

func TestDialFails(t *testing.T) {
	t.Parallel()
	address := filepath.Join(t.TempDir(), "s")
	_, err := jujurpc.Dial(background, "unix", address)
	require.ErrorIs(t, err, os.ErrNotExist)
	ctx, cancel := context.WithCancel(background)
	cancel()
	_, err = jujurpc.Dial(ctx, "unix", listen(t).Addr().String())
	require.ErrorContains(t, err, "operation was canceled")
	_, err = jujurpc.Dial(background, "carrier pigeon", address)
	require.ErrorContains(t, err, "unknown network carrier pigeon")
}

func TestServerError(t *testing.T) {
	t.Parallel()
	client := dial(t, serve(t, func(request jujurpc.Request) (jujurpc.Response, error) {
		if request.StdinSet {
			return jujurpc.Response{Stdout: request.Stdin}, nil
		}
		return jujurpc.Response{}, jujurpc.ErrNoStdin
	}))
	_, err := client.Run(request("relation-set"))
	require.EqualError(t, err, "hook tool requires stdin, none supplied")
	require.ErrorIs(t, err, jujurpc.ErrNoStdin)
	require.NotErrorIs(t, &jujurpc.ServerError{Text: "other"}, jujurpc.ErrNoStdin)
	var refused *jujurpc.ServerError
	require.ErrorAs(t, err, &refused)
	with := request("relation-set")
	with.StdinSet, with.Stdin = true, []byte("x")
	response, err := client.Run(with)
	require.NoError(t, err)
	assert.Equal(t, "x", string(response.Stdout))
}

// When the connection ends, so do all requests that wait, and later ones.
func TestClientConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		end  func(server *jujurpc.Server, client *jujurpc.Client)
		want error
	}{
		"by the agent":  {func(server *jujurpc.Server, _ *jujurpc.Client) { server.Drop() }, io.ErrUnexpectedEOF},
		"by the client": {func(_ *jujurpc.Server, client *jujurpc.Client) { _ = client.Close() }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, release := make(chan struct{}), make(chan struct{})
			listener := listen(t)
			server := jujurpc.Serve(listener, func(request jujurpc.Request) (jujurpc.Response, error) {
				entered <- struct{}{}
				<-release
				return echo(request)
			})
			client := dial(t, listener.Addr().String())
			failed := make(chan error)
			for range 2 {
				go func() {
					_, err := client.Run(request("x"))
					failed <- err
				}()
				<-entered
			}
			row.end(server, client)
			for range 2 {
				require.ErrorIs(t, <-failed, row.want)
			}
			_, err := client.Run(request("x"))
			require.ErrorIs(t, err, row.want)
			close(release)
			require.NoError(t, client.Close())
			require.NoError(t, client.Close(), "to close again")
			require.NoError(t, server.Close(background))
		})
	}
}

// An agent that stops reading, but does not close, is not waited for.
func TestClientCannotSend(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan *net.UnixConn, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			accepted <- conn.(*net.UnixConn)
		}
	}()
	client := dial(t, listener.Addr().String())
	conn := <-accepted
	require.NoError(t, conn.CloseRead())
	_, err := client.Run(request("x"))
	require.ErrorIs(t, err, syscall.EPIPE)
	_, err = client.Run(request("x"))
	require.ErrorIs(t, err, syscall.EPIPE)
	require.NoError(t, conn.Close())
}

// Neither side leaves a goroutine. That they inherit labels tells whose they are.
func TestNoGoroutineIsLeft(t *testing.T) {
	t.Parallel()
	const label = "TestNoGoroutineIsLeft"
	goroutines := func() int {
		var profile bytes.Buffer
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&profile, 1))
		return strings.Count(profile.String(), label+`":"`)
	}
	pprof.Do(background, pprof.Labels(label, "x"), func(ctx context.Context) {
		listener := listen(t)
		server := jujurpc.Serve(listener, echo)
		var clients []*jujurpc.Client
		for range 5 {
			client, err := jujurpc.Dial(ctx, "unix", listener.Addr().String())
			require.NoError(t, err)
			_, err = client.Run(request("x"))
			require.NoError(t, err)
			clients = append(clients, client)
		}
		require.NotZero(t, goroutines(), "goroutines of servers and clients")
		for _, client := range clients[1:] {
			require.NoError(t, client.Close())
		}
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		require.Error(t, server.Close(ctx), "Close while a connection is open")
		require.NoError(t, clients[0].Close())
	})
	require.Eventually(t, func() bool { return goroutines() == 0 }, patience, time.Millisecond, "goroutines are left")
}
