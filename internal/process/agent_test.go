// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/jujurpc"
	"github.com/charmsmith/charmsmith/internal/process"
)

func TestHookCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{RecordCalls: true})
	u := r.idle(script(`
set -e
status-set active "all is well"
echo "{a: b}" | state-set --file -
echo "c: d" > state.yaml
state-set --file state.yaml
is-leader --format json
relation-ids 2>&1 || echo "code $?"
JUJU_CONTEXT_ID=wrong is-leader 2>&1 || echo "code $?"
no-such-command 2>&1 || echo "code $?"`))
	h, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, "all is well", u.Workload().Message)
	assert.Equal(t, map[string]string{"a": "b", "c": "d"}, u.State())
	assert.Equal(t, []string{
		"true",
		"ERROR no endpoint name specified", "code 2",
		`ERROR bad request: wrong context ID; got "wrong"`, "code 1",
		"ERROR bad request: unknown command: no-such-command", "code 1",
	}, r.lines("unit.app/0.update-status", "DEBUG"))
	var calls []string
	for _, c := range h.Calls() {
		calls = append(calls, c.String())
	}
	assert.Equal(t, []string{
		"status-set active 'all is well'", "state-set --file -", "state-set --file state.yaml", "is-leader --format json", "relation-ids",
	}, calls)
}

// waiting is a charm that says which hook it is in and waits for a file.
const waiting = `
echo "$JUJU_CONTEXT_ID" > context.new
mv context.new context
while [ ! -e go ]; do sleep 0.01; done`

// during calls f while a hook of the unit runs; the charm is waiting.
func (r *rig) during(u *juju.Unit, f func(contextID string)) (*juju.Hook, juju.Outcome, error) {
	r.t.Helper()
	type result struct {
		h       *juju.Hook
		outcome juju.Outcome
		err     error
	}
	ended := make(chan result, 1)
	go func() {
		h, outcome, err := r.model.Dispatch(context.Background(), u, events.UpdateStatus{})
		ended <- result{h, outcome, err}
	}()
	f(strings.TrimSpace(r.waitFile(u.Name, "context")))
	require.NoError(r.t, os.WriteFile(filepath.Join(r.host.Paths(u.Name).CharmDir, "go"), nil, 0o600))
	got := <-ended
	return got.h, got.outcome, got.err
}

// TestSocket is about clients of the agent's socket other than the commands.
func TestSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(waiting))
	socket := r.host.Paths("app/0").Socket
	_, outcome, err := r.during(u, func(contextID string) {
		assert.True(t, strings.HasPrefix(contextID, "app/0-update-status-"))
		client, err := jujurpc.Dial(t.Context(), "unix", socket)
		require.NoError(t, err)
		defer client.Close()
		good := jujurpc.Request{ContextId: contextID, Dir: "/", CommandName: "is-leader", Args: []string{"--format=json"}}
		answer, err := client.Run(good)
		require.NoError(t, err)
		assert.Equal(t, jujurpc.Response{Stdout: []byte("true\n")}, answer)

		for want, change := range map[string]func(*jujurpc.Request){
			"bad request: command not specified":               func(r *jujurpc.Request) { r.CommandName = "" },
			"bad request: Dir is not absolute":                 func(r *jujurpc.Request) { r.Dir = "." },
			`bad request: wrong context ID; got "app/0-other"`: func(r *jujurpc.Request) { r.ContextId = "app/0-other" },
			"bad request: unknown command: leader":             func(r *jujurpc.Request) { r.CommandName = "leader" },
			"hook tool requires stdin, none supplied":          func(r *jujurpc.Request) { r.CommandName, r.Args = "state-set", []string{"--file", "-"} },
		} {
			request := good
			change(&request)
			_, err := client.Run(request)
			assert.EqualError(t, err, want)
		}
		sdk := hookcmd.NewSocket(hookcmd.Agent{Network: "unix", Address: socket, ContextID: contextID, Dir: "/"})
		require.NoError(t, hookcmd.New(sdk, nil).StateSet(t.Context(), map[string]string{"k": "v"}))
		require.NoError(t, sdk.Close(t.Context()))
	})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, "v", u.State()["k"])
	assert.NoFileExists(t, socket, "between hooks")
	assert.Empty(t, r.warnings())
}

// TestCommandsAfterTheHook is about what a charm started and left behind.
func TestCommandsAfterTheHook(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`
(
	exec >/dev/null 2>&1
	while [ ! -e ended ]; do sleep 0.01; done
	is-leader > answer.new 2>&1
	echo "code $?" >> answer.new
	mv answer.new answer
) &`))
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	require.NoError(t, os.WriteFile(filepath.Join(r.host.Paths("app/0").CharmDir, "ended"), nil, 0o600))
	answer := r.waitFile("app/0", "answer")
	assert.Regexp(t, `^ERROR .*(no such file|refused)`, answer)
	assert.Contains(t, answer, "code 1\n")
}

func TestSocketHeldOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`hold-socket > held & while [ ! -s held ]; do sleep 0.01; done`))
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, []string{`app/0: a process that hook "update-status" started keeps the agent's socket open: Juju's agent would wait for it for ever`}, r.warnings())
}

// TestStaleSocket is about what lies where the socket is to be.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`is-leader; rm $JUJU_AGENT_SOCKET_ADDRESS; mkdir $JUJU_AGENT_SOCKET_ADDRESS`))
	for range 2 {
		_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
		require.NoError(t, err)
		assert.Equal(t, juju.Succeeded, outcome)
	}
	assert.Equal(t, []string{"True", "True"}, r.lines("unit.app/0.update-status", "DEBUG"))
}

func TestRebootNow(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`juju-reboot --now; echo went on > went-on; sleep 1000`))
	_, outcome, _ := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.Equal(t, juju.RebootNow, outcome)
	assert.NoFileExists(t, filepath.Join(r.host.Paths("app/0").CharmDir, "went-on"))
}
