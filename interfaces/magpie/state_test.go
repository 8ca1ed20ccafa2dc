// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// told is what handlers were told of in one dispatch.
type told struct{ joined, departed []string }

// listen has what the handlers are told of noted.
func (n *nest) listen() *told {
	var now told
	n.onJoined = func(_ context.Context, _ *magpie.Peers, joined []string) error { now.joined = joined; return nil }
	n.onDeparted = func(_ context.Context, _ *magpie.Peers, departed []string) error { now.departed = departed; return nil }
	return &now
}

func (t *told) take() told {
	was := *t
	*t = told{}
	return was
}

// TestLifeOfPeers is the life of three peers of a unit of the reactive charm, row by
// row of what was observed there, without its bugs.
func TestLifeOfPeers(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*charmtest.Options{"4": {}, "4 as text": {TextOnly: true}, "3.6": {JujuVersion: "3.6.26"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNest(t, opts)
			now := n.listen()
			peers := n.Peers("magpie")

			peers.Join("magpie/1", at("10.0.0.1"))
			assert.Equal(t, told{joined: []string{"magpie/1"}}, now.take(), "joined magpie/1")
			peers.Join("magpie/2", at("10.0.0.2"))
			assert.Equal(t, told{joined: []string{"magpie/1", "magpie/2"}}, now.take(), "joined magpie/2")
			peers.Update("magpie/2", map[string]string{"x": "y"})
			assert.Equal(t, told{joined: []string{"magpie/1", "magpie/2"}}, now.take(), "changed")
			n.Emit(events.UpdateStatus{})
			assert.Equal(t, told{joined: []string{"magpie/1", "magpie/2"}}, now.take(), "update-status")

			var left []magpie.Node
			onDeparted := n.onDeparted
			n.onDeparted = func(ctx context.Context, peers *magpie.Peers, departed []string) (err error) {
				if left, err = peers.DepartedNodes(ctx); err != nil {
					return err
				}
				dismissed, err := peers.DismissDeparted(ctx)
				return errors.Join(err, onDeparted(ctx, peers, dismissed))
			}
			peers.Depart("magpie/1")
			assert.Equal(t, told{joined: []string{"magpie/2"}, departed: []string{"magpie/1"}}, now.take(), "departed magpie/1, which the handler dismisses")
			assert.Equal(t, []magpie.Node{{Unit: "magpie/1", Address: ip("10.0.0.1")}}, left, "the unit that left, with its address")
			n.Emit(events.UpdateStatus{})
			assert.Equal(t, told{joined: []string{"magpie/2"}}, now.take(), "next update-status")

			onJoined := n.onJoined
			n.onJoined = func(ctx context.Context, peers *magpie.Peers, _ []string) error {
				dismissed, err := peers.DismissJoined(ctx)
				return errors.Join(err, onJoined(ctx, peers, dismissed))
			}
			n.Emit(events.UpdateStatus{})
			assert.Equal(t, told{joined: []string{"magpie/2"}}, now.take(), "dismissed in the handler")
			n.onJoined = onJoined
			n.Emit(events.UpdateStatus{})
			assert.Equal(t, told{}, now.take(), "after it was dismissed")
			assert.False(t, ask(n, (*magpie.Peers).Joined))
			peers.Join("magpie/4", at("10.0.0.4"))
			assert.Equal(t, told{joined: []string{"magpie/4"}}, now.take(), "newer units only")

			n.onDeparted = onDeparted
			peers.Depart("magpie/4")
			now.take()
			n.Emit(events.UpdateStatus{})
			assert.Equal(t, told{departed: []string{"magpie/4"}}, now.take(), "departed and not dismissed, next update-status: the hook of the reactive charm crashes")
			peers.Update("magpie/2", map[string]string{"x": "z"})
			assert.Equal(t, told{departed: []string{"magpie/4"}}, now.take(), "next hook of magpie/2: the reactive charm is told that magpie/2 departed")
			peers.Join("magpie/3", at("10.0.0.3"))
			assert.Equal(t, told{joined: []string{"magpie/3"}, departed: []string{"magpie/4"}}, now.take(), "magpie/3 joins: the reactive charm is told that it departed")
			assert.Equal(t, []magpie.Node{{Unit: "magpie/4", Address: ip("10.0.0.4")}}, ask(n, (*magpie.Peers).DepartedNodes))
		})
	}
}

