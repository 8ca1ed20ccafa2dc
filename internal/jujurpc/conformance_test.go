// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"fmt"
	"net/rpc"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// Clients and servers, ours and net/rpc's, in all combinations.
func TestConformance(t *testing.T) {
	t.Parallel()
	for serverName, serve := range map[string]func(t *testing.T) string{
		"our server":       func(t *testing.T) string { return serve(t, echo) },
		"net/rpc's server": func(t *testing.T) string { return serveNetRPC(t, echo) },
	} {
		for clientName, dial := range map[string]func(address string) (caller, error){"our client": dialOurs, "net/rpc's client": dialNetRPC} {
			t.Run(serverName+", "+clientName, func(t *testing.T) {
				t.Parallel()
				client, err := dial(serve(t))
				require.NoError(t, err)
				conformance(t, client)
				require.NoError(t, client.Close())
			})
		}
	}
}

func conformance(t *testing.T, client caller) {
	response, err := client.Run(request("config-get", "-a", "", "b c"))
	require.NoError(t, err)
	assert.Equal(t, jujurpc.Response{Code: 3, Stdout: []byte("config-get -a  b c")}, response)

	large := strings.Repeat("0123456789abcdef", 1<<16)
	withStdin := request("relation-set")
	withStdin.StdinSet, withStdin.Stdin, withStdin.Token = true, []byte(large), "token"
	response, err = client.Run(withStdin)
	require.NoError(t, err)
	assert.True(t, large == string(response.Stderr), "1 MiB of standard input came back")
	assert.Equal(t, "relation-set <stdin>", string(response.Stdout))

	_, err = client.Run(request("fail", "bad request: no \"such\"\nthing"))
	require.EqualError(t, err, "bad request: no \"such\"\nthing")

	response, err = client.Run(jujurpc.Request{})
	require.NoError(t, err)
	assert.Equal(t, jujurpc.Response{}, response, "answer to an empty request")

	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			if i%10 == 0 {
				_, err := client.Run(request("fail", fmt.Sprint(i)))
				assert.EqualError(t, err, fmt.Sprint(i))
				return
			}
			response, err := client.Run(request("relation-get", fmt.Sprint(i)))
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint("relation-get ", i), string(response.Stdout))
		})
	}
	wait.Wait()
}

// Package hookcmd has a codec of its own.
func TestConformanceSocket(t *testing.T) {
	t.Parallel()
	address := serve(t, func(request jujurpc.Request) (jujurpc.Response, error) {
		if request.CommandName == "juju-reboot" {
			return jujurpc.Response{Code: 2, Stderr: []byte("ERROR no\n")}, nil
		}
		response, err := echo(request)
		response.Code = 0
		return response, err
	})
	socket := hookcmd.NewSocket(hookcmd.Agent{Network: "unix", Address: address, ContextID: "x", Dir: "/"})
	var calls []hookcmd.Call
	for i := range 50 {
		calls = append(calls, hookcmd.Call{Command: "relation-get", Args: []string{fmt.Sprint(i)}})
	}
	stdouts, err := socket.RunBatch(t.Context(), calls)
	require.NoError(t, err)
	for i, stdout := range stdouts {
		assert.Equal(t, fmt.Sprint("relation-get ", i, " <stdin>"), string(stdout)) // which it always gives
	}
	stdout, err := socket.Run(t.Context(), hookcmd.Call{Command: "relation-set", Stdin: []byte("a: b")})
	require.NoError(t, err)
	assert.Equal(t, "relation-set <stdin>", string(stdout))
	_, err = socket.Run(t.Context(), hookcmd.Call{Command: "fail", Args: []string{"bad request: oh"}})
	require.ErrorContains(t, err, "oh")
	_, err = socket.Run(t.Context(), hookcmd.Call{Command: "juju-reboot"})
	var failed *hookcmd.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 2, failed.Code, "exit code")
	require.NoError(t, socket.Close(t.Context()))
}

// A client of something else is told the same as by net/rpc's server.
func TestConformanceOtherMethods(t *testing.T) {
	t.Parallel()
	dialServer := func(address string) *rpc.Client {
		client, err := rpc.Dial("unix", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	ours, theirs := dialServer(serve(t, echo)), dialServer(serveNetRPC(t, echo))
	type other struct{ CommandName int }
	for _, row := range []struct {
		method string
		args   any
		want   string
	}{
		{"Jujuc.Other", request("x"), "rpc: can't find method Jujuc.Other"},
		{"Other.Main", request("x"), "rpc: can't find service Other.Main"},
		{"Jujuc.Main.Main", request("x"), "rpc: can't find service Jujuc.Main.Main"},
		{"Main", 1, "rpc: service/method request ill-formed: Main"},
		{"", 1, "rpc: service/method request ill-formed: "},
		{"Jujuc.Main", other{1}, "gob: "},
		{"Jujuc.Main", 1, "gob: "},
	} {
		var response jujurpc.Response
		err := ours.Call(row.method, row.args, &response)
		require.ErrorContains(t, err, row.want)
		require.EqualError(t, err, theirs.Call(row.method, row.args, &response).Error(), "by net/rpc")
		require.NoError(t, ours.Call("Jujuc.Main", request("is-leader"), &response), "after %s", row.method)
		assert.Equal(t, "is-leader", string(response.Stdout))
	}
}
