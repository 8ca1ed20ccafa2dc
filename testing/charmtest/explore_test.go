// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const peersOnly = `
type: charm
name: app
summary: A charm for tests.
description: It has a peer relation.
peers:
  peers: {interface: app}
`

// firstSeen is a charm with a mistake: it takes the unit that joins first for
// the one with the lowest number.
func firstSeen(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
		local := c.Relation(ev).Local()
		if first, err := local.Get(ctx, "first"); err != nil || first != "" {
			return err
		}
		return local.Set(ctx, "first", ev.Unit)
	})
}

// lowestFirst asserts what is not so in all orders.
func lowestFirst(m *charmtest.Model) {
	app := m.DeployCharm("app", firstSeen, 5, &charmtest.DeployOptions{Metadata: peersOnly})
	m.Settle()
	for _, u := range app.Units()[1:] {
		require.Equal(m, "app/0", u.Databag("peers")["first"], u.Name())
	}
}

func TestExploreFindsAndShrinks(t *testing.T) {
	t.Parallel()
	report, _ := record(func(t testing.TB) { charmtest.Explore(t, 200, lowestFirst) })
	require.Regexp(t, `^seed \d+ fails: `, report)
	shrunk := regexp.MustCompile(`shrunk from (\d+) hooks to (\d+); to repeat it: &charmtest.ModelOptions{Choices: "(.+)"}`).FindStringSubmatch(report)
	require.NotNil(t, shrunk, report)
	assert.Contains(t, report, "peers-relation-joined", "the trace")

	t.Run("the same seed fails in the same way", func(t *testing.T) {
		t.Parallel()
		seed, err := strconv.ParseUint(regexp.MustCompile(`FirstSeed: (\d+)`).FindStringSubmatch(report)[1], 10, 64)
		require.NoError(t, err)
		again, _ := record(func(t testing.TB) {
			charmtest.ExploreWith(t, &charmtest.ExploreOptions{Schedules: 1, FirstSeed: seed}, lowestFirst)
		})
		assert.Equal(t, report, again)
	})
	t.Run("the choices fail in the same way", func(t *testing.T) {
		t.Parallel()
		failure, trace := record(func(t testing.TB) {
			lowestFirst(charmtest.NewModel(t, &charmtest.ModelOptions{Choices: shrunk[3]}))
		})
		assert.Contains(t, failure, `expected: "app/0"`)
		assert.Contains(t, trace, "peers-relation-joined")
	})
}

func TestExploreRunsAllSchedules(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	var seeds [40]atomic.Bool
	charmtest.Explore(t, len(seeds), func(m *charmtest.Model) {
		runs.Add(1)
		seeds[m.Seed()-1].Store(true)
		m.DeployCharm("app", func(*charm.Charm) {}, 2, &charmtest.DeployOptions{Metadata: peersOnly})
		m.Settle()
	})
	assert.EqualValues(t, len(seeds), runs.Load())
	for i := range seeds {
		assert.True(t, seeds[i].Load(), "seed %d", i+1)
	}
}

func TestExploreReportsAPanic(t *testing.T) {
	t.Parallel()
	report, _ := record(func(t testing.TB) {
		charmtest.Explore(t, 3, func(m *charmtest.Model) { panic("oh no") })
	})
	assert.Contains(t, report, "the scenario panicked: oh no")
	assert.Contains(t, report, "explore_test.go")
}

// A failure in a handler ends the schedule, too.
func TestExploreFailNowInAHandler(t *testing.T) {
	t.Parallel()
	report, _ := record(func(t testing.TB) {
		charmtest.Explore(t, 3, func(m *charmtest.Model) {
			m.DeployCharm("app", func(c *charm.Charm) {
				charm.On(c, func(context.Context, events.Install) error {
					require.Fail(m, "in a handler")
					return nil
				})
			}, 1, &charmtest.DeployOptions{Metadata: peersOnly})
			m.Settle()
			m.Errorf("not reached")
		})
	})
	assert.Contains(t, report, "in a handler")
	assert.NotContains(t, report, "not reached")
}

// Faults change what happens, never what a charm that is written for them
// comes to.
func TestExploreFaults(t *testing.T) {
	t.Parallel()
	opts := &charmtest.ExploreOptions{
		Schedules: 300,
		Model:     charmtest.ModelOptions{Faults: charmtest.Faults{Kill: 3, RefuseFlush: 2, LoseLeadership: 2, Restart: 2, Repeat: 3}},
	}
	var steps atomic.Int64
	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
		app := m.DeployCharm("app", countMembers, 3, &charmtest.DeployOptions{Metadata: peersOnly})
		m.Settle()
		steps.Add(int64(m.Steps()))
		for _, u := range app.Units() {
			require.Equal(m, "2", u.Databag("peers")["members"], u.Name())
		}
	})
	assert.Greater(t, steps.Load(), int64(300*25), "hooks: with faults there are more than without")
}

// countMembers writes how many peers there are.
func countMembers(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerEvent) error {
		rel := c.Relation(ev)
		units, err := rel.Units(ctx)
		if err != nil {
			return err
		}
		return write(ctx, rel, "members", strconv.Itoa(len(units)))
	})
}

func write(ctx context.Context, rel *relation.Relation, key, value string) error {
	return rel.Local().Set(ctx, key, value)
}

// What one schedule leaves in its storage no other one finds, though all have one
// StorageDir; a smaller run of the same does not either.
func TestExploreHasStorageForEachRun(t *testing.T) {
	t.Parallel()
	const metadata = "type: charm\nname: store\nsummary: s\ndescription: d\nstorage:\n  data: {type: filesystem}\n"
	dir := t.TempDir()
	opts := &charmtest.ExploreOptions{Schedules: 50, Model: charmtest.ModelOptions{StorageDir: dir}}
	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
		m.DeployCharm("store", func(c *charm.Charm) {
			charm.On(c, func(_ context.Context, ev events.StorageAttached) error {
				found, err := os.ReadDir(ev.Location)
				assert.Empty(m, found)
				return errors.Join(err, os.WriteFile(filepath.Join(ev.Location, "mine"), nil, 0o600))
			})
		}, 2, &charmtest.DeployOptions{Metadata: metadata})
		m.Settle()
	})
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}
