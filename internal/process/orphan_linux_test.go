// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// daemons are ways for a hook to leave a process, whose number is to be in the
// file "pid".
var daemons = map[string]string{
	"in the process group":  `sleep 1000 & echo $! > pid`,
	"by two forks":          `(sh -c 'echo $$ > pid; exec sleep 1000' &)`,
	"in its own session":    `setsid sh -c 'echo $$ > pid; exec sleep 1000' &`,
	"as daemons do":         `(setsid sh -c 'sleep 1000 & echo $! > pid' &)`,
	"without environment":   `(setsid env -i sh -c 'echo $$ > pid; exec sleep 1000' &)`,
	"with a part of it":     `(setsid env -i JUJU_UNIT_NAME=$JUJU_UNIT_NAME sh -c 'echo $$ > pid; exec sleep 1000' &)`,
	"that ignores signals":  `(setsid sh -c 'trap "" TERM HUP INT; echo $$ > pid; while :; do sleep 1; done' &)`,
	"with children":         `(setsid env -i sh -c 'sleep 1001 & (setsid sh -c "sleep 1002 & sleep 1003" &) ; echo $$ > pid; sleep 1004' &)`,
	"that forks for ever":   `(setsid env -i sh -c 'echo $$ > pid; while :; do (setsid sh -c "sleep 0.05" &); sleep 0.01; done' &)`,
	"in another directory":  `(cd /; setsid env -i dir=$JUJU_CHARM_DIR sh -c 'echo $$ > $dir/pid; exec sleep 1000' &)`,
	"that is stopped":       `(setsid sh -c 'echo $$ > pid; kill -STOP $$' &)`,
	"that holds the output": `(setsid sh -c 'echo $$ > pid; exec sleep 1000' &) ; : keep`,
}

// left is the dispatch of a charm that leaves a daemon.
func left(daemon string) files {
	redirect := "exec >/dev/null 2>&1\n"
	if strings.HasSuffix(daemon, "keep") {
		redirect = ""
	}
	return script(redirect + daemon + "\nwhile [ ! -s pid ]; do sleep 0.01; done")
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	for name, daemon := range daemons {
		t.Run(name, func(t *testing.T) {
			if !alone(t) {
				return
			}
			r := newRig(t, process.Options{}, juju.Options{})
			u := r.idle(left(daemon))
			other := r.deploy("other", "", left(daemons["in the process group"]), 1).Units()[0]
			other.SkipToStarted()
			for _, u := range []*juju.Unit{u, other} {
				_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
				require.NoError(t, err)
				assert.Equal(t, juju.Succeeded, outcome)
			}
			pid, otherPid := r.pid("app/0", "pid"), r.pid("other/0", "pid")
			r.exec(u, "true") // another hook
			assert.True(t, runs(pid), "it lives on between hooks")
			require.NoError(t, r.host.RemoveUnit("app/0"))
			assert.False(t, runs(pid), "it goes with its unit")
			assert.True(t, runs(otherPid), "the other unit's stays")
			eventually(t, func() bool { return slices.Equal([]int{otherPid}, children(t, os.Getpid())) }, "no child but process %d", otherPid)
			require.NoError(t, r.host.Close())
			assert.Empty(t, children(t, os.Getpid()))
		})
	}
}

// TestOrphanOfNobody is about one that either of two units may have left.
func TestOrphanOfNobody(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t, process.Options{}, juju.Options{})
	for _, name := range []string{"one", "two"} { // each has a daemon that leaves another when it is told
		u := r.deploy(name, "", script(`
exec >/dev/null 2>&1
cd /
setsid env -i dir=$JUJU_CHARM_DIR sh -c 'while [ ! -e $dir/go ]; do sleep 0.01; done; (setsid sh -c "echo \$\$ > $dir/pid; exec sleep 1000" &); sleep 1000' &`), 1).Units()[0]
		u.SkipToStarted()
		_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(r.host.Paths("one/0").CharmDir, "go"), nil, 0o600))
	pid := r.pid("one/0", "pid")
	require.NoError(t, r.host.RemoveUnit("two/0"))
	assert.True(t, runs(pid))
	require.NoError(t, r.host.Close())
	assert.False(t, runs(pid))
	assert.Empty(t, children(t, os.Getpid()))
}

// TestDeadOrphan is about one that is dead before anybody has seen it: then
// nothing but its session tells that it is no child of others.
func TestDeadOrphan(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`(setsid sh -c 'echo $$ > pid' &); while [ ! -s pid ]; do sleep 0.01; done; sleep 0.1`))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	require.NoError(t, r.host.Close())
	assert.Empty(t, children(t, os.Getpid()))
}

// TestManyOrphans are more than one look finds room for.
func TestManyOrphans(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`i=0; while [ $i -lt 1000 ]; do sleep 1000 >/dev/null 2>&1 & i=$((i+1)); done`))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Len(t, children(t, os.Getpid()), 1000)
	require.NoError(t, r.host.RemoveUnit("app/0"))
	assert.Empty(t, children(t, os.Getpid()))
}

// TestOrphanDies sees that one is reaped at once, not when the next hook ends.
func TestOrphanDies(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(left(`(setsid sh -c 'echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done' &)`))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	pid := r.pid("app/0", "pid")
	assert.True(t, runs(pid))
	require.NoError(t, os.WriteFile(filepath.Join(r.host.Paths("app/0").CharmDir, "go"), nil, 0o600))
	eventually(t, func() bool { return !runs(pid) }, "process %d is reaped", pid)
}

// TestOtherChildren is about children of the program that are not the host's.
func TestOtherChildren(t *testing.T) {
	if !alone(t) {
		return
	}
	before := exec.Command("/bin/sh", "-c", "read line; exit 7")
	stdin, err := before.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, before.Start())
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(left(daemons["without environment"]))
	for range 20 { // some of them begin in the first thread
		cmd := exec.Command("/bin/sh", "-c", "exit 7")
		require.NoError(t, cmd.Start())
		_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
		require.NoError(t, err)
		assert.EqualError(t, cmd.Wait(), "exit status 7", "nobody else has reaped it")
	}
	require.NoError(t, r.host.Close())
	require.NoError(t, stdin.Close())
	assert.EqualError(t, before.Wait(), "exit status 7")
}

// children returns the children of a process.
func children(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	require.NoError(t, err)
	require.NotEmpty(t, lists)
	var all []int
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(data)) {
			child, err := strconv.Atoi(field)
			require.NoError(t, err)
			all = append(all, child)
		}
	}
	return all
}
