// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// charmVariable makes the test binary one of the charms of process_test.go.
const charmVariable = "TEST_CHARM"

func TestMain(m *testing.M) {
	hookcmdtest.RunCommand()
	if register, ok := charms[os.Getenv(charmVariable)]; ok {
		charm.Main(register)
	}
	os.Exit(m.Run())
}

// environ is the environment of a dispatch of app/0.
func environ(t testing.TB, ev events.Event) []string {
	t.Helper()
	env, err := events.Environ(ev, "app/0")
	require.NoError(t, err)
	return append(env, "JUJU_CONTEXT_ID=app/0-test-0123456789abcdef0123456789abcdef", "JUJU_VERSION=4.1-beta2")
}

// run runs one dispatch in this process; stderr is what could not be logged.
func run(t testing.TB, agent hookcmd.Runner, ev events.Event, register func(*charm.Charm)) (stderr string, err error) {
	t.Helper()
	var b bytes.Buffer
	err = charm.Run(t.Context(), register, &charm.Options{Env: environ(t, ev), Runner: agent, Stderr: &b})
	return b.String(), err
}

// peers is the reference of the relation of testagent.Peers.
var peers = events.RelationRef{Endpoint: "peers", ID: 1, App: "app"}

// command is this test binary as the charm of that name, to be started by server.
func command(t *testing.T, server *hookcmdtest.Server, name string, ev events.Event) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	env, err := events.Environ(ev, "app/0")
	require.NoError(t, err)
	cmd.Env = append(append(env, server.Agent().Env...), charmVariable+"="+name, "GOCOVERDIR="+t.TempDir())
	cmd.Dir = server.Agent().Dir
	return cmd
}

func newServer(t *testing.T, agent *testagent.Agent) *hookcmdtest.Server {
	t.Helper()
	return hookcmdtest.NewServer(t, agent.Handle, nil)
}

// nothing is a charm without handlers.
func nothing(*charm.Charm) {}

// status returns a handler that sets a status, to be seen in the agent's calls.
func status[E events.Event](c *charm.Charm, message string) func(context.Context, E) error {
	return func(ctx context.Context, _ E) error { return c.SetStatus(ctx, charm.Active(message)) }
}
