// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// place is where a charm finds its containers.
const place = "/charm/containers"

// relocates skips a test where units have no view.
func (r *rig) relocates() {
	r.t.Helper()
	if !r.host.Relocates() {
		r.t.Skipf("this system gives no mount namespaces to user %d", os.Geteuid())
	}
}

func TestContainersOfUnits(t *testing.T) {
	t.Parallel()
	_, before := os.Stat(filepath.Dir(place))
	r := newPebbleRig(t)
	r.relocates()
	units := r.inContainers(script(`
[ -S /charm/containers/web/pebble.socket ] && echo socket
cat /charm/containers/web/unit || echo $JUJU_UNIT_NAME > /charm/containers/web/unit
is-leader
pwd
ls /charm`), 2)
	for range 2 {
		for _, u := range units {
			_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
			require.NoError(t, err)
			assert.Equal(t, juju.Succeeded, outcome)
		}
	}
	for i, u := range units {
		p := r.host.Paths(u.Name)
		leader := []string{"True", "False"}[i]
		assert.Equal(t, []string{"socket", leader, p.CharmDir, "containers", "socket", u.Name, leader, p.CharmDir, "containers"},
			r.lines("unit."+u.Name+".update-status", "DEBUG"))
		data, err := os.ReadFile(filepath.Join(p.Containers, "web", "unit"))
		require.NoError(t, err)
		assert.Equal(t, u.Name+"\n", string(data))
		assert.Equal(t, u.Name+"\n", string(r.exec(u, "cat /charm/containers/web/unit").Stdout))
	}
	_, after := os.Stat(filepath.Dir(place))
	assert.Equal(t, before, after, "nothing is seen outside")
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	assert.NotContains(t, string(mounts), filepath.Dir(r.host.Paths("app/0").Containers))
	assert.Empty(t, r.warnings())
}

// TestViewIsLikeNone compares all that a process has in a view with what it has
// outside.
func TestViewIsLikeNone(t *testing.T) {
	t.Parallel()
	r := newPebbleRig(t)
	r.relocates()
	u := r.inContainers(files{"dispatch": facts + "tr '\\0' '\\n' < /proc/$$/environ > environ\nls /proc/self/fd > open\nid > id\numask >> id\n"}, 1)[0]
	plain := r.deploy("plain", "", files{"dispatch": "#!/bin/sh\nls /proc/self/fd > open\nid > id\numask >> id\n"}, 1).Units()[0]
	plain.SkipToStarted()
	_, _, err := r.model.Dispatch(t.Context(), plain, events.UpdateStatus{})
	require.NoError(t, err)
	h, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	got := r.file("app/0", "facts")
	dir := r.host.Paths("app/0").CharmDir
	assert.Contains(t, got, fmt.Sprintf("program %s/dispatch\narguments 0\ndirectory %s\nstdin /dev/null\n", dir, dir))
	_, ids, _ := strings.Cut(strings.TrimSpace(got), "ids ")
	pid, group, _ := strings.Cut(ids, " ")
	assert.Equal(t, pid, group, "it leads a process group")
	assert.ElementsMatch(t, h.Environ(), strings.Split(strings.TrimSpace(r.file("app/0", "environ")), "\n"))
	for _, name := range []string{"open", "id"} {
		assert.Equal(t, r.file("plain/0", name), r.file("app/0", name), name)
	}
	data, err := os.ReadFile(filepath.Join(r.host.Paths("app/0").Containers, "web", "environ"))
	require.NoError(t, err)
	assert.NotContains(t, string(data), place)
}

