// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// facts is a charm that writes down what it was started with.
const facts = `#!/bin/sh
{
	echo "program $0"
	echo "arguments $#"
	echo "directory $(pwd)"
	echo "stdin $(readlink /proc/$$/fd/0)"
	echo "ids $(cut -d' ' -f1,5 /proc/$$/stat)"
} > facts
`

func TestProgram(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(files{"dispatch": facts, "hooks/update-status": "#!/bin/sh\nexit 1\n"})
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	dir := r.host.Paths("app/0").CharmDir
	assert.Equal(t, "unit-app-0", filepath.Base(filepath.Dir(dir)))
	got := r.file("app/0", "facts")
	assert.Contains(t, got, "program "+dir+"/dispatch\n")
	assert.Contains(t, got, "arguments 0\n")
	assert.Contains(t, got, "directory "+dir+"\n")
	assert.Contains(t, got, "stdin /dev/null\n")
	_, ids, _ := strings.Cut(strings.TrimSpace(got), "ids ")
	pid, group, _ := strings.Cut(ids, " ")
	assert.Equal(t, pid, group, "it leads a process group")
}

// TestOldPrograms is about charms without a dispatch.
func TestOldPrograms(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.deploy("app", "", files{
		"hooks/install": "#!/bin/sh\necho $0 > installed\n",
		"hooks/start":   "#!/bin/sh\nexit 3\n",
		"actions/act":   "#!/bin/sh\necho acted\n",
	}, 1).Units()[0]
	_, outcome, _ := r.model.Dispatch(t.Context(), u, events.Install{})
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, r.host.Paths("app/0").CharmDir+"/hooks/install\n", r.file("app/0", "installed"))

	_, outcome, _ = r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.Equal(t, juju.Succeeded, outcome, "a hook that the charm does not have")
	assert.True(t, r.exit().Missing)

	_, outcome, err := r.model.Dispatch(t.Context(), u, events.Start{})
	assert.Equal(t, juju.Failed, outcome)
	assert.EqualError(t, err, "exit status 3")
	assert.Equal(t, juju.Exit{Code: 3}, juju.Exit{Code: r.exit().Code, Err: r.exit().Err})

	act := r.action(u, "act")
	assert.Equal(t, "completed", act.Status)
	assert.Equal(t, "acted\n", act.Results["stdout"])

	none := r.deploy("none", "", files{"README": "nothing"}, 1).Units()[0]
	none.SkipToStarted()
	act = r.action(none, "act")
	assert.Equal(t, "failed", act.Status)
	assert.Equal(t, `action not implemented on unit "none/0"`, act.Message)
}

// action runs an action, whatever else is due.
func (r *rig) action(u *juju.Unit, name string) *juju.Action {
	r.t.Helper()
	act, err := u.RunAction(name, nil)
	require.NoError(r.t, err)
	_, err = r.model.DispatchAction(r.t.Context(), u, act)
	require.NoError(r.t, err)
	return act
}

func TestOwnCopies(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	app := r.deploy("app", "", script("echo $JUJU_UNIT_NAME >> seen"), 2)
	r.settle()
	assert.Equal(t, strings.Repeat("app/0\n", 4), r.file("app/0", "seen"))
	assert.Equal(t, strings.Repeat("app/1\n", 3), r.file("app/1", "seen"), "but leader-elected")

	v2 := stage(t, files{"dispatch": "#!/bin/sh\necho $JUJU_HOOK_NAME >> new\n", "added": "x"})
	require.NoError(t, app.Refresh(metadata(t, "app", ""), r.host.Charm(v2)))
	r.settle()
	assert.Equal(t, "upgrade-charm\nconfig-changed\n", r.file("app/0", "new"))
	assert.Equal(t, "x", r.file("app/1", "added"))
	assert.Equal(t, strings.Repeat("app/1\n", 3), r.file("app/1", "seen"), "what the charm wrote stays")
}

func TestRemovedFilesOfAnUpgrade(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	app := r.deploy("app", "", files{"dispatch": "#!/bin/sh\n", "old": "x"}, 1)
	r.settle()
	assert.Equal(t, "x", r.file("app/0", "old"))
	require.NoError(t, app.Refresh(metadata(t, "app", ""), r.host.Charm(stage(t, script("true")))))
	r.settle()
	assert.NoFileExists(t, filepath.Join(r.host.Paths("app/0").CharmDir, "old"))
}

func TestCharmThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	app, err := r.model.Deploy(juju.Deployment{Charm: metadata(t, "app", ""), Executor: r.host.Charm(filepath.Join(t.TempDir(), "none")), Units: 1})
	require.NoError(t, err)
	_, outcome, err := r.model.Dispatch(t.Context(), app.Units()[0], events.Install{})
	assert.Equal(t, juju.Failed, outcome)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
