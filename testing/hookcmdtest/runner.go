// SPDX-License-Identifier: Apache-2.0

package hookcmdtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// TestRunner tests that a Runner does what [hookcmd.Runner] promises and, if it
// is one, what [hookcmd.Batcher] and [hookcmd.Poster] promise.
//
// The subtests run in parallel, each with a [Server] of its own. They call
// newRunner, which must be safe for concurrent use, with the agent to run
// commands of. A Runner with a method Close(context.Context) error is closed
// once, before its server. A Runner that starts processes needs [RunCommand] in
// the TestMain of the test.
func TestRunner(t *testing.T, newRunner func(t *testing.T, agent hookcmd.Agent) hookcmd.Runner) {
	testRunner(t, func(t *testing.T, handler Handler) hookcmd.Runner {
		return newRunner(t, NewServer(t, handler, nil).Agent())
	})
}

// TestLocalRunner is [TestRunner] for a Runner that answers hook commands
// itself, without a unit agent: newRunner returns one that asks handler.
func TestLocalRunner(t *testing.T, newRunner func(t *testing.T, handler Handler) hookcmd.Runner) {
	testRunner(t, newRunner)
}

func testRunner(t *testing.T, newRunner func(t *testing.T, handler Handler) hookcmd.Runner) {
	s := runnerSuite{newRunner}
	for name, run := range map[string]func(t *testing.T){
		"arguments":        s.arguments,
		"stdin":            s.stdin,
		"stdout":           s.stdout,
		"failure":          s.failure,
		"unknown command":  s.unknownCommand,
		"cancelled before": s.cancelledBefore,
		"cancelled":        func(t *testing.T) { s.abandoned(t, context.Canceled) },
		"deadline":         func(t *testing.T) { s.abandoned(t, context.DeadlineExceeded) },
		"order":            s.order,
		"concurrency":      s.concurrency,
		"batch":            s.batch,
		"post":             s.post,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t)
		})
	}
}

// runnerPatience is how long something may take that is not meant to block.
const runnerPatience = 30 * time.Second

type runnerSuite struct {
	newRunner func(t *testing.T, handler Handler) hookcmd.Runner
}

// start returns a Runner for a handler, and a context that does not let the
// test hang. The Runner is closed at the end of the test, or by close before.
func (s runnerSuite) start(t *testing.T, handler Handler) (ctx context.Context, runner hookcmd.Runner, close func()) {
	t.Helper()
	runner = s.newRunner(t, handler)
	close = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), runnerPatience)
		defer cancel()
		if closer, ok := runner.(interface{ Close(context.Context) error }); ok {
			assert.NoError(t, closer.Close(ctx), "Close")
		}
	})
	t.Cleanup(close)
	ctx, cancel := context.WithTimeout(t.Context(), runnerPatience)
	t.Cleanup(cancel)
	return ctx, runner, close
}

// journal is a Handler that keeps what it was asked, as text.
type journal struct {
	mu    sync.Mutex
	lines []string
}

