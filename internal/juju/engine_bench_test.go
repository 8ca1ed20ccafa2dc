// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// idle is a charm that does nothing.
type idle struct{}

func (idle) Execute(context.Context, *juju.Hook) juju.Exit { return juju.Exit{} }

// BenchmarkEngine is about a thousand hooks that do nothing: a peer application
// of 20 units until it is settled. Steps is the same without an Engine.
func BenchmarkEngine(b *testing.B) {
	charm, err := charmdir.Parse(charmdir.Files{Metadata: []byte("name: app\nsummary: x\ndescription: x\npeers: {peers: app}")})
	require.NoError(b, err)
	for _, parallel := range []int{0, 1, 2} {
		name := fmt.Sprintf("parallel=%d", parallel)
		if parallel == 0 {
			name = "steps"
		}
		b.Run(name, func(b *testing.B) {
			hooks := 0
			for b.Loop() {
				m := juju.New(nil)
				_, err := m.Deploy(juju.Deployment{Charm: charm, Executor: idle{}, Units: 20})
				require.NoError(b, err)
				if parallel == 0 {
					_, err := m.Settle(b.Context(), nil)
					require.NoError(b, err)
				} else {
					e := m.Start(juju.EngineOptions{Parallel: parallel, Report: func(juju.Report) {}})
					require.NoError(b, e.Settle(b.Context()))
					e.Stop()
				}
				hooks += m.Steps()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(hooks), "ns/hook")
			b.ReportMetric(float64(hooks)/float64(b.N), "hooks/op")
		})
	}
}
