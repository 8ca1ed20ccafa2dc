// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmdtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jujurpc"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestMain(m *testing.M) {
	hookcmdtest.RunCommand() // when this test binary is a hook command
	os.Exit(m.Run())
}

const patience = 10 * time.Second

// recorder is a TB that keeps what the test of somebody would do.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// end runs the cleanups, as the end of a test does.
func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

// dial connects to the server by net/rpc.
func dial(t *testing.T, server *hookcmdtest.Server) *rpc.Client {
	t.Helper()
	client, err := rpc.Dial("unix", server.Agent().Address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// request is a good one.
func request(server *hookcmdtest.Server, command string, args ...string) jujurpc.Request {
	agent := server.Agent()
	return jujurpc.Request{ContextId: agent.ContextID, Dir: agent.Dir, CommandName: command, Args: args}
}

// hookCommand is a process that is a hook command of the server.
func hookCommand(t *testing.T, server *hookcmdtest.Server, name string, args ...string) *exec.Cmd {
	t.Helper()
	tools, _, _ := strings.Cut(strings.TrimPrefix(server.Agent().Env[0], "PATH="), ":")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(tools, name), args...)
	cmd.Env = server.Agent().Env
	cmd.Dir = server.Agent().Dir
	return cmd
}

func echo(call hookcmd.Call) hookcmdtest.Answer {
	return hookcmdtest.Answer{Stdout: call.Command + " " + strings.Join(call.Args, " ")}
}

func TestServerConnectionLeftOpen(t *testing.T) {
	t.Parallel()
	tb := &recorder{TB: t}
	server := hookcmdtest.NewServer(tb, echo, nil)
	socket := hookcmd.NewSocket(server.Agent())
	_, err := socket.Run(t.Context(), hookcmd.Call{Command: "config-get"})
	require.NoError(t, err)
	tb.end()
	assert.Equal(t, []string{"a connection to the agent's socket was left open: Juju's agent would hang"}, tb.errors, "errors of the test")
	require.NoError(t, server.Close(), "Close after it dropped the connections")
	require.NoError(t, socket.Close(t.Context()))
}

// A handler that panics fails the test, whatever becomes of the answer.
func TestServerHandlerPanics(t *testing.T) {
	t.Parallel()
	tb := &recorder{TB: t}
	server := hookcmdtest.NewServer(tb, func(hookcmd.Call) hookcmdtest.Answer { panic("oh") }, nil)
	client := dial(t, server)
	require.ErrorContains(t, client.Call("Jujuc.Main", request(server, "config-get"), &jujurpc.Response{}), "panic: oh")
	require.NoError(t, client.Close())
	tb.end()
	require.Len(t, tb.errors, 1, "errors of the test")
	assert.Contains(t, tb.errors[0], `handler panics at "config-get": oh`)
}

func TestServerClose(t *testing.T) {
	t.Parallel()
	tb := &recorder{TB: t}
	server := hookcmdtest.NewServer(tb, echo, nil)
	socket := hookcmd.NewSocket(server.Agent())
	_, err := socket.Run(t.Context(), hookcmd.Call{Command: "config-get"})
	require.NoError(t, err)
	require.NoError(t, socket.Close(t.Context()))
	require.NoError(t, server.Close())
	_, err = rpc.Dial("unix", server.Agent().Address)
	require.Error(t, err, "dial a server that is closed")
	tb.end()
	assert.Empty(t, tb.errors, "errors of the test")
	assert.NoDirExists(t, server.Agent().Dir)
}

func TestServerDrop(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, echo, nil)
	client := dial(t, server)
	require.NoError(t, client.Call("Jujuc.Main", request(server, "config-get"), &jujurpc.Response{}))
	server.Drop()
	require.Error(t, client.Call("Jujuc.Main", request(server, "config-get"), &jujurpc.Response{}), "call after Drop")
	again := dial(t, server)
	require.NoError(t, again.Call("Jujuc.Main", request(server, "config-get"), &jujurpc.Response{}), "call by a new connection")
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := hookcmdtest.NewServer(t, func(hookcmd.Call) hookcmdtest.Answer {
		calls.Add(1)
		return hookcmdtest.Answer{}
	}, &hookcmdtest.ServerOptions{Known: []string{"config-get", "relation-set"}})
	for name, row := range map[string]struct {
		change func(r *jujurpc.Request)
		want   string
	}{
		"context":  {func(r *jujurpc.Request) { r.ContextId = "x" }, `bad request: wrong context ID; got "x"`},
		"relative": {func(r *jujurpc.Request) { r.Dir = "x" }, "bad request: Dir is not absolute"},
		"nothing":  {func(r *jujurpc.Request) { r.CommandName = "" }, "bad request: command not specified"},
		"unknown":  {func(r *jujurpc.Request) { r.CommandName = "is-leader" }, "bad request: unknown command: is-leader"},
		"no stdin": {func(r *jujurpc.Request) { r.CommandName, r.Args = "relation-set", []string{"--file", "-"} }, "hook tool requires stdin, none supplied"},
	} {
		r := request(server, "config-get")
		row.change(&r)
		err := dial(t, server).Call("Jujuc.Main", r, &jujurpc.Response{})
		assert.EqualError(t, err, row.want, name)
	}
	assert.Zero(t, calls.Load(), "commands that reached the handler")
	_, err := os.Lstat(hookCommand(t, server, "config-get").Path)
	require.NoError(t, err, "known command on PATH")
	_, err = os.Lstat(hookCommand(t, server, "is-leader").Path)
	require.ErrorIs(t, err, os.ErrNotExist, "unknown command on PATH")
}

