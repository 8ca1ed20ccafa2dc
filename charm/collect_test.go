// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// adding registers a function that adds statuses.
func adding(c *charm.Charm, unit ...charm.Status) {
	charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
		for _, s := range unit {
			set.Add(s)
		}
		return nil
	})
}

func TestMostUrgentStatus(t *testing.T) {
	t.Parallel()
	all := []charm.Status{charm.Active("a"), charm.Waiting("w"), charm.Maintenance("m"), charm.Blocked("b"), charm.Blocked("b2"), {}}
	mine := func(string) charm.Status { return charm.Status{} }
	for _, row := range []struct {
		order []func(string) charm.Status
		add   []charm.Status
		want  string
	}{
		{nil, all, "blocked b"},
		{nil, all[:3], "maintenance m"},
		{nil, all[:2], "waiting w"},
		{nil, all[:1], "active a"},
		{[]func(string) charm.Status{charm.Active}, all, "active a"},
		{[]func(string) charm.Status{charm.Waiting, charm.Maintenance}, all, "waiting w"},
		{[]func(string) charm.Status{charm.Waiting, charm.Maintenance}, []charm.Status{all[0], all[3]}, "blocked b"},
		{[]func(string) charm.Status{mine, charm.Waiting, charm.Waiting}, all, "waiting w"},
	} {
		agent := &testagent.Agent{Leader: true}
		_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
			charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
				if row.order != nil {
					set.Order(charm.Active, charm.Maintenance)
					set.Order(row.order...)
				}
				for _, s := range row.add {
					set.AddApp(s)
				}
				return nil
			})
			adding(c, row.add...)
		})
		require.NoError(t, err)
		assert.Equal(t, []string{
			"status-set -- " + row.want, "is-leader --format=json", "status-set --application -- " + row.want,
		}, agent.Calls())
	}
}

func TestNothingCollected(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Leader: true}
	_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
		adding(c)
		adding(c, charm.Status{})
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error { set.AddApp(charm.Status{}); return nil })
	})
	require.NoError(t, err)
	assert.Empty(t, agent.Calls())
}

// The status is told of what was sent, not before.
func TestCollectedStatusIsSentLast(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	_, err := run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(ctx context.Context, set *charm.StatusSet) error {
			rel, err := c.Peers(ctx, "peers")
			if err != nil {
				return err
			}
			value, err := rel.Local().Get(ctx, "a")
			set.Add(charm.Active("a=" + value))
			if err != nil {
				return err
			}
			return rel.Local().Set(ctx, "b", "2")
		})
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			return c.Relation(ev).Local().Set(ctx, "a", "1")
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"relation-ids --format=json -- peers",
		`relation-set -r peers:1 --file - < {"a": "1", "b": "2"}`,
		"status-set -- active a=1",
	}, agent.Calls())
}

func TestCollectedStatusThatIsSet(t *testing.T) {
	t.Parallel()
	for status, want := range map[charm.Status][]string{
		charm.Active("x"): {"status-set -- active x", "status-set --application -- active x"},
		charm.Active("y"): {"status-set -- active x", "status-set --application -- active x",
			"status-set -- active y", "is-leader --format=json", "status-set --application -- active y"},
	} {
		agent := &testagent.Agent{Leader: true}
		_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
			charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
				set.Add(status)
				set.AddApp(status)
				return nil
			})
			charm.On(c, func(ctx context.Context, _ events.Install) error {
				if err := c.SetStatus(ctx, charm.Active("x")); err != nil {
					return err
				}
				return c.SetAppStatus(ctx, charm.Active("x"))
			})
		})
		require.NoError(t, err)
		assert.Equal(t, want, agent.Calls())
	}
}

func TestCollectedStatusOfApplicationIsTheLeaders(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
			set.AddApp(charm.Active("app"))
			return nil
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"is-leader --format=json"}, agent.Calls())
}

type collectors struct{ *charm.Charm }

func (collectors) fails(context.Context, *charm.StatusSet) error  { return errTest }
func (collectors) panics(context.Context, *charm.StatusSet) error { panic("out of ideas") }
func (collectors) defers(context.Context, *charm.StatusSet) error { return charm.Defer("later") }

