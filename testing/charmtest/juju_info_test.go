// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const monitorCharm = `
type: charm
name: monitor
summary: A subordinate for tests.
description: It goes beside any charm.
subordinate: true
requires:
  host: {interface: juju-info, scope: container}
`

// Every application offers juju-info, of which its charm is told nothing.
func TestJujuInfo(t *testing.T) {
	t.Parallel()
	m := charmtest.NewModel(t, nil)
	told := map[string][]string{}
	register := func(c *charm.Charm) {
		charm.On(c, func(_ context.Context, ev events.RelationEvent) error {
			told[c.Unit()] = append(told[c.Unit()], ev.Name())
			return nil
		})
	}
	nodes := m.DeployCharm("nodes", register, 2, &charmtest.DeployOptions{Metadata: "{type: charm, name: nodes, summary: s, description: d}"})
	monitor := m.DeployCharm("monitor", register, 0, &charmtest.DeployOptions{Metadata: monitorCharm})
	m.Relate("nodes:juju-info", "monitor")
	m.Settle()

	require.Len(m, monitor.Units(), 2)
	joined := []string{"host-relation-created", "host-relation-joined", "host-relation-changed"}
	assert.Equal(m, map[string][]string{"monitor/0": joined, "monitor/1": joined}, told)

	nodes.RemoveUnit("nodes/0")
	m.Settle()
	require.Len(m, monitor.Units(), 1)
	require.Len(m, nodes.Units(), 1)

	monitor.Remove()
	m.Settle()
	assert.Len(m, nodes.Units(), 1)
	assert.Empty(m, told["nodes/0"])
	assert.Empty(m, told["nodes/1"])
}
