// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// panics36 is a case of 4 whose call makes the agent of 3.6 panic. What is left
// of it has other names: only36/network-get-noaddr-safe and its like.
const panics36 = "network-get/noaddr"

// recordings returns the cases that hold for a version of the recordings.
func recordings(version string) []golden.Case {
	all := golden.Cases()
	differ := make(map[string]bool)
	for _, c := range all {
		if c.Version == "3.6" {
			differ[c.Name] = true
		}
	}
	return slices.DeleteFunc(all, func(c golden.Case) bool {
		return c.Version != version && (version == "4" || differ[c.Name] || c.Name == panics36)
	})
}

// TestGolden holds the hook commands, and what hooks leave behind, to what was
// recorded of Juju's own.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, version := range golden.Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			tally := tally{files: make(map[string]*[3]int)}
			t.Cleanup(func() { t.Log(tally.String()) })
			for _, c := range recordings(version) {
				if c.FromFake {
					tally.add(c.File, 2)
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					defer func() {
						if t.Failed() {
							tally.add(c.File, 1)
						} else {
							tally.add(c.File, 0)
						}
					}()
					replay(t, version, c)
				})
			}
		})
	}
}

// tally counts the cases of each file that passed, that failed and that are no
// evidence.
type tally struct {
	mu    sync.Mutex
	files map[string]*[3]int
}

func (c *tally) add(file string, which int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files[file] == nil {
		c.files[file] = new([3]int)
	}
	c.files[file][which]++
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	var all [3]int
	line := func(name string, n [3]int) {
		fmt.Fprintf(&b, "\n%-26s %3d of %3d passed; %d left out: a stand-in answered them, not Juju", name, n[0], n[0]+n[1], n[2])
	}
	names := make([]string, 0, len(c.files))
	for name := range c.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for i, n := range c.files[name] {
			all[i] += n
		}
		line(name, *c.files[name])
	}
	line("all", all)
	return b.String()
}

// replay runs a recorded case, and compares all that the recording has.
func replay(t *testing.T, version string, c golden.Case) {
	w := load(t, c.State, version, c)
	before := w.normal(dump(w))
	// Whom the agent has joined before the event, the recording need not say.
	said := func(line string) bool { return strings.Contains(line, ".members = ") }
	require.Empty(t, difference(slices.DeleteFunc(w.normal(w.raw), said), slices.DeleteFunc(slices.Clone(before), said)),
		"the model is not loaded as it was recorded")
	result := w.run(c)
	assert.Equal(t, c.Result, result, "result")
	after := w.normal(dump(w))
	switch {
	case c.StateUnchanged:
		assert.Empty(t, difference(before, after), "the state after the hook, which changes nothing")
	case assert.NotNil(t, c.StateAfter):
		var recorded map[string]any
		require.NoError(t, decode(c.StateAfter, &recorded))
		assert.Empty(t, w.notApplied(difference(w.normal(recorded), after)), "the state after the hook")
	}
	logs := []golden.LogLine{}
	for _, l := range w.model.Logs() {
		logs = append(logs, golden.LogLine{Module: l.Module, Level: l.Level, Message: l.Message})
	}
	assert.Equal(t, append([]golden.LogLine{}, c.Log...), logs, "log")
}

// notApplied leaves out a change that the recorder of 3.6 did not apply to the
// state after the hook: there the agent refreshes private-address, too.
func (w *world) notApplied(difference []string) []string {
	return slices.DeleteFunc(difference, func(line string) bool {
		return w.version == "3.6" && w.event.Kind == "config-changed" && strings.Contains(line, ".local_unit_data.private-address = ")
	})
}

// run runs the hook with the recorded calls, and returns the result as
// recordings call it.
func (w *world) run(c golden.Case) string {
	w.model.mu.Lock()
	info, err := w.info()
	if errors.Is(err, errNeverComes) {
		w.model.mu.Unlock()
		assert.Empty(w.t, c.Calls)
		return "prepare-failed"
	}
	w.must(err)
	if w.unit.agent.skips(info) {
		w.model.mu.Unlock()
		assert.Empty(w.t, c.Calls)
		return "skipped"
	}
	w.hook = w.model.begin(w.unit, info)
	w.model.mu.Unlock()
	w.runCalls(c)
	w.model.mu.Lock()
	defer w.model.mu.Unlock()
	w.outcome, _ = w.model.finish(w.hook, Exit{Code: c.Exit})
	switch w.outcome {
	case Succeeded:
		return "ok"
	case RebootNow:
		return "requeue-reboot"
	}
	return "failed"
}

func (w *world) runCalls(c golden.Case) {
	if c.Result == "requeue-reboot" {
		// The recorder saw no answer: the charm is killed meanwhile.
		response, err := w.hook.Command(Request{Command: "juju-reboot", Args: []string{"--now"}, Dir: "/"})
		require.NoError(w.t, err)
		assert.Zero(w.t, response.Code)
	}
	dir := w.t.TempDir()
	place := func(text string) string { return strings.ReplaceAll(text, "${CHARM_DIR}", dir) }
	for i, call := range c.Calls {
		for name, text := range call.Files {
			require.NoError(w.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		args := make([]string, len(call.Argv)-1)
		for i, arg := range call.Argv[1:] {
			args[i] = place(arg)
		}
		request := Request{Command: call.Argv[0], Args: args, Dir: dir}
		if call.Stdin != nil {
			request.Stdin, request.StdinSet = []byte(*call.Stdin), true
		}
		what := fmt.Sprintf("call %d, %q: ", i, call.Argv)
		response, err := w.hook.Command(request)
		if call.Code == 127 {
			assert.ErrorIs(w.t, err, ErrNoCommand, what)
			continue
		}
		require.NoError(w.t, err, what)
		stdout := []byte(place(call.Stdout))
		if call.StdoutB64 != nil {
			stdout = call.StdoutB64
		}
		if c.Unordered {
			stdout, response.Stdout = sortedLines(stdout), sortedLines(response.Stdout)
		}
		assert.Equal(w.t, string(stdout), string(response.Stdout), what+"stdout")
		assert.Equal(w.t, place(call.Stderr), string(response.Stderr), what+"stderr")
		assert.Equal(w.t, call.Code, response.Code, what+"code")
	}
}

func sortedLines(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, []byte("\n"))
}
