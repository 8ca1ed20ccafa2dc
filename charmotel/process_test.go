// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// process is this test binary as the charm greet, which server has started.
func process(t *testing.T, server *hookcmdtest.Server, transport, collector string, ev events.Event) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	env, err := events.Environ(ev, "app/0")
	require.NoError(t, err)
	cmd, stderr = exec.Command(self), &bytes.Buffer{}
	cmd.Env = append(append(env, server.Agent().Env...), charmVariable+"=greet", "GOCOVERDIR="+t.TempDir(),
		"CHARMSMITH_HOOKCMD="+transport, "JUJU_CHARM_TRACE_CONFIG_HTTP="+collector)
	cmd.Dir, cmd.Stderr = server.Agent().Dir, stderr
	return cmd, stderr
}

// Charms as processes: spans pass from one to the next.
func TestProcess(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"socket", "exec"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			c, agent := newCollector(t), testagent.Peers(1)
			server := hookcmdtest.NewServer(t, agent.Handle, nil)
			c.answer(http.StatusServiceUnavailable)
			cmd, stderr := process(t, server, transport, c.url, joined)
			require.NoError(t, cmd.Run(), "%s", stderr)
			require.Len(t, kept(t, filepath.Join(server.Agent().Dir, ".charmsmith-tracing")), 1)

			c.answer(0)
			cmd, stderr = process(t, server, transport, c.url, events.Stop{})
			require.Error(t, cmd.Run())
			assert.Equal(t, 1, cmd.ProcessState.ExitCode(), "%s", stderr)
			assert.Empty(t, stderr.String())
			spans := c.take()
			require.Equal(t, []string{
				"peers_relation_joined", "peers_relation_joined: " + greetHandler, "relation-get", "relation-set",
				"stop", "stop: github.com/charmsmith/charmsmith/charmotel_test.fails",
			}, names(spans))
			assert.NotEqual(t, fmt.Sprintf("%x", spans[0].TraceId), fmt.Sprintf("%x", spans[4].TraceId))
			assert.Empty(t, kept(t, filepath.Join(server.Agent().Dir, ".charmsmith-tracing")))
		})
	}
}

// A charm that is told to end by the agent dies by the signal, as without tracing,
// and its spans are sent by the next dispatch.
func TestProcessToldToEnd(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	running, release := make(chan struct{}), make(chan struct{})
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "relation-get" {
			close(running)
			<-release
		}
		return hookcmdtest.Answer{}, false
	}
	server := hookcmdtest.NewServer(t, agent.Handle, nil)
	t.Cleanup(func() { close(release) })
	cmd, stderr := process(t, server, "socket", c.url, joined)
	require.NoError(t, cmd.Start())
	<-running
	spans := filepath.Join(server.Agent().Dir, ".charmsmith-tracing")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, cmd.Wait())
	assert.True(t, cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled(), "%s", stderr)
	assert.Zero(t, c.asked())
	assert.LessOrEqual(t, len(kept(t, spans)), 1, "none if it died before it took care of signals")
}