func TestFailureToCollectStatus(t *testing.T) {
	t.Parallel()
	ev := events.PeerJoined{RelationRef: peers, Unit: "app/1"}
	for name, row := range map[string]struct {
		collect func(collectors) func(context.Context, *charm.StatusSet) error
		want    string
		stack   bool
	}{
		"fails":  {func(k collectors) func(context.Context, *charm.StatusSet) error { return k.fails }, "no room", false},
		"panics": {func(k collectors) func(context.Context, *charm.StatusSet) error { return k.panics }, "panic: out of ideas", true},
		"defers": {func(k collectors) func(context.Context, *charm.StatusSet) error { return k.defers }, "cannot defer peers-relation-joined: a function of OnCollectStatus is called in every dispatch anyway", false},
	} {
		agent := testagent.Peers(1)
		_, err := run(t, agent, ev, func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
				return c.Relation(ev).Local().Set(ctx, "a", "1")
			})
			adding(c, charm.Active("not set"))
			charm.OnCollectStatus(c, row.collect(collectors{c}))
			charm.OnCollectStatus(c, func(context.Context, *charm.StatusSet) error {
				t.Error("not reached")
				return nil
			})
		})
		var failure *charm.HandlerError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, ev, failure.Event)
		assert.Equal(t, "github.com/charmsmith/charmsmith/charm_test.collectors."+name, failure.Handler)
		assert.EqualError(t, failure.Err, row.want)
		assert.Equal(t, row.stack, failure.Stack != nil)
		assert.NotContains(t, strings.Join(agent.Calls(), "\n"), "-set", "nothing is sent")
		require.Len(t, agent.Logs(), 1)
		assert.Contains(t, agent.Logs()[0], failure.Error())
	}
}

func TestOrderOfNoKind(t *testing.T) {
	t.Parallel()
	assert.PanicsWithValue(t, "charm.StatusSet.Order: a kind is nil; it is charm.Blocked, charm.Waiting or the like",
		func() { new(charm.StatusSet).Order(charm.Waiting, nil) })
}

func TestNothingIsCollectedAfterAFailure(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	collected := 0
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Hook) error { return errTest })
		charm.OnAction(c, "ping", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, errTest })
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
			collected++
			set.Add(charm.Active(""))
			return nil
		})
	}
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Answer{Stdout: "{}"}, call.Command == "action-get"
	}
	_, err := run(t, agent, events.Install{}, register)
	require.ErrorIs(t, err, errTest)
	_, err = run(t, agent, events.Action{Action: "ping", ID: "1"}, register)
	require.NoError(t, err, "it is the operator's answer")
	assert.Zero(t, collected)
	assert.NotContains(t, strings.Join(agent.Calls(), "\n"), "status-set")
}

func TestStatusIsCollectedAfterActions(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	_, err := run(t, agent, events.Action{Action: "ping", ID: "1"}, func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Action) error { return nil })
		adding(c, charm.Active("pinged"))
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"status-set -- active pinged"}, agent.Calls())
}

func TestUseIsAroundCollectors(t *testing.T) {
	t.Parallel()
	var seen []string
	_, err := run(t, &testagent.Agent{}, events.Install{}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(context.Context, *charm.StatusSet) error { return nil })
		c.Use(func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) error {
				seen = append(seen, ev.Name()+" "+charm.HandlerName(ctx))
				return next(ctx, ev)
			}
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"install github.com/charmsmith/charmsmith/charm_test.TestUseIsAroundCollectors.func1.1"}, seen)
}

func TestStatusSetOfManyGoroutines(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
			var g sync.WaitGroup
			for range 8 {
				g.Go(func() { set.Add(charm.Waiting("")); set.AddApp(charm.Active("")); set.Order(charm.Waiting) })
			}
			g.Wait()
			return nil
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"status-set -- waiting ", "is-leader --format=json"}, agent.Calls())
}

func TestOnCollectStatusIsForRegister(t *testing.T) {
	t.Parallel()
	_, err := run(t, &testagent.Agent{}, events.Install{}, func(c *charm.Charm) {
		assert.PanicsWithValue(t, "charm.OnCollectStatus: the function is nil", func() { charm.OnCollectStatus(c, nil) })
		charm.On(c, func(context.Context, events.Install) error {
			assert.Panics(t, func() { adding(c) })
			return nil
		})
	})
	require.NoError(t, err)
}

// What was collected is seen by who looks at the model, by value and as text.
func TestCollectStatusOfHarness(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.OnCollectStatus(c, func(ctx context.Context, set *charm.StatusSet) error {
				config, err := charm.LoadConfig[struct{ Debug bool }](ctx, c)
				if err != nil {
					return err
				}
				if config.Debug {
					set.Add(charm.Blocked("-debug"))
				}
				set.Add(charm.Active("unit"))
				set.AddApp(charm.Active("app"))
				return nil
			})
		}, &charmtest.Options{Metadata: webMetadata, Leader: true, TextOnly: text})
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, "unit", h.Status().Message)
		assert.Equal(t, "app", h.AppStatus().Message)
		assert.Len(t, h.Calls(), 4, "config-get, status-set, is-leader, status-set: %v", h.Calls())
		h.SetConfig(map[string]any{"debug": true})
		assert.Equal(t, "-debug", h.Status().Message)
	}
}
