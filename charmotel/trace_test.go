// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const greetHandler = "github.com/charmsmith/charmsmith/charmotel_test.greet.func1"

func TestSpans(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(2)
	u := newUnit(t, agent, c.url, &charmotel.Options{Charm: "greeter"})
	require.NoError(t, u.run(joined))
	assert.Len(t, agent.Calls(), 2, "tracing runs no hook command: %q", agent.Calls())
	assert.Equal(t, []string{"INFO greeted"}, agent.Logs())

	spans := c.take()
	require.Equal(t, []string{
		"peers_relation_joined", "peers_relation_joined: " + greetHandler, "relation-get", "relation-set",
	}, names(spans))
	root, handler, get, set := spans[0], spans[1], spans[2], spans[3]
	assert.Empty(t, root.ParentSpanId)
	assert.Equal(t, root.SpanId, handler.ParentSpanId)
	assert.Equal(t, handler.SpanId, get.ParentSpanId)
	assert.Equal(t, root.SpanId, set.ParentSpanId, "what was kept back is sent after the handlers")
	for _, s := range spans {
		assert.Equal(t, root.TraceId, s.TraceId)
		assert.GreaterOrEqual(t, s.StartTimeUnixNano, root.StartTimeUnixNano, s.Name)
		assert.LessOrEqual(t, s.EndTimeUnixNano, root.EndTimeUnixNano, s.Name)
		assert.Equal(t, tracepb.Status_STATUS_CODE_UNSET, s.Status.GetCode())
		assert.Empty(t, s.Events)
	}
	assert.Equal(t, map[string]any{
		"event": "peers_relation_joined", "event_type": "hook", "relation": "peers:1", "remote_app": "app",
	}, root.attributes)
	assert.Equal(t, map[string]any{
		"event": "peers_relation_joined", "event_type": "hook", "relation": "peers:1", "remote_app": "app",
		"handler": greetHandler, "deferred": false,
	}, handler.attributes)
	assert.Empty(t, get.attributes)
	assert.Equal(t, "github.com/charmsmith/charmsmith/charmotel.test", root.resource["charm_type"])
	delete(root.resource, "charm_type")
	assert.Equal(t, map[string]any{
		"service.namespace": "deadbeef", "service.namespace.name": "test-model",
		"service.name": "app", "service.instance.id": "0", "charm": "greeter",
		"juju_model": "test-model", "juju_model_uuid": "deadbeef", "juju_application": "app", "juju_unit": "app/0",
	}, root.resource)
}

func TestNames(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	u := newUnit(t, testagent.Peers(0), c.url, nil)
	for _, ev := range []events.Event{
		events.ConfigChanged{}, events.Action{Action: "create-backup", ID: "1"},
		events.PebbleReady{WorkloadRef: events.WorkloadRef{Container: "web"}},
	} {
		require.NoError(t, u.run(ev))
	}
	spans := c.take()
	assert.Equal(t, []string{"config_changed", "create_backup_action", "action-fail", "web_pebble_ready"}, names(spans))
	assert.Equal(t, "action", spans[1].attributes["event_type"])
	assert.Equal(t, "charmotel.test", spans[0].resource["charm"], "without Options.Charm, of the program")
}

