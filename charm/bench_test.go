// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// BenchmarkDispatch is a dispatch in this process of a handler that does nothing.
func BenchmarkDispatch(b *testing.B) {
	benchmarkPeerJoined(b, 1, func(context.Context, *charm.Charm, events.PeerJoined) error { return nil })
}

// BenchmarkDispatchRead is that of a handler that reads the joining unit's databag.
func BenchmarkDispatchRead(b *testing.B) {
	benchmarkPeerJoined(b, 1, func(ctx context.Context, c *charm.Charm, ev events.PeerJoined) error {
		_, err := c.Relation(ev).Remote(ev.Unit).Get(ctx, "ingress-address")
		return err
	})
}

// BenchmarkDispatchReadPeers is that of a handler that reads those of 50 peers.
func BenchmarkDispatchReadPeers(b *testing.B) {
	benchmarkPeerJoined(b, 50, func(ctx context.Context, c *charm.Charm, ev events.PeerJoined) error {
		peers, err := c.Relation(ev).RemoteAll(ctx)
		if err != nil {
			return err
		}
		for _, peer := range peers {
			if _, err := peer.Get(ctx, "ingress-address"); err != nil {
				return err
			}
		}
		return nil
	})
}

// benchmarkPeerJoined runs handle in the environment that Juju gives magpie/0,
// which has that many peers.
func benchmarkPeerJoined(b *testing.B, peers int, handle func(context.Context, *charm.Charm, events.PeerJoined) error) {
	dispatches := golden.Dispatches()
	recorded := slices.IndexFunc(dispatches, func(d golden.Dispatch) bool { return d.Name == "relation-joined-peer" })
	require.GreaterOrEqual(b, recorded, 0, "recording of a peer that joins")
	var env []string
	for _, key := range slices.Sorted(maps.Keys(dispatches[recorded].Env)) {
		env = append(env, key+"="+dispatches[recorded].Env[key])
	}
	runner := &valueRunner{bag: map[string]string{"ingress-address": "10.0.0.2", "egress-subnets": "10.0.0.2/32"}}
	for i := range peers {
		runner.units = append(runner.units, fmt.Sprintf("magpie/%d", i+1))
	}
	slices.Sort(runner.units)
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error { return handle(ctx, c, ev) })
	}
	opts := &charm.Options{Env: env, Runner: runner}
	b.ReportAllocs()
	for b.Loop() {
		if err := charm.Run(context.Background(), register, opts); err != nil {
			b.Fatal(err)
		}
	}
}

// valueRunner is a [hookcmd.Answerer] at no cost: all units have one databag.
type valueRunner struct {
	units []string // as relation-list has them
	bag   map[string]string
}

func (r *valueRunner) Answer(_ context.Context, _ hookcmd.Call, result any) (bool, error) {
	switch result := result.(type) {
	case *[]string:
		*result = r.units
	case *map[string]string:
		*result = r.bag
	default:
		return false, nil
	}
	return true, nil
}

func (r *valueRunner) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	return nil, hookcmd.NewError(call, 1, "it has no value")
}
