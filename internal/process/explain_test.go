// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
)

// elf is the beginning of a program for a machine.
func elf(machine byte) string {
	return "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00" + string([]byte{machine, 0}) + strings.Repeat("\x00", 100)
}

func TestProgramsThatDoNotStart(t *testing.T) {
	t.Parallel()
	foreign, machine := "arm64", byte(183)
	if runtime.GOARCH == foreign {
		foreign, machine = "amd64", 62
	}
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"not executable":         {"#!/bin/sh\n", 0o644, `cannot run "dispatch": it is not executable; try chmod +x dispatch`},
		"empty":                  {"", 0o755, `cannot run "dispatch": exec format error: it is empty`},
		"no first line":          {"echo hello\n", 0o755, `cannot run "dispatch": exec format error: a script begins with a line such as #!/bin/sh`},
		"interpreter is missing": {"#!/no/such/python3 -u\n", 0o755, `cannot run "dispatch": no such file or directory: there is no interpreter "/no/such/python3", which its first line names`},
		"interpreter is a file":  {"#!/etc/passwd\n", 0o755, `cannot run "dispatch": permission denied: interpreter "/etc/passwd", which its first line names, is not executable`},
		"no interpreter":         {"#!\n", 0o755, `cannot run "dispatch": exec format error: its first line names no interpreter`},
		"written on Windows":     {"#!/bin/sh\r\necho\r\n", 0o755, `cannot run "dispatch": no such file or directory: its lines end with carriage returns, as on Windows`},
		"another machine":        {elf(machine), 0o755, `cannot run "dispatch": exec format error: it is built for ` + foreign + `; this machine is ` + runtime.GOARCH},
		"unknown machine":        {elf(250), 0o755, `cannot run "dispatch": exec format error: it is built for machine 250; this machine is ` + runtime.GOARCH},
		"half a program":         {"\x7fELF", 0o755, `cannot run "dispatch": exec format error: it is cut off`},
		"macOS":                  {"\xcf\xfa\xed\xfe....", 0o755, `cannot run "dispatch": exec format error: it is built for macOS; this is ` + runtime.GOOS + "/" + runtime.GOARCH},
		"Windows":                {"MZ....", 0o755, `cannot run "dispatch": exec format error: it is built for Windows; this is ` + runtime.GOOS + "/" + runtime.GOARCH},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, process.Options{}, juju.Options{})
			dir := t.TempDir()
			file := filepath.Join(dir, "dispatch")
			require.NoError(t, os.WriteFile(file, []byte(test.text), test.mode))
			r.fails(dir, test.want)
		})
	}
	t.Run("directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "hooks", "update-status"), 0o755))
		newRig(t, process.Options{}, juju.Options{}).fails(dir, `cannot run "hooks/update-status": it is a directory`)
	})
}

// fails checks with what error the charm in a directory fails.
func (r *rig) fails(dir, want string) {
	r.t.Helper()
	app, err := r.model.Deploy(juju.Deployment{Charm: metadata(r.t, "app", ""), Executor: r.host.Charm(dir), Units: 1})
	require.NoError(r.t, err)
	u := app.Units()[0]
	u.SkipToStarted()
	_, outcome, err := r.model.Dispatch(r.t.Context(), u, events.UpdateStatus{})
	assert.Equal(r.t, juju.Failed, outcome)
	assert.EqualError(r.t, err, want)
	assert.NoFileExists(r.t, r.host.Paths("app/0").Socket)
}
