// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// worldSeeds are how many worlds are made.
const worldSeeds = 1000

// In whatever order operators and charms change a model, and whatever fails, the
// units come to know all of it, and of nothing else.
func TestWhateverHappensUnitsKnowInTheEnd(t *testing.T) {
	t.Parallel()
	const parts = 4
	for part := range uint64(parts) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < worldSeeds; seed += parts {
				live(t, seed)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// live is the life of one world.
func live(t *testing.T, seed uint64) {
	t.Helper()
	w := newWorld(t, seed)
	for range 3 + w.random.IntN(3) {
		w.writes, w.fails = 10+w.random.IntN(20), w.random.IntN(6)
		for range w.random.IntN(12) {
			w.operate()
			for range w.random.IntN(10) {
				w.m.Step(t.Context())
			}
		}
		_, err := w.m.Settle(t.Context(), &juju.SettleOptions{Attempts: 8})
		require.NoError(t, err, w)
		w.check()
		if t.Failed() {
			return
		}
	}
}

// check is for a model at rest.
func (w *world) check() {
	for _, app := range w.m.Applications() {
		units := app.Units()
		for _, u := range units {
			assert.Equal(w.t, juju.Alive, u.Life(), "%s: %s", u.Name, w)
			assert.Equal(w.t, fmt.Sprint(app.Config()["n"]), w.config[u.Name], "%s: config: %s", u.Name, w)
			for _, end := range app.Ends() {
				w.checkEnd(end, u)
			}
		}
		w.checkLeader(app, units)
	}
	for name, u := range w.units {
		checkGrammar(w.t, w.cast, name)
		if u.Life() == juju.Dead {
			assert.Empty(w.t, u.Storage(), w)
			assert.False(w.t, u.IsLeader(), w)
			if slices.Contains(w.hooks, name+" remove") {
				assert.Equal(w.t, "terminated", u.Workload().Status, "%s: %s", name, w)
			}
		}
	}
	for _, r := range w.m.Relations() {
		assert.Equal(w.t, juju.Alive, r.Life(), "relation %s: %s", r, w)
	}
}

func (w *world) checkLeader(app *juju.Application, units []*juju.Unit) {
	leader := app.Leader()
	if len(units) == 0 {
		assert.Nil(w.t, leader, w)
		return
	}
	require.Contains(w.t, units, leader, w)
	assert.Contains(w.t, of(leader.Name, w.hooks), "leader-elected", "%s: %s", leader.Name, w)
}

// checkEnd checks what a unit knows of a relation.
func (w *world) checkEnd(end *juju.End, u *juju.Unit) {
	if w.suspended[end.ID()] {
		assert.Empty(w.t, end.Members(u), w)
		return
	}
	var visible []string
	for _, other := range end.Other().App.Units() {
		if other != u && (!end.Scoped() || other.Principal() == u || u.Principal() == other) {
			visible = append(visible, other.Name)
			w.checkRead(end, u, other.Name, end.Other().UnitData(other))
		}
	}
	slices.Sort(visible)
	assert.Equal(w.t, visible, slices.AppendSeq([]string(nil), slices.Values(end.Members(u))), "%s in %s: %s", u.Name, end.Relation(), w)
	if bag := end.Other().AppData(); bag != nil {
		w.checkRead(end, u, end.RemoteName(), bag)
	}
}

func (w *world) checkRead(end *juju.End, u *juju.Unit, owner string, want map[string]string) {
	got, ok := w.read[reading{u.Name, end.ID(), owner}]
	assert.True(w.t, ok, "%s was never told of %s in %s: %s", u.Name, owner, end.Relation(), w)
	assert.Equal(w.t, want, got, "%s does not know the databag of %s in %s: %s", u.Name, owner, end.Relation(), w)
}
