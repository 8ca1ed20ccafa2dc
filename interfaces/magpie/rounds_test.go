// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

// rounds is an agent that notes how many commands it is sent at a time.
type rounds struct {
	*testagent.Agent
	sent []int
}

func (r *rounds) Run(ctx context.Context, call hookcmd.Call) ([]byte, error) {
	r.sent = append(r.sent, 1)
	return r.Agent.Run(ctx, call)
}

func (r *rounds) RunBatch(ctx context.Context, calls []hookcmd.Call) ([][]byte, error) {
	r.sent = append(r.sent, len(calls))
	var all [][]byte
	for _, call := range calls {
		stdout, err := r.Agent.Run(ctx, call)
		if err != nil {
			return nil, err
		}
		all = append(all, stdout)
	}
	return all, nil
}

// The databags of 500 peers are read in one round.
func TestNodesInOneRound(t *testing.T) {
	t.Parallel()
	agent := &rounds{Agent: testagent.Peers(500)}
	env, err := events.Environ(events.UpdateStatus{}, "app/0")
	require.NoError(t, err)
	require.NoError(t, charm.Run(t.Context(), func(c *charm.Charm) {
		p := magpie.New(c, "peers")
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			nodes, err := p.Nodes(ctx)
			assert.Len(t, nodes, 500)
			return err
		})
	}, &charm.Options{Env: env, Runner: agent}))
	assert.Equal(t, []int{1, 1, 500}, agent.sent, "relation-ids, relation-list, and relation-get of all")
}
