// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// replay is a Runner that answers hook commands as Juju was recorded to answer
// commands of the same meaning, each once. What was not recorded fails the test.
type replay struct {
	t     *testing.T
	fails bool // the dispatch does, which it logs

	mu   sync.Mutex
	left []golden.Call // which nobody has asked for yet
}

func (r *replay) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	if r.fails && call.Command == "juju-log" {
		return nil, nil
	}
	asked := meaning(r.t, append([]string{call.Command}, call.Args...), call.Stdin)
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.left, func(c golden.Call) bool { return recordedMeaning(r.t, c) == asked })
	if i < 0 {
		assert.Fail(r.t, "Juju was not recorded to be asked this", "%.300s", asked)
		return nil, hookcmd.NewError(call, 1, "ERROR this was not recorded\n")
	}
	c := r.left[i]
	r.left = slices.Delete(r.left, i, i+1)
	if c.Code != 0 {
		return nil, hookcmd.NewError(call, c.Code, c.Stderr)
	}
	return []byte(c.Stdout), nil
}

// unsent returns the recorded commands that were not run, but for those that read,
// of which charms need not ask all that the recordings have.
func (r *replay) unsent() []string {
	var lines []string
	for _, c := range r.left {
		if !slices.Contains([]string{"get", "ids", "list", "ports"}, c.Argv[0][strings.LastIndex(c.Argv[0], "-")+1:]) {
			lines = append(lines, fmt.Sprintf("%.300s", recordedMeaning(r.t, c)))
		}
	}
	return lines
}

func recordedMeaning(t *testing.T, c golden.Call) string {
	var input []byte
	if c.Stdin != nil {
		input = []byte(*c.Stdin)
	}
	return meaning(t, c.Argv, input)
}

// valued are the options with a value that can be the next argument.
var valued = []string{"description", "endpoints", "expire", "file", "format", "l", "label", "log-level", "owner", "r", "relation", "revision", "rotate", "s", "unit"}

// meaning returns what a command line asks of Juju, however it is put: data can
// come from a file, options can stand anywhere, and a relation can be but a number.
func meaning(t *testing.T, argv []string, input []byte) string {
	t.Helper()
	command := argv[0]
	var options, args []string
	isInfo := true // by default
	for i := 1; i < len(argv); i++ {
		option, value, hasValue := strings.Cut(strings.TrimLeft(argv[i], "-"), "=")
		switch {
		case argv[i] == "--":
			args = append(args, argv[i+1:]...)
			i = len(argv)
			continue
		case argv[i] == "-" || !strings.HasPrefix(argv[i], "-"):
			args = append(args, argv[i])
			continue
		case !hasValue && slices.Contains(valued, option) && command != "opened-ports":
			i++
			value = argv[i]
		}
		switch option {
		case "file":
			args = append(args, content(t, value, input)...)
			continue
		case "l", "log-level":
			if option = "log-level"; value == "WARN" {
				value = "WARNING"
			}
			isInfo = value == "INFO"
		case "r", "relation":
			option, value = "r", value[strings.Index(value, ":")+1:]
		case "expire":
			if at, err := time.Parse(time.RFC3339, value); err == nil {
				value = at.UTC().Format(time.RFC3339)
			}
		}
		options = append(options, option+"="+value)
	}
	switch command {
	case "open-port", "close-port":
		args[0] = strings.ToLower(args[0])
		if args[0] != "icmp" && !strings.Contains(args[0], "/") {
			args[0] += "/tcp"
		}
	case "storage-add":
		if !strings.Contains(args[0], "=") {
			args[0] += "=1"
		}
	case "status-set":
		if len(args) == 1 {
			args = append(args, "") // the message
		}
	case "action-log", "juju-log":
		args = []string{strings.Join(args, " ")}
		if isInfo {
			options = nil
		}
	case "action-set", "relation-set", "secret-add", "secret-set", "state-set":
		slices.Sort(args)
	}
	slices.Sort(options)
	return fmt.Sprintf("%s %q %q", command, options, args)
}

