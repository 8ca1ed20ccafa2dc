// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const swarm = `
type: charm
name: swarm
summary: for tests
description: for tests
peers:
  swarm: {interface: swarm}
  tribe: {interface: tribe}
actions:
  look: {}
`

// watching notes the departures that it is told of, and the peers it sees.
type watching struct {
	*charm.Charm
	calls
	fail error
	also func(*charm.Charm) // in register
}

func (w *watching) register(c *charm.Charm) {
	w.Charm = c
	charm.WatchPeers(c, "swarm")
	charm.WatchPeers(c, "swarm")
	charm.OnRelation(c, "swarm", w.departed)
	charm.OnRelation(c, "tribe", w.departed)
	charm.OnDispatch(c, w.look)
	if w.also != nil {
		w.also(c)
	}
	charm.OnAction(c, "look", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, w.fail })
}

func (w *watching) departed(_ context.Context, ev events.PeerDeparted) error {
	w.add("%s departed from %s:%d, departing %s, self %t, synthetic %t", ev.Unit, ev.Endpoint, ev.ID, ev.DepartingUnit, ev.Self, ev.Synthetic)
	return w.fail
}

func (w *watching) look(ctx context.Context, ev events.Event) error {
	rel, err := w.Peers(ctx, "swarm")
	if err != nil {
		return nil // it is not there yet
	}
	units, err := rel.Units(ctx)
	w.add("%s: %s", ev.Name(), strings.Join(units, " "))
	return err
}

func watch(t *testing.T, opts charmtest.Options) (*charmtest.Harness, *watching) {
	t.Helper()
	w := &watching{}
	opts.Metadata = swarm
	return charmtest.New(t, w.register, &opts), w
}

// A unit that Juju has removed without telling departs once, and is not among the
// units any more.
func TestWatchPeers(t *testing.T) {
	t.Parallel()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, w := watch(t, charmtest.Options{TextOnly: textOnly})
			peers := h.Peers("swarm")
			for _, unit := range []string{"swarm/1", "swarm/2", "swarm/10"} {
				peers.Join(unit, nil)
			}
			w.take()
			peers.Vanish("swarm/2")
			require.Equal(t, []string{"swarm/1", "swarm/10", "swarm/2"}, peers.Units(), "what Juju says")
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{
				"swarm/2 departed from swarm:0, departing swarm/2, self false, synthetic true",
				"update-status: swarm/1 swarm/10",
			}, w.take())
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update-status: swarm/1 swarm/10"}, w.take())
			assert.Equal(t, map[string]string{"charmsmith.peers/swarm": `{"0":{"seen":[1,10],"gone":[2]}}`}, h.State())

			peers.Depart("swarm/10")
			assert.Equal(t, []string{
				"swarm/10 departed from swarm:0, departing swarm/10, self false, synthetic false",
				"swarm-relation-departed: swarm/1",
			}, w.take())
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update-status: swarm/1"}, w.take(), "which was told once")
		})
	}
}

// What watching costs is what its doc comment says.
func TestWatchPeersCosts(t *testing.T) {
	t.Parallel()
	const stateGet, ids, list, goal = "state-get --format=json", "relation-ids --format=json -- swarm", "relation-list --format=json -r swarm:0", "goal-state --format=json"
	for version, want := range map[string][]string{
		"3.6.26": {ids, stateGet, list},
		"4.1.0":  {ids, stateGet, list, goal},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h, _ := watch(t, charmtest.Options{JujuVersion: version})
			h.ResetCalls()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{ids, stateGet, list}, lines(h), "without a peer; what the handler asks is not asked again")
			h.Peers("swarm").Join("swarm/1", nil)
			h.ResetCalls()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, want, lines(h), "with a peer, and nothing to write")
		})
	}
}

// A departed hook that was skipped is noticed by relation-list alone.
func TestWatchPeersAfterASkippedHook(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]charmtest.Options{"3.6": {JujuVersion: "3.6.26"}, "4": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, w := watch(t, opts)
			h.Peers("swarm").Join("swarm/1", nil)
			h.SetState(map[string]string{"charmsmith.peers/swarm": `{"0":{"seen":[1,3]},"7":{"seen":[8]}}`})
			w.take()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{
				"swarm/3 departed from swarm:0, departing swarm/3, self false, synthetic true",
				"update-status: swarm/1",
			}, w.take(), "of a departed hook that was skipped")
			assert.Equal(t, map[string]string{"charmsmith.peers/swarm": `{"0":{"seen":[1]}}`}, h.State(), "without the relation that is gone")
		})
	}
}

// A departure that its handler fails at is told again, also after a failed action;
// an action that nothing is wrong with tells it too.
func TestWatchPeersFails(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	peers := h.Peers("swarm")
	peers.Join("swarm/1", nil)
	peers.Vanish("swarm/1")
	w.take()
	w.fail = errTest
	err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
	require.ErrorContains(t, err, "cannot handle swarm-relation-departed in ")
	require.ErrorContains(t, h.RunAction("look", nil).Err, "cannot handle swarm-relation-departed in ")
	w.fail = nil
	w.take()
	h.RunAction("look", nil)
	assert.Equal(t, []string{"swarm/1 departed from swarm:0, departing swarm/1, self false, synthetic true", "look: "}, w.take())
	h.Again() // update-status, which had failed
	assert.Equal(t, []string{"update-status: "}, w.take())
}

// A state that was changed by hand is forgotten, and said to be.
func TestWatchPeersForgetsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	h.SetState(map[string]string{"charmsmith.peers/swarm": `{"0":[1]}`})
	h.Peers("swarm").Join("swarm/1", nil)
	assert.Equal(t, []string{"swarm-relation-joined: swarm/1", "swarm-relation-changed: swarm/1"}, w.take())
	assert.Equal(t, map[string]string{"charmsmith.peers/swarm": `{"0":{"seen":[1]}}`}, h.State())
	assert.True(t, slices.ContainsFunc(h.Logs(), func(l charmtest.LogLine) bool {
		return l.Level == "WARNING" && strings.Contains(l.Message, "cannot be read")
	}), "a warning")
}

// In any order of things, each departure is told, and nobody's who is there.
func TestWatchPeersInAnyOrder(t *testing.T) {
	t.Parallel()
	opts := &charmtest.ExploreOptions{
		Schedules: 300,
		Model:     charmtest.ModelOptions{Faults: charmtest.Faults{MissDeparted: 3, Kill: 2, RefuseFlush: 2, Restart: 2}},
	}
	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
		joined, told := make(map[string]bool), make(map[string]bool)
		app := m.DeployCharm("swarm", func(c *charm.Charm) {
			charm.WatchPeers(c, "swarm")
			charm.OnRelation(c, "swarm", func(_ context.Context, ev events.PeerJoined) error {
				joined[c.Unit()+" of "+ev.Unit] = true
				return nil
			})
			charm.OnRelation(c, "swarm", func(_ context.Context, ev events.PeerDeparted) error {
				if !ev.Self {
					told[c.Unit()+" of "+ev.Unit] = true
				}
				return nil
			})
			charm.On(c, func(ctx context.Context, _ events.Hook) error {
				rel, err := c.Peers(ctx, "swarm")
				if err != nil {
					return nil
				}
				units, err := rel.Units(ctx)
				if err != nil {
					return err
				}
				return c.SetStatus(ctx, charm.Active(strings.Join(units, " ")))
			})
		}, 4, &charmtest.DeployOptions{Metadata: swarm})
		var removed []string
		for i := range 2 {
			for range m.Pick(40) {
				m.Step()
			}
			unit := fmt.Sprintf("swarm/%d", 1+2*i)
			app.RemoveUnit(unit)
			removed = append(removed, unit)
			if m.Pick(2) == 1 {
				app.AddUnits(1)
			}
		}
		m.Settle()
		m.Advance(10 * time.Minute) // update-status, twice
		for _, unit := range app.Units() {
			var others []string
			for _, other := range app.Units() {
				if other.Name() != unit.Name() {
					others = append(others, other.Name())
				}
			}
			assert.Equal(m, strings.Join(others, " "), unit.Status().Message, "peers of %s", unit.Name())
			for _, other := range others {
				assert.False(m, told[unit.Name()+" of "+other], "%s was told that %s is gone", unit.Name(), other)
			}
		}
		for _, unit := range app.Units() {
			for _, gone := range removed {
				pair := unit.Name() + " of " + gone
				assert.Equal(m, joined[pair], told[pair], "whether the joining and the departure were told to %s", pair)
			}
		}
	})
}
