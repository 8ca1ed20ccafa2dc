// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// BenchmarkNodes is Nodes of 500 peers over a unit agent's socket, in a dispatch that
// has read nothing before: one relation-ids, one relation-list, and one round of
// relation-get. Its time is "ms/Nodes"; the rest is the dispatch and the connection.
func BenchmarkNodes(b *testing.B) {
	const peers = 500
	agent := testagent.Peers(peers)
	answers := make(map[string]hookcmdtest.Answer) // so that the agent costs little
	calls := 0
	server := hookcmdtest.NewServer(b, func(call hookcmd.Call) hookcmdtest.Answer {
		calls++
		key := strings.Join(call.Args, " ")
		answer, ok := answers[key]
		if !ok {
			answer = agent.Handle(call)
			answers[key] = answer
		}
		return answer
	}, &hookcmdtest.ServerOptions{InOrder: true})
	env, err := events.Environ(events.UpdateStatus{}, "app/0")
	require.NoError(b, err)
	var took time.Duration
	register := func(c *charm.Charm) {
		p := magpie.New(c, "peers")
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			started := time.Now()
			nodes, err := p.Nodes(ctx)
			took += time.Since(started)
			require.Len(b, nodes, peers)
			return err
		})
	}
	for b.Loop() {
		require.NoError(b, charm.Run(b.Context(), register, &charm.Options{Env: env, Runner: hookcmd.NewSocket(server.Agent())}))
	}
	require.Equal(b, b.N*(peers+2), calls, "hook commands")
	b.ReportMetric(float64(took.Microseconds())/float64(b.N)/1000, "ms/Nodes")
}
