// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// hookOf returns an entry of a hook that took 12 ms.
func hookOf(unit, hook, remote, result string, changes ...timeline.Change) timeline.Entry {
	return timeline.Entry{Kind: "hook", Start: 0.518, End: 0.53, Unit: unit, Hook: hook, Remote: remote, Result: result, Changes: changes}
}

func TestViewLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newView(&out, false, false)
	v.start(beginning{"4.1.0", "iaas", 42, 2})
	v.start(beginning{"3.6.26", "caas", 7, 1})
	v.entry(hookOf("hello/0", "install", "", "ok"))
	v.entry(hookOf("hello/0", "friends-relation-joined", "hello/1", "ok",
		timeline.Change{Kind: "databag", Owner: "hello/0", Relation: "friends:0", Key: "greeting", Old: "old", New: "new"},
		timeline.Change{Kind: "databag", Owner: "hello", Relation: "friends:0", Key: "first", New: "new"},
		timeline.Change{Kind: "databag", Owner: "hello/0", Relation: "friends:0", Key: "gone", Old: "old"},
		timeline.Change{Kind: "status", Owner: "hello/0", Old: "waiting", New: "active: ready"},
		timeline.Change{Kind: "application status", Owner: "hello", Old: "unknown", New: "blocked"},
		timeline.Change{Kind: "port", Owner: "hello/0", Key: "80/tcp", New: "open"},
		timeline.Change{Kind: "port", Owner: "hello/0", Key: "81/tcp", Old: "open"},
		timeline.Change{Kind: "secret", Owner: "hello/0", Key: "secret:9m4e", New: `added as "key"`},
		timeline.Change{Kind: "state", Owner: "hello/0", Key: "seen", New: "12 bytes"},
		timeline.Change{Kind: "version", Owner: "hello/0", Old: "1", New: "2"},
		timeline.Change{Kind: "storage", Owner: "hello/0", Key: "data/0", New: "added"},
	))
	v.entry(timeline.Entry{Kind: "note", Start: 1.5, Text: "remove unit hello/2"})
	v.entry(hookOf("hello-world/10", "stop", "", "skipped"))
	v.entry(hookOf("hello/0", "stop", "", "flush refused"))
	v.line("settle")
	v.settled(0)
	v.settled(1)
	v.settled(0)
	assert.Equal(t, `Juju 4.1.0 (machines), seed 42, 2 hooks at once
Juju 3.6.26 (Kubernetes), seed 7, 1 hook at once
  0.53s  hello/0   install                                 ok         12ms
  0.53s  hello/0   friends-relation-joined hello/1         ok         12ms
         databag friends:0 hello/0 greeting: "old" → "new"
         databag friends:0 hello first: "new"
         databag friends:0 hello/0 gone: "old" → deleted
         status: active: ready
         application status hello: blocked
         port 80/tcp: open
         port 81/tcp: open → closed
         secret secret:9m4e: added as "key"
         state seen: 12 bytes
         version: "1" → "2"
         storage data/0: added
  1.50s  -- remove unit hello/2
  0.53s  hello-world/10  stop                                    skipped    12ms
  0.53s  hello/0         stop                                    FLUSH REFUSED    12ms
> settle
settled: 4 hooks in 12ms
settled: 0 hooks in 0.0ms
`, out.String())
}

func TestViewFailure(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newView(&out, false, false)
	e := hookOf("hello/0", "install", "", "failed")
	e.Error = "exit status 1"
	for i := range 20 {
		e.Stderr += fmt.Sprintf("line %d\x1b[2J\tx\n", i)
	}
	v.entry(e)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	assert.Contains(t, lines[0], "FAILED")
	assert.Equal(t, "         error: exit status 1", lines[1])
	assert.Equal(t, `         | line 0\x1b[2J    x`, lines[2])
	assert.Equal(t, "         | … 9 lines …", lines[5])
	assert.Equal(t, `         | line 12\x1b[2J    x`, lines[6])
	assert.Equal(t, `         | line 19\x1b[2J    x`, lines[13])
	assert.Len(t, lines, 14)
}

