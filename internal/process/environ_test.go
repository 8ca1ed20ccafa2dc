// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// recorder is a charm that keeps the environment of each of its dispatches.
const recorder = `#!/bin/sh
name=${JUJU_DISPATCH_PATH##*/}
cat /proc/$$/environ > "env.$name"
`

// recordedAs are the recordings of what the recorder's unit app/0 is started for.
var recordedAs = map[string]string{
	"install": "install", "leader-elected": "leader-elected", "config-changed": "config-changed", "start": "config-changed",
	"update-status": "update-status", "upgrade-charm": "upgrade-charm", "stop": "stop", "remove": "remove", "act": "action-dashed",
	"peers-relation-created": "relation-created-peer", "peers-relation-joined": "relation-joined-peer",
	"peers-relation-changed": "relation-changed-unit-peer", "peers-relation-departed": "relation-departed-other-peer",
	"db-relation-created": "relation-created-cmr", "db-relation-joined": "relation-joined-db", "db-relation-changed": "relation-changed-unit-db",
	"db-relation-departed": "relation-departed-self-db", "db-relation-broken": "relation-broken-db",
	"data-storage-attached": "storage-attached-filesystem",
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.1.0", "3.6.26"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "kept")
			r := newRig(t, process.Options{Keep: true, Dir: dir}, juju.Options{Version: version})
			app := r.deploy("app", "peers: {peers: p}\nrequires: {db: mysql}\nstorage: {data: {type: filesystem}}", files{"dispatch": recorder}, 2)
			r.deploy("mysql", "provides: {server: mysql}", files{"README": ""}, 1)
			_, err := r.model.Relate("app", "db", "mysql", "server")
			require.NoError(t, err)
			r.settle()
			r.action(r.model.Unit("app/0"), "act")
			app.UpdateStatus()
			r.settle()
			require.NoError(t, app.Refresh(app.Charm(), nil))
			r.settle()
			require.NoError(t, r.model.Unit("app/1").Remove())
			r.settle()
			require.NoError(t, r.model.Unit("app/0").Remove())
			r.settle()
			var want []string
			for name, recording := range recordedAs {
				want = append(want, "env."+name)
				r.checkEnviron(name, recordedNames(t, version, recording))
			}
			require.NoError(t, r.host.RemoveUnit("app/0"))
			got, err := filepath.Glob(filepath.Join(r.host.Paths("app/0").CharmDir, "env.*"))
			require.NoError(t, err, "the directory is kept")
			for i, file := range got {
				got[i] = filepath.Base(file)
			}
			got = slices.DeleteFunc(got, func(name string) bool { return strings.HasSuffix(name, "detaching") })
			assert.ElementsMatch(t, want, got)
		})
	}
}

// recordedNames returns the names of the variables of a recording.
func recordedNames(t *testing.T, version, name string) []string {
	var names []string
	for _, d := range golden.Dispatches() { // 3.6 comes last
		if d.Name == name && strings.HasPrefix(version, d.Version) || names == nil && d.Name == name {
			names = slices.Sorted(maps.Keys(d.Env))
		}
	}
	require.NotEmpty(t, names, "recording %s", name)
	return names
}

func (r *rig) checkEnviron(name string, want []string) {
	r.t.Helper()
	env := make(map[string]string)
	for _, variable := range strings.Split(strings.TrimSuffix(r.file("app/0", "env."+name), "\x00"), "\x00") {
		key, value, _ := strings.Cut(variable, "=")
		env[key] = value
	}
	assert.Equal(r.t, want, slices.Sorted(maps.Keys(env)), "variables of %s", name)
	p := r.host.Paths("app/0")
	assert.Equal(r.t, p.CharmDir, env["JUJU_CHARM_DIR"])
	assert.Equal(r.t, p.Socket, env["JUJU_AGENT_SOCKET_ADDRESS"])
	assert.Equal(r.t, p.ToolsDir+":"+os.Getenv("PATH"), env["PATH"])
	assert.LessOrEqual(r.t, len(p.Socket), 103)
}

func TestEnvironmentOnKubernetes(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{CAAS: true})
	r.deploy("app", "containers: {web: {}}", files{"dispatch": recorder}, 1)
	r.settle()
	r.action(r.model.Unit("app/0"), "act")
	want := append(recordedNames(t, "4", "action-k8s"), "CHARMSMITH_CONTAINERS")
	slices.Sort(want)
	r.checkEnviron("act", want)
	assert.Contains(t, "\x00"+r.file("app/0", "env.act"), "\x00CHARMSMITH_CONTAINERS="+r.host.Paths("app/0").Containers+"\x00")
	want = append(recordedNames(t, "4", "pebble-ready"), "CHARMSMITH_CONTAINERS")
	slices.Sort(want)
	r.checkEnviron("web-pebble-ready", want)
}
