// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestMain(m *testing.M) {
	hookcmdtest.RunCommand()
	os.Exit(m.Run())
}

var friends = events.RelationRef{Endpoint: "friends", ID: 1, App: "hello"}

// withFriends is the agent of hello/0 with three peers, of whom two have greeted.
func withFriends() *testagent.Agent {
	return &testagent.Agent{Unit: "hello/0", Relations: map[string]*testagent.Relation{"friends:1": {
		App:   "hello",
		Units: []string{"hello/1", "hello/10", "hello/2"},
		Bags: map[string]map[string]string{
			"hello/0":  {"ingress-address": "10.0.0.1"},
			"hello/1":  {"ingress-address": "10.0.0.2", "greeting": "Hello from hello/1"},
			"hello/2":  {"ingress-address": "10.0.0.3", "greeting": "Hello from hello/2"},
			"hello/10": {"ingress-address": "10.0.0.11"},
		},
	}}}
}

// alone is the agent of hello/0 with a peer relation to nobody.
func alone() *testagent.Agent {
	return &testagent.Agent{Unit: "hello/0", Relations: map[string]*testagent.Relation{"friends:1": {App: "hello"}}}
}

// fresh is the agent of hello/0 before it has relations.
func fresh() *testagent.Agent { return &testagent.Agent{Unit: "hello/0"} }

var dispatches = []struct {
	name  string
	ev    events.Event
	agent func() *testagent.Agent
	calls []string
}{
	{"install", events.Install{}, fresh, []string{
		"relation-ids --format=json -- friends",
		"status-set -- waiting for the peer relation",
	}},
	{"alone", events.Start{}, alone, []string{
		"relation-ids --format=json -- friends",
		"relation-list --format=json -r friends:1",
		"status-set -- waiting for the first friend",
	}},
	{"created", events.PeerCreated{RelationRef: friends}, withFriends, []string{
		"relation-ids --format=json -- friends",
		"relation-list --format=json -r friends:1",
		"relation-get --format=json -r friends:1 -- - hello/1",
		"relation-get --format=json -r friends:1 -- - hello/2",
		"relation-get --format=json -r friends:1 -- - hello/10",
		"status-set -- active 2 of 3 friends: hello/1 hello/2",
		`relation-set -r friends:1 --file - < {"greeting": "Hello from hello/0"}`,
	}},
	{"action", events.Action{Action: "wave", ID: "1"}, withFriends, []string{
		`action-fail -- action "wave" not implemented`,
	}},
}

func TestHello(t *testing.T) {
	t.Parallel()
	for _, row := range dispatches {
		env, err := events.Environ(row.ev, "hello/0")
		require.NoError(t, err)
		agent := row.agent()
		require.NoError(t, charm.Run(t.Context(), register, &charm.Options{Env: env, Runner: agent}), row.name)
		assert.Equal(t, row.calls, agent.Calls(), row.name)
	}
}

// TestLinkedTransport builds the charm with the linker's flag that chooses how
// hook commands are run.
func TestLinkedTransport(t *testing.T) {
	t.Parallel()
	dispatch := filepath.Join(t.TempDir(), "dispatch")
	out, err := exec.Command("go", "build", "-ldflags=-X github.com/charmsmith/charmsmith/charm.transport=exec", "-o", dispatch, ".").CombinedOutput()
	require.NoError(t, err, "go build: %s", out)
	agent := fresh()
	server := hookcmdtest.NewServer(t, agent.Handle, nil)
	env, err := events.Environ(events.Install{}, "hello/0")
	require.NoError(t, err)
	cmd := exec.Command(dispatch)
	cmd.Dir = server.Agent().Dir
	cmd.Env = append(append(env, server.Agent().Env...), "PATH=/nowhere")
	out, err = cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "there is no such command in PATH")
	assert.Empty(t, agent.Calls())
}

// TestProcess builds the charm and starts it as Juju's unit agent does, once
// with its hook commands over the agent's socket, once as processes.
func TestProcess(t *testing.T) {
	t.Parallel()
	dispatch := filepath.Join(t.TempDir(), "dispatch")
	build := exec.Command("go", "build", "-o", dispatch, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "go build: %s", out)

	for _, row := range dispatches {
		for _, transport := range []string{"socket", "exec"} {
			t.Run(row.name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				agent := row.agent()
				server := hookcmdtest.NewServer(t, agent.Handle, nil)
				env, err := events.Environ(row.ev, "hello/0")
				require.NoError(t, err)
				cmd := exec.Command(dispatch)
				cmd.Dir = server.Agent().Dir
				cmd.Env = append(append(env, server.Agent().Env...), "CHARMSMITH_HOOKCMD="+transport)
				var output bytes.Buffer
				cmd.Stdout, cmd.Stderr = &output, &output
				require.NoError(t, cmd.Run(), "output: %s", &output)
				assert.Empty(t, output.String())
				// Of relation-gets in one round Juju decides the order.
				assert.ElementsMatch(t, row.calls, agent.Calls())
				assert.Equal(t, row.calls[len(row.calls)-1], agent.Calls()[len(row.calls)-1])
			})
		}
	}
}
