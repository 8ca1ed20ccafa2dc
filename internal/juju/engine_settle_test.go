// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestEngineSettleWaitsForAllHooks(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	y.start(2)
	y.settle() // there is nothing to wait for
	app := y.deploy("app", "", 3)
	y.settle()
	y.settle()
	for _, u := range app.Units() {
		assert.Equal(t, "unknown", u.Workload().Status)
	}

	y.forget()
	g := y.gate("app/2 config-changed")
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	g.wait()
	var settled atomic.Int32
	errs := make(chan error)
	for range 3 {
		go func() {
			err := y.settles()
			settled.Add(1)
			errs <- err
		}()
	}
	for range 3 { // others go on
		_, err := y.m.Unit("app/0").RunCommands("x", -1, "")
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return count(y.hooks(), "app/0 juju-exec") == 3 }, patience, time.Millisecond)
	assert.Zero(t, settled.Load())
	g.open(nil)
	for range 3 {
		assert.NoError(t, <-errs)
	}
	assert.Equal(t, 1, count(y.hooks(), "app/2 config-changed"))
}

// What Settle has waited for was told.
func TestEngineSettleComesAfterTheReports(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		y := newYard(t, &juju.Options{Seed: seed})
		app := y.deploy("app", "peers: {peers: app}", 3)
		y.start(2)
		for n := range 5 {
			y.settle()
			assert.Len(t, y.hooks(), y.m.Steps())
			assert.Len(t, y.told(juju.Began), y.m.Steps())
			require.NoError(t, app.SetConfig(map[string]any{"n": n + 1}))
		}
		y.e.Stop()
	}
}

func TestEngineSettleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	y.deploy("app", "", 1)
	g := y.gate("app/0 install")
	y.start(1)
	g.wait()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	assert.Equal(t, cause, y.e.Settle(ctx))
	g.open(nil)
	y.settle()
	assert.Contains(t, y.hooks(), "app/0 start")
}

func TestEngineStop(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]error{"the charm ends by the signal": errKilled, "the charm fails": assert.AnError, "the charm goes on": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, nil)
			app := y.deploy("app", "", 1)
			y.start(2)
			y.settle()
			y.forget()
			entered := make(chan struct{})
			y.in("app/0 config-changed", func(ctx context.Context, _ *juju.Hook, c *hookcmd.Client) error {
				assert.NoError(t, c.StateSet(ctx, map[string]string{"k": "v"}))
				close(entered)
				<-ctx.Done()
				_, err := c.StateGet(t.Context())
				assert.Error(t, err, "the charm was killed")
				return end
			})
			require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
			<-entered
			waits := make(chan error)
			go func() { waits <- y.settles() }()
			y.e.Stop()
			assert.ErrorIs(t, <-waits, juju.ErrStopped)
			assert.Equal(t, []string{"app/0 config-changed killed"}, y.hooks())
			u := y.m.Unit("app/0")
			assert.Equal(t, "unknown", u.Workload().Status, "it is no error of the charm")
			assert.Empty(t, u.State())

			y.e.Stop()
			_, err := app.AddUnits(1)
			require.NoError(t, err)
			assert.ErrorIs(t, y.settles(), juju.ErrStopped)
			assert.Empty(t, y.e.Running())
			assert.Len(t, y.hooks(), 1)
		})
	}
}

// pingPong has two units count up whenever the other does, up to most.
func pingPong(y *yard, most *atomic.Int64) {
	for unit, other := range map[string]string{"app/0": "app/1", "app/1": "app/0"} {
		y.ever(unit+" peers-relation-changed", func(ctx context.Context, h *juju.Hook, c *hookcmd.Client) error {
			if about(h) != " ("+other+")" {
				return nil
			}
			id := idOf(endOf(h.Unit(), "peers"))
			bag, err := c.RelationGet(ctx, id, unit)
			if err != nil {
				return err
			}
			n, _ := strconv.ParseInt(bag["count"], 10, 64)
			if n >= most.Load() {
				return nil
			}
			return c.RelationSet(ctx, id, map[string]string{"count": fmt.Sprint(n + 1)})
		})
	}
}

func TestEngineSettleNamesUnitsThatWriteForEver(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 4} {
		y := newYard(t, nil)
		var most atomic.Int64
		most.Store(1 << 40)
		pingPong(y, &most)
		app := y.deploy("app", "peers: {peers: app}", 3)
		y.start(parallel)
		for range 2 { // Settle lets them go on
			err := y.settles()
			var unsettled *juju.SettleError
			require.ErrorAs(t, err, &unsettled)
			assert.InDelta(t, 1000+3*100+3*3*20, unsettled.Steps, 5)
			assert.Regexp(t, `app/[01] keeps writing "count" in relation peers:0 \(\d+ of the last writes\), app/[01] keeps`, err.Error())
			assert.Empty(t, y.e.Running())
		}
		most.Store(0)
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		y.ran("app/2 config-changed") // without Settle
		require.Eventually(t, func() bool { return count(y.hooks(), "app/2 config-changed") == 2 }, patience, time.Millisecond)
		y.settle()
	}
}

func TestEngineSettleNamesUnitsThatAreBusyWithoutWriting(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3} {
		y := newYard(t, nil)
		y.deploy("app", "", 2)
		y.ever("app/1 start", func(context.Context, *juju.Hook, *hookcmd.Client) error { return errKilled })
		y.start(parallel)
		err := y.settles()
		require.Error(t, err)
		assert.Regexp(t, `^the model does not settle: after 1201 hooks these units still have hooks to run: (app/0, )?app/1$`, err.Error())
		y.ever("app/1 start", nil)
		y.settle()
	}
}

// A model that comes to rest again and again is not one that does not settle.
func TestEngineCountsFromTheLastRest(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 1)
	ended := make(chan juju.Report, 10)
	e := y.m.Start(juju.EngineOptions{Report: func(r juju.Report) {
		if r.Kind == juju.Ended {
			ended <- r
		}
	}})
	t.Cleanup(e.Stop)
	for range 4 { // install, leader-elected, config-changed, start
		<-ended
	}
	u := app.Units()[0]
	for i := range 1500 {
		_, err := u.RunCommands("x", -1, "")
		require.NoError(t, err)
		select {
		case r := <-ended:
			require.Equal(t, "juju-exec", r.Hook)
		case <-time.After(patience):
			require.Fail(t, "juju-exec does not run", "the %dth", i)
		}
	}
	assert.NoError(t, e.Settle(t.Context()))
}
