// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fuzzWorlds are what commands are run in.
var fuzzWorlds = []struct {
	version, state string
	event          golden.Event
}{
	{"4", "leader", golden.Event{Kind: "update-status"}},
	{"4", "minion", golden.Event{Kind: "relation-changed", RelationID: 3, RemoteUnit: "mysql/0"}},
	{"4", "dying-db", golden.Event{Kind: "relation-broken", RelationID: 3}},
	{"4", "k8s", golden.Event{Kind: "action", Action: "do-it", Params: map[string]any{"a": map[string]any{"b": 1.5}}}},
	{"4", "empty", golden.Event{Kind: "install"}},
	{"4", "subordinate", golden.Event{Kind: "relation-joined", RelationID: 8, RemoteUnit: "wordpress/7"}},
	{"3.6", "leader36", golden.Event{Kind: "config-changed"}},
	{"3.6", "minion36", golden.Event{Kind: "relation-departed", RelationID: 1, RemoteUnit: "magpie/1"}},
	{"3.6", "k8s36", golden.Event{Kind: "action", Action: "do-it"}},
	{"3.6", "k8s36-noaddr", golden.Event{Kind: "leader-elected"}},
}

// harmless refuses arguments that make a command write files, or read devices.
func harmless(args []string) bool {
	return !slices.ContainsFunc(args, func(arg string) bool {
		short := strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--")
		return short && strings.Contains(arg, "o") || strings.HasPrefix(arg, "--o") ||
			strings.Contains(arg, "/dev") || strings.Contains(arg, "/proc") || strings.Contains(arg, "/sys") || strings.Contains(arg, "..")
	})
}

var errorOnStderr = regexp.MustCompile(`(?s)\A(--format flag deprecated for command "[a-z-]+")?ERROR .*\n\z`)

// FuzzCommands runs hook commands with any arguments and any input: a command
// per line of script, its arguments separated by NUL.
func FuzzCommands(f *testing.F) {
	for _, c := range golden.Cases() {
		script, stdin := "", ""
		for _, call := range c.Calls {
			script += strings.ReplaceAll(strings.Join(call.Argv, "\x00"), "\n", "\x01") + "\n"
			if call.Stdin != nil {
				stdin = *call.Stdin
			}
		}
		f.Add(uint8(len(c.Name)), script, stdin)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, where uint8, script, stdin string) {
		from := fuzzWorlds[int(where)%len(fuzzWorlds)]
		state, err := json.Marshal(from.state)
		require.NoError(t, err)
		w := load(t, state, from.version, golden.Case{Event: from.event})
		info, err := w.info()
		require.NoError(t, err)
		h := w.model.begin(w.unit, info)
		w.hook = h
		for line := range strings.Lines(script) {
			argv := strings.Split(strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\x01", "\n"), "\x00")
			if !harmless(argv) {
				t.Skip("it would touch files")
			}
			request := Request{Command: argv[0], Args: slices.Clone(argv[1:]), Dir: dir, Stdin: []byte(stdin), StdinSet: stdin != ""}
			response, err := h.Command(request)
			if err != nil {
				assert.True(t, errors.Is(err, ErrNoCommand) || errors.Is(err, errKilled) || errors.Is(err, errNoStdin), "%q: %v", argv, err)
				continue
			}
			assert.Equal(t, argv[1:], request.Args, "a command keeps off its arguments")
			stderr := string(response.Stderr)
			assert.Contains(t, []int{0, 1, 2}, response.Code, "%q", argv)
			assert.Equal(t, response.Code != 0, errorOnStderr.MatchString(stderr), "%q: code %d and stderr %q", argv, response.Code, stderr)
			if response.Code == 0 {
				assert.NotContains(t, stderr, "ERROR", "%q", argv)
			}
			h.Environ()
		}
		w.model.mu.Lock()
		defer w.model.mu.Unlock()
		w.outcome, _ = w.model.finish(h, Exit{})
		dump(w)
	})
}
