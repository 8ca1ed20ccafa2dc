// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

func usageError(text string) error { return &desk.UsageError{Err: errors.New(text)} }

func expectError() error {
	return &desk.ExpectError{What: "hello", Status: "active", Got: juju.Status{Status: "error"}, Stderr: "first\nlast\x1b\n"}
}

func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// nth returns what fails when it is called for the n-th time.
func nth(n int, err error) func(context.Context) error {
	return func(context.Context) error {
		if n--; n == 0 {
			return err
		}
		return nil
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	stuck := &juju.SettleError{Steps: 1000, Reason: "it goes on"}
	failure := []desk.Failure{{Unit: "hello/0", Hook: "install", Err: errors.New("exit status 3"), Stderr: "no\n"}}
	three := []string{"--do", "add-unit hello", "--do", "expect hello active", "--do", "add-unit hello"}
	for _, test := range []struct {
		name   string
		model  *fakeModel
		args   []string
		exit   int
		calls  string
		stderr string
		stdout string
	}{
		{"nothing", &fakeModel{}, nil, 0, "deploy settle settle close close", "", "settled: 0 hooks in 0.0ms\n\nSTATUS\n"},
		{"lines", &fakeModel{}, three, 0, "deploy settle do settle do do settle close close", "", "> add-unit hello\n> expect hello active\n> add-unit hello\n\nSTATUS\n"},
		{"unit in error", &fakeModel{failed: failure}, nil, 1, "deploy settle settle close close", "", "\nhello/0 is in error: install: exit status 3\n  | no\n"},
		{"charm cannot be run", &fakeModel{deploy: always(errors.New("cannot build charm:\nmain.go:3"))}, nil, 2,
			"deploy settle close close", "charmsmith: cannot build charm:\n  main.go:3\n", "STATUS"},
		{"wrong line", &fakeModel{do: nth(1, usageError("there is no unit"))}, three, 2,
			"deploy settle do settle close close", `charmsmith: --do "add-unit hello": there is no unit` + "\n", "> add-unit hello\n\nSTATUS"},
		{"wrong line, and a unit in error", &fakeModel{do: nth(1, usageError("there is no unit")), failed: failure}, three, 2,
			"deploy settle do settle close close", `charmsmith: --do "add-unit hello": there is no unit` + "\n", "is in error"},
		{"expectation", &fakeModel{do: nth(2, expectError())}, three, 1, "deploy settle do settle do settle close close",
			`charmsmith: --do "expect hello active": ` + "expected hello to be active, but it is error\n  | first\n  | last\\x1b\n", "STATUS"},
		{"not settled", &fakeModel{settle: always(stuck)}, three, 1, "deploy settle close close",
			"charmsmith: the model does not settle: after 1000 hooks it goes on\n", "STATUS"},
		{"not settled at a line", &fakeModel{settle: nth(2, stuck)}, three, 1, "deploy settle do settle close close",
			`charmsmith: --do "expect hello active": ` + "the model does not settle: after 1000 hooks it goes on\n", "STATUS"},
		{"not settled in the end", &fakeModel{settle: nth(3, stuck)}, three, 1, "deploy settle do settle do do settle close close",
			"charmsmith: the model does not settle: after 1000 hooks it goes on\n", "STATUS"},
		{"not cleaned up", &fakeModel{broken: errors.New("busy")}, nil, 1, "deploy settle settle close close", "charmsmith: cannot clean up: busy\n", "STATUS"},
	} {
		o := try(t.Context(), t, test.model, nil, append([]string{"run", dir}, test.args...)...)
		assert.Equal(t, test.exit, o.exit, test.name)
		assert.Equal(t, test.calls, o.model.noted(), test.name)
		assert.Equal(t, test.stderr, o.stderr, test.name)
		assert.Contains(t, o.stdout, test.stdout, test.name)
	}
}

func TestSettledIsToldOnceThereWasSomething(t *testing.T) {
	t.Parallel()
	m := &fakeModel{}
	m.settle = func(context.Context) error {
		if n := strings.Count(m.noted(), "settle"); n != 3 {
			m.opts.Watch(timeline.Entry{Kind: "hook", Start: 1, End: 1.5, Unit: "hello/0", Hook: "start", Result: "ok"})
		}
		return nil
	}
	o := try(t.Context(), t, m, nil, "run", charm(t, ""), "--do", "expect hello active", "--do", "status", "--do", "settle")
	assert.Equal(t, 0, o.exit)
	_, shown, _ := strings.Cut(o.stdout, "at once\n")
	hook := "  1.50s  hello/0   start                                   ok        500ms\n"
	assert.Equal(t, hook+"settled: 1 hook in 500ms\n> expect hello active\n"+hook+"settled: 1 hook in 500ms\n> status\n> settle\n"+hook+
		"settled: 1 hook in 500ms\n"+hook+"settled: 1 hook in 500ms\n\nSTATUS\n", shown)
}

func TestASignalEndsTheRun(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	for _, where := range []string{"deploy", "settle", "do", "prompt"} {
		for signal, exit := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGQUIT: 131, syscall.SIGHUP: 129} {
			ctx, cancel := context.WithCancelCause(t.Context())
			wait := func(ctx context.Context) error {
				cancel(&signalError{signal})
				<-ctx.Done()
				return ctx.Err()
			}
			m := &fakeModel{failed: []desk.Failure{{Unit: "hello/0"}}}
			args := []string{"run", dir, "--do", "add-unit hello", "--timeline", filepath.Join(dir, where+".json")}
			switch where {
			case "deploy":
				m.deploy = wait
			case "settle":
				m.settle = wait
			case "do":
				m.do = wait
			case "prompt":
				m.settle = nil
				args = append(args, "-i")
			}
			stdin, operator := ioPipe(t)
			if where == "prompt" {
				go func() { _, _ = operator.Write([]byte("exit-not\n")); cancel(&signalError{signal}) }()
			}
			o := try(ctx, t, m, stdin, args...)
			assert.Equal(t, exit, o.exit, where)
			assert.True(t, strings.HasSuffix(o.stderr, "charmsmith: "+(&signalError{signal}).Error()+"\n"), "%s: %q", where, o.stderr)
			assert.True(t, strings.HasSuffix(o.model.noted(), "close close"), "%s: %s", where, o.model.noted())
			assert.NotContains(t, o.stdout, "STATUS", where)
			assert.FileExists(t, filepath.Join(dir, where+".json"))
			cancel(nil)
		}
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	m := &fakeModel{failed: []desk.Failure{{Unit: "hello/0", Hook: "install", Err: errors.New("exit status 3"), Stderr: "no\x1b\n"}}, absent: []string{"hello/0 web"}}
	m.settle = func(context.Context) error {
		if strings.Count(m.noted(), "settle") == 1 {
			m.opts.Watch(timeline.Entry{Kind: "hook", Start: 1, End: 1.5, Unit: "hello/0", Hook: "<start>", Result: "ok\u007f\u009bü", Commands: []string{"is-leader"}})
			m.opts.Watch(timeline.Entry{Kind: "note", Start: 2, Text: "noted"})
		}
		return nil
	}
	m.do = func(context.Context) error {
		_, err := m.opts.Out.Write([]byte("a: b\n"))
		_, _ = m.opts.Out.Write([]byte("c"))
		return err
	}
	o := try(t.Context(), t, m, nil, "run", charm(t, ""), "--json", "--seed", "7", "--parallel", "1", "--do", "status")
	assert.Equal(t, 1, o.exit)
	assert.Equal(t, `{"kind":"start","juju":"4.1.0","type":"iaas","seed":7,"parallel":1}
{"kind":"hook","start":1,"end":1.5,"unit":"hello/0","hook":"<start>","result":"ok\u007f\u009bü","commands":["is-leader"]}
{"kind":"note","start":2,"text":"noted"}
{"kind":"settled","hooks":1,"seconds":0.5}
{"kind":"line","text":"status"}
{"kind":"output","text":"a: b\nc"}
{"kind":"end","exit":1,"units":[{"unit":"hello/0","status":"active","message":"ready","leader":true},{"unit":"hello/1","status":"waiting","message":"","leader":false}],"failures":[{"unit":"hello/0","hook":"install","error":"exit status 3","stderr":"no\u001b\n"}],"unconnectable":["hello/0 web"]}
`, o.stdout)
	assert.Empty(t, o.stderr)

	assert.NotContains(t, o.stdout, `"problem"`)
}

// A program that reads the JSON need not read stderr.
func TestProblemsAsJSON(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	o := try(t.Context(), t, &fakeModel{do: always(expectError())}, nil, "run", dir, "--json", "--do", "expect hello active")
	assert.Equal(t, 1, o.exit)
	assert.Equal(t, `charmsmith: --do "expect hello active": expected hello to be active, but it is error`+"\n  | first\n  | last\\x1b\n", o.stderr)
	const told = `--do \"expect hello active\": expected hello to be active, but it is error\n| first\n| last\\x1b`
	assert.Contains(t, o.stdout, `{"kind":"problem","text":"`+told+`","line":"expect hello active"}`+"\n")
	assert.Contains(t, o.stdout, `{"kind":"end","exit":1,"problem":"`+told+`","units":[`)
	assert.True(t, strings.HasSuffix(o.stdout, `"failures":[]}`+"\n"), o.stdout)

	ctx, cancel := context.WithCancelCause(t.Context())
	m := &fakeModel{deploy: func(ctx context.Context) error {
		cancel(&signalError{syscall.SIGINT})
		return ctx.Err()
	}}
	o = try(ctx, t, m, nil, "run", dir, "--json")
	assert.Contains(t, o.stdout, `{"kind":"problem","text":"interrupted"}`+"\n"+`{"kind":"end","exit":130,"problem":"interrupted",`)

	for name, args := range map[string][]string{
		"line":  {"run", dir, "--json", "--do", "hop"},
		"charm": {"run", "--json", filepath.Join(dir, "none")},
		"none":  {"run", "--json"},
		"desk":  {"run", "--json", "--juju-version", "2.9", dir},
	} {
		o = try(t.Context(), t, nil, nil, args...)
		assert.Equal(t, exitUsage, o.exit, name)
		var object struct{ Kind, Text, Line string }
		require.NoError(t, json.Unmarshal([]byte(o.stdout), &object), name)
		assert.Equal(t, "problem", object.Kind, name)
		assert.Equal(t, o.stderr, "charmsmith: "+object.Text+"\n", name)
		assert.Equal(t, name == "line", object.Line == "hop", name)
	}
}

func TestMuchOutputIsSeveralLinesOfJSON(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	j := newJSONLines(&out, nil)
	want := strings.Repeat("ü line\n", maxOutput/4) + strings.Repeat("ü", maxOutput)
	_, err := j.Write([]byte(want))
	require.NoError(t, err)
	j.idle()
	j.idle()
	got := ""
	for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		var object text
		require.NoError(t, json.Unmarshal([]byte(line), &object))
		assert.Equal(t, "output", object.Kind)
		assert.LessOrEqual(t, len(object.Text), maxOutput)
		got += object.Text
	}
	assert.True(t, want == got, "nothing is lost")
	assert.Greater(t, strings.Count(out.String(), "\n"), 3)
}

