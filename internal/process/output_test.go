// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

func TestOutput(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`
printf 'one\n\nthree\r\nbad \377 byte\n'
printf 'no end'
echo problem >&2
exit 2`))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.EqualError(t, err, "exit status 2")
	assert.Equal(t, []string{"one", "", "three", "bad \uFFFD byte", "no end"}, r.lines("unit.app/0.update-status", "DEBUG"))
	assert.Equal(t, []string{"problem"}, r.lines("unit.app/0.update-status", "WARNING"))
	assert.Empty(t, r.exit().Stdout, "of a hook")
	assert.Equal(t, "problem\n", string(r.exit().Stderr))

	r.action(u, "act")
	assert.Equal(t, "one\n\nthree\r\nbad \377 byte\nno end", string(r.exit().Stdout))
	assert.Equal(t, "problem\n", string(r.exit().Stderr))
	assert.Equal(t, []string{"problem"}, r.lines("unit.app/0.act", "WARNING"), "an action is logged, too")
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	long := strings.Repeat("x", 4095)
	u := r.idle(files{"dispatch": "#!/bin/sh\ncat text\n", "text": long + "y\n" + long + "é\n" + strings.Repeat("é", 5000)})
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, []string{long + "y", long, "é", strings.Repeat("é", 2048), strings.Repeat("é", 2048), strings.Repeat("é", 904)},
		r.lines("unit.app/0.update-status", "DEBUG"))
}

func TestMuchOutput(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`
head -c 100000000 /dev/zero | tr '\0' x | fold -w 1000
{ echo the first words; head -c 2000000 /dev/zero | tr '\0' y | fold -w 1000; echo; echo the last words; } >&2
exit 1`))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.EqualError(t, err, "exit status 1")
	logged := 0
	for _, line := range r.lines("unit.app/0.update-status", "DEBUG") {
		logged += len(line) + 1
	}
	assert.InDelta(t, 1<<20, logged, 1)
	y := strings.Repeat("y", 1000) + "\n"
	assert.Equal(t, "the first words\n(y)(y)… 1995995 bytes …\n(y)(y)(y)(y)the last words\n", strings.ReplaceAll(string(r.exit().Stderr), y, "(y)"), "whole lines")
	assert.Equal(t, []string{
		`app/0: hook "update-status" printed more than the 1024 KiB that are kept: 99051423 bytes of its standard output and 953455 bytes of its standard error are left out`,
	}, r.warnings())

	act := r.action(u, "act")
	assert.Len(t, act.Results["stdout"], 1<<20)
	assert.Len(t, act.Results["stderr"], 1<<20)
	assert.Len(t, r.warnings(), 2)
}

// TestHeldOutput is about a daemon that has the hook's output: it is not waited
// for, and what it prints later is lost.
func TestHeldOutput(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script(`
echo before
(
	while [ ! -e ended ]; do sleep 0.01; done
	head -c 200000 /dev/zero # more than a pipe holds
	echo after
	echo done > done
	exec sleep 1000
) &
echo $! > pid`))
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	r.exec(u, "touch ended")
	r.waitFile("app/0", "done")
	assert.Equal(t, []string{"before"}, r.lines("unit.app/0.update-status", "DEBUG"))
	pid := r.pid("app/0", "pid")
	assert.True(t, runs(pid), "it lives on")
	require.NoError(t, r.host.RemoveUnit("app/0"))
	assert.False(t, runs(pid), "it is gone")
}

func TestJujuExec(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script("exit 1"))
	c := r.exec(u, `set -o pipefail; echo "$JUJU_UNIT_NAME in $(pwd)"; status-set active hello; [[ x == x ]] && echo problem >&2; exit 3`)
	assert.Equal(t, "app/0 in "+r.host.Paths("app/0").CharmDir+"\n", string(c.Stdout))
	assert.Equal(t, "problem\n", string(c.Stderr))
	assert.Equal(t, 3, c.Code)
	assert.Equal(t, "hello", u.Workload().Message)
	assert.Empty(t, r.logs)

	c = r.exec(u, strings.Repeat("# a long script\n", 20000)+"echo end")
	assert.Equal(t, "end\n", string(c.Stdout))

	// It ends, though nobody reads the rest of the script.
	c = r.exec(u, "sleep 1000 & exec true\n"+strings.Repeat("# a long script\n", 20000))
	assert.Equal(t, 0, c.Code)
}
