// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

const webAndDB = "containers: {web: {}, db: {}}"

// newPebbleRig returns a rig whose containers have Pebbles.
func newPebbleRig(t testing.TB) *rig {
	t.Helper()
	program := filepath.Join(t.TempDir(), fakePebble)
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, program))
	return newRig(t, process.Options{Pebble: program}, juju.Options{CAAS: true})
}

// inContainers deploys units whose Pebbles answer.
func (r *rig) inContainers(f files, units int) []*juju.Unit {
	r.t.Helper()
	app := r.deploy("app", "containers: {web: {}}", f, units)
	for _, u := range app.Units() {
		u.SkipToStarted()
		r.host.AddContainers(u.Name, app.Charm().Containers)
		eventually(r.t, func() bool { return r.host.Answers(u.Name, "web") }, "Pebble of %s", u.Name)
	}
	return app.Units()
}

func TestPebble(t *testing.T) {
	t.Parallel()
	r := newPebbleRig(t)
	app := r.deploy("app", webAndDB, script("true"), 2)
	for _, u := range app.Units() {
		r.host.AddContainers(u.Name, app.Charm().Containers)
		r.host.AddContainers(u.Name, app.Charm().Containers) // those it has already
	}
	eventually(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.ready) == 4 }, "four Pebbles")
	assert.ElementsMatch(t, []string{"app/0 web", "app/0 db", "app/1 web", "app/1 db"}, r.ready)
	assert.True(t, r.host.Answers("app/0", "web"))
	assert.False(t, r.host.Answers("app/0", "none"))
	assert.False(t, r.host.Answers("app/2", "web"))
	eventually(t, func() bool { return len(r.lines("unit.app/0.pebble.web", "INFO")) > 0 }, "its log")
	assert.Equal(t, []string{"Started daemon."}, r.lines("unit.app/0.pebble.web", "INFO"))

	dir := filepath.Join(r.host.Paths("app/0").Containers, "web")
	environ, err := os.ReadFile(filepath.Join(dir, "environ"))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"PATH=" + os.Getenv("PATH"), "PEBBLE=" + dir, "PEBBLE_SOCKET=" + dir + "/pebble.socket"}, strings.Split(string(environ), "\n"))
	service := func(unit string) int {
		data, err := os.ReadFile(filepath.Join(r.host.Paths(unit).Containers, "web", "service.pid"))
		require.NoError(t, err)
		pid, err := strconv.Atoi(string(data))
		require.NoError(t, err)
		return pid
	}
	mine, others := service("app/0"), service("app/1")
	require.NoError(t, r.host.RemoveUnit("app/0"))
	assert.False(t, runs(mine), "it goes with its Pebble")
	assert.True(t, runs(others))
	assert.False(t, r.host.Answers("app/0", "web"))
	assert.NoDirExists(t, dir)
	r.host.AddContainers("app/0", app.Charm().Containers)
	assert.NoDirExists(t, dir, "the unit is removed")
	require.NoError(t, r.host.Close())
	assert.False(t, runs(others))
	assert.Empty(t, r.warnings())
}

func TestPebbleFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "pebble")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho cannot >&2\nexit 3\n"), 0o755))
	r := newRig(t, process.Options{Pebble: program}, juju.Options{CAAS: true})
	r.host.AddContainers("app/0", metadata(t, "app", "containers: {web: {}}").Containers)
	eventually(t, func() bool { return len(r.warnings()) > 0 }, "a warning")
	assert.Equal(t, []string{`app/0: Pebble in container "web" has ended: exit status 3`}, r.warnings())
	assert.False(t, r.host.Answers("app/0", "web"))
	eventually(t, func() bool { return len(r.lines("unit.app/0.pebble.web", "INFO")) > 0 }, "what it printed")

	r = newRig(t, process.Options{Pebble: filepath.Join(dir, "none")}, juju.Options{CAAS: true})
	r.host.AddContainers("app/0", metadata(t, "app", "containers: {web: {}}").Containers)
	assert.Equal(t, []string{`app/0: cannot start Pebble in container "web": cannot run "` + filepath.Join(dir, "none") + `": no such file or directory`}, r.warnings())

	r = newRig(t, process.Options{}, juju.Options{CAAS: true})
	r.host.AddContainers("app/0", metadata(t, "app", "containers: {web: {}}").Containers)
	assert.False(t, r.host.Answers("app/0", "web"))
	assert.DirExists(t, filepath.Join(r.host.Paths("app/0").Containers, "web"))
	assert.Empty(t, r.warnings())
}

func TestRealPebble(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("pebble")
	if err != nil {
		t.Skip("there is no pebble on PATH; put a built canonical/pebble there to run this test")
	}
	r := newRig(t, process.Options{Pebble: program}, juju.Options{CAAS: true})
	app := r.deploy("app", "containers: {web: {}}", script("true"), 1)
	r.host.AddContainers("app/0", app.Charm().Containers)
	eventually(t, func() bool { return r.host.Answers("app/0", "web") }, "Pebble")
	eventually(t, func() bool {
		return strings.Contains(strings.Join(r.lines("unit.app/0.pebble.web", "INFO"), "\n"), "Started daemon")
	}, "its log")
	assert.FileExists(t, filepath.Join(r.host.Paths("app/0").Containers, "web", ".pebble.state"))
	layer := filepath.Join(t.TempDir(), "layer.yaml")
	require.NoError(t, os.WriteFile(layer, []byte("services: {x: {override: replace, startup: enabled, command: sleep 1000}}"), 0o600))
	for _, args := range [][]string{{"add", "l", layer}, {"replan"}} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = []string{"PEBBLE_SOCKET=" + filepath.Join(r.host.Paths("app/0").Containers, "web", "pebble.socket")}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	sockets := filepath.Dir(r.host.Paths("app/0").Socket)
	assert.Len(t, processesWith(sockets), 2, "Pebble and its service")
	require.NoError(t, r.host.RemoveUnit("app/0"))
	assert.Empty(t, processesWith(sockets))
	assert.Empty(t, r.warnings())
}
