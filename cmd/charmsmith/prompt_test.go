// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

func nan() float64 { return math.NaN() }

func ioPipe(t *testing.T) (*io.PipeReader, *io.PipeWriter) {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r, w
}

func TestPromptWithoutTerminal(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	o := try(t.Context(), t, nil, strings.NewReader("add-unit hello\n\n# nothing\nhop\nhelp\n status \nquit\nadd-unit hello\n"), "run", "-i", dir)
	assert.Equal(t, exitUsage, o.exit)
	assert.Equal(t, 2, strings.Count(o.model.noted(), "do"), o.model.noted())
	assert.True(t, strings.HasPrefix(o.stderr, `charmsmith: standard input:4: there is no command "hop"`), o.stderr)
	assert.Contains(t, o.stdout, "> add-unit hello\n")
	assert.Contains(t, o.stdout, "  quit     ")
	assert.Contains(t, o.stdout, "> status\n")
	assert.True(t, strings.HasSuffix(o.stdout, "\nSTATUS\n"))

	o = try(t.Context(), t, nil, strings.NewReader("add-unit hello"), "run", "-i", dir, "--json")
	assert.Equal(t, 0, o.exit)
	assert.Contains(t, o.stdout, `{"kind":"line","text":"add-unit hello"}`)
	assert.Equal(t, 1, strings.Count(o.model.noted(), "do"), "a last line without end is one")
}

func TestErrorsAtThePrompt(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	for _, test := range []struct {
		name  string
		model *fakeModel
		stdin io.Reader
		exit  int
		want  string
	}{
		{"wrong line", &fakeModel{do: always(usageError("there is no unit"))}, strings.NewReader("add-unit x\nadd-unit x\n"), 2,
			"charmsmith: standard input:1: there is no unit\ncharmsmith: standard input:2: there is no unit\n"},
		{"both", &fakeModel{do: nth(1, expectError())}, strings.NewReader("expect hello active\nhop\n"), 1, "charmsmith: standard input:1: expected"},
		{"expectation", &fakeModel{do: always(expectError())}, strings.NewReader("expect hello active\n"), 1, "charmsmith: standard input:1: expected hello to be active, but it is error\n  | first\n  | last\\x1b\n"},
		{"no stdin", &fakeModel{}, iotest.ErrReader(errors.New("gone")), 1, "charmsmith: cannot read a line: gone\n"},
	} {
		o := try(t.Context(), t, test.model, test.stdin, "run", "-i", dir)
		assert.Equal(t, test.exit, o.exit, test.name)
		assert.True(t, strings.HasPrefix(o.stderr, test.want), "%s: %q", test.name, o.stderr)
	}
}

// While it waits for a line, the prompt tells when the model has settled.
func TestThePromptTellsOfTheModel(t *testing.T) {
	t.Parallel()
	stdin, operator := ioPipe(t)
	m := &fakeModel{}
	m.settle = func(ctx context.Context) error {
		switch strings.Count(m.noted(), "settle") {
		case 2: // at the prompt
			m.opts.Watch(timeline.Entry{Kind: "hook", Start: 1, End: 1.5, Unit: "hello/0", Hook: "start", Result: "ok"})
			go func() { _, _ = operator.Write([]byte("add-unit hello\n")) }()
			return nil
		case 3: // of which nothing is told when there is a line
			go func() { _, _ = operator.Write([]byte("add-unit hello\n")) }()
			<-ctx.Done()
			return ctx.Err()
		case 4:
			_ = operator.Close()
			return &juju.SettleError{Steps: 7, Reason: "it goes on"}
		}
		return nil
	}
	o := try(t.Context(), t, m, stdin, "run", "-i", charm(t, ""))
	assert.Equal(t, 0, o.exit)
	assert.Equal(t, "deploy settle settle do settle do settle settle close close", o.model.noted())
	assert.Contains(t, o.stdout, "settled: 1 hook in 500ms\n> add-unit hello\n> add-unit hello\n")
	assert.Equal(t, "charmsmith: the model does not settle: after 7 hooks it goes on\n", o.stderr)
}

// screen is a terminal: what is typed, and what is shown.
type screen struct {
	io.Reader
	mu    sync.Mutex
	shown bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(p)
}

// String returns what is shown, without the moves of the cursor.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// terminal returns the lines of a terminal on which that is typed, and what
// happens to it.
func terminal(t *testing.T, typed io.Reader) (*terminalLines, *screen, *[]string) {
	t.Helper()
	s := &screen{Reader: typed}
	var events []string
	lines := newTerminalLines(s, completer{(&fakeModel{}).apps, func(string) []os.DirEntry { return nil }})
	lines.size = func() (int, int, error) { return 60, 20, nil }
	lines.raw = func() (func(), error) {
		events = append(events, "raw")
		return func() { events = append(events, "restored") }, nil
	}
	lines.above = func(w io.Writer) {
		if w != nil {
			events = append(events, "above")
		} else {
			events = append(events, "below")
		}
	}
	return lines, s, &events
}

