// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

var (
	scriptedDB    = hookcmd.RelationID{Endpoint: "db", ID: 3}
	scriptedPeers = hookcmd.RelationID{Endpoint: "magpie", ID: 1}
)

// scriptedRunner answers hook commands with run, and keeps the calls.
type scriptedRunner struct {
	run func(call hookcmd.Call) (stdout string, err error)

	mu    sync.Mutex
	calls []hookcmd.Call
}

func (r *scriptedRunner) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	r.mu.Lock()
	r.calls = append(r.calls, call)
	r.mu.Unlock()
	stdout, err := r.run(call)
	return []byte(stdout), err
}

// scriptedPrinter is a Runner all of whose commands succeed and print stdout.
func scriptedPrinter(stdout string) *scriptedRunner {
	return &scriptedRunner{run: func(hookcmd.Call) (string, error) { return stdout, nil }}
}

// scriptedTable is a Runner whose commands print what stands at their command
// line, and fail if that is not in the table.
func scriptedTable(table map[string]string) *scriptedRunner {
	return &scriptedRunner{run: func(call hookcmd.Call) (string, error) {
		line := strings.Join(scriptedArgv(call), " ")
		stdout, ok := table[line]
		if !ok {
			return "", &hookcmd.Error{Command: call.Command, Args: call.Args, Code: 1, Stderr: "not in the script: " + line}
		}
		return stdout, nil
	}}
}

// scriptedArgv returns the command line, in which PATH stands for that of a
// temporary file.
func scriptedArgv(call hookcmd.Call) []string {
	argv := append([]string{call.Command}, call.Args...)
	for i, arg := range argv {
		if strings.HasPrefix(arg, "--file=") {
			argv[i] = "--file=PATH"
		}
	}
	return argv
}

// lines returns the command lines that were run.
func (r *scriptedRunner) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, call := range r.calls {
		lines = append(lines, strings.Join(scriptedArgv(call), " "))
	}
	return lines
}

// scriptedSocket returns a Socket to an agent whose commands handler answers.
func scriptedSocket(t *testing.T, handler hookcmdtest.Handler, opts *hookcmdtest.ServerOptions) *hookcmd.Socket {
	t.Helper()
	server := hookcmdtest.NewServer(t, handler, opts)
	socket := hookcmd.NewSocket(server.Agent())
	t.Cleanup(func() { assert.NoError(t, socket.Close(context.Background())) })
	return socket
}

// scriptedFailure returns a client all of whose commands fail.
func scriptedFailure(t *testing.T, code int, stderr string) *hookcmd.Client {
	t.Helper()
	return hookcmd.New(scriptedSocket(t, func(hookcmd.Call) hookcmdtest.Answer {
		return hookcmdtest.Answer{Stderr: stderr, Code: code}
	}, nil), nil)
}

var recordedCases = sync.OnceValue(golden.Cases)

// recordedCall returns the recording of one hook command of a case.
func recordedCall(tb testing.TB, version, name string, index int) golden.Call {
	tb.Helper()
	i := slices.IndexFunc(recordedCases(), func(c golden.Case) bool {
		return c.Version == version && c.Name == name
	})
	require.GreaterOrEqual(tb, i, 0, "no recording %q of Juju %s", name, version)
	c := recordedCases()[i]
	require.False(tb, c.FromFake, "recording %q is no evidence", name)
	require.Less(tb, index, len(c.Calls), "recording %q", name)
	return c.Calls[index]
}

// recordedOutput returns what a command of Juju 4 printed as JSON.
func recordedOutput(tb testing.TB, name string, index int) string {
	tb.Helper()
	return recordedOutputOf(tb, "4", name, index)
}

func recordedOutputOf(tb testing.TB, version, name string, index int) string {
	tb.Helper()
	call := recordedCall(tb, version, name, index)
	require.Zero(tb, call.Code, "recording %q[%d] is that of a failure", name, index)
	require.True(tb, slices.Contains(call.Argv, "--format=json") || call.Argv[0] == "secret-add",
		"recording %q[%d] is not in JSON: %q", name, index, call.Argv)
	return call.Stdout
}

// TestRecordedOutputs keeps the helpers from finding nothing.
func TestRecordedOutputs(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "[\"db:12\",\"db:3\"]\n", recordedOutput(t, "relation-ids/two-json", 0))
	assert.Equal(t, "\"10.1.0.4\"\n", recordedOutputOf(t, "3.6", "leader/get-key-json", 0))
}