func TestParent(t *testing.T) {
	t.Parallel()
	const traceID, spanID = "80f198ee56343ba864fe8b2a57d3eff7", "ff00000000000000"
	for name, row := range map[string]struct {
		env   []string
		child bool
	}{
		"sampled":       {[]string{"JUJU_TRACE_ID=" + traceID, "JUJU_SPAN_ID=" + spanID, "JUJU_TRACE_FLAGS=1"}, true},
		"not sampled":   {[]string{"JUJU_TRACE_ID=" + traceID, "JUJU_SPAN_ID=" + spanID, "JUJU_TRACE_FLAGS=0"}, false},
		"no flags":      {[]string{"JUJU_TRACE_ID=" + traceID, "JUJU_SPAN_ID=" + spanID}, false},
		"bad trace":     {[]string{"JUJU_TRACE_ID=80f198", "JUJU_SPAN_ID=" + spanID, "JUJU_TRACE_FLAGS=1"}, false},
		"bad span":      {[]string{"JUJU_TRACE_ID=" + traceID, "JUJU_SPAN_ID=zz00000000000000", "JUJU_TRACE_FLAGS=1"}, false},
		"none":          {nil, false},
		"empty strings": {[]string{"JUJU_TRACE_ID=", "JUJU_SPAN_ID=", "JUJU_TRACE_FLAGS="}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t)
			u := newUnit(t, testagent.Peers(1), c.url, nil)
			u.env = append(u.env, row.env...)
			require.NoError(t, u.run(joined))
			root := c.take()[0]
			if row.child {
				assert.Equal(t, traceID+" "+spanID, fmt.Sprintf("%x %x", root.TraceId, root.ParentSpanId))
			} else {
				assert.NotEqual(t, traceID, fmt.Sprintf("%x", root.TraceId))
				assert.Empty(t, root.ParentSpanId)
			}
		})
	}
}

// Without a collector nothing is traced, nor written.
func TestOff(t *testing.T) {
	t.Parallel()
	u := newUnit(t, testagent.Peers(1), "", nil)
	charmotelWas := trace.SpanFromContext(t.Context())
	u.register = func(c *charm.Charm) {
		charmotel.Trace(c, nil)
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			assert.Equal(t, charmotelWas, trace.SpanFromContext(ctx))
			return nil
		})
	}
	require.NoError(t, u.run(events.Start{}))
	assert.NoDirExists(t, u.dir+"/.charmsmith-tracing")
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, opts := range []charmotel.Options{{Timeout: -1}, {MaxBytes: -1}, {MaxAge: -time.Second}} {
		u := newUnit(t, testagent.Peers(1), "", &opts)
		assert.Panics(t, func() { _ = u.run(events.Start{}) }, "options %+v", opts)
	}
}

// A charm adds spans by the context of its handlers; those of contexts that it
// makes itself, and of other goroutines, belong to the dispatch.
func TestOwnSpans(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	u := newUnit(t, testagent.Peers(1), c.url, nil)
	u.register = func(c *charm.Charm) {
		charmotel.Trace(c, nil)
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("my-charm")
			ctx, span := tracer.Start(ctx, "my part")
			defer span.End()
			if err := c.SetStatus(ctx, charm.Active("a")); err != nil {
				return err
			}
			_, err := c.IsLeader(context.Background())
			return err
		})
	}
	require.NoError(t, u.run(joined))
	spans := c.take()
	own := named(t, spans, "my part")
	handler := named(t, spans, "peers_relation_joined: github.com/charmsmith/charmsmith/charmotel_test.TestOwnSpans.func1.1")
	assert.Equal(t, handler.SpanId, own.ParentSpanId)
	assert.Equal(t, own.SpanId, named(t, spans, "status-set").ParentSpanId)
	assert.Equal(t, spans[0].SpanId, named(t, spans, "is-leader").ParentSpanId)
}

