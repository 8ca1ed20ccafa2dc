// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestMain(m *testing.M) {
	hookcmdtest.RunCommand() // when this test binary is a hook command
	os.Exit(m.Run())
}

// The relations of newAgent.
var (
	db3    = hookcmd.RelationID{Endpoint: "db", ID: 3}
	peers1 = hookcmd.RelationID{Endpoint: "peers", ID: 1}
)

// The hook commands that tests of newAgent see, as [testagent.Agent.Calls] has them.
const (
	isLeader    = "is-leader --format=json"
	listDB      = "relation-list --format=json -r db:3"
	appOfDB     = "relation-list --format=json --app -r db:3"
	getOwn      = "relation-get --format=json -r db:3 -- - app/0"
	getOwnApp   = "relation-get --format=json -r db:3 --app -- - app"
	getMySQL    = "relation-get --format=json -r db:3 --app -- - mysql"
	getMySQL2   = "relation-get --format=json -r db:3 -- - mysql/2"
	getMySQL10  = "relation-get --format=json -r db:3 -- - mysql/10"
	listPeers   = "relation-list --format=json -r peers:1"
	appOfPeers  = "relation-list --format=json --app -r peers:1"
	getPeersApp = "relation-get --format=json -r peers:1 --app -- - app"
	setOwn      = "relation-set -r db:3 --file - < "
	setOwnApp   = "relation-set -r db:3 --app --file - < "
)

// newAgent returns the agent of "app/0", which is the leader, with a relation
// "db:3" to two units of mysql and a peer relation "peers:1" to "app/1".
func newAgent() *testagent.Agent {
	return &testagent.Agent{
		Unit:   "app/0",
		Leader: true,
		Relations: map[string]*testagent.Relation{
			"db:3": {App: "mysql", Units: []string{"mysql/10", "mysql/2"}, Bags: map[string]map[string]string{
				"app/0":    {"ingress-address": "10.0.0.1", "mine": "zero"},
				"app":      {"shared": "old"},
				"mysql/2":  {"ingress-address": "10.0.1.2", "host": "two"},
				"mysql/10": {"ingress-address": "10.0.1.10", "host": "ten"},
				"mysql":    {"version": "8"},
			}},
			"peers:1": {App: "app", Units: []string{"app/1"}, Bags: map[string]map[string]string{
				"app/0": {"ingress-address": "10.0.0.1"},
				"app/1": {"ingress-address": "10.0.0.2"},
				"app":   {"token": "secret:1"},
			}},
		},
	}
}

// newStore returns the store of a dispatch of "app/0".
func newStore(runner hookcmd.Runner) *relation.Store {
	client := hookcmd.New(runner, nil)
	return relation.NewStore(client, "app/0", client.IsLeader)
}

// newDB returns an agent, a store and its relation "db:3", whose remote
// application is known as in a hook of that relation.
func newDB() (*testagent.Agent, *relation.Store, *relation.Relation) {
	agent := newAgent()
	store := newStore(agent)
	return agent, store, store.Relation(db3, "mysql")
}

// newSocket returns a runner that asks agent over a real socket.
func newSocket(t *testing.T, agent *testagent.Agent, opts *hookcmdtest.ServerOptions) hookcmd.Runner {
	t.Helper()
	server := hookcmdtest.NewServer(t, agent.Handle, opts)
	socket := hookcmd.NewSocket(server.Agent())
	t.Cleanup(func() { assert.NoError(t, socket.Close(context.Background())) })
	return socket
}

// newExec returns a runner that asks agent by processes.
func newExec(t *testing.T, agent *testagent.Agent) hookcmd.Runner {
	t.Helper()
	served := hookcmdtest.NewServer(t, agent.Handle, nil).Agent()
	// Commands that are built with -race sleep for a second before they exit.
	return hookcmd.NewExec(hookcmd.Agent{Dir: served.Dir, Env: served.Env})
}

// onEachRunner runs a test on each way to an agent.
func onEachRunner(t *testing.T, test func(t *testing.T, agent *testagent.Agent, runner hookcmd.Runner)) {
	t.Helper()
	for name, connect := range map[string]func(*testing.T, *testagent.Agent) hookcmd.Runner{
		"in process": func(_ *testing.T, agent *testagent.Agent) hookcmd.Runner { return agent },
		"socket": func(t *testing.T, agent *testagent.Agent) hookcmd.Runner {
			t.Helper()
			return newSocket(t, agent, nil)
		},
		"exec": newExec,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent := newAgent()
			test(t, agent, connect(t, agent))
		})
	}
}

// all returns a databag's content.
func all(t *testing.T, bag relation.Reader) map[string]string {
	t.Helper()
	content, err := bag.All(t.Context())
	require.NoError(t, err)
	return content
}

// readable is what views and databags have in common.
type readable interface {
	relation.Reader
	Get(ctx context.Context, key string) (string, error)
	Lookup(ctx context.Context, key string) (value string, ok bool, err error)
}

// get returns the value of a key.
func get(t *testing.T, bag readable, key string) string {
	t.Helper()
	value, err := bag.Get(t.Context(), key)
	require.NoError(t, err)
	return value
}
