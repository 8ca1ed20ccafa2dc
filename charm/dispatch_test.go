// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestHandlersByTypeAndFamily(t *testing.T) {
	t.Parallel()
	var called []string
	note := func(name string) { called = append(called, name) }
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Hook) error { note("hook"); return nil })
		charm.On(c, func(context.Context, events.PeerJoined) error { note("peer joined"); return nil })
		charm.On(c, func(context.Context, events.RelationJoined) error { note("relation joined"); return nil })
		charm.On(c, func(context.Context, events.PeerEvent) error { note("peer"); return nil })
		charm.On(c, func(context.Context, events.RelationEvent) error { note("relation"); return nil })
		charm.OnRelation(c, "peers", func(context.Context, events.RelationEvent) error { note("peers"); return nil })
		charm.OnRelation(c, "db", func(context.Context, events.RelationEvent) error { note("db"); return nil })
		charm.On(c, func(context.Context, events.StorageEvent) error { note("storage"); return nil })
		charm.OnStorage(c, "data", func(context.Context, events.StorageAttached) error { note("data"); return nil })
		charm.OnStorage(c, "logs", func(context.Context, events.StorageAttached) error { note("logs"); return nil })
		charm.On(c, func(context.Context, events.SecretEvent) error { note("secret"); return nil })
		charm.OnSecret(c, "mine", func(context.Context, events.SecretChanged) error { note("mine"); return nil })
		charm.OnSecret(c, "other", func(context.Context, events.SecretChanged) error { note("other"); return nil })
		charm.On(c, func(context.Context, events.WorkloadEvent) error { note("workload"); return nil })
		charm.OnContainer(c, "web", func(context.Context, events.PebbleReady) error { note("web"); return nil })
		charm.OnContainer(c, "db", func(context.Context, events.PebbleReady) error { note("db container"); return nil })
		charm.On(c, func(context.Context, events.Unknown) error { note("unknown"); return nil })
		charm.On(c, func(context.Context, events.Action) error { note("action"); return nil })
		charm.OnDispatch(c, func(context.Context, events.Event) error { note("dispatch"); return nil })
	}
	for _, row := range []struct {
		ev   events.Event
		want []string
	}{
		{events.Install{}, []string{"hook", "dispatch"}},
		{events.PeerJoined{RelationRef: peers, Unit: "app/1"}, []string{"hook", "peer joined", "peer", "relation", "peers", "dispatch"}},
		{events.RelationJoined{RelationRef: events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}, Unit: "mysql/0"},
			[]string{"hook", "relation joined", "relation", "db", "dispatch"}},
		{events.StorageAttached{StorageRef: events.StorageRef{Storage: "data"}}, []string{"hook", "storage", "data", "dispatch"}},
		{events.StorageDetaching{StorageRef: events.StorageRef{Storage: "data"}}, []string{"hook", "storage", "dispatch"}},
		{events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:1", Label: "mine"}}, []string{"hook", "secret", "mine", "dispatch"}},
		{events.PebbleReady{WorkloadRef: events.WorkloadRef{Container: "web"}}, []string{"hook", "workload", "web", "dispatch"}},
		{events.Unknown{Hook: "collect-metrics"}, []string{"hook", "unknown", "dispatch"}},
		{events.Action{Action: "ping", ID: "1"}, []string{"action", "dispatch"}},
	} {
		called = nil
		_, err := run(t, &testagent.Agent{}, row.ev, register)
		require.NoError(t, err)
		assert.Equal(t, row.want, called, "handlers of %#v", row.ev)
	}
}

func TestNoCommandsThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(3)
	_, err := run(t, agent, events.PeerChanged{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		charm.On(c, func(_ context.Context, ev events.PeerChanged) error {
			c.Relation(ev)
			c.Environment()
			return nil
		})
	})
	require.NoError(t, err)
	assert.Empty(t, agent.Calls())
	assert.Empty(t, agent.Logs())
}

func TestWritesAreSentAtTheEnd(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	_, err := run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			if err := c.Relation(ev).Local().Set(ctx, "b", "2"); err != nil {
				return err
			}
			return c.SetStatus(ctx, charm.Active("-"))
		})
		charm.On(c, func(ctx context.Context, ev events.Hook) error {
			rel, err := c.Peers(ctx, "peers")
			if err != nil {
				return err
			}
			value, err := rel.Local().Get(ctx, "b")
			if err != nil || value != "2" {
				return errors.New("the write of the other handler is not seen")
			}
			return rel.Local().Set(ctx, "a", "1")
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"status-set -- active -",
		"relation-ids --format=json -- peers",
		`relation-set -r peers:1 --file - < {"a": "1", "b": "2"}`,
	}, agent.Calls())
}