func TestManySpans(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	u := newUnit(t, testagent.Peers(1), c.url, nil)
	u.register = func(c *charm.Charm) {
		charmotel.Trace(c, nil)
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			for range 6000 {
				if err := c.HookCommands().StatusSet(ctx, "active", "x"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, u.run(events.Start{}))
	spans := c.take()
	assert.Len(t, spans, 5001)
	assert.Equal(t, 1001, named(t, spans, "start").attributes["spans_dropped"], "the last commands, and the handler")
}

func TestLogTraceID(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	u := newUnit(t, agent, c.url, &charmotel.Options{LogTraceID: true})
	require.NoError(t, u.run(events.Start{}))
	assert.Equal(t, []string{fmt.Sprintf("DEBUG Starting root trace with id='%x'.", c.take()[0].TraceId)}, agent.Logs())
}

// However a collector's URL is given, spans get to it.
func TestURLs(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"%s", "%s/", "%s/v1/traces", "%s?a=b", "HOST"} {
		c := newCollector(t)
		to := strings.Replace(form, "%s", c.url, 1)
		if form == "HOST" {
			to = strings.TrimPrefix(c.url, "http://")
		}
		u := newUnit(t, testagent.Peers(1), to, nil)
		require.NoError(t, u.run(events.Start{}))
		assert.Len(t, c.take(), 1, to)
	}
	for _, to := range []string{"ftp://localhost", "http://", "http://%zz", "http://local host"} {
		agent := testagent.Peers(1)
		u := newUnit(t, agent, to, nil)
		require.NoError(t, u.run(events.Start{}))
		require.NoError(t, u.run(events.Start{}))
		require.Len(t, agent.Logs(), 1, "one warning: %q", to)
		assert.Contains(t, agent.Logs()[0], "WARNING cannot trace error=\"cannot use the collector's URL: it must have the form", to)
	}
}

// A handler that fails besides has not deferred its event.
func TestDeferralWithFailure(t *testing.T) {
	t.Parallel()
	c, dir := newCollector(t), t.TempDir()
	h := charmtest.New(t, func(c *charm.Charm) {
		charmotel.Trace(c, &charmotel.Options{Relation: "tracing", Dir: dir})
		c.EnableDefer()
		charm.On(c, func(_ context.Context, _ events.ConfigChanged) error {
			return errors.Join(charm.Defer(hush), hookcmd.ErrResourceNotFound)
		})
	}, &charmtest.Options{Metadata: metadata, Leader: true})
	h.Relate("tracing", "tempo").UpdateApp(map[string]string{"receivers": receivers(c.url)})
	c.take()
	require.Error(t, h.Try(func() { h.Emit(events.ConfigChanged{}) }))
	span := named(t, c.take(), "config_changed: github.com/charmsmith/charmsmith/charmotel_test.TestDeferralWithFailure.func1.1")
	assert.NotContains(t, span.attributes, "defers")
	assert.Equal(t, tracepb.Status_STATUS_CODE_ERROR, span.Status.GetCode())
	assert.Equal(t, hookcmd.ErrResourceNotFound.Error(), span.attributes["error.condition"])
}

// A handler that defers its event has not failed.
func TestDeferral(t *testing.T) {
	t.Parallel()
	c, dir := newCollector(t), t.TempDir()
	ready := false
	h := charmtest.New(t, func(c *charm.Charm) {
		charmotel.Trace(c, &charmotel.Options{Relation: "tracing", Dir: dir})
		c.EnableDefer()
		charm.On(c, func(_ context.Context, _ events.ConfigChanged) error {
			if ready {
				return nil
			}
			return fmt.Errorf("not yet: %w", errors.Join(charm.Defer(hush)))
		})
	}, &charmtest.Options{Metadata: metadata, Leader: true})
	h.Relate("tracing", "tempo").UpdateApp(map[string]string{"receivers": receivers(c.url)})
	c.take()
	handler := "config_changed: github.com/charmsmith/charmsmith/charmotel_test.TestDeferral.func1.1"

	h.Emit(events.ConfigChanged{})
	first := named(t, c.take(), handler)
	assert.Equal(t, true, first.attributes["defers"])
	assert.Equal(t, false, first.attributes["deferred"])
	assert.Equal(t, tracepb.Status_STATUS_CODE_UNSET, first.Status.GetCode())
	assert.NotContains(t, first.String(), hush)

	ready = true
	h.Emit(events.UpdateStatus{})
	spans := c.take()
	second := named(t, spans, handler)
	assert.Equal(t, true, second.attributes["deferred"])
	assert.NotContains(t, second.attributes, "defers")
	assert.Equal(t, named(t, spans, "update_status").SpanId, second.ParentSpanId)
}
