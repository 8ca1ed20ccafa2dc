// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// logged returns the lines of Juju's log that do writes.
func logged(t *testing.T, do func(*slog.Logger)) []string {
	t.Helper()
	agent := &testagent.Agent{}
	within(t, agent, func(_ context.Context, c *charm.Charm) { do(c.Logger()) })
	return agent.Logs()
}

func TestLog(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y int }
	for _, row := range []struct {
		want string
		do   func(*slog.Logger)
	}{
		{"INFO ready", func(l *slog.Logger) { l.Info("ready") }},
		{"DEBUG ready", func(l *slog.Logger) { l.Debug("ready") }},
		{"WARNING ready", func(l *slog.Logger) { l.Warn("ready") }},
		{"ERROR ready", func(l *slog.Logger) { l.Error("ready") }},
		{"ERROR ready", func(l *slog.Logger) { l.Log(context.Background(), slog.LevelError+4, "ready") }},
		{"INFO -x --help", func(l *slog.Logger) { l.Info("-x --help") }},
		{"INFO two\nlines", func(l *slog.Logger) { l.Info("two\nlines") }},
		{`INFO ready unit=app/1 n=2 text="a b"`, func(l *slog.Logger) { l.Info("ready", "unit", "app/1", "n", 2, "text", "a b") }},
		{"INFO ready a=1 b=2", func(l *slog.Logger) { l.With("a", 1).Info("ready", "b", 2) }},
		{"INFO ready g.a=1 g.h.b=2", func(l *slog.Logger) { l.WithGroup("g").With("a", 1).WithGroup("h").Info("ready", "b", 2) }},
		{"INFO ready level=high msg=x time=now", func(l *slog.Logger) { l.Info("ready", "level", "high", "msg", "x", "time", "now") }},
		{`INFO ready p="{X:1 Y:2}"`, func(l *slog.Logger) { l.Info("ready", "p", point{1, 2}) }},
		{"INFO ready password=[redacted]", func(l *slog.Logger) { l.Info("ready", "password", hookcmd.NewSecretValue("hunter2")) }},
		{"INFO a\ufffdb\ufffdc", func(l *slog.Logger) { l.Info("a\x00b\xffc") }},
	} {
		assert.Equal(t, []string{row.want}, logged(t, row.do))
	}
	assert.Empty(t, logged(t, func(l *slog.Logger) { l.Info("") }), "Juju refuses empty lines")
	assert.Empty(t, logged(t, func(l *slog.Logger) { l.Log(context.Background(), slog.LevelDebug-1, "x") }))
}

func TestLongLinesAreSplit(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("日本語", 30000) // 270 kB, no rune on a limit
	lines := logged(t, func(l *slog.Logger) { l.Info(text) })
	var joined strings.Builder
	for _, line := range lines {
		part := strings.TrimPrefix(line, "INFO ")
		assert.LessOrEqual(t, len(part), 64<<10)
		assert.True(t, utf8.ValidString(part))
		joined.WriteString(part)
	}
	assert.Equal(t, text, joined.String())
	assert.Len(t, lines, 5)
}

// Over the socket lines are posted, and must not overtake anything.
func TestLogKeepsItsPlaceAmongCommands(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	var all []string
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		all = append(all, call.Command+" "+call.Args[len(call.Args)-1])
		return hookcmdtest.Answer{}, false
	}
	server := newServer(t, agent)
	env := append(environ(t, events.UpdateStatus{}), server.Agent().Env...)
	err := charm.Run(t.Context(), func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			for i := range 20 {
				c.Logger().Info(fmt.Sprint("a", i))
				c.Logger().Info(fmt.Sprint("b", i))
				if err := c.SetStatus(ctx, charm.Active(fmt.Sprint("c", i))); err != nil {
					return err
				}
			}
			c.Logger().Info("last")
			return nil
		})
	}, &charm.Options{Env: env})
	require.NoError(t, err)
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint("juju-log a", i), fmt.Sprint("juju-log b", i), fmt.Sprint("status-set c", i))
	}
	assert.Equal(t, append(want, "juju-log last"), all)
}

func TestLogOnStandardErrorIfJujuTakesNone(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(1, "no more"), call.Command == "juju-log"
	}}
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.UpdateStatus) error {
			c.Logger().Info("ready")
			return errors.New("no room")
		})
	}
	stderr, err := run(t, agent, events.UpdateStatus{}, register)
	require.ErrorContains(t, err, "no room")
	assert.Contains(t, stderr, "INFO ready\n")
	assert.Regexp(t, `ERROR cannot handle update-status in .*: no room\n`, stderr)

	server := newServer(t, agent)
	env := append(environ(t, events.UpdateStatus{}), server.Agent().Env...)
	var posted strings.Builder
	require.Error(t, charm.Run(t.Context(), register, &charm.Options{Env: env, Stderr: &posted}))
	assert.Equal(t, stderr, posted.String(), "posted lines are not lost either")
}

// talkative logs when it is formatted.
type talkative struct{ l *slog.Logger }

func (v talkative) LogValue() slog.Value {
	v.l.Info("formatting")
	return slog.StringValue("done")
}

func TestLogOfAValueThatLogs(t *testing.T) {
	t.Parallel()
	lines := logged(t, func(l *slog.Logger) { l.Info("outer", "value", talkative{l}) })
	assert.Equal(t, []string{"INFO formatting", "INFO outer value=done"}, lines)
}

func TestRunLeavesTheDefaultLoggerAlone(t *testing.T) {
	t.Parallel()
	before := slog.Default()
	within(t, &testagent.Agent{}, func(context.Context, *charm.Charm) {
		assert.Same(t, before, slog.Default())
	})
}
