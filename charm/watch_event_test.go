// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

const gone2 = "swarm/2 departed from swarm:0, departing swarm/2, self false, synthetic true"

// What Juju tells after all is told once: only handlers of every hook are called.
func TestWatchPeersIsOvertakenByJuju(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	peers := h.Peers("swarm")
	peers.Join("swarm/1", nil)
	peers.Join("swarm/2", nil)
	peers.Vanish("swarm/2")
	w.take()
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{gone2, "update-status: swarm/1"}, w.take())
	hooks := 0
	w.also = func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Hook) error { hooks++; return nil })
		charm.On(c, func(context.Context, events.RelationEvent) error { w.add("a relation event"); return nil })
	}
	peers.Depart("swarm/2")
	assert.Equal(t, []string{"swarm-relation-departed: swarm/1"}, w.take())
	assert.Equal(t, 1, hooks)
	peers.Depart("swarm/1")
	assert.Contains(t, w.take(), "swarm/1 departed from swarm:0, departing swarm/1, self false, synthetic false")
}

// A peer that is there again is among the units, and can depart again.
func TestWatchPeersReturn(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	peers := h.Peers("swarm")
	peers.Join("swarm/2", nil)
	for range 2 {
		peers.Vanish("swarm/2")
		w.take()
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{gone2, "update-status: "}, w.take())
		peers.Return("swarm/2", map[string]string{"pod": "new"})
		assert.Equal(t, []string{"swarm-relation-changed: swarm/2"}, w.take())
	}
	assert.Equal(t, "new", peers.Remote("swarm/2")["pod"])
	peers.Vanish("swarm/2")
	h.Emit(events.UpdateStatus{})
	peers.Depart("swarm/2")
	w.take()
	peers.Join("swarm/2", nil)
	assert.Equal(t, []string{"swarm-relation-joined: swarm/2", "swarm-relation-changed: swarm/2"}, w.take())
}

// An event about a peer comes before its departure, but does not bring it back.
func TestWatchPeersAndTheEventsOwnPeer(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	peers := h.Peers("swarm")
	peers.Join("swarm/2", nil)
	peers.Vanish("swarm/2")
	w.take()
	changed := events.PeerChanged{RelationRef: peers.Ref(), Unit: "swarm/2"}
	h.Emit(changed)
	assert.Equal(t, []string{"swarm-relation-changed: swarm/2"}, w.take())
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{gone2, "update-status: "}, w.take())
	h.Emit(changed)
	assert.Equal(t, []string{"swarm-relation-changed: "}, w.take(), "a late change of one that is gone")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"update-status: "}, w.take())

	other := h.Peers("tribe")
	other.Join("swarm/3", nil)
	peers.Join("swarm/3", nil)
	peers.Vanish("swarm/3")
	w.take()
	h.Emit(events.PeerChanged{RelationRef: other.Ref(), Unit: "swarm/3"})
	assert.Equal(t, []string{strings.ReplaceAll(gone2, "swarm/2", "swarm/3"), "tribe-relation-changed: "}, w.take(), "the event is of another endpoint")
}

// While goal-state fails, or is not about us, nobody comes or goes by it.
func TestWatchPeersWithoutGoalState(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]hookcmdtest.Answer{
		"fails":        hookcmdtest.Failure(1, "unit not found"),
		"of strangers": {Stdout: `{"units":{"swarm/7":{"status":"active"}},"relations":{}}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, w := watch(t, charmtest.Options{TextOnly: true})
			peers := h.Peers("swarm")
			peers.Join("swarm/1", nil)
			peers.Join("swarm/2", nil)
			peers.Vanish("swarm/2")
			w.take()
			intercepted := func() (remove func()) {
				return h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) { return answer, call.Command == "goal-state" })
			}
			remove := intercepted()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update-status: swarm/1 swarm/2"}, w.take())
			remove()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{gone2, "update-status: swarm/1"}, w.take())
			remove = intercepted()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update-status: swarm/1"}, w.take(), "one that is gone stays so")
			remove()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update-status: swarm/1"}, w.take(), "and is not told again")
		})
	}
}

// A subordinate's goal-state does not have its peers, and is not asked.
func TestWatchPeersOfASubordinate(t *testing.T) {
	t.Parallel()
	w := &watching{}
	h := charmtest.New(t, w.register, &charmtest.Options{
		Metadata: swarm + "subordinate: true\nrequires:\n  host: {interface: juju-info, scope: container}\n", Principal: "web/0",
	})
	h.Peers("swarm").Join("swarm/1", nil)
	w.take()
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"update-status: swarm/1"}, w.take())
	assert.Empty(t, h.Calls("goal-state"))
}

// A unit that leaves notices nobody's departure: that would be its own.
func TestWatchPeersWhenWeLeave(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	peers := h.Peers("swarm")
	peers.Join("swarm/1", nil)
	peers.Join("swarm/2", nil)
	h.SetState(map[string]string{"charmsmith.peers/swarm": `{"0":{"seen":[1,2,3]}}`})
	w.take()
	h.Remove()
	for _, call := range w.take() {
		assert.NotContains(t, call, "self false")
	}

	charmtest.Explore(t, 50, func(m *charmtest.Model) {
		app := m.DeployCharm("swarm", func(c *charm.Charm) {
			charm.WatchPeers(c, "swarm")
			charm.OnRelation(c, "swarm", func(_ context.Context, ev events.PeerDeparted) error {
				assert.True(m, ev.Self, "%s is told that %s departed", c.Unit(), ev.Unit)
				return nil
			})
		}, 3, &charmtest.DeployOptions{Metadata: swarm})
		m.Settle()
		app.Remove()
		m.Settle()
		m.Advance(10 * time.Minute)
	})
}

// An endpoint that has no peers is a mistake, which names it.
func TestWatchPeersOfAnotherEndpoint(t *testing.T) {
	t.Parallel()
	h, _ := watch(t, charmtest.Options{TextOnly: true})
	h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Answer{Stdout: `["mysql/0"]` + "\n"}, call.Command == "relation-list"
	})
	err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
	require.ErrorContains(t, err, `cannot watch the peers of endpoint "swarm": unit mysql/0 is of another application: it is no peer endpoint`)
}

// Several peers that are gone are told by number, and each can be deferred.
func TestWatchPeersAndDeferral(t *testing.T) {
	t.Parallel()
	h, w := watch(t, charmtest.Options{})
	w.also = func(c *charm.Charm) { c.EnableDefer() }
	peers := h.Peers("swarm")
	for _, unit := range []string{"swarm/10", "swarm/9"} {
		peers.Join(unit, nil)
	}
	peers.Vanish("swarm/10")
	peers.Vanish("swarm/9")
	w.take()
	w.fail = charm.Defer("busy")
	h.Emit(events.UpdateStatus{})
	both := []string{strings.ReplaceAll(gone2, "swarm/2", "swarm/9"), strings.ReplaceAll(gone2, "swarm/2", "swarm/10"), "update-status: "}
	assert.Equal(t, both, w.take())
	w.fail = nil
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, both, w.take(), "again, as they were deferred")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, both[2:], w.take())
}
