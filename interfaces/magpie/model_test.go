// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// flock is what the units of a model were told, by pairs: "magpie/0 of magpie/1".
type flock struct {
	m                *charmtest.Model
	joined, departed map[string]bool
	failures         int // of handlers, that are left
}

// register registers a charm that shows its peers in its status, and dismisses what it
// is told at times.
func (f *flock) register(c *charm.Charm) {
	charm.WatchPeers(c, "magpie")
	peers := magpie.New(c, "magpie")
	peers.OnJoined(f.note(c, f.joined, peers.DismissJoined))
	peers.OnDeparted(f.note(c, f.departed, peers.DismissDeparted))
	charm.OnCollectStatus(c, func(ctx context.Context, s *charm.StatusSet) error {
		nodes, err := peers.Nodes(ctx)
		s.Add(charm.Active(strings.Join(units(nodes), " ")))
		return err
	})
}

func (f *flock) note(c *charm.Charm, told map[string]bool, dismiss func(context.Context, ...string) ([]string, error)) func(context.Context, []string) error {
	return func(ctx context.Context, names []string) error {
		assert.NotEmpty(f.m, names)
		for _, name := range names {
			told[c.Unit()+" of "+name] = true
		}
		switch f.m.Pick(8) {
		case 0:
			if f.failures--; f.failures >= 0 {
				return errors.New("the disk is full")
			}
		case 1:
			dismissed, err := dismiss(ctx, names[0])
			assert.Equal(f.m, names[:1], dismissed)
			return err
		case 2, 3:
			dismissed, err := dismiss(ctx)
			assert.Equal(f.m, names, dismissed)
			return err
		}
		return nil
	}
}

// TestPeersInAnyOrder has units come and go in orders that Juju could choose, with
// charms that are killed, writes that are refused, agents that restart, events that are
// repeated and departures that are not told.
func TestPeersInAnyOrder(t *testing.T) {
	t.Parallel()
	opts := &charmtest.ExploreOptions{
		Schedules: 1000,
		Model:     charmtest.ModelOptions{Faults: charmtest.Faults{Kill: 2, RefuseFlush: 2, Restart: 1, Repeat: 1, MissDeparted: 2}},
	}
	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
		f := &flock{m, make(map[string]bool), make(map[string]bool), 2}
		app := m.DeployCharm("magpie", f.register, 3, &charmtest.DeployOptions{Metadata: metadata})
		met := make(map[string]bool) // pairs of which the first has seen the second
		deployed, removed := make(map[string]bool), make(map[string]bool)
		for range 2 {
			for range m.Pick(30) {
				m.Step()
			}
			if m.Pick(2) == 0 {
				app.AddUnits(1)
			}
			var staying []string
			for _, unit := range app.Units() {
				deployed[unit.Name()] = true
				for _, seen := range app.Peers("magpie").Joined(unit.Name()) {
					met[unit.Name()+" of "+seen] = true
				}
				if !removed[unit.Name()] {
					staying = append(staying, unit.Name())
				}
			}
			gone := staying[m.Pick(len(staying))]
			app.RemoveUnit(gone)
			removed[gone] = true
		}
		m.Settle()
		m.Advance(10 * time.Minute) // update-status, twice

		for _, unit := range app.Units() {
			deployed[unit.Name()] = true
		}
		for _, unit := range app.Units() {
			var others []string
			for _, other := range app.Units() {
				if other.Name() != unit.Name() {
					others = append(others, other.Name())
					pair := unit.Name() + " of " + other.Name()
					assert.True(m, f.joined[pair], "the joining was told to %s", pair)
					assert.False(m, f.departed[pair], "a departure was told to %s", pair)
				}
			}
			assert.Equal(m, strings.Join(others, " "), unit.Status().Message, "peers of %s", unit.Name())
			for gone := range removed {
				if pair := unit.Name() + " of " + gone; met[pair] {
					assert.True(m, f.departed[pair], "the departure was told to %s", pair)
				}
			}
		}
		for pair := range f.joined {
			_, name, _ := strings.Cut(pair, " of ")
			assert.True(m, deployed[name], "%s was told of a joining", pair)
		}
		for pair := range f.departed {
			_, name, _ := strings.Cut(pair, " of ")
			assert.True(m, removed[name], "%s was told of a departure", pair)
			assert.True(m, f.joined[pair], "%s was told of a departure, and not of a joining", pair)
		}
	})
}
