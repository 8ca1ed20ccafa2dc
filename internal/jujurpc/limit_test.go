// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"bytes"
	"io"
	"net"
	"net/rpc"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

const mebibyte = 1 << 20

// A request that is too large is answered, and its connection closed.
func TestRequestTooLarge(t *testing.T) {
	t.Parallel()
	address := serve(t, func(request jujurpc.Request) (jujurpc.Response, error) {
		return jujurpc.Response{Code: len(request.Stdin)}, nil
	})
	large := request("relation-set")
	large.Stdin = make([]byte, 33*mebibyte)
	client := dial(t, address)
	for range 2 { // the limit is that of one message
		response, err := client.Run(large)
		require.NoError(t, err)
		assert.Equal(t, 33*mebibyte, response.Code, "bytes that arrived")
	}
	large.Stdin = make([]byte, 65*mebibyte)
	_, err := client.Run(large)
	var refused *jujurpc.ServerError
	require.ErrorAs(t, err, &refused)
	require.EqualError(t, err, "message is larger than 64 MiB")
	_, err = client.Run(request("x"))
	require.Error(t, err, "request after one that is too large")
	response, err := dial(t, address).Run(request("x"))
	require.NoError(t, err, "request of another client")
	assert.Zero(t, response.Code)
}

// oversized is a message of 65 MiB for encoding/gob.
func oversized() io.Reader {
	length := []byte{0xfc, 0x04, 0x10, 0x00, 0x00}
	return io.MultiReader(bytes.NewReader(length), io.LimitReader(endless{}, 65*mebibyte))
}

// So is the connection of a header that is too large, without an answer.
func TestHeaderTooLarge(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("unix", serve(t, echo))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.Copy(conn, oversized())
	require.ErrorIs(t, err, syscall.EPIPE)
}

func TestReplyTooLarge(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	header := encoded(t, rpc.Response{ServiceMethod: "Jujuc.Main"})
	written := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(conn, io.MultiReader(bytes.NewReader(header), oversized()))
			_ = conn.Close()
		}
		written <- err
	}()
	_, err := dial(t, listener.Addr().String()).Run(request("x"))
	require.EqualError(t, err, "reading body message is larger than 64 MiB")
	require.Error(t, <-written, "error of the agent, whose reply is not read")
	require.NoError(t, listener.Close())
}

// Requests that nobody answers yet are left unread when they are too many.
func TestRequestsTooMany(t *testing.T) {
	bubble(t, func(t *testing.T, listener *memory) {
		var running atomic.Int64
		release := make(chan struct{})
		server := jujurpc.Serve(listener, func(jujurpc.Request) (jujurpc.Response, error) {
			running.Add(1)
			<-release
			return jujurpc.Response{}, nil
		})
		client := listener.dial()
		large := request("relation-set")
		large.Stdin = make([]byte, 33*mebibyte)
		calls := make(chan *rpc.Call, 9)
		go func() {
			for range 2 {
				calls <- client.Go("Jujuc.Main", large, &jujurpc.Response{}, nil)
			}
		}()
		synctest.Wait()
		assert.EqualValues(t, 1, running.Load(), "requests of 33 MiB that run")
		close(release)
		for range 2 {
			call := <-calls
			<-call.Done
			require.NoError(t, call.Error)
		}
		assert.EqualValues(t, 2, running.Load(), "requests that ran")
		require.NoError(t, client.Close())
		_, err := closeSoon(server)
		require.NoError(t, err)
	})
}