// What is sent without waiting runs in any order, but never two at a time.
func TestServerShuffles(t *testing.T) {
	t.Parallel()
	var running atomic.Int64
	var order []string
	server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
		if running.Add(1) > 1 {
			t.Error("two commands run at a time")
		}
		defer running.Add(-1)
		order = append(order, call.Args[0])
		return echo(call)
	}, nil)
	var sent []string
	var calls []*rpc.Call
	clients := []*rpc.Client{dial(t, server), dial(t, server)}
	for i := range 300 {
		sent = append(sent, fmt.Sprint(i))
		calls = append(calls, clients[i%2].Go("Jujuc.Main", request(server, "config-get", sent[i]), &jujurpc.Response{}, make(chan *rpc.Call, 1)))
	}
	for i, call := range calls {
		<-call.Done
		require.NoError(t, call.Error)
		assert.Equal(t, "config-get "+sent[i], string(call.Reply.(*jujurpc.Response).Stdout), "answer")
	}
	assert.ElementsMatch(t, sent, order, "commands that ran")
	assert.NotEqual(t, sent, order, "commands ran in the order they were sent")
}

func TestServerAgentIsACopy(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, echo, nil)
	agent := server.Agent()
	env := slices.Clone(agent.Env)
	agent.Env[0] = "changed"
	_ = append(agent.Env[:1], "changed")
	assert.Equal(t, env, server.Agent().Env, "environment of the next agent")

	read := hookcmd.AgentFromEnviron(env)
	assert.Equal(t, server.Agent(), read, "agent read from its environment")
}

func TestFailure(t *testing.T) {
	t.Parallel()
	assert.Equal(t, hookcmdtest.Answer{Stderr: "ERROR no \"x\"\n", Code: 2}, hookcmdtest.Failure(2, "no %q", "x"))
}

func TestRunCommand(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
		return hookcmdtest.Answer{Stdout: strings.Join(call.Args, "|") + "\x00", Stderr: "WARNING\n", Code: 3}
	}, nil)
	var stdout, stderr bytes.Buffer
	cmd := hookCommand(t, server, "config-get", "-x", "", "a b")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	assert.Equal(t, 3, exit.ExitCode(), "exit code")
	assert.Equal(t, "-x||a b\x00", stdout.String(), "standard output")
	assert.Equal(t, "WARNING\n", stderr.String(), "standard error")
}

// As by Juju's client, input is read only if the command asks for it.
func TestRunCommandStdin(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%s %q %t", call.Command, call.Stdin, call.Stdin == nil))
		return hookcmdtest.Answer{}
	}, nil)
	set := hookCommand(t, server, "relation-set", "-r", "1", "--file", "-")
	set.Stdin = strings.NewReader("a: \x00b\n")
	require.NoError(t, set.Run())

	get := hookCommand(t, server, "config-get", "--file")
	stdin, err := get.StdinPipe() // which stays open
	require.NoError(t, err)
	require.NoError(t, get.Start())
	require.NoError(t, get.Wait())
	_ = stdin.Close()
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []string{`relation-set "a: \x00b\n" false`, `config-get "" true`}, got, "commands that ran, with their input")
}

func TestRunCommandOutsideOfAHook(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	command := filepath.Join(t.TempDir(), "config-get")
	require.NoError(t, os.Symlink(self, command))
	for _, row := range []struct {
		env  []string
		want string
	}{
		{[]string{}, "ERROR JUJU_CONTEXT_ID not set\n"},
		{[]string{"JUJU_CONTEXT_ID=x", "JUJU_AGENT_SOCKET_ADDRESS="}, "ERROR JUJU_AGENT_SOCKET_ADDRESS not set\n"},
		{[]string{"JUJU_CONTEXT_ID=x", "JUJU_AGENT_SOCKET_ADDRESS=/missing"}, "ERROR JUJU_AGENT_SOCKET_NETWORK not set\n"},
		{
			[]string{"JUJU_CONTEXT_ID=x", "JUJU_AGENT_SOCKET_ADDRESS=/missing", "JUJU_AGENT_SOCKET_NETWORK=unix"},
			"ERROR dial unix /missing: connect: no such file or directory\n",
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, command)
		cmd.Env = row.env
		stdout, err := cmd.Output()
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit), "error: %v", err)
		assert.Equal(t, 1, exit.ExitCode(), "exit code")
		assert.Equal(t, row.want, string(exit.Stderr), "standard error")
		assert.Empty(t, stdout, "standard output")
	}
}