// The file has the mode that the user's umask gives, not that of charms.
func TestModeOfTheTimeline(t *testing.T) {
	t.Parallel()
	for umask, want := range map[fs.FileMode]fs.FileMode{0o077: 0o600, 0o027: 0o640} {
		file := filepath.Join(t.TempDir(), "x.json")
		assert.Equal(t, 0, run(t.Context(), []string{"run", charm(t, ""), "--timeline", file}, &system{
			stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, umask: umask,
			open: func(desk.Options) (model, error) { return &fakeModel{}, nil },
		}))
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode())
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, test := range []struct {
		name string
		do   error
	}{{"good.json", nil}, {"failed.JSON", expectError()}, {"page.html", nil}, {"picture.svg", nil}} {
		file := write(t, filepath.Join(dir, test.name), "old")
		o := try(t.Context(), t, &fakeModel{do: always(test.do)}, nil, "run", charm(t, ""), "--timeline", file, "--do", "expect hello active")
		assert.Contains(t, o.stdout, "\ntimeline: "+file+"\n")
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(text), "noted", test.name)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 4, "nothing else is left")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "x.svg"), 0o755))
	assert.ErrorContains(t, checkTimeline(filepath.Join(dir, "x.svg")), "it is a directory")
}

// A timeline that cannot be written makes a run fail, and leaves the file as it was.
func TestTimelineThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "gone", "x.json")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o755))
	m := &fakeModel{deploy: func(context.Context) error { return os.Remove(filepath.Dir(file)) }}
	o := try(t.Context(), t, m, nil, "run", charm(t, ""), "--timeline", file)
	assert.Equal(t, exitFailed, o.exit)
	assert.Contains(t, o.stderr, "charmsmith: cannot write timeline")
	assert.NotContains(t, o.stdout, "timeline:")

	broken := &timeline.Run{Entries: []timeline.Entry{{Kind: "hook", Start: nan()}}}
	kept := write(t, filepath.Join(dir, "x.json"), "old")
	assert.ErrorContains(t, writeTimeline(kept, broken, 0o600), "cannot write timeline")
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "old", string(text))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}
