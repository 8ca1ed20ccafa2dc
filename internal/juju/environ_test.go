// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recordedHosts are the environments of the hosts of some recordings, which
// the recordings do not have otherwise.
var recordedHosts = map[string]map[string]string{
	"update-status-host-centos":        {"DEBIAN_FRONTEND": "", "APT_LISTCHANGES_FRONTEND": ""},
	"update-status-host-generic-linux": {"DEBIAN_FRONTEND": "", "APT_LISTCHANGES_FRONTEND": "", "TERM": "screen"},
	"update-status-k8s-host-env": {
		"KUBERNETES_PORT": "tcp://10.152.183.1:443", "KUBERNETES_PORT_443_TCP": "tcp://10.152.183.1:443",
		"KUBERNETES_PORT_443_TCP_ADDR": "10.152.183.1", "KUBERNETES_PORT_443_TCP_PORT": "443",
		"KUBERNETES_PORT_443_TCP_PROTO": "tcp", "KUBERNETES_SERVICE_HOST": "10.152.183.1",
		"KUBERNETES_SERVICE_PORT": "443", "KUBERNETES_SERVICE_PORT_HTTPS": "443", "KUBERNETES_OTHER": "left out",
	},
}

var hex32 = regexp.MustCompile(`-[0-9a-f]{32}$`)

// TestEnviron holds the environment to all that were recorded.
func TestEnviron(t *testing.T) {
	t.Parallel()
	dispatches := golden.Dispatches()
	require.NotEmpty(t, dispatches)
	for _, d := range dispatches {
		t.Run(d.Version+"/"+d.Name, func(t *testing.T) {
			t.Parallel()
			if d.Result == "prepare-failed" {
				require.Equal(t, "cannot specify both legacy proxy values and juju proxy values", d.Error, "no other recording has no environment")
				return
			}
			w := loadDispatch(t, d)
			info, err := w.info()
			require.NoError(t, err)
			h := w.model.begin(w.unit, info)
			env := h.Environ()
			got := make(map[string]string)
			for _, variable := range env {
				key, value, _ := strings.Cut(variable, "=")
				assert.NotContains(t, got, key, "it is there twice")
				got[key] = value
			}
			got["JUJU_CONTEXT_ID"] = hex32.ReplaceAllLiteralString(got["JUJU_CONTEXT_ID"], "-${HEX32}")
			assert.Equal(t, d.Env, got)

			slices.Sort(env)
			again := h.Environ()
			slices.Sort(again)
			assert.Equal(t, env, again, "the environment of the same hook, a second time")

			if d.Name == "relation-broken-peer" {
				return // Juju has no such event
			}
			ev, err := events.Parse(env)
			require.NoError(t, err)
			assert.Equal(t, ev, h.Event(), "the event in the environment and the hook's")
		})
	}
}

func loadDispatch(t testing.TB, d golden.Dispatch) *world {
	w := load(t, d.State, d.Version, golden.Case{Event: d.Event})
	w.model.opts.Environment = recordedHosts[d.Name]
	w.model.opts.SLA = w.state.Model.SLA
	w.model.opts.Paths = func(string) Paths {
		return Paths{CharmDir: "${CHARM_DIR}", AgentDir: "${AGENT_DIR}", ToolsDir: "${TOOLS_DIR}", AgentPath: "${AGENT_PATH}"}
	}
	return w
}

// TestEnvironOfNeighbours sees that units do not share what is kept of one.
func TestEnvironOfNeighbours(t *testing.T) {
	t.Parallel()
	w := load(t, json.RawMessage(`"leader"`), "4", golden.Case{Event: golden.Event{Kind: "update-status"}})
	first := w.model.begin(w.unit, hookInfo{kind: updateStatus, slot: -1}).Environ()
	second := w.model.begin(w.unit, hookInfo{kind: start, slot: -1}).Environ()
	assert.Contains(t, first, "JUJU_HOOK_NAME=update-status")
	assert.Contains(t, second, "JUJU_HOOK_NAME=start")
	for i := range first {
		first[i] = "spoiled"
	}
	assert.NotContains(t, second, "spoiled")
	third := w.model.begin(w.unit, hookInfo{kind: stop, slot: -1}).Environ()
	assert.NotContains(t, third, "spoiled")
	assert.Contains(t, third, "CHARM_DIR=/var/lib/juju/agents/unit-magpie-0/charm")
	assert.Contains(t, third, "PATH=/var/lib/juju/tools/unit-magpie-0:"+defaultPaths("magpie/0").AgentPath)
}

func BenchmarkEnviron(b *testing.B) {
	dispatches := golden.Dispatches()
	i := slices.IndexFunc(dispatches, func(d golden.Dispatch) bool { return d.Name == "relation-changed-unit-db" })
	w := loadDispatch(b, dispatches[i])
	info, err := w.info()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		w.model.begin(w.unit, info).Environ()
	}
}