func TestTerminalLines(t *testing.T) {
	t.Parallel()
	lines, s, events := terminal(t, strings.NewReader("add-u\thel\tlo\r"+"\x1b[A\r"+"status\x04\x7f\x7f\x7f\x7f\x7f\x7f\x04"))
	assert.True(t, lines.echoes())
	line, err := lines.readLine()
	require.NoError(t, err)
	assert.Equal(t, "add-unit hello", line)
	line, err = lines.readLine()
	require.NoError(t, err)
	assert.Equal(t, "add-unit hello", line, "there is a history")
	_, err = lines.readLine()
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, strings.Repeat("above raw restored below ", 3), strings.Join(*events, " ")+" ")
	assert.Contains(t, s.String(), "> ")
	assert.Contains(t, s.String(), "helium  hello\r\n", "candidates are shown above")
	assert.True(t, strings.HasSuffix(s.String(), "\r\n"), "the line of the prompt ends")
	_, err = lines.readLine()
	assert.Equal(t, io.EOF, err, "it is closed")
}

func TestCtrlCAtThePrompt(t *testing.T) {
	t.Parallel()
	lines, _, events := terminal(t, strings.NewReader("settle\radd-\x03more\r"))
	line, err := lines.readLine()
	require.NoError(t, err)
	assert.Equal(t, "settle", line)
	_, err = lines.readLine()
	assert.Equal(t, errInterrupted, err)
	assert.Equal(t, "below", (*events)[len(*events)-1])

	lines, _, events = terminal(t, strings.NewReader("settle\r\x03"))
	m := &fakeModel{}
	s := &session{plan: &plan{}, model: m, show: newView(io.Discard, false, false), lines: lines}
	assert.Equal(t, 130, s.run(t.Context()))
	assert.Equal(t, "below", (*events)[len(*events)-1])
	assert.True(t, strings.HasSuffix(m.noted(), "close close"))
}

// A person at a terminal can do a line again: only what is expected counts.
func TestErrorsAtThePromptOfATerminal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		exit int
	}{{usageError("there is no unit"), 0}, {expectError(), 1}} {
		lines, _, _ := terminal(t, strings.NewReader("hop\rstatus\r\x04"))
		var out bytes.Buffer
		s := &session{plan: &plan{}, model: &fakeModel{do: always(test.err)}, show: newView(&out, false, false), lines: lines}
		assert.Equal(t, test.exit, s.run(t.Context()))
		assert.Contains(t, out.String(), "charmsmith: there is no command \"hop\"", "it does not say where: that is seen")
		assert.Contains(t, out.String(), "charmsmith: "+test.err.Error())
	}
}

// A signal puts the terminal back as it was, though a line is still read.
func TestSignalAtThePromptOfATerminal(t *testing.T) {
	t.Parallel()
	typed, _ := ioPipe(t)
	lines, s, events := terminal(t, typed)
	ctx, cancel := context.WithCancelCause(t.Context())
	m := &fakeModel{}
	m.settle = func(ctx context.Context) error {
		if strings.Count(m.noted(), "settle") == 2 {
			require.Eventually(t, func() bool { return strings.Contains(s.String(), "> ") }, deadline, tick)
			cancel(&signalError{15})
		}
		return nil
	}
	session := &session{plan: &plan{}, model: m, show: newView(io.Discard, false, false), lines: lines}
	assert.Equal(t, 143, session.run(ctx))
	assert.Equal(t, []string{"above", "raw", "restored", "below"}, *events)
	assert.True(t, strings.HasSuffix(s.String(), "> \r\n"))
}

func TestATerminalThatCannotBeRaw(t *testing.T) {
	t.Parallel()
	lines, _, events := terminal(t, strings.NewReader("settle\r"))
	lines.raw = func() (func(), error) { return nil, errors.New("not a terminal") }
	_, err := lines.readLine()
	assert.EqualError(t, err, "not a terminal")
	assert.Equal(t, []string{"above", "below"}, *events)
}

// Lines of the view come above the prompt, which is drawn again.
func TestViewAboveThePrompt(t *testing.T) {
	t.Parallel()
	typed, keyboard := ioPipe(t)
	lines, s, _ := terminal(t, typed)
	v := newView(s, false, false)
	lines.above = v.promptAt
	read := make(chan string)
	go func() {
		line, _ := lines.readLine()
		read <- line
	}()
	_, _ = keyboard.Write([]byte("set"))
	require.Eventually(t, func() bool { return strings.Contains(s.String(), "> set") }, deadline, tick)
	v.entry(timeline.Entry{Kind: "note", Text: "noted"})
	_, _ = keyboard.Write([]byte("tle\r"))
	assert.Equal(t, "settle", <-read)
	assert.Contains(t, s.String(), "  0.00s  -- noted\r\n> set", "%q", s.String())
	v.entry(timeline.Entry{Kind: "note", Text: "below"})
	assert.True(t, strings.HasSuffix(s.String(), "  0.00s  -- below\n"), "%q", s.String())
}