func TestEndsInView(t *testing.T) {
	t.Parallel()
	r := newPebbleRig(t)
	r.relocates()
	u := r.inContainers(script(`[ -d /charm/containers/web ] || exit 1; exec ./next`), 1)[0]
	_, _, _ = r.model.Dispatch(t.Context(), u, events.UpdateStatus{}) // so that there is a directory
	dispatch := filepath.Join(r.host.Paths("app/0").CharmDir, "dispatch")
	for _, test := range []struct {
		name, program string
		want          juju.Exit
		err           string
	}{
		{"status", "#!/bin/sh\n[ -d /charm/containers/web ] && exit 3\n", juju.Exit{Code: 3}, "exit status 3"},
		{"signal", "#!/bin/sh\nkill -SEGV $$\n", juju.Exit{Code: -1, Signal: syscall.SIGSEGV}, "signal: segmentation fault"},
		{"empty", "", juju.Exit{Code: 1}, `cannot run "dispatch": exec format error: it is empty`},
		{"interpreter", "#!/no/such/python3 -u\n", juju.Exit{Code: 1}, `cannot run "dispatch": no such file or directory: there is no interpreter "/no/such/python3", which its first line names`},
		{"machine", elf(250), juju.Exit{Code: 1}, `cannot run "dispatch": exec format error: it is built for machine 250; this machine is ` + runtime.GOARCH},
		{"permission", "#!/etc/passwd\n", juju.Exit{Code: 1}, `cannot run "dispatch": permission denied: interpreter "/etc/passwd", which its first line names, is not executable`},
		{"success", "#!/bin/sh\n[ -d /charm/containers/web ]\n", juju.Exit{}, ""},
	} {
		require.NoError(t, os.Remove(dispatch))
		require.NoError(t, os.WriteFile(dispatch, []byte(test.program), 0o755))
		_, _, err := r.model.Redo(t.Context(), u)
		if test.err == "" {
			require.NoError(t, err, test.name)
		} else {
			require.EqualError(t, err, test.err, test.name)
		}
		assert.Equal(t, test.want.Code, r.exit().Code, test.name)
		assert.Equal(t, test.want.Signal, r.exit().Signal, test.name)
	}
	assert.Empty(t, r.warnings())
}

// TestOrphanInView is about a process that is left by a unit with a view.
func TestOrphanInView(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"as daemons do", "without environment", "with children"} {
		t.Run(name, func(t *testing.T) {
			if !alone(t) {
				return
			}
			r := newPebbleRig(t)
			r.relocates()
			u := r.inContainers(left(daemons[name]), 1)[0]
			_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
			require.NoError(t, err)
			pid := r.pid("app/0", "pid")
			entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/root%s", pid, place))
			require.NoError(t, err)
			assert.Len(t, entries, 1, "containers that it sees")
			r.exec(u, "true")
			assert.True(t, runs(pid), "it lives on between hooks")
			require.NoError(t, r.host.RemoveUnit("app/0"))
			assert.False(t, runs(pid), "it goes with its unit")
			require.NoError(t, r.host.Close())
			assert.Empty(t, children(t, os.Getpid()))
		})
	}
}

// TestNoNamespaces is about a system that gives none, as in many containers.
func TestNoNamespaces(t *testing.T) {
	if !alone(t) {
		return
	}
	if os.Geteuid() == 0 && hasSysAdmin(t) {
		runtime.LockOSThread()
		const dropFromBoundingSet = 24 // PR_CAPBSET_DROP
		_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, dropFromBoundingSet, sysAdmin, 0)
		require.Zero(t, errno)
		self, err := os.Executable()
		require.NoError(t, err)
		require.NoError(t, syscall.Exec(self, os.Args, os.Environ()))
	}
	r := newPebbleRig(t)
	if os.Geteuid() == 0 {
		require.False(t, r.host.Relocates())
	} else if r.host.Relocates() {
		t.Skipf("user %d may make namespaces", os.Geteuid())
	}
	u := r.inContainers(script(`[ -S $CHARMSMITH_CONTAINERS/web/pebble.socket ] && echo socket`), 1)[0]
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, []string{"socket"}, r.lines("unit.app/0.update-status", "DEBUG"))
	assert.Empty(t, r.warnings())
}

const sysAdmin = 21 // CAP_SYS_ADMIN

func hasSysAdmin(t *testing.T) bool {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	lines := bytes.Split(status, []byte{'\n'})
	i := slices.IndexFunc(lines, func(line []byte) bool { return bytes.HasPrefix(line, []byte("CapEff:")) })
	require.GreaterOrEqual(t, i, 0)
	caps, err := strconv.ParseUint(string(bytes.TrimSpace(lines[i][len("CapEff:"):])), 16, 64)
	require.NoError(t, err)
	return caps&(1<<sysAdmin) != 0
}

// TestNoPebbleNoView is about units that have no need of a view.
func TestNoPebbleNoView(t *testing.T) {
	t.Parallel()
	assert.False(t, newRig(t, process.Options{}, juju.Options{}).host.Relocates())
	r := newPebbleRig(t)
	u := r.idle(script("readlink /proc/self/ns/mnt > ns"))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	own, err := os.Readlink("/proc/self/ns/mnt")
	require.NoError(t, err)
	assert.Equal(t, own, strings.TrimSpace(r.file("app/0", "ns")))
}