func TestFlushInTheMiddle(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	_, err := run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			bag := c.Relation(ev).Local()
			return errors.Join(bag.Set(ctx, "a", "1"), c.Flush(ctx), bag.Set(ctx, "a", "1"), bag.Set(ctx, "b", "2"))
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		`relation-set -r peers:1 --file - < {"a": "1"}`,
		`relation-set -r peers:1 --file - < {"b": "2"}`,
	}, agent.Calls())
}

var errTest = errors.New("no room")

type methods struct{ *charm.Charm }

func (m methods) fails(context.Context, events.PeerJoined) error { return errTest }

func TestErrorOfHandler(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	ev := events.PeerJoined{RelationRef: peers, Unit: "app/1"}
	stderr, err := run(t, agent, ev, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			return c.Relation(ev).Local().Set(ctx, "a", "1")
		})
		charm.On(c, methods{c}.fails)
		charm.On(c, status[events.Hook](c, "not reached"))
	})
	require.ErrorIs(t, err, errTest)
	var failure *charm.HandlerError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, ev, failure.Event)
	assert.Equal(t, "github.com/charmsmith/charmsmith/charm_test.methods.fails", failure.Handler)
	assert.Nil(t, failure.Stack)
	assert.Empty(t, agent.Calls(), "nothing is sent")
	assert.Equal(t, []string{
		"ERROR cannot handle peers-relation-joined in github.com/charmsmith/charmsmith/charm_test.methods.fails: no room",
	}, agent.Logs())
	assert.Empty(t, stderr)
}

func TestPanicOfHandler(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	_, err := run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			if err := c.Relation(ev).Local().Set(ctx, "a", "1"); err != nil {
				return err
			}
			panic("out of ideas")
		})
	})
	require.ErrorContains(t, err, "panic: out of ideas")
	assert.Empty(t, agent.Calls(), "nothing is sent")
	require.Len(t, agent.Logs(), 1)
	assert.Regexp(t, `(?s)^ERROR cannot handle peers-relation-joined in .*TestPanicOfHandler.*: panic: out of ideas\n.*dispatch_test.go:\d+`, agent.Logs()[0])
}

// A test's require.FailNow in a handler ends the goroutine, and must not be
// mistaken for success.
func TestGoexitInHandler(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	returned := false
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = charm.Run(t.Context(), func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
				_ = c.Relation(ev).Local().Set(ctx, "a", "1")
				runtime.Goexit()
				return nil
			})
		}, &charm.Options{Env: environ(t, events.PeerJoined{RelationRef: peers, Unit: "app/1"}), Runner: agent})
		returned = true
	}()
	<-ended
	assert.False(t, returned)
	assert.Empty(t, agent.Calls())
}

func TestCancelledBeforeTheEnd(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	ctx, cancel := context.WithCancel(t.Context())
	err := charm.Run(ctx, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			defer cancel()
			return c.Relation(ev).Local().Set(ctx, "a", "1")
		})
	}, &charm.Options{Env: environ(t, events.PeerJoined{RelationRef: peers, Unit: "app/1"}), Runner: agent})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, agent.Calls(), "nothing is sent")
	assert.Len(t, agent.Logs(), 1, "what is to be said is said nevertheless")
}

func TestFailureToSend(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	agent.Leader = false
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Answer{Stdout: "true\n"}, call.Command == "is-leader" // lost since
	}
	_, err := run(t, agent, events.PeerJoined{RelationRef: peers, Unit: "app/1"}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			return c.Relation(ev).LocalApp().Set(ctx, "a", "1")
		})
	})
	require.ErrorIs(t, err, hookcmd.ErrNotLeader)
	require.Len(t, agent.Logs(), 1)
	assert.Contains(t, agent.Logs()[0], `ERROR cannot finish peers-relation-joined: cannot run "relation-set -r peers:1 --app --file -": cannot write relation settings`)
}

func TestActionWithoutHandler(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	_, err := run(t, agent, events.Action{Action: "ping", ID: "1"}, nothing)
	require.NoError(t, err, "Juju would replace the message")
	assert.Equal(t, []string{`action-fail -- action "ping" not implemented`}, agent.Calls())
}

func TestActionWithHandler(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	_, err := run(t, agent, events.Action{Action: "ping", ID: "1"}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.Action) error {
			return c.HookCommands().ActionFail(ctx, "no "+ev.Action+" today")
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{`action-fail -- no ping today`}, agent.Calls())
}

