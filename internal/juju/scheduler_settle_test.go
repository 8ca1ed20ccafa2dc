// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// restless has each of two units count up whenever the other does.
func restless(c *cast) {
	c.play = func(hook string, h *juju.Hook, client *hookcmd.Client) error {
		for _, other := range []string{"app/0", "app/1"} {
			if hook == h.Unit().Name+" peers-relation-changed ("+other+")" {
				n, _ := strconv.Atoi(endOf(h.Unit(), "peers").UnitData(h.Unit())["count"])
				return set(h, "peers", false, "count", fmt.Sprint(n+1))
			}
		}
		return nil
	}
}

func TestSettleNamesUnitsThatWriteForEver(t *testing.T) {
	t.Parallel()
	seeds(t, 3, func(c *cast) {
		c.deploy("app", "peers: {peers: app}", 3)
		restless(c)
		_, err := c.m.Settle(t.Context(), nil)
		var unsettled *juju.SettleError
		require.ErrorAs(t, err, &unsettled)
		assert.Equal(t, 1000+3*100+3*3*20, unsettled.Steps)
		assert.Regexp(t, `^the model does not settle: after 1480 hooks app/[0-2] keeps writing "count" in relation peers:0 \(\d+ of the last writes\), app/[0-2] keeps`, err.Error())
		steps, err := c.m.Settle(t.Context(), &juju.SettleOptions{Steps: 7})
		assert.Equal(t, 7, steps)
		assert.ErrorContains(t, err, "after 7 hooks")
	})
}

func TestSettleNamesUnitsThatAreBusyWithoutWriting(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	c.deploy("app", "", 1)
	c.in("app/0 start", func(*juju.Hook, *hookcmd.Client) error { return errKilled })
	_, err := c.m.Settle(t.Context(), nil)
	assert.EqualError(t, err, "the model does not settle: after 1100 hooks these units still have hooks to run: app/0")
}

func TestSettleTellsOfAHookThatKeepsFailing(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	start := c.m.Now()
	c.deploy("app", "requires: {db: mysql}", 1)
	c.deploy("mysql", "provides: {server: mysql}", 1)
	c.relate("app", "mysql")
	c.in("app/0 db-relation-joined (mysql/0)", func(*juju.Hook, *hookcmd.Client) error { return errors.New("no such database") })
	_, err := c.m.Settle(t.Context(), nil)
	require.ErrorContains(t, err, "db-relation-joined (mysql/0) of unit app/0 has failed 4 times: no such database")
	assert.Equal(t, 35*time.Second, c.m.Now().Sub(start))
	assert.Contains(t, c.hooks, "mysql/0 start", "others go on")
	c.hooks = nil
	_, err = c.m.Settle(t.Context(), &juju.SettleOptions{Attempts: 6})
	require.ErrorContains(t, err, "has failed 6 times")
	assert.Len(t, c.hooks, 2)
	c.play = nil
	require.NoError(t, c.m.Unit("app/0").Resolve(false))
	assert.Equal(t, []string{"joined (mysql/0)", "changed (mysql/0)"}, ofEndpoint("db", of("app/0", c.settle())))
}

func TestSettleTellsOfARefusedFlush(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	c.configurable(1)
	c.in("app/0 config-changed", func(*juju.Hook, *hookcmd.Client) error {
		c.m.RefuseNextFlush()
		return nil
	})
	require.NoError(t, c.m.Application("app").SetConfig(map[string]any{"n": 1}))
	_, err := c.m.Settle(t.Context(), &juju.SettleOptions{Attempts: 2})
	assert.ErrorContains(t, err, "config-changed of unit app/0 has failed 2 times: cannot apply changes: the controller refused them")
}

// A hook about a workload that fails is no error of the unit, and comes again
// every few seconds.
func TestSettleTellsOfAWorkloadHookThatKeepsFailing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		c := newCast(t, &juju.Options{CAAS: true, Seed: seed})
		c.deploy("app", "containers: {web: {}, db: {}}", 1)
		c.in("app/0 web-pebble-ready", func(*juju.Hook, *hookcmd.Client) error { return errors.New("no such service") })
		_, err := c.m.Settle(t.Context(), nil)
		require.ErrorContains(t, err, "web-pebble-ready of unit app/0 has failed 4 times: no such service")
		assert.Equal(t, 4, count(c.hooks, "app/0 web-pebble-ready"))
		c.play = nil
		assert.Error(t, settleOnce(c), "it has failed that often")
		c.m.Pass(5 * time.Second)
		assert.Equal(t, []string{"app/0 web-pebble-ready"}, c.settle())
		assert.Empty(t, c.settle())
	}
}

func settleOnce(c *cast) error {
	_, err := c.m.Settle(c.t.Context(), nil)
	return err
}

func TestSettleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	c.deploy("app", "peers: {peers: app}", 2)
	restless(c)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	before := c.play
	c.play = func(hook string, h *juju.Hook, client *hookcmd.Client) error {
		if len(c.hooks) == 50 {
			cancel(cause)
		}
		return before(hook, h, client)
	}
	steps, err := c.m.Settle(ctx, nil)
	assert.ErrorIs(t, err, cause)
	assert.Equal(t, 50, steps)
}

func TestAdvanceSettlesAfterEachTimer(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	c.configurable(1)
	var at []time.Duration
	start := c.m.Now()
	c.in("app/0 update-status", func(*juju.Hook, *hookcmd.Client) error {
		if at = append(at, c.m.Now().Sub(start)); len(at) == 1 {
			return assert.AnError
		}
		return nil
	})
	steps, err := c.m.Advance(t.Context(), 11*time.Minute, nil)
	require.NoError(t, err)
	assert.Equal(t, 3, steps)
	assert.Equal(t, []time.Duration{5 * time.Minute, 5*time.Minute + 5*time.Second, 10 * time.Minute}, at)
	assert.Equal(t, 11*time.Minute, c.m.Now().Sub(start))
}
