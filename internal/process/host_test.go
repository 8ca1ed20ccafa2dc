// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	p := r.host.Paths("some-app/12")
	assert.Equal(t, p, r.host.Paths("some-app/12"))
	assert.Equal(t, filepath.Join(p.AgentDir, "charm"), p.CharmDir)
	assert.Equal(t, "unit-some-app-12", filepath.Base(p.AgentDir))
	assert.NotEqual(t, p.Socket, r.host.Paths("some-app/1").Socket)
	info, err := os.Stat(filepath.Dir(filepath.Dir(p.Socket)))
	require.NoError(t, err)
	assert.Equal(t, os.ModeDir|0o700, info.Mode(), "nobody else reaches the sockets")
	self, err := os.Executable()
	require.NoError(t, err)
	target, err := os.Readlink(filepath.Join(p.ToolsDir, "relation-get"))
	require.NoError(t, err)
	assert.Equal(t, self, target)
}

func TestKeptDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	r := newRig(t, process.Options{Keep: true, Dir: dir}, juju.Options{})
	u := r.idle(script("echo here > written"))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "agents", "unit-app-0", "charm"), r.host.Paths("app/0").CharmDir)
	require.NoError(t, r.host.RemoveUnit("app/0"))
	require.NoError(t, r.host.Close())
	assert.Equal(t, "here\n", r.file("app/0", "written"))

	_, err = process.New(process.Options{Keep: true, Dir: dir})
	assert.EqualError(t, err, fmt.Sprintf("cannot use directory %q: it has the units of another run; remove it, or name another one", dir))
	assert.Equal(t, "here\n", r.file("app/0", "written"), "it is left alone")
	_, err = process.New(process.Options{Keep: true, Dir: filepath.Join(dir, "x:y")})
	assert.ErrorContains(t, err, "a colon")
	_, err = process.New(process.Options{Keep: true, Dir: filepath.Join(dir, "agents", "unit-app-0", "charm", "written", "x")})
	assert.ErrorContains(t, err, "not a directory")
}

// TestLongTemporaryDirectory is about paths of sockets, which must be short.
func TestLongTemporaryDirectory(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.Setenv("TMPDIR", dir))
	r := newRig(t, process.Options{}, juju.Options{})
	require.NoError(t, os.Unsetenv("TMPDIR"))
	u := r.idle(script("is-leader"))
	_, outcome, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	assert.Equal(t, juju.Succeeded, outcome)
	assert.Equal(t, []string{"True"}, r.lines("unit.app/0.update-status", "DEBUG"))
	p := r.host.Paths("app/0")
	assert.Equal(t, "/tmp", filepath.Dir(filepath.Dir(filepath.Dir(p.Socket))))
	assert.True(t, strings.HasPrefix(p.CharmDir, dir))
}

// TestReadOnlyFiles is about what a charm makes hard to remove.
func TestReadOnlyFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	u := r.idle(script("mkdir -p a/b; echo > a/b/c; chmod 0555 a/b a"))
	_, _, err := r.model.Dispatch(t.Context(), u, events.UpdateStatus{})
	require.NoError(t, err)
	require.NoError(t, r.host.RemoveUnit("app/0"))
	assert.NoDirExists(t, r.host.Paths("app/0").AgentDir)
}

func TestUnitThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	assert.NoError(t, r.host.RemoveUnit("app/0"))
	assert.False(t, r.host.Answers("app/0", "web"))
	r.host.Paths("app/1")
	assert.NoError(t, r.host.RemoveUnit("app/1"))
}

// TestManyUnits runs the charms of several models at once.
func TestManyUnits(t *testing.T) {
	t.Parallel()
	r := newRig(t, process.Options{}, juju.Options{})
	dir := stage(t, script(`
echo $JUJU_UNIT_NAME
state-set unit=$JUJU_UNIT_NAME
sleep 1000 >/dev/null 2>&1 &`))
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			name := "app" + strings.Repeat("x", i)
			m := juju.New(&juju.Options{Paths: r.host.Paths})
			app, err := m.Deploy(juju.Deployment{Charm: metadata(t, name, ""), Executor: r.host.Charm(dir), Units: 1})
			if !assert.NoError(t, err) {
				return
			}
			_, err = m.Settle(t.Context(), nil)
			assert.NoError(t, err)
			u := app.Units()[0]
			assert.Equal(t, map[string]string{"unit": u.Name}, u.State())
			assert.Equal(t, []string{u.Name}, r.lines("unit."+u.Name+".install", "DEBUG"))
			if i%2 == 0 {
				assert.NoError(t, r.host.RemoveUnit(u.Name))
			}
		})
	}
	running.Wait()
	assert.Empty(t, r.warnings())
}
