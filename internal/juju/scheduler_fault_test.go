// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestKillNextEndsTheHookAtThatCommand(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 0, 3: 2, 9: 5} { // 9: at its end
		c := newCast(t, nil)
		c.configurable(1)
		commands, killed := 0, true
		c.in("app/0 config-changed", func(h *juju.Hook, client *hookcmd.Client) error {
			if killed {
				for range 5 {
					if err := client.StateSet(t.Context(), map[string]string{"k": "v"}); err != nil {
						break
					}
					commands++
				}
			}
			killed = false
			assert.Empty(t, h.Unit().State())
			return nil
		})
		c.m.KillNext(n)
		require.NoError(t, c.m.Application("app").SetConfig(map[string]any{"n": 1}))
		assert.Equal(t, []string{"app/0 config-changed", "app/0 config-changed"}, c.settle())
		assert.Equal(t, want, commands, n)
	}
}

// A killed charm's context ends, which says why.
func TestAKilledCharmIsTold(t *testing.T) {
	t.Parallel()
	e := &untilKilled{}
	m := juju.New(nil)
	_, err := m.Deploy(juju.Deployment{Charm: parse(t, "app", "", ""), Executor: e, Units: 1})
	require.NoError(t, err)
	m.KillNext(1)
	require.True(t, m.Step(t.Context()))
	assert.Error(t, e.cause)
}

type untilKilled struct{ cause error }

func (e *untilKilled) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	_, _ = hookcmd.New(h, nil).IsLeader(ctx)
	<-ctx.Done()
	e.cause = context.Cause(ctx)
	return juju.Exit{Code: 1}
}

// The leader learns at the flush that it is not the leader any more.
func TestDeposeNextFailsTheFlushOfAnAppBag(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		c := newCast(t, &juju.Options{NoRetry: true, Seed: seed})
		app := c.configurable(2)
		c.in("app/0 config-changed", func(h *juju.Hook, client *hookcmd.Client) error {
			leader, err := client.IsLeader(t.Context())
			if err != nil || !leader {
				return err
			}
			leader, err = client.IsLeader(t.Context())
			assert.True(t, leader, "it is told that it is, to the end")
			require.NoError(t, err)
			return set(h, "peers", true, "k", "v")
		})
		c.m.DeposeNext()
		require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
		hooks := c.settle()
		assert.Equal(t, "error", app.Units()[0].Workload().Status, c)
		assert.Contains(t, hooks, "app/1 leader-elected")
		assert.Empty(t, app.Ends()[0].AppData())
		require.NoError(t, app.Units()[0].Resolve(false))
		assert.Equal(t, []string{"app/0 config-changed"}, c.settle())
		assert.Equal(t, "unknown", app.Units()[0].Workload().Status)
	}
}

// The peers of a removed unit are not told that it is gone, so for them it is
// not; who comes later does not see it. Only goal-state knows.
func TestMissDeparted(t *testing.T) {
	t.Parallel()
	seeds(t, 5, func(c *cast) {
		app := c.deploy("app", "peers: {peers: app}\nrequires: {db: mysql}", 3)
		c.deploy("mysql", "provides: {server: mysql}", 1)
		c.relate("app", "mysql")
		c.settle()
		c.m.MissDeparted(true)
		require.NoError(t, app.Units()[1].Remove())
		hooks := c.settle()
		assert.Contains(t, hooks, "mysql/0 server-relation-departed (app/1)", "other relations work")
		if c.is36() {
			assert.Contains(t, hooks, "app/0 peers-relation-departed (app/1)", "it is a mistake of Juju 4")
			return
		}
		assert.NotContains(t, hooks, "app/0 peers-relation-departed (app/1)", c)
		_, err := app.AddUnits(1)
		require.NoError(t, err)
		c.settle()
		assert.Equal(t, []string{"app/1", "app/2", "app/3"}, members(app.Units()[0], "peers"), c)
		assert.Equal(t, []string{"app/0", "app/2"}, members(c.m.Unit("app/3"), "peers"), c)
		c.do("app/0", func(h *juju.Hook, client *hookcmd.Client) error {
			goal, err := client.GoalState(t.Context())
			require.NoError(t, err)
			assert.NotContains(t, goal.Units, "app/1")
			assert.Contains(t, goal.Units, "app/2")
			return nil
		})
		c.m.MissDeparted(false)
		require.NoError(t, app.Units()[0].Remove())
		hooks = c.settle()
		assert.Contains(t, hooks, "app/0 peers-relation-departed (app/1; app/0 leaves)", "who goes itself departs from all it knows")
		assert.Contains(t, hooks, "app/2 peers-relation-departed (app/0)")
		require.NoError(t, app.Remove())
		c.settle()
		assert.Nil(t, c.m.Application("app"))
	})
}