// record is the Handler. It answers with what was asked; a command whose last
// argument is "fail" fails.
func (j *journal) record(call hookcmd.Call) Answer {
	line := runnerLine(call)
	j.mu.Lock()
	j.lines = append(j.lines, line)
	j.mu.Unlock()
	if len(call.Args) > 0 && call.Args[len(call.Args)-1] == "fail" {
		return Failure(1, "%s", line)
	}
	return Answer{Stdout: line}
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

func runnerLine(call hookcmd.Call) string {
	return strings.Join(append([]string{call.Command}, call.Args...), " ")
}

func (s runnerSuite) arguments(t *testing.T) {
	rows := [][]string{
		nil,
		{""},
		{"", "-x", "", "--", "a b", "line\nfeed\r\n\ttab", ""},
		{"--format=json", "é日本\U0001f600", "\xff\xfe not UTF-8", `"double" 'single' \back $HOME $(false) *`},
		{"long", strings.Repeat("é", 50_000), "end"},
	}
	got := make(chan []string, len(rows))
	ctx, runner, _ := s.start(t, func(call hookcmd.Call) Answer {
		got <- call.Args
		return Answer{}
	})
	for _, args := range rows {
		_, err := runner.Run(ctx, hookcmd.Call{Command: "config-get", Args: args})
		require.NoError(t, err)
		require.Len(t, got, 1, "commands that the agent ran")
		arrived := <-got
		assert.True(t, slices.Equal(args, arrived), "arguments are %.200q, %.200q arrived", args, arrived)
	}
}

func (s runnerSuite) stdin(t *testing.T) {
	got := make(chan []byte, 9)
	ctx, runner, _ := s.start(t, func(call hookcmd.Call) Answer {
		got <- call.Stdin
		return Answer{}
	})
	for _, stdin := range [][]byte{
		[]byte("a: \x00\x01\r\n\xff\n\n"), {}, runnerBytes(1<<20, 1), nil,
	} {
		_, err := runner.Run(ctx, hookcmd.Call{Command: "relation-set", Args: []string{"--file", "-"}, Stdin: stdin})
		require.NoError(t, err, "standard input of %d bytes", len(stdin))
		require.Len(t, got, 1, "commands that the agent ran")
		arrived := <-got
		assert.True(t, bytes.Equal(stdin, arrived), "standard input of %d bytes is another, of %d bytes, when it arrives", len(stdin), len(arrived))
	}
	_, err := runner.Run(ctx, hookcmd.Call{Command: "config-get", Stdin: runnerBytes(1<<20, 2)})
	require.NoError(t, err, "standard input that the command does not read")
}

func (s runnerSuite) stdout(t *testing.T) {
	outputs := []string{
		"", " null\n\n", "\x00\r\n\xff\xfe", string(runnerBytes(10_000_000, 3)), "after the long one",
	}
	next := 0
	ctx, runner, _ := s.start(t, func(hookcmd.Call) Answer {
		next++
		return Answer{Stdout: outputs[next-1], Stderr: "WARNING not an error\n"}
	})
	var kept [][]byte
	for _, want := range outputs {
		stdout, err := runner.Run(ctx, hookcmd.Call{Command: "config-get"})
		require.NoError(t, err, "a command that exits with 0 and prints on standard error")
		assert.True(t, want == string(stdout), "%d bytes were printed, other %d bytes returned", len(want), len(stdout))
		kept = append(kept, stdout)
	}
	for i, want := range outputs {
		assert.True(t, want == string(kept[i]), "output %d changed after Run returned it", i)
	}
}

func (s runnerSuite) failure(t *testing.T) {
	rows := map[string]struct {
		answer Answer
		stderr string
		err    error
	}{
		"leader":  {Failure(1, "cannot write relation settings"), "cannot write relation settings", hookcmd.ErrNotLeader},
		"usage":   {Failure(2, "invalid value \"x\": é"), "invalid value \"x\": é", nil},
		"lines":   {Answer{Stdout: "half", Stderr: "WARNING a\nERROR b\n", Code: 1}, "WARNING a\nERROR b", nil},
		"nothing": {Answer{Stdout: "output that is dropped", Code: 2}, "", nil},
	}
	ctx, runner, _ := s.start(t, func(call hookcmd.Call) Answer { return rows[call.Args[1]].answer })
	for name, row := range rows {
		call := hookcmd.Call{Command: "relation-set", Args: []string{"--app", name}}
		stdout, err := runner.Run(ctx, call)
		assert.Empty(t, stdout, "output of the command that fails: %s", name)
		e := requireError(t, err, call)
		assert.Equal(t, row.answer.Code, e.Code, "exit code: %s", name)
		assert.Equal(t, row.stderr, e.Stderr, "standard error: %s", name)
		assert.Equal(t, row.err, e.Err, "condition: %s", name)
	}
}

func (s runnerSuite) unknownCommand(t *testing.T) {
	var j journal
	ctx, runner, _ := s.start(t, j.record)
	call := hookcmd.Call{Command: "add-metric", Args: []string{"a=1"}} // which Juju 3 has no more
	_, err := runner.Run(ctx, call)
	requireError(t, err, call)
	require.ErrorIs(t, err, hookcmd.ErrNotSupported)
	assertRuns(ctx, t, runner, "after an unknown command")
}

func (s runnerSuite) cancelledBefore(t *testing.T) {
	var j journal
	ctx, runner, _ := s.start(t, j.record)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	call := hookcmd.Call{Command: "config-get", Args: []string{"not run"}}
	for range 2 { // of a new Runner, and one that was in use
		_, err := runner.Run(ended, call)
		requireError(t, err, call)
		require.ErrorIs(t, err, context.Canceled)
		if batcher, ok := runner.(hookcmd.Batcher); ok {
			_, err := batcher.RunBatch(ended, []hookcmd.Call{call})
			require.ErrorIs(t, err, context.Canceled, "RunBatch")
		}
		if poster, ok := runner.(hookcmd.Poster); ok {
			var outcomes []error
			done := func(err error) { outcomes = append(outcomes, err) }
			if err := poster.Post(ended, call, done); err != nil {
				done(err)
			}
			require.Len(t, outcomes, 1, "errors of Post, by return or done")
			require.ErrorIs(t, outcomes[0], context.Canceled, "Post")
		}
		assertRuns(ctx, t, runner, "after")
	}
	assert.Equal(t, []string{"config-get after", "config-get after"}, j.all(), "commands that the agent ran")
}

// abandoned tests a command that still runs when its context ends with cause.
func (s runnerSuite) abandoned(t *testing.T, cause error) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	ctx, runner, _ := s.start(t, func(call hookcmd.Call) Answer {
		if call.Args[0] == "block" {
			entered <- struct{}{}
			<-release
		}
		return Answer{Stdout: runnerLine(call)}
	})
	releaseOnce := sync.OnceFunc(func() { close(release) })
	t.Cleanup(releaseOnce)
	ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	if cause == context.Canceled {
		ended, cancel = context.WithCancel(ctx)
		go func() { <-entered; cancel() }()
	}
	defer cancel()

	call := hookcmd.Call{Command: "config-get", Args: []string{"block"}}
	returned := make(chan error, 1)
	go func() {
		_, err := runner.Run(ended, call)
		returned <- err
	}()
	select {
	case err := <-returned:
		e := requireError(t, err, call)
		assert.Equal(t, -1, e.Code, "exit code of a command that did not end")
		require.ErrorIs(t, err, cause)
	case <-time.After(runnerPatience):
		require.Fail(t, "Run does not return though its context ended, as long as the command runs")
	}
	releaseOnce()
	for i := range 3 {
		assertRuns(ctx, t, runner, fmt.Sprint("after the abandoned ", i))
	}
}

