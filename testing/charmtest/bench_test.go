// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// readsJoined reads one key of the unit that joins, as most peers do.
func readsJoined(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
		_, err := c.Relation(ev).Remote(ev.Unit).Get(ctx, "ingress-address")
		return err
	})
}

// readsAll reads a key of every peer.
func readsAll(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
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

// BenchmarkMesh is a peer application from its deployment until it is settled:
// each unit joins each other.
func BenchmarkMesh(b *testing.B) {
	for _, units := range []int{3, 50, 1000} {
		b.Run(fmt.Sprintf("units=%d", units), func(b *testing.B) { mesh(b, units, nil) })
	}
	for _, units := range []int{50, 1000} {
		b.Run(fmt.Sprintf("text/units=%d", units), func(b *testing.B) {
			mesh(b, units, &charmtest.ModelOptions{TextOnly: true})
		})
	}
}

func mesh(b *testing.B, units int, opts *charmtest.ModelOptions) {
	hooks := 0
	for b.Loop() {
		m := charmtest.NewModel(b, opts)
		m.DeployCharm("app", readsJoined, units, &charmtest.DeployOptions{Metadata: peersOnly})
		m.Settle()
		hooks += m.Steps()
	}
	require.GreaterOrEqual(b, hooks, 2*units*(units-1)*b.N, "joined and changed of each pair")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(hooks), "ns/hook")
	b.ReportMetric(float64(hooks)/float64(b.N), "hooks/op")
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys)/1e6, "MB-peak")
}

// BenchmarkHarnessJoined is a peer that joins, of a charm whose handler reads
// every peer: a relation-joined and the relation-changed after it, which no
// handler takes.
func BenchmarkHarnessJoined(b *testing.B) {
	for _, peers := range []int{3, 50, 2000} {
		b.Run(fmt.Sprintf("peers=%d", peers), func(b *testing.B) {
			h := charmtest.New(b, func(*charm.Charm) {}, &charmtest.Options{Metadata: peersOnly})
			rel := h.Peers("peers")
			for i := range peers - 1 {
				rel.Join(fmt.Sprintf("app/%d", i+1), nil)
			}
			h.Upgrade(readsAll)
			last := fmt.Sprintf("app/%d", peers)
			for b.Loop() {
				rel.Join(last, nil)
				b.StopTimer()
				rel.Depart(last)
				h.ResetCalls()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkExplore is schedules of three units with about twenty hooks each.
func BenchmarkExplore(b *testing.B) {
	for name, faults := range map[string]charmtest.Faults{
		"plain":  {},
		"faults": {Kill: 2, RefuseFlush: 1, LoseLeadership: 1, Repeat: 2},
	} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
				opts := &charmtest.ExploreOptions{Schedules: b.N, Workers: workers, Model: charmtest.ModelOptions{Faults: faults}}
				var hooks int
				charmtest.ExploreWith(b, opts, func(m *charmtest.Model) {
					app := m.DeployCharm("app", readsJoined, 3, &charmtest.DeployOptions{Metadata: peersOnly})
					m.Settle()
					app.RemoveUnit("app/1")
					m.Settle()
					app.AddUnits(1)
					m.Settle()
					app.Refresh(readsJoined, nil)
					m.Settle()
					m.Advance(10 * time.Minute) // update-status, twice
					if m.Seed() == 1 {
						hooks = m.Steps()
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
				b.ReportMetric(float64(hooks), "hooks/schedule")
			})
		}
	}
}
