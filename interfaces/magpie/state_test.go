// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
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
	assert.Equal(t, []string{"magpie/1"}, ask(n, dismissDeparted))
	assert.Empty(t, ask(n, dismissDeparted))
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
	assert.Equal(t, []string{"magpie/9", "magpie/10"}, ask(n, dismissDeparted))
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

// Nor does it with addresses that are long: those that have no room are not known later.
func TestAddressesAreBounded(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	label := strings.Repeat(strings.Repeat("a", 60)+".", 4)
	for i := range 200 {
		peers.Join(fmt.Sprintf("magpie/%d", i+1), at(label+"x"))
	}
	assert.Less(t, len(n.State()["magpie/magpie/peers"]), 48<<10)
	assert.Len(t, ask(n, (*magpie.Peers).Nodes), 200)
	peers.Depart("magpie/1")
	assert.NoError(t, ask(n, (*magpie.Peers).DepartedNodes)[0].Err)
}

// Peers that have joined before the charm has this library are peers, and the address of
// one that departs is that of its databag.
func TestPeersFromBefore(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	peers.Join("magpie/1", at("10.0.0.1"))
	n.SetState(nil)
	assert.Equal(t, []string{"magpie/1"}, units(ask(n, (*magpie.Peers).Nodes)))
	assert.Empty(t, ask(n, (*magpie.Peers).JoinedNodes))
	peers.Depart("magpie/1")
	assert.Equal(t, []magpie.Node{{Unit: "magpie/1", Address: ip("10.0.0.1")}}, ask(n, (*magpie.Peers).DepartedNodes))
}

// A peer that is back under its name, which Juju does not call joining, has joined.
func TestPeerReturns(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.also = func(c *charm.Charm, _ *magpie.Peers) { charm.WatchPeers(c, "magpie") }
	now := n.listen()
	peers := n.Peers("magpie")
	peers.Join("magpie/1", at("10.0.0.1"))
	ask(n, dismissJoined)
	peers.Vanish("magpie/1")
	now.take()
	n.Emit(events.UpdateStatus{})
	assert.Equal(t, told{departed: []string{"magpie/1"}}, now.take())
	peers.Return("magpie/1", at("10.0.0.2"))
	assert.Equal(t, told{joined: []string{"magpie/1"}}, now.take())
	assert.Equal(t, []magpie.Node{{Unit: "magpie/1", Address: ip("10.0.0.2")}}, ask(n, (*magpie.Peers).JoinedNodes))
}

// A departure that Juju tells of after all is not told again, and keeps its address.
func TestDepartureIsToldTwice(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.also = func(c *charm.Charm, _ *magpie.Peers) { charm.WatchPeers(c, "magpie") }
	now := n.listen()
	peers := n.Peers("magpie")
	peers.Join("magpie/1", at("10.0.0.1"))
	peers.Vanish("magpie/1")
	n.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"magpie/1"}, ask(n, dismissDeparted))
	now.take()
	peers.Depart("magpie/1")
	assert.Equal(t, told{}, now.take())
}

// Some of the peers can be dismissed, and others not.
func TestDismissSome(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	peers := n.Peers("magpie")
	for _, unit := range []string{"magpie/1", "magpie/2", "magpie/10"} {
		peers.Join(unit, nil)
	}
	n.do(func(ctx context.Context, p *magpie.Peers) error {
		dismissed, err := p.DismissJoined(ctx, "magpie/10", "magpie/2", "magpie/7")
		assert.Equal(t, []string{"magpie/2", "magpie/10"}, dismissed)
		return err
	})
	assert.Equal(t, []string{"magpie/1"}, ask(n, dismissJoined))
	peers.Depart("magpie/1")
	peers.Depart("magpie/2")
	n.do(func(ctx context.Context, p *magpie.Peers) error {
		dismissed, err := p.DismissDeparted(ctx, "magpie/2")
		assert.Equal(t, []string{"magpie/2"}, dismissed)
		return err
	})
	assert.Equal(t, []string{"magpie/1"}, units(ask(n, (*magpie.Peers).DepartedNodes)))
}

// Departures are told before joinings, and a change of the application's databag is
// neither.
func TestOrderOfHandlers(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	var called []string
	n.onJoined = func(context.Context, *magpie.Peers, []string) error { called = append(called, "joined"); return nil }
	n.onDeparted = func(context.Context, *magpie.Peers, []string) error { called = append(called, "departed"); return nil }
	peers := n.Peers("magpie")
	peers.Join("magpie/1", nil)
	peers.Join("magpie/2", nil)
	called = nil
	peers.Depart("magpie/1")
	assert.Equal(t, []string{"departed", "joined"}, called)
	before := n.State()
	peers.UpdateApp(map[string]string{"x": "y"})
	assert.Equal(t, before, n.State())
}

// What a handler does at the same time is not lost.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	for range 50 {
		n := newNest(t, nil)
		peers := n.Peers("magpie")
		peers.Join("magpie/1", nil)
		peers.Join("magpie/2", nil)
		peers.Depart("magpie/2")
		n.do(func(ctx context.Context, p *magpie.Peers) error {
			var group errgroup
			group.run(func() error { _, err := p.DismissJoined(ctx); return err })
			group.run(func() error { _, err := p.DismissDeparted(ctx); return err })
			group.run(func() error { return p.SetIperfServerReady(ctx) })
			group.run(func() error { return p.SetIperfChecked(ctx, []string{"magpie/1"}) })
			group.run(func() error { return p.AdvertiseAddresses(ctx, []netip.Addr{netip.MustParseAddr("10.0.0.5")}) })
			return group.wait()
		})
		assert.False(t, ask(n, (*magpie.Peers).Joined))
		assert.False(t, ask(n, (*magpie.Peers).Departed))
		for _, key := range []string{"iperf.server", "iperf.checked", "iperf_addresses"} {
			assert.NotEmpty(t, peers.Local()[key], key)
		}
	}
}

// errgroup is some goroutines, and their errors.
type errgroup struct {
	running sync.WaitGroup
	mu      sync.Mutex
	errs    []error
}

func (g *errgroup) run(do func() error) {
	g.running.Go(func() {
		err := do()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.errs = append(g.errs, err)
	})
}

func (g *errgroup) wait() error {
	g.running.Wait()
	return errors.Join(g.errs...)
}

// Handlers are registered in register, and nowhere else.
func TestRegisteredInAHandler(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.todo = func(_ context.Context, p *magpie.Peers) error {
		p.OnJoined(func(context.Context, []string) error { return nil })
		return nil
	}
	assert.ErrorContains(t, n.RunAction("do", nil).Err, "magpie.Peers.OnJoined: it is called in the function given to charm.Main, not in a handler")
	n.also = func(_ *charm.Charm, p *magpie.Peers) { p.OnDeparted(nil) }
	assert.ErrorContains(t, n.Try(func() { n.Emit(events.Start{}) }), "magpie.Peers.OnDeparted: the handler is nil")
}

// What a state of a newer version holds is not guessed at.
func TestStateOfAnotherVersion(t *testing.T) {
	t.Parallel()
	n := newNest(t, nil)
	n.SetState(map[string]string{"magpie/magpie/peers": `{"charmsmith-version":2,"data":{}}`})
	n.todo = func(ctx context.Context, p *magpie.Peers) error { _, err := p.Joined(ctx); return err }
	assert.Contains(t, n.RunAction("do", nil).Message, `cannot read state "magpie/magpie/peers": it is of version 2`)
}