func TestViewShowsHookCommandsThatItIsGiven(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := hookOf("hello/0", "install", "", "ok")
	e.Commands = []string{"is-leader", "status-set active \x1b[31m"}
	newView(&out, false, true).entry(e)
	assert.Contains(t, out.String(), "\n         $ is-leader\n         $ status-set active \\x1b[31m\n")
}

func TestViewLeavesOutChanges(t *testing.T) {
	t.Parallel()
	changes := make([]timeline.Change, 100)
	for i := range changes {
		changes[i] = timeline.Change{Kind: "state", Owner: "hello/0", Key: fmt.Sprint("k", i), New: "1 bytes"}
	}
	for _, test := range []struct {
		verbose    bool
		changes    int
		lines      int
		mentioning string
	}{
		{false, 100, maxChanges + 2, "… and 80 more changes"},
		{false, maxChanges + 1, maxChanges + 2, "state k20"},
		{true, 100, 101, "state k99"},
	} {
		var out bytes.Buffer
		newView(&out, false, test.verbose).entry(hookOf("hello/0", "install", "", "ok", changes[:test.changes]...))
		assert.Equal(t, test.lines, strings.Count(out.String(), "\n"), "%+v", test)
		assert.Contains(t, out.String(), test.mentioning, "%+v", test)
	}
}

// A terminal gets nothing from a charm that it acts upon, whatever it sets.
func TestViewOfHostileValues(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\u009b31m\r\n\a\x00\u202e"
	var out bytes.Buffer
	v := newView(&out, false, true)
	v.start(beginning{Juju: evil})
	var changes []timeline.Change
	for _, kind := range []string{"databag", "status", "application status", "port", "secret", "state", "version", "storage", evil} {
		changes = append(changes, timeline.Change{Kind: kind, Owner: evil, Relation: evil, Key: evil, Old: evil + "1", New: evil},
			timeline.Change{Kind: kind, Owner: evil, Relation: evil, Key: evil, Old: evil})
	}
	e := hookOf(evil, evil, evil, evil, changes...)
	e.Error, e.Stderr, e.Commands = evil, evil, []string{evil}
	v.entry(e)
	v.entry(timeline.Entry{Kind: "note", Text: evil})
	v.line(evil)
	_, _ = v.Write([]byte(evil + "\n" + evil))
	v.idle()
	v.problem(evil, evil)
	v.end(ending{
		failures: []desk.Failure{{Unit: evil, Hook: evil, Err: errors.New(evil), Stderr: evil}},
		kept:     evil, timeline: evil, unconnectable: []string{evil + " " + evil},
	})
	for _, c := range []string{"\x1b", "\u009b", "\r", "\a", "\x00", "\u202e"} {
		assert.NotContains(t, out.String(), c)
	}
	assert.Contains(t, out.String(), `\x1b[2J`)
}

func TestViewColors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newView(&out, true, false)
	v.entry(hookOf("hello/0", "install", "", "ok"))
	v.entry(hookOf("hello/0", "install", "", "failed"))
	v.entry(timeline.Entry{Kind: "note", Text: "x"})
	assert.Contains(t, out.String(), "\x1b[32mok\x1b[0m    ")
	assert.Contains(t, out.String(), "\x1b[31mFAILED\x1b[0m ")
	assert.Contains(t, out.String(), "\x1b[2m-- x\x1b[0m\n")
}

func TestViewPrintsOutputByLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newView(&out, true, false)
	for _, part := range []string{"a\x1b[3", "1mb\xe2\x86", "\x92\n\nc"} {
		n, err := v.Write([]byte(part))
		assert.NoError(t, err)
		assert.Equal(t, len(part), n)
	}
	assert.Equal(t, "a\x1b[31mb→\x1b[0m\n\n", out.String())
	v.idle()
	assert.Equal(t, "a\x1b[31mb→\x1b[0m\n\nc\n", out.String())
	_, _ = v.Write(bytes.Repeat([]byte("x"), maxPending+1))
	assert.Equal(t, strings.Repeat("x", maxPending+1)+"\n", strings.TrimPrefix(out.String(), "a\x1b[31mb→\x1b[0m\n\nc\n"))
}

