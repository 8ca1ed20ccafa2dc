// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// metadata is of a charm that has everything that could be told by mistake.
const metadata = `
type: charm
name: traced
summary: A charm for tests.
description: It is traced.
requires: {tracing: {interface: tracing, limit: 1, optional: true}, db: {interface: sql, optional: true}}
config: {options: {password: {type: string, default: ""}}}
actions: {reset: {params: {password: {type: string}}}}
`

const hush = "hunter2" // in all that must not be told

// leaky does what it can to have a value told: it writes, reads and logs it, and
// fails with it in every way.
type leaky struct{ *charm.Charm }

func (l *leaky) spread(ctx context.Context) (text string, err error) {
	tools := l.HookCommands()
	config, err := tools.ConfigGet(ctx)
	if err != nil {
		return "", err
	}
	uri, err := tools.SecretAdd(ctx, map[string]hookcmd.SecretValue{"password": hookcmd.NewSecretValue(hush)}, &hookcmd.SecretSettings{Label: hush})
	if err != nil {
		return "", err
	}
	content, err := tools.SecretGet(ctx, hookcmd.SecretLookup{ID: uri}, hookcmd.SecretPeek)
	if err != nil {
		return "", err
	}
	err = errors.Join(
		tools.StateSet(ctx, map[string]string{hush: hush}),
		tools.StatusSet(ctx, "active", hush),
	)
	l.Logger().Error(hush, "password", hush)
	_, failure := tools.SecretGet(ctx, hookcmd.SecretLookup{Label: hush + "-unknown"}, hookcmd.SecretTracked)
	return fmt.Sprint(config, content, failure), err
}

func (l *leaky) changed(ctx context.Context, ev events.RelationChanged) error {
	rel := l.Relation(ev)
	password, err := rel.RemoteApp().Get(ctx, "password")
	if err != nil {
		return err
	}
	if err := rel.Local().Set(ctx, "password", password); err != nil {
		return err
	}
	text, err := l.spread(ctx)
	if err != nil {
		return err
	}
	ctx, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("mine").Start(ctx, "mine")
	defer span.End()
	span.RecordError(errors.New(text), trace.WithStackTrace(true))
	span.SetStatus(codes.Error, text)
	_ = ctx
	return nil
}

func (l *leaky) fail(ctx context.Context, _ events.Stop) error {
	text, err := l.spread(ctx)
	return errors.Join(err, errors.New(text))
}

func (l *leaky) panic(ctx context.Context, _ events.UpdateStatus) error {
	text, _ := l.spread(ctx)
	_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("mine").Start(ctx, "mine")
	defer span.End() // which records a panic
	panic(text)
}

func (l *leaky) missing(ctx context.Context, _ events.Start) error {
	_, err := l.HookCommands().SecretGet(ctx, hookcmd.SecretLookup{Label: hush + "-missing"}, hookcmd.SecretTracked)
	return fmt.Errorf("%s: %w", hush, err)
}

func (l *leaky) reset(ctx context.Context, ev events.Action) error {
	params, err := l.HookCommands().ActionGet(ctx)
	if err != nil {
		return err
	}
	return errors.Join(l.HookCommands().ActionSet(ctx, map[string]string{"password": hush}), fmt.Errorf("%s: %v", params, ev))
}

// Nothing that a charm reads, writes or says is sent, nor kept in the charm's
// directory.
func TestNoValueIsTold(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprint("text=", text, ",away=", away), func(t *testing.T) {
				t.Parallel()
				testNoValueIsTold(t, text, away)
			})
		}
	}
}

func testNoValueIsTold(t *testing.T, text, away bool) {
	c, dir := newCollector(t), t.TempDir()
	h := charmtest.New(t, func(c *charm.Charm) {
		charmotel.Trace(c, &charmotel.Options{Relation: "tracing", Dir: dir})
		l := &leaky{c}
		charm.OnRelation(c, "db", l.changed)
		charm.On(c, l.fail)
		charm.On(c, l.panic)
		charm.On(c, l.missing)
		charm.On(c, l.reset)
	}, &charmtest.Options{Metadata: metadata, Leader: true, Config: map[string]any{"password": hush}, TextOnly: text})
	h.Relate("tracing", "tempo").UpdateApp(map[string]string{"receivers": receivers(c.url), "note": hush})
	if away {
		c.answer(503)
	}
	db := h.Relate("db", "mysql")
	db.UpdateApp(map[string]string{"password": hush})
	require.Equal(t, hush, db.Local()["password"], "the charm has read it")
	for _, ev := range []events.Event{events.Stop{}, events.UpdateStatus{}, events.Start{}} {
		err := h.Try(func() { h.Emit(ev) })
		require.ErrorContains(t, err, hush, "the charm fails with it")
	}
	require.Equal(t, "error", outcome(h.RunAction("reset", map[string]any{"password": hush})))
	if away {
		files := kept(t, dir)
		require.GreaterOrEqual(t, len(files), 6)
		for _, path := range files {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.NotContains(t, string(content), hush)
		}
		c.answer(0)
		h.Emit(events.ConfigChanged{})
	}
	assert.NotContains(t, string(c.bytes()), hush)

	spans := c.take()
	stop := named(t, spans, "stop")
	assert.Equal(t, tracepb.Status_STATUS_CODE_ERROR, stop.Status.Code)
	assert.Empty(t, stop.Status.Message)
	const leakyName = "github.com/charmsmith/charmsmith/charmotel_test.(*leaky)."
	assert.Equal(t, leakyName+"fail", stop.attributes["error.handler"])
	assert.Equal(t, "*errors.errorString", stop.attributes["error.type"])
	assert.Equal(t, "*errors.errorString", named(t, spans, "stop: "+leakyName+"fail").attributes["error.type"])
	assert.Equal(t, "panic", named(t, spans, "update_status: "+leakyName+"panic").attributes["error.type"])
	assert.Equal(t, "panic", named(t, spans, "update_status").attributes["error.type"])
	start := named(t, spans, "start: "+leakyName+"missing").attributes
	assert.Equal(t, "*hookcmd.Error secret-get 1 secret not found",
		fmt.Sprint(start["error.type"], " ", start["error.hook_command"], " ", start["error.exit_code"], " ", start["error.condition"]))
	mine := 0
	for _, s := range spans {
		if s.Name == "mine" && len(s.Events) > 0 {
			mine++
			assert.Equal(t, "exception", s.Events[0].Name)
			assert.Len(t, values(s.Events[0].Attributes), 1)
			assert.Contains(t, values(s.Events[0].Attributes), "exception.type")
		}
	}
	assert.Equal(t, 2, mine, "the charm's own spans with an error")
	for _, command := range []string{"secret-add", "action-get", "action-set", "relation-set", "config-get", "state-set", "status-set"} {
		assert.Contains(t, names(spans), command)
	}
	assert.NotContains(t, names(spans), "juju-log")
}

// outcome tells how an action ended for the agent.
func outcome(r charmtest.ActionResult) string {
	if r.Err != nil {
		return "error"
	}
	return r.Status
}

// kept returns the requests that wait in a directory, the oldest first.
func kept(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.otlp"))
	require.NoError(t, err)
	return files
}

// receivers is what a provider of the interface tracing tells.
func receivers(url string) string {
	return `[{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "localhost:4317"},
		{"protocol": {"name": "otlp_http", "type": "http"}, "url": "` + url + `"}]`
}
