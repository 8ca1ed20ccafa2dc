// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCommandRules has what the specification says of commands and the
// recordings do not have, or only with the answers of a stand-in.
func TestCommandRules(t *testing.T) {
	t.Parallel()
	reboot := golden.Event{Kind: "action", Action: "do-it"}
	joined := golden.Event{Kind: "relation-changed", RelationID: 3, RemoteUnit: "mysql/0"}
	key, value := strings.Repeat("k", 257), strings.Repeat("v", 65537)
	for _, test := range []struct {
		version, state string
		event          golden.Event
		argv           []string
		code           int
		out            string // stdout, or the error
	}{
		{"4", "leader", golden.Event{}, []string{"state-set", "k=" + value}, 1, "max allowed value length (65536): quota limit exceeded"},
		{"3.6", "leader", golden.Event{}, []string{"state-set", "k=" + value}, 1, "max allowed value length (65536) exceeded"},
		{"3.6", "leader", golden.Event{}, []string{"state-set", key + "="}, 1, "max allowed key length (256) exceeded"},
		{"4", "leader", golden.Event{}, []string{"state-set", key[1:] + "=" + value[1:]}, 0, ""},
		{"4", "empty", golden.Event{}, []string{"state-get", "--format=json"}, 0, "null\n"},
		{"4", "empty", golden.Event{}, []string{"state-get"}, 0, "{}\n"},
		{"4", "leader", reboot, []string{"juju-reboot"}, 1, "juju-reboot is not supported when running an action."},
		{"4", "minion", golden.Event{}, []string{"credential-get"}, 1, "cannot access cloud credentials: permission denied"},
		{"4", "leader", golden.Event{}, []string{"resource-get", "nosuch"}, 1, `could not download resource: HTTP request failed: resource "nosuch" not found`},
		{"4", "leader", golden.Event{}, []string{"resource-get", "config-file"}, 0, "/var/lib/juju/agents/unit-magpie-0/resources/config.yaml"},
		{"4", "leader", golden.Event{}, []string{"resource-get", "image"}, 0, "/var/lib/juju/agents/unit-magpie-0/resources/content.yaml"},
		{"4", "leader", golden.Event{}, []string{"unit-get", "x"}, 2, `unknown setting "x"`},
		{"4", "empty", golden.Event{}, []string{"unit-get", "public-address"}, 1, "public address not found"},
		{"4", "empty", golden.Event{}, []string{"unit-get", "private-address"}, 1, "private address not found"},
		{"4", "leader", golden.Event{}, []string{"network-get", "elsewhere"}, 1, `no network config found for binding "elsewhere"`},
		{"3.6", "leader", golden.Event{}, []string{"network-get", "elsewhere"}, 1, `undefined for unit charm: endpoint "elsewhere" not valid`},
		{"4", "leader", golden.Event{}, []string{"network-get", "err"}, 1, "no such space"},
		{"3.6", "leader", golden.Event{}, []string{"network-get", "err"}, 1, `no network config found for binding "err"`},
		{"4", "leader", golden.Event{}, []string{"network-get", "db", "--primary-address", "--bind-address"}, 1, "--primary-address must be the only flag specified"},
		{"4", "leader", golden.Event{}, []string{"network-get", "db", "-r", "3", "--bind-address"}, 0, "10.77.0.4\n"},
		{"4", "leader", golden.Event{}, []string{"network-get", "db", "-r", "12", "--bind-address"}, 0, "10.1.0.4\n"},
		{"4", "leader", joined, []string{"network-get", "db", "--bind-address"}, 0, "10.77.0.4\n"},
		{"4", "leader", joined, []string{"network-get", "magpie", "--bind-address"}, 0, "10.1.0.4\n"},
		{"4", "leader", golden.Event{}, []string{"network-get", "juju-info", "--bind-address"}, 0, "10.1.0.4\n"},
		{"4", "leader", golden.Event{}, []string{"status-set", "active", "m", "x"}, 2, `unrecognized args: ["x"]`},
		{"4", "leader", golden.Event{}, []string{"application-version-set", "1", "2"}, 2, `unrecognized args: ["2"]`},
		{"4", "leader", golden.Event{}, []string{"juju-log"}, 2, "no message specified"},
		{"4", "minion", golden.Event{}, []string{"relation-get", "--app", "-r", "3", "-", "nosuch"}, 1, "relation unit not found"},
		{"3.6", "minion", golden.Event{}, []string{"relation-get", "--app", "-r", "3", "-", "magpie"}, 1, "permission denied"},
	} {
		t.Run(test.version+" "+strings.Join(test.argv, " ")[:min(40, len(strings.Join(test.argv, " ")))], func(t *testing.T) {
			t.Parallel()
			w := worldOf(t, test.state, test.version, test.event)
			response := w.command(t, test.argv...)
			assert.Equal(t, test.code, response.Code)
			out := test.out
			if test.code != 0 {
				out = "ERROR " + out + "\n"
			}
			assert.Equal(t, out, string(response.Stdout)+string(response.Stderr))
		})
	}
}

