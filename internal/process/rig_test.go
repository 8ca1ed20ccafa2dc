// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// rig is a model whose charms are processes.
type rig struct {
	t     testing.TB
	host  *process.Host
	model *juju.Model

	mu    sync.Mutex
	logs  []logLine
	warns []string // "app/0: text"
	ready []string // "app/0 container"
	exits []juju.Exit
}

type logLine struct{ module, level, message string }

// newRig returns a rig; its host is closed when the test ends, and has left
// nothing then.
func newRig(t testing.TB, opts process.Options, modelOpts juju.Options) *rig {
	t.Helper()
	r := &rig{t: t}
	self, err := os.Executable()
	require.NoError(t, err)
	opts.Self, opts.Commands = self, commands(juju.New(&modelOpts))
	opts.Log = func(unit, module, level, message string) {
		assert.Truef(t, strings.HasPrefix(module, "unit."+unit+"."), "module %q of unit %s", module, unit)
		r.note(func() { r.logs = append(r.logs, logLine{module, level, message}) })
	}
	opts.Warn = func(unit, text string) { r.note(func() { r.warns = append(r.warns, unit+": "+text) }) }
	opts.Ready = func(unit, container string) { r.note(func() { r.ready = append(r.ready, unit+" "+container) }) }
	r.host, err = process.New(opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		paths := r.host.Paths("none/0")
		sockets := filepath.Dir(filepath.Dir(paths.Socket))
		assert.NoError(t, r.host.Close())
		assert.NoDirExists(t, sockets)
		assert.NoDirExists(t, paths.ToolsDir)
		if opts.Dir == "" {
			assert.NoDirExists(t, filepath.Dir(paths.ToolsDir))
		}
		assert.Empty(t, processesWith(sockets), "processes that are left")
	})
	modelOpts.Paths = r.host.Paths
	r.model = juju.New(&modelOpts)
	return r
}

func (r *rig) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Execute keeps how a charm ended; see deploy.
type keepExits struct {
	*rig
	juju.Executor
}

func (k keepExits) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	exit := k.Executor.Execute(ctx, h)
	k.note(func() { k.exits = append(k.exits, exit) })
	return exit
}

// files are those of a charm, by path. Those with text that begins "#!" are
// executable.
type files map[string]string

// stage writes the files of a charm.
func stage(t testing.TB, f files) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "\x7fELF") {
			mode = 0o755
		}
		require.NoError(t, os.WriteFile(file, []byte(text), mode))
	}
	return dir
}

// metadata is the charm of the tests, with more of it.
func metadata(t testing.TB, name, more string) *charmdir.Charm {
	t.Helper()
	charm, err := charmdir.Parse(charmdir.Files{
		Metadata: []byte("name: " + name + "\nsummary: x\ndescription: x\n" + more + "\n"),
		Actions:  []byte("act: {description: x, additionalProperties: true}\n"),
	})
	require.NoError(t, err)
	return charm
}

// deploy deploys an application whose charm has these files.
func (r *rig) deploy(name, more string, f files, units int) *juju.Application {
	r.t.Helper()
	app, err := r.model.Deploy(juju.Deployment{
		Charm: metadata(r.t, name, more), Executor: keepExits{r, r.host.Charm(stage(r.t, f))}, Units: units,
	})
	require.NoError(r.t, err)
	return app
}

// idle deploys one unit of app that takes its first hooks for done.
func (r *rig) idle(f files) *juju.Unit {
	r.t.Helper()
	u := r.deploy("app", "", f, 1).Units()[0]
	u.SkipToStarted()
	return u
}

// script is a charm whose dispatch is a shell script.
func script(text string) files { return files{"dispatch": "#!/bin/sh\n" + text + "\n"} }

func (r *rig) settle() {
	r.t.Helper()
	_, err := r.model.Settle(r.t.Context(), nil)
	require.NoError(r.t, err)
}

// exec runs a script by juju-exec.
func (r *rig) exec(u *juju.Unit, text string) *juju.Commands {
	r.t.Helper()
	c, err := u.RunCommands(text, -1, "")
	require.NoError(r.t, err)
	r.settle()
	require.True(r.t, c.Done)
	return c
}

// lines returns the log of a module at a level.
func (r *rig) lines(module, level string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, l := range r.logs {
		if l.module == module && l.level == level {
			lines = append(lines, l.message)
		}
	}
	return lines
}

func (r *rig) warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.warns...)
}

func (r *rig) exit() juju.Exit {
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotEmpty(r.t, r.exits, "ends of charms")
	return r.exits[len(r.exits)-1]
}

// file returns what a charm wrote into a file of its directory.
func (r *rig) file(unit, name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.host.Paths(unit).CharmDir, name))
	require.NoError(r.t, err)
	return string(data)
}

// waitFile is file, of one that is written at some time.
func (r *rig) waitFile(unit, name string) string {
	r.t.Helper()
	file := filepath.Join(r.host.Paths(unit).CharmDir, name)
	eventually(r.t, func() bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() > 0
	}, "file %s", name)
	return r.file(unit, name)
}

func eventually(t testing.TB, f func() bool, format string, args ...any) {
	t.Helper()
	require.Eventuallyf(t, f, 20*time.Second, 2*time.Millisecond, format, args...)
}

func (r *rig) pid(unit, name string) int {
	r.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(r.waitFile(unit, name)))
	require.NoError(r.t, err)
	return pid
}

// runs reports whether there is a process of that number, alive or not reaped.
func runs(pid int) bool { return syscall.Kill(pid, 0) == nil }

// processesWith returns the processes with a text in their environment.
func processesWith(text string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && bytes.Contains(data, []byte(text)) {
			found = append(found, file)
		}
	}
	return found
}

// alone runs a test in a process of its own, where no other test has children: of
// some orphans nothing tells whose they are. It reports whether this is that
// process.
func alone(t *testing.T) bool {
	t.Helper()
	t.Parallel()
	const variable = "CHARMSMITH_TEST_ALONE"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	self, err := os.Executable()
	require.NoError(t, err)
	name := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), self, "-test.run", name, "-test.count=1")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return false
}
