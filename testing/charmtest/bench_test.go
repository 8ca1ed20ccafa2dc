// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"runtime"
	"testing"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func benchMesh(b *testing.B, n int) {
	meta, err := charmdir.Parse(charmdir.Files{Charmcraft: []byte("name: app\nsummary: s\ndescription: d\ntype: charm\npeers: {peers: {interface: p}}\n")})
	if err != nil {
		b.Fatal(err)
	}
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			_, err := c.Relation(ev).Remote(ev.Unit).Get(ctx, "ingress-address")
			return err
		})
	}
	hooks := 0
	for b.Loop() {
		m := juju.New(&juju.Options{Seed: 1})
		if _, err := m.Deploy(juju.Deployment{Charm: meta, Executor: newExecutor(register), Units: n}); err != nil {
			b.Fatal(err)
		}
		steps, err := m.Settle(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		hooks += steps
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(hooks), "ns/hook")
	b.ReportMetric(float64(hooks)/float64(b.N), "hooks")
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	b.ReportMetric(float64(ms.Sys)/1e6, "MB-sys")
}

func BenchmarkMesh3(b *testing.B)    { benchMesh(b, 3) }
func BenchmarkMesh50(b *testing.B)   { benchMesh(b, 50) }
func BenchmarkMesh200(b *testing.B)  { benchMesh(b, 200) }
func BenchmarkMesh1000(b *testing.B) { benchMesh(b, 1000) }