func TestWarningAboutEventsOfTheOtherKind(t *testing.T) {
	t.Parallel()
	db := events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}
	peerHandler := func(c *charm.Charm) {
		charm.OnRelation(c, "db", func(context.Context, events.PeerChanged) error { return nil })
	}
	relationHandler := func(c *charm.Charm) {
		charm.OnRelation(c, "peers", func(context.Context, events.RelationCreated) error { return nil })
	}
	for _, row := range []struct {
		ev       events.Event
		register func(*charm.Charm)
		want     []string
	}{
		{events.RelationChanged{RelationRef: db}, peerHandler, []string{"WARNING no handler of this endpoint takes events of its kind: " +
			"peer endpoints have Peer events, others Relation events endpoint=db event=events.RelationChanged"}},
		{events.PeerJoined{RelationRef: peers, Unit: "app/1"}, relationHandler, []string{"WARNING no handler of this endpoint takes events of its kind: " +
			"peer endpoints have Peer events, others Relation events endpoint=peers event=events.PeerJoined"}},
		{events.PeerJoined{RelationRef: peers, Unit: "app/1"}, peerHandler, nil},
		{events.RelationChanged{RelationRef: db}, func(c *charm.Charm) {
			charm.OnRelation(c, "db", func(context.Context, events.RelationJoined) error { return nil })
		}, nil},
		{events.RelationChanged{RelationRef: db}, func(c *charm.Charm) {
			peerHandler(c)
			charm.On(c, status[events.RelationEvent](c, "called"))
		}, nil},
	} {
		agent := testagent.Peers(1)
		_, err := run(t, agent, row.ev, row.register)
		require.NoError(t, err)
		assert.Equal(t, row.want, agent.Logs(), "of %#v", row.ev)
	}
}

func TestFailedActionTellsTheOperator(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	stderr, err := run(t, agent, events.Action{Action: "ping", ID: "1"}, func(c *charm.Charm) {
		charm.OnDispatch(c, func(context.Context, events.Event) error { return errTest })
	})
	require.ErrorIs(t, err, errTest)
	assert.Contains(t, stderr, "no room\n")
	assert.Len(t, agent.Logs(), 1)
}

func TestLogEvents(t *testing.T) {
	t.Parallel()
	for ev, want := range map[events.Event]string{
		events.PeerJoined{RelationRef: peers, Unit: "app/1"}: "DEBUG Emitting Juju event peers_relation_joined.",
		events.Action{Action: "get-primary", ID: "1"}:        "DEBUG Emitting Juju event get_primary_action.",
	} {
		agent := testagent.Peers(1)
		_, err := run(t, agent, ev, (*charm.Charm).LogEvents)
		require.NoError(t, err)
		assert.Equal(t, []string{want}, agent.Logs())
	}
}

func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	for variable, env := range map[string][]string{
		"JUJU_UNIT_NAME":     {"JUJU_DISPATCH_PATH=hooks/install"},
		"JUJU_DISPATCH_PATH": {"JUJU_UNIT_NAME=app/0"},
		"JUJU_RELATION_ID": {"JUJU_UNIT_NAME=app/0", "JUJU_DISPATCH_PATH=hooks/db-relation-created",
			"JUJU_RELATION=db", "JUJU_RELATION_ID=x", "JUJU_REMOTE_APP=mysql"},
	} {
		err := charm.Run(t.Context(), func(*charm.Charm) { t.Error("registered") }, &charm.Options{Env: env, Runner: agent})
		require.ErrorContains(t, err, variable)
		assert.Contains(t, agent.Logs()[len(agent.Logs())-1], "ERROR cannot parse event: "+variable)
	}
}

func TestHookLink(t *testing.T) {
	t.Parallel()
	for args, env := range map[string][]string{
		"/charm/hooks/install": {"JUJU_UNIT_NAME=app/0"},
		"/charm/hooks/stop":    {"JUJU_UNIT_NAME=app/0", "JUJU_HOOK_NAME=install"},
	} {
		var got events.Event
		err := charm.Run(t.Context(), func(c *charm.Charm) {
			charm.On(c, func(_ context.Context, ev events.Hook) error { got = ev; return nil })
		}, &charm.Options{Args: []string{args}, Env: env, Runner: &testagent.Agent{}})
		require.NoError(t, err)
		assert.Equal(t, events.Install{}, got, "of %s in %s", args, env)
	}
}

func TestReenteredDispatchDoesNothing(t *testing.T) {
	t.Parallel()
	env := environ(t, events.Install{})
	var inner []string
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Install) error { inner = append(inner, "called"); return nil })
	}
	again := append(env, "CHARMSMITH_DISPATCH=app/0-test-0123456789abcdef0123456789abcdef")
	require.NoError(t, charm.Run(t.Context(), register, &charm.Options{Env: again, Runner: &testagent.Agent{}}))
	assert.Empty(t, inner)
	other := append(env, "CHARMSMITH_DISPATCH=app/0-install-of-long-ago")
	require.NoError(t, charm.Run(t.Context(), register, &charm.Options{Env: other, Runner: &testagent.Agent{}}))
	assert.Equal(t, []string{"called"}, inner)
}
