// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

// spansDir is where the spans of a unit wait.
func (u *unit) spansDir() string { return filepath.Join(u.dir, ".charmsmith-tracing") }

// unreachable returns a URL where nothing listens.
func unreachable(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return "http://" + l.Addr().String()
}

// warnings returns the lines of the log that are warnings, or more.
func warnings(agent *testagent.Agent) []string {
	var found []string
	for _, line := range agent.Logs() {
		if !strings.HasPrefix(line, "INFO ") && !strings.HasPrefix(line, "DEBUG ") {
			found = append(found, line)
		}
	}
	return found
}

// What the collector does not take waits, and is sent by the next dispatch.
func TestAway(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	u := newUnit(t, agent, c.url, nil)
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusNotFound, http.StatusUnauthorized, http.StatusMovedPermanently} {
		c.answer(status)
		require.NoError(t, u.run(joined))
		assert.Equal(t, 1, c.asked(), "the rest is not tried")
	}
	assert.Equal(t, []string{`WARNING cannot trace error="the collector answered 503 Service Unavailable"`}, warnings(agent), "one for all")
	files := kept(t, u.spansDir())
	require.Len(t, files, 4)
	for _, path := range files {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	info, err := os.Stat(u.spansDir())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	c.answer(0)
	require.NoError(t, u.run(events.ConfigChanged{}))
	spans := c.take()
	assert.Len(t, spans, 4*4+1)
	assert.Equal(t, "config_changed", spans[len(spans)-1].Name, "the oldest come first")
	assert.Less(t, spans[0].StartTimeUnixNano, spans[4].StartTimeUnixNano)
	assert.Empty(t, kept(t, u.spansDir()))

	c.answer(http.StatusServiceUnavailable)
	require.NoError(t, u.run(joined))
	assert.Len(t, warnings(agent), 2, "it worked in between")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	u := newUnit(t, agent, unreachable(t), nil)
	require.NoError(t, u.run(joined))
	require.ErrorIs(t, u.run(events.Stop{}), errTest, "the dispatch ends as it would")
	assert.Len(t, kept(t, u.spansDir()), 2)
	logs := warnings(agent)
	require.Len(t, logs, 2)
	assert.Regexp(t, `^WARNING cannot trace error=.*connection refused`, logs[0])
	assert.Regexp(t, `^ERROR cannot handle stop`, logs[1])
}

// A collector that never answers costs the limit of time once, not in each
// dispatch of a burst.
func TestHangingCollector(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	c.hang = make(chan struct{})
	t.Cleanup(func() { close(c.hang) })
	u := newUnit(t, agent, c.url, &charmotel.Options{Timeout: 500 * time.Millisecond})
	for range 5 {
		require.NoError(t, u.run(joined))
	}
	assert.LessOrEqual(t, c.asked(), 1, "none if it took longer to connect")
	assert.Len(t, kept(t, u.spansDir()), 5)
	assert.Len(t, warnings(agent), 1)
}

// Spans that the collector will never take do not keep others from it.
func TestRefused(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	u := newUnit(t, agent, c.url, nil)
	c.answer(http.StatusBadRequest)
	require.NoError(t, u.run(joined))
	assert.Empty(t, kept(t, u.spansDir()))
	assert.Equal(t, []string{`WARNING cannot trace error="the collector refuses spans, which are dropped: 400 Bad Request"`}, warnings(agent))
	c.answer(0)
	require.NoError(t, u.run(joined))
	assert.Len(t, c.take(), 4)
}

func TestMaxBytes(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.answer(http.StatusServiceUnavailable)
	probe := newUnit(t, testagent.Peers(1), c.url, nil)
	require.NoError(t, probe.run(joined))
	info, err := os.Stat(kept(t, probe.spansDir())[0])
	require.NoError(t, err)

	u := newUnit(t, testagent.Peers(1), c.url, &charmotel.Options{MaxBytes: 3*info.Size() + info.Size()/2})
	require.NoError(t, u.run(joined))
	first := kept(t, u.spansDir())[0]
	for range 4 {
		require.NoError(t, u.run(joined))
	}
	files := kept(t, u.spansDir())
	assert.Len(t, files, 3)
	assert.NotContains(t, files, first, "the oldest is dropped first")

	agent := testagent.Peers(1)
	tiny := newUnit(t, agent, c.url, &charmotel.Options{MaxBytes: 10})
	require.NoError(t, tiny.run(joined))
	assert.Empty(t, kept(t, tiny.spansDir()))
	require.Len(t, warnings(agent), 1)
	assert.Contains(t, warnings(agent)[0], "the spans of this dispatch are lost")
	c.answer(0)
	require.NoError(t, tiny.run(joined))
	assert.Len(t, c.take(), 4, "what cannot wait is sent nevertheless")
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.answer(http.StatusServiceUnavailable)
	u := newUnit(t, testagent.Peers(1), c.url, &charmotel.Options{MaxAge: time.Hour})
	require.NoError(t, u.run(joined))
	require.NoError(t, u.run(joined))
	old := kept(t, u.spansDir())[0]
	past := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(old, past, past))
	require.NoError(t, u.run(joined))
	assert.Len(t, kept(t, u.spansDir()), 2)
	assert.NoFileExists(t, old)
}