func TestComplete(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"charms/hello/metadata.yaml": {}, "charms/help.charm": {}, "charms/bundle.yaml": {}, "charms/notes.txt": {}, "charms/.git/x": {},
		"charms/a b/x": {}, "one.charm": {},
	}
	c := completer{(&fakeModel{}).apps, func(dir string) []os.DirEntry {
		entries, _ := files.ReadDir(filepath.Clean(dir))
		return entries
	}}
	for _, test := range []struct {
		line, want string // | is the cursor
		candidates string
	}{
		{"add-u|", "add-unit |", ""},
		{"s|", "s|", "secrets set-leader settle show-unit status"},
		{"he|", "help |", ""},
		{"remove-|", "remove-|", "remove-application remove-relation remove-unit"},
		{"nothing|", "nothing|", ""},
		{"nothing h|", "nothing h|", ""},
		{"add-unit h|", "add-unit hel|", ""},
		{"add-unit hel|", "add-unit hel|", "helium hello"},
		{"add-unit hell| -n 2", "add-unit hello |-n 2", ""},
		{"add-unit -n hell|", "add-unit -n hello |", ""},
		{"add-unit hello h|", "add-unit hello h|", ""},
		{"remove-unit hello/0 hello/|", "remove-unit hello/0 hello/|", "hello/0 hello/1 hello/leader"},
		{"remove-application hello w|", "remove-application hello web |", ""},
		{"run hello/l|", "run hello/leader |", ""},
		{"run hello/leader p|", "run hello/leader p|", "ping pong"},
		{"run hello/0 pi|", "run hello/0 ping |", ""},
		{"run web/0 p|", "run web/0 p|", ""},
		{"run hello/0 ping h|", "run hello/0 ping h|", ""},
		{"config hello c|", "config hello color=|", ""},
		{"config hello color=red c|", "config hello color=red color=|", ""},
		{"integrate hello|", "integrate hello |", ""},
		{"integrate hello:|", "integrate hello:friends |", ""},
		{"integrate hello:friends we|", "integrate hello:friends web |", ""},
		{"integrate hello web:|", "integrate hello web:db |", ""},
		{"expect web b|", "expect web blocked |", ""},
		{"expect hello/0|", "expect hello/0 |", ""},
		{"resolve hello/0 -|", "resolve hello/0 --no-retry |", ""},
		{"debug-log helium/0|", "debug-log helium/0 |", ""},
		{"status x|", "status x|", ""},
		{"deploy |", "deploy |", "charms/ one.charm"},
		{"deploy charms/h|", "deploy charms/hel|", ""},
		{"deploy charms/hel|", "deploy charms/hel|", "charms/hello/ charms/help.charm"},
		{"deploy charms/hell|", "deploy charms/hello/|", ""},
		{"deploy charms/n|", "deploy charms/n|", ""},
		{"deploy charms/.g|", "deploy charms/.git/|", ""},
		{"deploy charms/a|", "deploy charms/a|", ""},
		{"deploy ./o|", "deploy ./one.charm |", ""},
		{"deploy nowhere/|", "deploy nowhere/|", ""},
		{"deploy one.charm o|", "deploy one.charm o|", ""},
	} {
		before, after, _ := strings.Cut(test.line, "|")
		line, pos, candidates := c.complete(before+after, len(before))
		assert.Equal(t, test.want, line[:pos]+"|"+line[pos:], test.line)
		assert.Equal(t, test.candidates, strings.Join(candidates, " "), test.line)
	}
}

func TestEveryCommandIsCompleted(t *testing.T) {
	t.Parallel()
	for _, verb := range desk.VerbNames() {
		switch verb {
		case "status", "secrets", "settle":
			assert.Empty(t, argumentsOf(verb), verb)
		default:
			assert.NotEmpty(t, argumentsOf(verb), verb)
		}
	}
}

func FuzzComplete(f *testing.F) {
	f.Add("deploy ./ü x", 9)
	f.Add("integrate hello:", 16)
	c := completer{(&fakeModel{}).apps, func(string) []os.DirEntry { return nil }}
	f.Fuzz(func(t *testing.T, line string, pos int) {
		pos = max(0, min(pos, len(line)))
		completed, at, _ := c.complete(line, pos)
		assert.LessOrEqual(t, at, len(completed))
		assert.True(t, strings.HasPrefix(completed, line[:pos]), "%q is not of %q", completed, line[:pos])
	})
}