func (s runnerSuite) order(t *testing.T) {
	var j journal
	ctx, runner, _ := s.start(t, j.record)
	var calls []hookcmd.Call
	var want []string
	for i, command := range []string{"relation-get", "relation-set", "relation-get", "juju-log", "relation-list", "status-set"} {
		calls = append(calls, hookcmd.Call{Command: command, Args: []string{fmt.Sprint(i)}})
		want = append(want, runnerLine(calls[i]))
		_, err := runner.Run(ctx, calls[i])
		require.NoError(t, err)
		require.Equal(t, want, j.all(), "commands that the agent ran")
	}
	if batcher, ok := runner.(hookcmd.Batcher); ok {
		stdouts, err := batcher.RunBatch(ctx, calls)
		require.NoError(t, err)
		assert.Equal(t, strings.Join(want, "\n"), string(bytes.Join(stdouts, []byte("\n"))), "outputs of a batch")
		assert.Equal(t, want, j.all()[len(calls):], "commands of a batch that the agent ran")
	}
}

func (s runnerSuite) concurrency(t *testing.T) {
	var j journal
	_, runner, _ := s.start(t, j.record)
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			for i := range 4 {
				// A context that cannot end.
				assertRuns(context.Background(), t, runner, fmt.Sprintf("goroutine %d command %d", g, i))
			}
		})
	}
	wait.Wait()
	assert.Len(t, j.all(), 16, "commands that the agent ran")
}

// assertRuns runs a command of a journal, and checks the answer.
func assertRuns(ctx context.Context, t *testing.T, runner hookcmd.Runner, arg string) {
	t.Helper()
	stdout, err := runner.Run(ctx, hookcmd.Call{Command: "config-get", Args: []string{arg}})
	if assert.NoError(t, err) {
		assert.Equal(t, "config-get "+arg, string(stdout), "output")
	}
}

func requireError(t *testing.T, err error, call hookcmd.Call) *hookcmd.Error {
	t.Helper()
	var e *hookcmd.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, call.Command, e.Command, "command of the error")
	assert.Equal(t, call.Args, e.Args, "arguments of the error")
	assert.True(t, e.Code > 0 || e.Err != nil, "error has neither exit code nor cause: %v", err)
	return e
}

// runnerBytes returns n random bytes.
func runnerBytes(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}