// worldOf begins a hook in a recorded state; the default is update-status.
func worldOf(t *testing.T, state, version string, event golden.Event) *world {
	if event.Kind == "" {
		event.Kind = "update-status"
	}
	name, err := json.Marshal(state)
	require.NoError(t, err)
	w := load(t, name, version, golden.Case{Event: event})
	info, err := w.info()
	require.NoError(t, err)
	w.hook = w.model.begin(w.unit, info)
	return w
}

func (w *world) command(t *testing.T, argv ...string) Response {
	response, err := w.hook.Command(Request{Command: argv[0], Args: argv[1:], Dir: "/"})
	require.NoError(t, err)
	return response
}

func TestPlannedNetwork(t *testing.T) {
	t.Parallel()
	charm := &charmdir.Charm{Name: "app", Endpoints: map[string]charmdir.Endpoint{"web": {Name: "web", Role: charmdir.RoleProvider}}}
	for _, test := range []struct {
		caas bool
		want string
	}{
		{false, `{"bind-addresses":[{"mac-address":"00:16:3e:01:00:04","interface-name":"eth0","addresses":[{"hostname":"","value":"10.1.0.4","cidr":"10.1.0.0/16"}]}],"egress-subnets":["10.1.0.4/32"],"ingress-addresses":["10.1.0.4"]}`},
		{true, `{"bind-addresses":[{"mac-address":"","interface-name":"","addresses":[{"hostname":"","value":"10.1.0.4","cidr":""}]}],"egress-subnets":["10.1.0.4/32"],"ingress-addresses":["10.1.0.4"]}`},
	} {
		m := New(&Options{CAAS: test.caas})
		app, err := m.Deploy(Deployment{Charm: charm, Executor: noExecutor{}, Units: 1})
		require.NoError(t, err)
		w := &world{hook: m.begin(app.units[0], hookInfo{kind: install, slot: -1})}
		assert.Equal(t, test.want+"\n", string(w.command(t, "network-get", "--format=json", "web").Stdout))
		assert.Equal(t, "10.1.0.4\n", string(w.command(t, "unit-get", "public-address").Stdout), "there is no public address")
	}
}

func TestJujuLogLevels(t *testing.T) {
	t.Parallel()
	w := worldOf(t, "leader", "4", golden.Event{})
	w.command(t, "juju-log", "--debug", "a")
	w.command(t, "juju-log", "-l", "warn", "b")
	w.command(t, "juju-log", "-l", "LOUD", "c")
	var lines []string
	for _, l := range w.model.Logs() {
		lines = append(lines, l.Level+" "+l.Message)
	}
	assert.Equal(t, []string{"DEBUG a", "WARNING b", `WARNING Specified log level of "LOUD" is not valid`, "INFO c"}, lines)
}

