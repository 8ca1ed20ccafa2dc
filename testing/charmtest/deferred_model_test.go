// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// fickle is a charm whose handlers greet each peer once, and defer and fail at
// random before. What they write to the databag and to the state is to agree.
type fickle struct {
	model    *charmtest.Model
	random   *rand.Rand
	fickle   bool
	handlers int // how many there are; another version of the charm has fewer
	failures int // that may still be

	defers, fails, agains int
}

// greeter is what one handler stores.
type greeter struct {
	Mark  int             // as in the databag
	Waits map[string]bool // what it has deferred
	Done  map[string]bool
}

func greeterKey(i int) string { return fmt.Sprint("greeter/", i) }
func markKey(i int) string    { return fmt.Sprint("mark-", i) }

func (f *fickle) register(c *charm.Charm) {
	c.EnableDefer()
	var all []*charm.Stored[greeter]
	for i := range f.handlers {
		stored := charm.NewStored[greeter](c, greeterKey(i))
		all = append(all, stored)
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error { return f.greet(ctx, c, i, stored, ev) })
	}
	charm.OnDispatch(c, func(ctx context.Context, _ events.Event) error { return f.agree(ctx, c, all) })
}

func (f *fickle) greet(ctx context.Context, c *charm.Charm, i int, stored *charm.Stored[greeter], ev events.PeerJoined) error {
	g, err := stored.Get(ctx)
	if err != nil {
		return err
	}
	d, again := charm.Deferred(ctx)
	if again {
		f.agains++
		assert.True(f.model, g.Waits[ev.Unit], "%s: handler %d is called again with %s, which it has not deferred", c.Unit(), i, ev.Unit)
	}
	g.Mark = f.random.IntN(1 << 30)
	if err := c.Relation(ev).Local().Set(ctx, markKey(i), fmt.Sprint(g.Mark)); err != nil {
		return err
	}
	if g.Waits == nil {
		g.Waits, g.Done = map[string]bool{}, map[string]bool{}
	}
	roll := f.random.IntN(4)
	defers := f.fickle && roll == 1
	if defers {
		g.Waits[ev.Unit] = true
	} else {
		delete(g.Waits, ev.Unit)
		g.Done[ev.Unit] = true
	}
	if err := stored.Set(ctx, g); err != nil {
		return err
	}
	switch {
	case defers:
		f.defers++
		return charm.Defer("at random")
	case f.fickle && roll == 2 && f.failures > 0 && d.Failures < 8:
		f.failures--
		if f.fails++; f.random.IntN(2) == 0 {
			panic("at random")
		}
		return errors.New("it fails at random")
	}
	return nil
}

// agree checks that what handlers have written fits together.
func (f *fickle) agree(ctx context.Context, c *charm.Charm, all []*charm.Stored[greeter]) error {
	peers, err := c.Peers(ctx, "peers")
	if errors.Is(err, hookcmd.ErrRelationNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, stored := range all {
		g, err := stored.Get(ctx)
		if err != nil {
			return err
		}
		mark, err := peers.Local().Get(ctx, markKey(i))
		if err != nil {
			return err
		}
		if g.Mark != 0 || mark != "" {
			assert.Equal(f.model, fmt.Sprint(g.Mark), mark, "%s: handler %d in a hook", c.Unit(), i)
		}
	}
	return nil
}

// check checks what is stored between hooks: nothing that a handler has deferred is
// lost, and nothing else waits.
func (f *fickle) check(app *charmtest.Application) {
	f.model.Helper()
	for _, u := range app.Units() {
		waiting := make(map[string]bool)
		for _, d := range u.Deferred() {
			waiting[fmt.Sprint(d.Ordinal, d.Event.(events.PeerJoined).Unit)] = true
		}
		for i := range f.handlers {
			var g greeter
			if text := u.State()[greeterKey(i)]; text != "" {
				require.NoError(f.model, json.Unmarshal([]byte(text), &g))
				require.Equal(f.model, fmt.Sprint(g.Mark), u.Databag("peers")[markKey(i)], "%s: handler %d", u.Name(), i)
			}
			for _, peer := range app.Units() {
				key := fmt.Sprint(i, peer.Name())
				require.Equal(f.model, g.Waits[peer.Name()], waiting[key], "%s: handler %d, peer %s", u.Name(), i, peer.Name())
				require.False(f.model, peer.Name() != u.Name() && !g.Waits[peer.Name()] && !g.Done[peer.Name()],
					"%s: handler %d has neither greeted nor deferred %s", u.Name(), i, peer.Name())
			}
		}
	}
}

// Deferral in 400 models in which charms defer and fail at random, are killed, and
// have what they wrote refused: no event is lost, none comes to a handler that did
// not defer it, and databags and state agree at all times.
func TestDeferralInModels(t *testing.T) {
	t.Parallel()
	var defers, fails, agains atomic.Int64
	charmtest.ExploreWith(t, &charmtest.ExploreOptions{
		Schedules: 400,
		Model: charmtest.ModelOptions{
			Attempts: 60,
			Faults:   charmtest.Faults{Kill: 4, RefuseFlush: 3, Restart: 2, Repeat: 4},
		},
	}, func(m *charmtest.Model) {
		f := &fickle{model: m, random: rand.New(rand.NewPCG(m.Seed(), 1)), fickle: true, handlers: 3, failures: 20}
		app := m.DeployCharm("app", f.register, 3, &charmtest.DeployOptions{Metadata: peersOnly})
		m.Settle()
		f.check(app)
		app.AddUnits(1)
		app.RemoveUnit("app/1")
		m.Settle()
		f.check(app)

		f.handlers = 2 // the last is gone in this version
		m.Advance(7 * time.Minute)
		f.check(app)
		f.fickle = false
		m.Advance(14 * time.Minute) // with an update-status, or two
		f.check(app)
		names := unitNames(app)
		for _, u := range app.Units() {
			require.Empty(m, u.Deferred(), u.Name())
			for i := range f.handlers {
				var g greeter
				require.NoError(m, json.Unmarshal([]byte(u.State()[greeterKey(i)]), &g))
				for _, name := range names {
					require.True(m, name == u.Name() || g.Done[name], "%s: handler %d has not greeted %s", u.Name(), i, name)
				}
			}
		}
		defers.Add(int64(f.defers))
		fails.Add(int64(f.fails))
		agains.Add(int64(f.agains))
	})
	assert.Greater(t, defers.Load(), int64(400))
	assert.Greater(t, fails.Load(), int64(400))
	assert.Greater(t, agains.Load(), int64(400))
}

func unitNames(app *charmtest.Application) []string {
	var names []string
	for _, u := range app.Units() {
		names = append(names, u.Name())
	}
	slices.Sort(names)
	return names
}
