// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const (
	hostCharm = "provides: {info: machine, more: machine}"
	subCharm  = "subordinate: true\nrequires: {host: {interface: machine, scope: container}}\npeers: {peers: sub}"
)

// subordinates is two principals, app/0 and app/1, with sub/0 and sub/1 on them.
func subordinates(c *cast) (r *juju.Relation, subs map[string]*juju.Unit) {
	c.t.Helper()
	c.deploy("app", hostCharm, 2)
	sub := c.deploy("sub", subCharm, 0)
	r, err := c.m.Relate("sub", "host", "app", "info")
	require.NoError(c.t, err)
	c.settle()
	return r, subsOf(sub)
}

// subsOf returns the units of a subordinate by their principals.
func subsOf(app *juju.Application) map[string]*juju.Unit {
	subs := make(map[string]*juju.Unit)
	for _, u := range app.Units() {
		subs[u.Principal().Name] = u
	}
	return subs
}

func TestSubordinatesComeWhenTheirPrincipalEntersTheScope(t *testing.T) {
	t.Parallel()
	seeds(t, 20, func(c *cast) {
		r, subs := subordinates(c)
		require.Len(t, subs, 2, c)
		for principal, sub := range subs {
			i, created := slices.Index(c.hooks, sub.Name+" install"), slices.Index(c.hooks, principal+" install")
			assert.Greater(t, i, created, c)
			own := of(sub.Name, c.hooks)
			assert.Equal(t, "install", own[0])
			assert.Equal(t, []string{"joined (" + principal + ")", "changed (" + principal + ")"}, ofEndpoint("host", own)[1:], "only its own: %s", c)
			assert.Equal(t, []string{"joined (" + sub.Name + ")", "changed (" + sub.Name + ")"}, ofEndpoint("info", of(principal, c.hooks))[1:], c)
			assert.Equal(t, []string{principal}, r.End("sub").Members(sub))
			assert.Equal(t, c.m.Unit(principal).Address(), sub.Address())
			assert.Len(t, members(sub, "peers"), 1, "peers are not bound to the machine")
		}
		_, err := c.m.Application("app").AddUnits(1)
		require.NoError(t, err)
		c.settle()
		assert.Contains(t, subsOf(c.m.Application("sub")), "app/2")
		_, err = c.m.Application("sub").AddUnits(1)
		assert.ErrorContains(t, err, "a subordinate's units come with those of a principal")
	})
}

func TestSubordinatesGoWithTheRelation(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		r, subs := subordinates(c)
		require.NoError(t, r.Remove())
		hooks := c.settle()
		for principal, sub := range subs {
			own := without(of(sub.Name, hooks), "leader-elected", leaderSettingsChanged)
			own = slices.DeleteFunc(own, func(hook string) bool { return strings.HasPrefix(hook, "peers-") })
			assert.Equal(t, []string{"host-relation-departed (" + principal + "; " + sub.Name + " leaves)", "host-relation-broken", "stop", "remove"}, own, c)
			assert.Equal(t, []string{"info-relation-departed (" + sub.Name + ")", "info-relation-broken"}, of(principal, hooks), c)
			assert.Equal(t, juju.Dead, sub.Life())
		}
		// The next relation has subordinates of its own.
		_, err := c.m.Relate("sub", "host", "app", "info")
		require.NoError(t, err)
		c.settle()
		assert.Len(t, subsOf(c.m.Application("sub")), 2, c)
	})
}

// As long as another relation with the principal's application lives, they stay.
func TestSubordinatesStayForAnotherRelation(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		r, subs := subordinates(c)
		_, err := c.m.Relate("sub", "host", "app", "more")
		require.NoError(t, err)
		c.settle()
		assert.Equal(t, subs, subsOf(c.m.Application("sub")), "there is one for both")
		require.NoError(t, r.Remove())
		c.settle()
		assert.Equal(t, subs, subsOf(c.m.Application("sub")))
	})
}

// A relation that comes back while the old subordinates still go waits for them.
func TestNewSubordinatesWaitForTheOldOnes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		c := newCast(t, &juju.Options{Seed: seed, NoRetry: true})
		r, subs := subordinates(c)
		old := subs["app/0"]
		c.fails(old.Name+" stop", 1)
		require.NoError(t, r.Remove())
		c.settle()
		r, err := c.m.Relate("sub", "host", "app", "info")
		require.NoError(t, err)
		hooks := c.settle()
		assert.Empty(t, of("app/0", hooks), c)
		assert.Equal(t, []string{"app/1"}, r.End("sub").Members(subsOf(c.m.Application("sub"))["app/1"]))
		require.NoError(t, old.Resolve(true))
		c.settle()
		assert.Equal(t, juju.Dead, old.Life())
		assert.Equal(t, []string{"app/0"}, r.End("sub").Members(subsOf(c.m.Application("sub"))["app/0"]), c)
	}
}

func TestSubordinatesGoWithTheirPrincipal(t *testing.T) {
	t.Parallel()
	seeds(t, 20, func(c *cast) {
		_, subs := subordinates(c)
		sub := subs["app/0"]
		assert.ErrorContains(t, sub.Remove(), "a subordinate goes with its principal app/0")
		require.NoError(t, c.m.Unit("app/0").Remove())
		hooks := c.settle()
		assert.Equal(t, []string{"info-relation-departed (" + sub.Name + "; app/0 leaves)", "info-relation-broken", "stop", "remove"},
			without(of("app/0", hooks), leaderSettingsChanged), c)
		assert.Equal(t, "remove", of(sub.Name, hooks)[len(of(sub.Name, hooks))-1])
		assert.Equal(t, juju.Dead, sub.Life())
		assert.Equal(t, juju.Dead, c.m.Unit("app/0").Life())
		assert.Equal(t, juju.Alive, subs["app/1"].Life())
	})
}

// The principal is dead only when its subordinates are.
func TestThePrincipalOutlivesItsSubordinates(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		c := newCast(t, &juju.Options{Seed: seed, NoRetry: true})
		_, subs := subordinates(c)
		sub := subs["app/0"]
		c.fails(sub.Name+" stop", 1)
		require.NoError(t, c.m.Unit("app/0").Remove())
		assert.Contains(t, c.settle(), "app/0 remove")
		assert.Equal(t, juju.Dying, c.m.Unit("app/0").Life())
		require.NoError(t, sub.Resolve(false))
		c.settle()
		assert.Equal(t, juju.Dead, c.m.Unit("app/0").Life())
	}
}

func TestRemovingASubordinateApplication(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		_, subs := subordinates(c)
		require.NoError(t, c.m.Application("sub").Remove())
		c.settle()
		for principal, sub := range subs {
			assert.Equal(t, juju.Dead, sub.Life())
			assert.Equal(t, []string{"info-relation-departed (" + sub.Name + ")", "info-relation-broken"}, of(principal, c.hooks), c)
		}
		assert.Nil(t, c.m.Application("sub"))
	})
}

func TestASubordinateThatFailsLeavesThePrincipalAlone(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	c.in("sub/0 install", func(*juju.Hook, *hookcmd.Client) error { return assert.AnError })
	subordinates(c)
	assert.Equal(t, "error", c.m.Unit("sub/0").Workload().Status)
	assert.Contains(t, c.hooks, "app/0 start")
}
