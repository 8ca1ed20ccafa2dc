// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// told is what an observer was told.
type told struct {
	mu    sync.Mutex
	begun []string
	ended []string // with "!" if the command failed
}

func (o *told) observe(_ context.Context, command string) (end func(error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun = append(o.begun, command)
	return func(err error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if err != nil {
			command += "!"
		}
		o.ended = append(o.ended, command)
	}
}

// busy runs commands of all kinds: one that fails, a round of reads, a line of the
// log and what is kept back until the end.
func busy(o *told) func(*charm.Charm) {
	return func(c *charm.Charm) {
		c.ObserveHookCommands(o.observe)
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			if _, err := c.HookCommands().RelationList(ctx, hookcmd.RelationID{Endpoint: "peers", ID: 99}); err == nil {
				return errors.New("there is no such relation")
			}
			rel, err := c.Peers(ctx, "peers")
			if err != nil {
				return err
			}
			all, err := rel.RemoteAll(ctx)
			if err != nil {
				return err
			}
			c.Logger().Info("read", "units", len(all))
			return rel.Local().Set(ctx, "count", fmt.Sprint(len(all)))
		})
	}
}

// busyCommands are those of busy with two peers.
var busyCommands = []string{
	"relation-list", "relation-ids", "relation-list", "relation-get", "relation-get", "juju-log", "relation-set",
}

func TestObserveHookCommands(t *testing.T) {
	t.Parallel()
	for name, newRunner := range map[string]func(hookcmd.Agent) hookcmd.Runner{
		"socket": func(a hookcmd.Agent) hookcmd.Runner { return hookcmd.NewSocket(a) },
		"exec":   func(a hookcmd.Agent) hookcmd.Runner { return hookcmd.NewExec(a) },
		"auto":   func(a hookcmd.Agent) hookcmd.Runner { return hookcmd.NewAuto(a) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent := testagent.Peers(2)
			var o told
			err := charm.Run(t.Context(), busy(&o), &charm.Options{
				Env: environ(t, events.UpdateStatus{}), Runner: newRunner(newServer(t, agent).Agent())})
			require.NoError(t, err)
			assert.Equal(t, busyCommands, o.begun)
			assert.ElementsMatch(t, append([]string{"relation-list!"}, busyCommands[1:]...), o.ended)
			assert.Equal(t, []string{"INFO read units=2"}, agent.Logs())
			assert.Contains(t, agent.Calls(), `relation-set -r peers:1 --file - < {"count": "2"}`)
		})
	}
}

const observed = `
type: charm
name: app
summary: A charm for tests.
description: Its hook commands are told of.
peers: {peers: {interface: app}}
`

// A Runner that answers by value goes on doing so: what an observer is told does not
// depend on it.
func TestObserveAnswerer(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		t.Run(fmt.Sprint("text=", text), func(t *testing.T) {
			t.Parallel()
			var o told
			h := charmtest.New(t, busy(&o), &charmtest.Options{Metadata: observed, TextOnly: text})
			peers := h.Peers("peers")
			peers.Join("app/1", nil)
			peers.Join("app/2", nil)
			h.ResetCalls()
			o.begun, o.ended = nil, nil
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, busyCommands, o.begun)
			assert.ElementsMatch(t, append([]string{"relation-list!"}, busyCommands[1:]...), o.ended)
			assert.Len(t, h.Calls(), len(busyCommands), "commands that the agent ran")
			assert.Equal(t, "2", peers.Local()["count"])
		})
	}
}

// answerer answers some commands by value, and counts how it was asked.
type answerer struct {
	hookcmd.Runner
	answered, ran int
}

func (a *answerer) Answer(_ context.Context, call hookcmd.Call, result any) (bool, error) {
	if leader, ok := result.(*bool); ok {
		a.answered++
		*leader = true
		return true, nil
	}
	if call.Command == "relation-ids" {
		return false, &hookcmd.Error{Command: call.Command, Code: 1, Stderr: "refused"}
	}
	return false, nil
}

func (a *answerer) Run(ctx context.Context, call hookcmd.Call) ([]byte, error) {
	a.ran++
	return a.Runner.Run(ctx, call)
}

func TestObserveAnswers(t *testing.T) {
	t.Parallel()
	var o told
	runner := &answerer{Runner: testagent.Peers(1)}
	_, err := run(t, runner, events.UpdateStatus{}, func(c *charm.Charm) {
		c.ObserveHookCommands(o.observe)
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			leader, err := c.IsLeader(ctx)
			assert.True(t, leader)
			require.NoError(t, err)
			_, err = c.Relations(ctx, "peers")
			assert.ErrorContains(t, err, "refused")
			return c.SetStatus(ctx, charm.Active("led"))
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"is-leader", "relation-ids", "status-set"}, o.begun, "each is told of once")
	assert.Equal(t, []string{"is-leader", "relation-ids!", "status-set"}, o.ended)
	assert.Equal(t, 1, runner.answered, "commands answered by value")
	assert.Equal(t, 1, runner.ran, "commands run as text")
}

// poster posts the lines of the log, the end of which it tells when it is closed.
type poster struct {
	hookcmd.Runner
	refuse bool
	posted []func(error)
	closed bool
}

func (p *poster) Post(_ context.Context, call hookcmd.Call, done func(error)) error {
	if p.refuse {
		return &hookcmd.Error{Command: call.Command, Code: -1, Err: errTest}
	}
	p.posted = append(p.posted, done)
	return nil
}

func (p *poster) Close(context.Context) error {
	for _, done := range p.posted {
		done(errTest)
	}
	p.closed = true
	return nil
}