func TestProblems(t *testing.T) {
	t.Parallel()
	var out, problems, above bytes.Buffer
	v := newView(&out, false, false)
	v.errors = &problems
	v.problem("cannot build:\nmain.go:3: \x1bwrong\n", "settle")
	assert.Equal(t, "charmsmith: cannot build:\n  main.go:3: \\x1bwrong\n", problems.String())
	v.promptAt(&above)
	v.problem("cannot do it", "")
	assert.Equal(t, "charmsmith: cannot do it\n", above.String(), "what is beside a prompt is above it")
	assert.Empty(t, out.String())
}

// Warnings are for whoever looks at standard error only, too.
func TestWarnings(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	v := newView(&out, false, false)
	v.errors = &problems
	warning := timeline.Entry{Kind: timeline.KindNote, Start: 1, Text: "warning: app: \x1bodd"}
	v.entry(warning)
	assert.Equal(t, "charmsmith: warning: app: \\x1bodd\n", problems.String())
	assert.Empty(t, out.String())
	problems.Reset()
	newJSONLines(&out, &problems).entry(warning)
	assert.Equal(t, "charmsmith: warning: app: \\x1bodd\n", problems.String())
	assert.Contains(t, out.String(), `"kind":"note"`)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	running := []desk.Running(nil)
	v := newView(&out, false, false)
	v.progress.running = func() []desk.Running { return running }
	columns := 80
	draw := func() string {
		out.Reset()
		v.progress.width = func() int { return columns }
		v.draw()
		v.progress.width = nil // no ticker
		return out.String()
	}

	assert.Empty(t, draw(), "nothing is waited for")
	v.busy("deploying ./hello\x1b")
	assert.Equal(t, "\r⠙ deploying ./hello\\x1b\x1b[K", draw())
	running = []desk.Running{{Unit: "hello/0", Hook: "install", For: 1200 * time.Millisecond}, {Unit: "hello/1", Hook: "start", For: time.Millisecond}}
	assert.Equal(t, "\r⠹ running: hello/0 install 1.2s, hello/1 start 1.0ms\x1b[K", draw())

	out.Reset()
	v.entry(hookOf("hello/0", "install", "", "ok"))
	assert.True(t, strings.HasPrefix(out.String(), "\r\x1b[K  0.53s"), "it is erased before other output: %q", out.String())
	out.Reset()
	v.entry(hookOf("hello/0", "start", "", "ok"))
	assert.True(t, strings.HasPrefix(out.String(), "  0.53s"), "but once: %q", out.String())
	assert.Equal(t, "\r⠸ 2 hooks ran, running: hello/0 install 1.2s, hello/1 start 1.0ms\x1b[K", draw())
	columns = 20
	assert.Equal(t, "\r⠼ 2 hooks ran, run…\x1b[K", draw(), "the last column stays free")

	out.Reset()
	v.idle()
	assert.Equal(t, "\r\x1b[K", out.String())
	assert.Empty(t, draw())

	v.busy("settling")
	v.settled(5)
	running = nil
	assert.Equal(t, "\r⠴ settling…", strings.TrimSuffix(draw(), "\x1b[K")+"…", "the hooks are counted anew")
	v.promptAt(&out)
	assert.Empty(t, draw(), "a prompt is there")
}

// signalWriter tells what is written, if somebody waits for it.
type signalWriter struct{ written chan string }

func (w signalWriter) Write(p []byte) (int, error) {
	select {
	case w.written <- string(p):
	default:
	}
	return len(p), nil
}

func TestProgressIsDrawnByItself(t *testing.T) {
	t.Parallel()
	out := signalWriter{make(chan string, 1)}
	v := newView(out, false, false)
	v.progress.width = func() int { return 80 }
	v.busy("settling")
	v.busy("settling more")
	assert.Contains(t, <-out.written, "settling")
	v.idle()
	v.idle()
}
