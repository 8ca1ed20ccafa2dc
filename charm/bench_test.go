// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

// BenchmarkDispatch is a dispatch in this process of a handler that does nothing.
func BenchmarkDispatch(b *testing.B) {
	env := environ(b, events.PeerJoined{RelationRef: peers, Unit: "app/1"})
	agent := testagent.Peers(1)
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.PeerJoined) error { return nil })
	}
	opts := &charm.Options{Env: env, Runner: agent}
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, charm.Run(context.Background(), register, opts))
	}
}