func TestStateSize(t *testing.T) {
	t.Parallel()
	for version, outcome := range map[string]Outcome{"4": Succeeded, "3.6": FlushRefused} {
		w := worldOf(t, "empty", version, golden.Event{})
		changes := make(map[string]string)
		for i := range 33 {
			changes[strings.Repeat("k", i+1)] = strings.Repeat("v", 65536)
		}
		require.NoError(t, w.hook.setState(changes))
		got, err := w.model.finish(w.hook, Exit{})
		assert.Equal(t, outcome, got, version)
		if outcome == FlushRefused {
			assert.ErrorContains(t, err, "max allowed size (2097152) exceeded")
			assert.Empty(t, w.unit.state)
		}
	}
}

// TestStatusOfFailedHook sees that the agent forgets that a hook set a status if
// it fails: then it says again that it installs.
func TestStatusOfFailedHook(t *testing.T) {
	t.Parallel()
	w := worldOf(t, "empty", "4", golden.Event{Kind: "install"})
	w.command(t, "status-set", "blocked", "no")
	outcome, _ := w.model.finish(w.hook, Exit{Code: 1})
	require.Equal(t, Failed, outcome)
	assert.Equal(t, "blocked", w.unit.workload.Status, "the status itself stays")
	w.hook = w.model.begin(w.unit, hookInfo{kind: install, slot: -1})
	assert.JSONEq(t, `{"message":"installing charm software","status":"maintenance","status-data":{}}`,
		string(w.command(t, "status-get", "--include-data", "--format=json").Stdout))
}

func TestResourceOfOwnDirectory(t *testing.T) {
	t.Parallel()
	w := worldOf(t, "leader", "4", golden.Event{})
	dir := t.TempDir()
	w.model.opts.Paths = func(string) Paths { return Paths{AgentDir: dir} }
	file := string(w.command(t, "resource-get", "config-file").Stdout)
	assert.Equal(t, filepath.Join(dir, "resources", "config.yaml"), file)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "a: 1\n", string(content))
}

// TestRebootNow sees that the charm has no commands any more after it.
func TestRebootNow(t *testing.T) {
	t.Parallel()
	w := worldOf(t, "leader", "4", golden.Event{})
	w.command(t, "juju-reboot", "--now")
	_, err := w.hook.Command(Request{Command: "is-leader"})
	require.ErrorIs(t, err, errKilled)
	outcome, _ := w.model.finish(w.hook, Exit{Code: 1})
	assert.Equal(t, RebootNow, outcome)
}

// TestAnswersOfConfig sees that values and text have the same numbers and nulls.
func TestAnswersOfConfig(t *testing.T) {
	t.Parallel()
	w := worldOf(t, "leader", "4", golden.Event{})
	w.model.opts.TextOnly = false
	answers := make(map[string]hookcmd.Values)
	for _, args := range [][]string{{"--format=json"}, {"--format=json", "--all"}} {
		var values, printed hookcmd.Values
		known, err := w.hook.Answer(t.Context(), hookcmd.Call{Command: "config-get", Args: args}, &values)
		require.NoError(t, err)
		require.True(t, known, args)
		require.NoError(t, json.Unmarshal(w.command(t, append([]string{"config-get"}, args...)...).Stdout, &printed))
		assert.Equal(t, printed, values, args)
		assert.Contains(t, slices.Collect(maps.Values(values)), json.RawMessage("9007199254740992"))
		answers[args[len(args)-1]] = values
	}
	unset := 0
	for name, value := range answers["--all"] {
		if string(value) == "null" {
			assert.NotContains(t, answers["--format=json"], name)
			unset++
		}
	}
	assert.Positive(t, unset, "options without a value")

	for _, args := range [][]string{{"--format=json", "--", "a-string"}, {"--format=json", "--all", "x"}, {"--format=json", "-a"}} {
		known, err := w.hook.Answer(t.Context(), hookcmd.Call{Command: "config-get", Args: args}, new(hookcmd.Values))
		require.NoError(t, err)
		assert.False(t, known, "%q runs as text", args)
	}
}