func TestObservePosts(t *testing.T) {
	t.Parallel()
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprint("refuse=", refuse), func(t *testing.T) {
			t.Parallel()
			var o told
			runner := &poster{Runner: testagent.Peers(1), refuse: refuse}
			stderr, err := run(t, runner, events.UpdateStatus{}, func(c *charm.Charm) {
				c.ObserveHookCommands(o.observe)
				charm.On(c, func(context.Context, events.UpdateStatus) error {
					c.Logger().Info("hello")
					assert.Equal(t, []string{"juju-log"}, o.begun)
					assert.Equal(t, refuse, len(o.ended) == 1, "it ends when its line has been written")
					return nil
				})
			})
			require.NoError(t, err)
			assert.True(t, runner.closed)
			assert.Equal(t, []string{"juju-log!"}, o.ended)
			assert.Contains(t, stderr, "INFO hello", "who posted is told, too")
		})
	}
}

// A Runner that only runs is given no more than it can.
func TestObservePlainRunner(t *testing.T) {
	t.Parallel()
	var o told
	agent := testagent.Peers(2)
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "no log"), call.Command == "juju-log"
	}
	stderr, err := run(t, struct{ hookcmd.Runner }{agent}, events.UpdateStatus{}, busy(&o))
	require.NoError(t, err)
	want := slices.Clone(busyCommands)
	want[0], want[5] = "relation-list!", "juju-log!"
	assert.Equal(t, busyCommands, o.begun)
	assert.Equal(t, want, o.ended)
	assert.Contains(t, stderr, "no log")
}

type contextKey struct{}

// Observers are called like the layers of an onion, with the context of the call;
// one of them may have nothing to say at the end.
func TestObserversNest(t *testing.T) {
	t.Parallel()
	var said []string
	observer := func(name string) func(context.Context, string) func(error) {
		return func(ctx context.Context, command string) func(error) {
			said = append(said, fmt.Sprint(name, " begins ", command, " of ", ctx.Value(contextKey{})))
			return func(err error) { said = append(said, fmt.Sprint(name, " ends: ", err != nil)) }
		}
	}
	_, err := run(t, testagent.Peers(1), events.UpdateStatus{}, func(c *charm.Charm) {
		c.ObserveHookCommands(observer("outer"))
		c.ObserveHookCommands(func(context.Context, string) func(error) { return nil })
		c.ObserveHookCommands(observer("inner"))
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			return c.SetStatus(context.WithValue(ctx, contextKey{}, "handler"), charm.Active("x"))
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"outer begins status-set of handler", "inner begins status-set of handler", "inner ends: false", "outer ends: false",
	}, said)
}

// What is around the dispatch sees all of it, and decides what comes of it.
func TestUseDispatch(t *testing.T) {
	t.Parallel()
	var said []string
	wrap := func(name string) func(charm.Handler) charm.Handler {
		return func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) error {
				said = append(said, name+" begins "+ev.Name())
				err := next(context.WithValue(ctx, contextKey{}, name), ev)
				said = append(said, fmt.Sprint(name, " ends: ", err))
				return err
			}
		}
	}
	register := func(c *charm.Charm) {
		c.UseDispatch(wrap("outer"))
		c.UseDispatch(wrap("inner"))
		c.ObserveHookCommands(func(ctx context.Context, command string) func(error) {
			said = append(said, fmt.Sprint(command, " in ", ctx.Value(contextKey{})))
			return nil
		})
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			return c.Relation(ev).Local().Set(ctx, "met", ev.Unit)
		})
		charm.On(c, func(context.Context, events.UpdateStatus) error { return errTest })
	}
	agent := testagent.Peers(1)
	_, err := run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, register)
	require.NoError(t, err)
	assert.Equal(t, []string{"outer begins peers-relation-joined", "inner begins peers-relation-joined",
		"relation-set in inner", "inner ends: <nil>", "outer ends: <nil>"}, said, "what is sent at the end is inside")

	said = nil
	_, err = run(t, agent, events.UpdateStatus{}, register)
	require.ErrorIs(t, err, errTest)
	require.Len(t, said, 5)
	assert.Contains(t, said[2], "inner ends: cannot handle update-status in ")

	_, err = run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		c.UseDispatch(func(charm.Handler) charm.Handler {
			return func(context.Context, events.Event) error { return errTest }
		})
		charm.On(c, func(context.Context, events.PeerJoined) error { panic("it is not called") })
	})
	require.ErrorIs(t, err, errTest)
}

// A panic of what is around the dispatch is its error.
func TestUseDispatchPanics(t *testing.T) {
	t.Parallel()
	_, err := run(t, testagent.Peers(1), events.UpdateStatus{}, func(c *charm.Charm) {
		c.UseDispatch(func(charm.Handler) charm.Handler {
			return func(context.Context, events.Event) error { panic("oh no") }
		})
	})
	var failure *charm.HandlerError
	require.ErrorAs(t, err, &failure)
	assert.EqualError(t, err, "cannot handle update-status in UseDispatch: panic: oh no")
	assert.NotEmpty(t, failure.Stack)
}

func TestMisusedObservers(t *testing.T) {
	t.Parallel()
	_, err := run(t, testagent.Peers(1), events.UpdateStatus{}, func(c *charm.Charm) {
		assert.PanicsWithValue(t, "charm.UseDispatch: the function is nil", func() { c.UseDispatch(nil) })
		assert.PanicsWithValue(t, "charm.ObserveHookCommands: the function is nil", func() { c.ObserveHookCommands(nil) })
		charm.On(c, func(context.Context, events.UpdateStatus) error {
			assert.Panics(t, func() { c.UseDispatch(func(next charm.Handler) charm.Handler { return next }) })
			assert.Panics(t, func() { c.ObserveHookCommands((&told{}).observe) })
			return nil
		})
	})
	require.NoError(t, err)
}