// A join clears the peer's departed and sets joined, a departure the other way round.
func TestJoinedAndDepartedExcludeEachOther(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	for range 2 {
		peers.Join("magpie/1", at("10.0.0.1"))
		assert.Equal(t, []string{"magpie/1"}, units(ask(n, (*magpie.Peers).JoinedNodes)))
		assert.Empty(t, ask(n, (*magpie.Peers).DepartedNodes))
		peers.Depart("magpie/1")
		assert.Empty(t, ask(n, (*magpie.Peers).JoinedNodes))
		assert.Equal(t, []string{"magpie/1"}, units(ask(n, (*magpie.Peers).DepartedNodes)))
	}
	assert.Equal(t, []string{"magpie/1"}, ask(n, (*magpie.Peers).DismissDeparted))
	assert.Empty(t, ask(n, (*magpie.Peers).DismissDeparted))
	assert.False(t, ask(n, (*magpie.Peers).Departed))
}

// Two units that depart before anybody dismisses are both told, and dismissed at once.
func TestTwoDepartBeforeADismissal(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	now := n.listen()
	peers := n.Peers("magpie")
	peers.Join("magpie/10", at("10.0.0.10"))
	peers.Join("magpie/9", at("10.0.0.9"))
	peers.Depart("magpie/10")
	now.take()
	peers.Depart("magpie/9")
	assert.Equal(t, []string{"magpie/9", "magpie/10"}, now.take().departed)
	assert.Equal(t, []string{"magpie/9", "magpie/10"}, ask(n, (*magpie.Peers).DismissDeparted))
	now.take()
	n.Emit(events.UpdateStatus{})
	assert.Equal(t, told{}, now.take())
}

// Both of two handlers run, with the same units, though the first dismisses them; in
// actions too.
func TestTwoHandlersBothRun(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.Peers("magpie").Join("magpie/1", nil)
	var called []string
	n.onJoined = func(ctx context.Context, p *magpie.Peers, joined []string) error {
		called = append(called, fmt.Sprint("first ", joined))
		joined[0] = "the slice is the handler's own"
		_, err := p.DismissJoined(ctx)
		return err
	}
	n.also = func(_ *charm.Charm, p *magpie.Peers) {
		p.OnJoined(func(_ context.Context, joined []string) error {
			called = append(called, fmt.Sprint("second ", joined))
			return nil
		})
	}
	n.do(func(context.Context, *magpie.Peers) error { return nil })
	assert.Equal(t, []string{"first [magpie/1]", "second [magpie/1]"}, called)
	n.Emit(events.UpdateStatus{})
	assert.Len(t, called, 2)
}

// A hook that fails has neither told nor dismissed anything.
func TestFailedHookChangesNothing(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	n.onJoined = func(ctx context.Context, p *magpie.Peers, _ []string) error {
		_, err := p.DismissJoined(ctx)
		return errors.Join(err, errors.New("the disk is full"))
	}
	require.Error(t, n.Try(func() { peers.Join("magpie/1", nil) }))
	assert.Empty(t, n.State())
	now := n.listen()
	n.Again()
	assert.Equal(t, told{joined: []string{"magpie/1"}}, now.take())
}

// When this unit leaves, its peers have not departed.
func TestOwnDeparture(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	now := n.listen()
	peers := n.Peers("magpie")
	peers.Join("magpie/1", nil)
	peers.Join("magpie/2", nil)
	now.take()
	assert.False(t, ask(n, (*magpie.Peers).Leaving))
	dispatches := 0
	n.also = func(c *charm.Charm, p *magpie.Peers) {
		charm.On(c, func(ctx context.Context, ev events.PeerDeparted) error {
			dispatches++
			leaving, err := p.Leaving(ctx)
			assert.Equal(t, ev.Self, leaving)
			return err
		})
	}
	n.Remove()
	assert.Equal(t, 2, dispatches)
	assert.Empty(t, now.take().departed)
}

// The state of a charm that dismisses nothing does not grow without bound.
func TestStateIsBounded(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	for i := range 600 {
		unit := fmt.Sprintf("magpie/%d", i+1)
		peers.Join(unit, nil)
		peers.Depart(unit)
	}
	departed := ask(n, (*magpie.Peers).DepartedNodes)
	assert.Len(t, departed, 500)
	assert.Equal(t, "magpie/101", departed[0].Unit)
}

// What a state of a newer version holds is not guessed at.
func TestStateOfAnotherVersion(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.SetState(map[string]string{"magpie/magpie/peers": `{"charmsmith-version":2,"data":{}}`})
	n.todo = func(ctx context.Context, p *magpie.Peers) error { _, err := p.Joined(ctx); return err }
	assert.Contains(t, n.RunAction("do", nil).Message, `cannot read state "magpie/magpie/peers": it is of version 2`)
}