// content returns the data of a file, or of standard input, as key=value.
func content(t *testing.T, path string, input []byte) []string {
	t.Helper()
	if path != "-" {
		var err error
		input, err = os.ReadFile(path)
		require.NoError(t, err)
	}
	var data map[string]string
	require.NoError(t, yaml.Unmarshal(input, &data), "%s", input)
	var args []string
	for key, value := range data {
		if name, ok := strings.CutSuffix(key, "#base64"); ok {
			decoded, err := base64.StdEncoding.DecodeString(value)
			require.NoError(t, err)
			key, value = name, string(decoded)
		}
		args = append(args, key+"="+value)
	}
	return args
}

// scene is a dispatch in which a charm does what was recorded.
type scene struct {
	name string   // of the recorded case
	also []string // cases whose answers are there, too
	do   func(ctx context.Context, t *testing.T, c *charm.Charm)
	// register, instead of do, is for what is done in register too.
	register func(t *testing.T, c *charm.Charm)
	fails    error // the dispatch does, if not nil
}

// replayScenes runs scenes as both versions of Juju were recorded.
func replayScenes(t *testing.T, scenes []scene) {
	t.Helper()
	for _, version := range golden.Versions {
		for _, s := range scenes {
			main, ok := caseOf(version, s.name)
			if !ok {
				require.NotEqual(t, "3.6", version, "there is no recording %s", s.name)
				continue // 3.6 only
			}
			t.Run(version+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				s.play(t, version, main)
			})
		}
	}
}

func (s *scene) play(t *testing.T, version string, main golden.Case) {
	t.Helper()
	require.False(t, main.FromFake, "recording %s is no evidence", s.name)
	answers := &replay{t: t, fails: s.fails != nil, left: slices.Clone(main.Calls)}
	for _, name := range s.also {
		more, ok := caseOf(version, name)
		require.True(t, ok && !more.FromFake, "there is no recording %s", name)
		answers.left = append(answers.left, more.Calls...)
	}
	env, err := events.Environ(recordedEvent(t, main.Event), "magpie/0")
	require.NoError(t, err)
	env = append(env, "JUJU_VERSION="+map[string]string{"4": "4.1-beta2", "3.6": "3.6.26"}[version])
	done := false
	err = charm.Run(t.Context(), func(c *charm.Charm) {
		done = true
		if s.register != nil {
			s.register(t, c)
			return
		}
		done = false
		charm.OnDispatch(c, func(ctx context.Context, _ events.Event) error {
			s.do(ctx, t, c)
			done = true
			return nil
		})
	}, &charm.Options{Env: env, Runner: answers})
	if s.fails != nil {
		require.ErrorIs(t, err, s.fails)
	} else {
		require.NoError(t, err)
	}
	assert.True(t, done)
	assert.Empty(t, answers.unsent(), "these were recorded, and the charm did not run them")
}

// caseOf returns the case that holds for a version of Juju.
func caseOf(version, name string) (golden.Case, bool) {
	cases := recordedCases()
	for _, of := range []string{version, "4"} {
		if i := slices.IndexFunc(cases, func(c golden.Case) bool { return c.Version == of && c.Name == name }); i >= 0 {
			return cases[i], true
		}
	}
	return golden.Case{}, false
}

var recordedCases = sync.OnceValue(golden.Cases)

// recordedEvent returns the event of a case.
func recordedEvent(t *testing.T, ev golden.Event) events.Event {
	t.Helper()
	switch ev.Kind {
	case "update-status":
		return events.UpdateStatus{}
	case "install":
		return events.Install{}
	case "start":
		return events.Start{}
	case "remove":
		return events.Remove{}
	case "action":
		return events.Action{Action: ev.Action, ID: ev.ActionID}
	case "relation-changed":
		app, _, _ := strings.Cut(ev.RemoteUnit, "/")
		if app == "magpie" {
			return events.PeerChanged{RelationRef: events.RelationRef{Endpoint: "magpie", ID: ev.RelationID, App: app}, Unit: ev.RemoteUnit}
		}
		return events.RelationChanged{RelationRef: events.RelationRef{Endpoint: "db", ID: ev.RelationID, App: app}, Unit: ev.RemoteUnit}
	}
	require.Fail(t, "this test knows no such event", ev.Kind)
	return nil
}