// What a process left that was killed while it wrote is never sent.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	u := newUnit(t, testagent.Peers(1), c.url, nil)
	require.NoError(t, os.Mkdir(u.spansDir(), 0o700))
	fresh, stale := filepath.Join(u.spansDir(), "unfinished-1"), filepath.Join(u.spansDir(), "unfinished-2")
	foreign := filepath.Join(u.spansDir(), "README")
	for _, path := range []string{fresh, stale, foreign} {
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(u.spansDir(), "notes.json"), []byte(`{"failing": tr`), 0o600))
	past := time.Now().Add(-2 * time.Minute)
	require.NoError(t, os.Chtimes(stale, past, past))
	require.NoError(t, u.run(joined))
	assert.Len(t, c.take(), 4)
	assert.FileExists(t, fresh, "another process may be writing it")
	assert.NoFileExists(t, stale)
	assert.FileExists(t, foreign)
}

// Without a directory to wait in, spans are sent, or lost with a warning.
func TestNoDirectory(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	u := newUnit(t, agent, c.url, nil)
	u.dir = filepath.Join(u.dir, "missing")
	require.NoError(t, u.run(joined))
	assert.Len(t, c.take(), 4)
	assert.Empty(t, warnings(agent))
	c.answer(http.StatusServiceUnavailable)
	require.NoError(t, u.run(joined))
	require.Len(t, warnings(agent), 1)
	assert.Contains(t, warnings(agent)[0], "503 Service Unavailable; the spans of this dispatch are lost: cannot keep them: ")
	assert.NoDirExists(t, u.dir, "the charm's directory is not made")
}

// A dispatch that is told to end keeps its spans, and asks nobody.
func TestToldToEnd(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	ctx, cancel := context.WithCancel(t.Context())
	u := newUnit(t, agent, c.url, nil)
	u.register = func(c *charm.Charm) {
		charmotel.Trace(c, nil)
		charm.On(c, func(ctx context.Context, _ events.PeerJoined) error {
			cancel()
			return ctx.Err()
		})
	}
	require.ErrorIs(t, u.runIn(ctx, joined), context.Canceled)
	assert.Zero(t, c.asked())
	assert.Len(t, kept(t, u.spansDir()), 1)
	assert.Len(t, warnings(agent), 1, "that of the handler: %q", warnings(agent))

	require.NoError(t, u.run(events.Start{}))
	assert.Equal(t, "context canceled", named(t, c.take(), "peers_relation_joined").attributes["error.condition"])
}

// Texts that protobuf cannot hold fail no dispatch.
func TestInvalidText(t *testing.T) {
	t.Parallel()
	c, agent := newCollector(t), testagent.Peers(1)
	u := newUnit(t, agent, c.url, nil)
	u.register = func(c *charm.Charm) {
		charmotel.Trace(c, nil)
		charm.On(c, func(ctx context.Context, _ events.PeerJoined) error {
			tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("a\xff", trace.WithInstrumentationVersion("\xff"))
			_, span := tracer.Start(ctx, "b\xff", trace.WithLinks(trace.Link{
				SpanContext: trace.SpanContextFromContext(ctx), Attributes: []attribute.KeyValue{attribute.String("\xff", "\xff")}}))
			span.SetAttributes(attribute.String("bad", "\xff\x00"), attribute.StringSlice("worse", []string{"c", "\xff"}))
			span.AddEvent("\xff", trace.WithAttributes(attribute.String("\xff", "\xff")))
			span.End()
			return nil
		})
	}
	u.env = append(u.env, "JUJU_MODEL_NAME=\xff")
	require.NoError(t, u.run(joined))
	span := named(t, c.take(), "b\ufffd")
	assert.Equal(t, "\ufffd\x00", span.attributes["bad"])
	assert.Equal(t, "\ufffd", span.resource["juju_model"])
	assert.Empty(t, warnings(agent))
}
