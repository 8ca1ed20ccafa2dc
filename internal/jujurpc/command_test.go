// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// environment is that of a hook command of the agent at address.
func environment(address string) func(string) string {
	return func(variable string) string {
		return map[string]string{
			"JUJU_CONTEXT_ID":           "db/0-install-1",
			"JUJU_AGENT_SOCKET_NETWORK": "unix",
			"JUJU_AGENT_SOCKET_ADDRESS": address,
		}[variable]
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	requests := make(chan jujurpc.Request, 9)
	address := serve(t, func(request jujurpc.Request) (jujurpc.Response, error) {
		requests <- request
		return jujurpc.Response{Code: 42, Stdout: []byte("out\x00"), Stderr: []byte("ERROR err\n")}, nil
	})
	var stdout, stderr bytes.Buffer
	unread := iotest.ErrReader(errors.New("standard input is read"))
	code := jujurpc.Command("/var/lib/juju/tools/config-get", []string{"-a", ""}, environment(address), unread, &stdout, &stderr)
	assert.Equal(t, 42, code, "exit code")
	assert.Equal(t, "out\x00", stdout.String(), "standard output")
	assert.Equal(t, "ERROR err\n", stderr.String(), "standard error")
	dir, err := os.Getwd()
	require.NoError(t, err)
	require.Len(t, requests, 1)
	want := jujurpc.Request{ContextId: "db/0-install-1", Dir: dir, CommandName: "config-get", Args: []string{"-a", ""}}
	assert.Equal(t, want, <-requests)
}

func TestCommandStdin(t *testing.T) {
	t.Parallel()
	requests := make(chan jujurpc.Request, 9)
	address := serve(t, func(request jujurpc.Request) (jujurpc.Response, error) {
		requests <- request
		if !request.StdinSet {
			return jujurpc.Response{}, jujurpc.ErrNoStdin
		}
		return echo(request)
	})
	for _, stdin := range []string{"a: \x00b\n", ""} {
		var stdout, stderr bytes.Buffer
		code := jujurpc.Command("relation-set", []string{"--file", "-"}, environment(address), strings.NewReader(stdin), &stdout, &stderr)
		assert.Equal(t, 2, code, "exit code")
		assert.Equal(t, "relation-set --file - <stdin>", stdout.String(), "standard output")
		assert.Equal(t, stdin, stderr.String(), "standard input, as it arrived")
		require.Len(t, requests, 2)
		first, second := <-requests, <-requests
		assert.Empty(t, first.Stdin, "standard input of the first request")
		first.StdinSet, first.Stdin = second.StdinSet, second.Stdin
		assert.Equal(t, first, second)
	}
}

func TestCommandFails(t *testing.T) {
	t.Parallel()
	good := environment(serve(t, func(jujurpc.Request) (jujurpc.Response, error) { return jujurpc.Response{}, jujurpc.ErrNoStdin }))
	without := func(missing string) func(string) string {
		return func(variable string) string {
			if variable == missing {
				return ""
			}
			return good(variable)
		}
	}
	for name, row := range map[string]struct {
		getenv func(string) string
		stdin  io.Reader
		want   string
	}{
		"context":       {without("JUJU_CONTEXT_ID"), nil, "JUJU_CONTEXT_ID not set"},
		"address":       {without("JUJU_AGENT_SOCKET_ADDRESS"), nil, "JUJU_AGENT_SOCKET_ADDRESS not set"},
		"network":       {without("JUJU_AGENT_SOCKET_NETWORK"), nil, "JUJU_AGENT_SOCKET_NETWORK not set"},
		"no agent":      {environment("/missing"), nil, "dial unix /missing: connect: no such file or directory"},
		"asks again":    {good, strings.NewReader("x"), "hook tool requires stdin, none supplied"},
		"unreadable":    {good, iotest.ErrReader(errors.New("oh")), "cannot read standard input: oh"},
		"endless stdin": {good, endless{}, "cannot read standard input: it is larger than 64 MiB"},
		"refused": {environment(serve(t, func(jujurpc.Request) (jujurpc.Response, error) {
			return jujurpc.Response{Code: 3}, errors.New("bad request: unknown command: x")
		})), nil, "bad request: unknown command: x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 1, jujurpc.Command("x", nil, row.getenv, row.stdin, &stdout, &stderr), "exit code")
			assert.Equal(t, "ERROR "+row.want+"\n", stderr.String(), "standard error")
			assert.Empty(t, stdout.String(), "standard output")
		})
	}
}

// endless is a reader like /dev/zero.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