// faulty runs a scenario with a kind of fault over many seeds, and returns the
// traces.
func faulty(t *testing.T, f juju.Faults, opts juju.Options) []string {
	t.Helper()
	var traces []string
	for seed := range uint64(40) {
		opts.Seed = seed
		c := newCast(t, &opts)
		c.play = func(_ string, _ *juju.Hook, client *hookcmd.Client) error {
			if _, err := client.IsLeader(t.Context()); err != nil {
				return err
			}
			return client.StateSet(t.Context(), map[string]string{"k": "v"})
		}
		c.m.SetFaults(f)
		metadata := "peers: {peers: app}"
		if opts.CAAS {
			metadata += "\ncontainers: {web: {}}"
		}
		app := c.deploy("app", metadata, 3)
		c.settle()
		require.NoError(t, app.Units()[1].Remove())
		c.settle()
		var trace strings.Builder
		require.NoError(t, c.m.WriteTrace(&trace, 0))
		traces = append(traces, trace.String())
		for _, u := range app.Units() {
			assert.Equal(t, map[string]string{"k": "v"}, u.State())
			if f.MissDeparted == 0 {
				assert.Len(t, members(u, "peers"), 1, "seed %d", seed)
			}
		}
	}
	return traces
}

// happened returns in how many traces a text is, and how often at most.
func happened(traces []string, text string) (in, most int) {
	for _, trace := range traces {
		if n := strings.Count(trace, text); n > 0 {
			in, most = in+1, max(most, n)
		}
	}
	return in, most
}

func TestFaultsHappenBySeedAtMostAsOftenAsAllowed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults juju.Faults
		opts   juju.Options
		text   string
		most   int
	}{
		"kill":            {juju.Faults{Kill: 2}, juju.Options{}, "[killed]", 2},
		"refuse flush":    {juju.Faults{RefuseFlush: 2}, juju.Options{}, "[flush refused]", 2},
		"lose leadership": {juju.Faults{LoseLeadership: 2}, juju.Options{}, " is the leader of app", 3}, // and one when the leader is removed
		"restart":         {juju.Faults{Restart: 2}, juju.Options{CAAS: true}, " restarts", 2},
	} {
		traces := faulty(t, test.faults, test.opts)
		in, most := happened(traces, test.text)
		assert.Greater(t, in, 20, name)
		assert.Equal(t, test.most, most, name)
		for seed, trace := range faulty(t, test.faults, test.opts) {
			assert.Equal(t, traces[seed], trace, name)
		}
		in, _ = happened(faulty(t, juju.Faults{}, test.opts), test.text)
		assert.Zero(t, in, name)
	}
}

func TestFaultsRepeatEvents(t *testing.T) {
	t.Parallel()
	repeated := 0
	for _, trace := range faulty(t, juju.Faults{Repeat: 1}, juju.Options{}) {
		seen := make(map[string]int)
		for line := range strings.Lines(trace) {
			seen[line[5:]]++ // after its number
		}
		for _, n := range seen {
			repeated += n - 1
			assert.LessOrEqual(t, n, 2)
		}
	}
	assert.Greater(t, repeated, 20)
	assert.LessOrEqual(t, repeated, 40)
}

func TestFaultsMissDeparted(t *testing.T) {
	t.Parallel()
	told, missed := 0, 0
	for _, trace := range faulty(t, juju.Faults{MissDeparted: 1}, juju.Options{}) {
		switch n := strings.Count(trace, "peers-relation-departed (app/1)"); n {
		case 2:
			told++
		case 0:
			missed++
		default:
			assert.Fail(t, "all or none are told", trace)
		}
	}
	assert.Positive(t, missed)
	assert.Positive(t, told)
}

// However often a hook asks whether it is the leader, it loses the leadership once.
func TestAHookLosesTheLeadershipOnce(t *testing.T) {
	t.Parallel()
	c := newCast(t, &juju.Options{NoRetry: true})
	app := c.configurable(2)
	first := app.Leader()
	c.play = func(_ string, _ *juju.Hook, client *hookcmd.Client) error {
		for range 500 {
			if _, err := client.IsLeader(t.Context()); err != nil {
				return err
			}
		}
		return nil
	}
	c.do(first.Name, func(h *juju.Hook, client *hookcmd.Client) error {
		c.m.SetFaults(juju.Faults{LoseLeadership: 2})
		return c.play("", h, client)
	})
	assert.Equal(t, first, app.Leader(), "it is lost, and so does the next")
	var trace strings.Builder
	require.NoError(t, c.m.WriteTrace(&trace, 0))
	assert.Equal(t, 2, strings.Count(trace.String(), "is the leader of app"))
}

// The only unit of an application has the leadership again at once, so it does
// not lose it by chance.
func TestASingleUnitKeepsItsLeadership(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		c := newCast(t, &juju.Options{Seed: seed})
		c.m.SetFaults(juju.Faults{LoseLeadership: 3})
		c.play = func(_ string, _ *juju.Hook, client *hookcmd.Client) error {
			leader, err := client.IsLeader(t.Context())
			assert.True(t, leader)
			return err
		}
		app := c.configurable(1)
		assert.NotNil(t, app.Leader())
		assert.Equal(t, 1, count(c.hooks, "app/0 leader-elected"))
	}
}
