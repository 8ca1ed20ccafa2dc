// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

const charmcraft = "type: charm\ntitle: X\n" + meta + "config:\n  options:\n    a: {type: int}\nactions:\n  ping:\n"

func TestStageDirectory(t *testing.T) {
	t.Parallel()
	dir := directory(t, tree{
		"charmcraft.yaml": charmcraft, "+dispatch": script, "README.md": "x", "other.charm": "", "main.go": goMain,
		".git/config": "", "lib/.git": "", ".hg/x": "", ".svn/x": "", ".bzr/x": "", ".tox/x": "", ".venv/x": "-> /usr/bin/python3",
		"src/__pycache__/x.pyc": "", "src/deep/charm.py": "", "src/x.charm": "", "empty": "DIR", "node_modules/a/b.js": "",
		"link": "-> src/deep", "src/up": "-> ../README.md", "src/nowhere": "-> nowhere", "src/config.yaml": "", ".hidden": "",
	})
	require.NoError(t, os.Chmod(filepath.Join(dir, "README.md"), 0o400))
	staged := stage(t, dir)
	assert.Equal(t, []string{
		"+dispatch", ".hidden", "README.md", "actions.yaml", "config.yaml", "empty/", "link -> src/deep", "main.go", "metadata.yaml",
		"node_modules/", "node_modules/a/", "node_modules/a/b.js",
		"src/", "src/config.yaml", "src/deep/", "src/deep/charm.py", "src/nowhere -> nowhere", "src/up -> ../README.md", "src/x.charm",
	}, list(t, staged))
	assert.Equal(t, "display-name: X\n"+meta, read(t, filepath.Join(staged, "metadata.yaml")))
	assert.Equal(t, "options:\n  a: {type: int}\n", read(t, filepath.Join(staged, "config.yaml")))
	assert.Equal(t, "ping: null\n", read(t, filepath.Join(staged, "actions.yaml")))
	assert.Equal(t, fmt.Sprintf("ran %s/dispatch in %[1]s\n", staged), run(t, staged))
	info, err := os.Stat(filepath.Join(staged, "src/deep/charm.py"))
	require.NoError(t, err)
	assert.Equal(t, modified, info.ModTime().UTC().Format(time.RFC3339))
	info, err = os.Stat(filepath.Join(staged, "README.md"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o400, info.Mode())
}

func TestStageSeesChanges(t *testing.T) {
	t.Parallel()
	dir := directory(t, packed)
	source, err := charmsource.Open(dir)
	require.NoError(t, err)
	assert.Empty(t, source.Charm.Options)
	write(t, dir, tree{"config.yaml": "options: {a: {}}\n"})
	charm, err := source.Stage(context.Background(), filepath.Join(t.TempDir(), "1"))
	require.NoError(t, err)
	assert.Contains(t, charm.Options, "a")

	write(t, dir, tree{"config.yaml": "options: []\n"})
	second := filepath.Join(t.TempDir(), "2")
	_, err = source.Stage(context.Background(), second)
	assert.EqualError(t, err, "cannot read "+filepath.Join(dir, "config.yaml")+": options must be a map, not a list")
	assert.NoDirExists(t, second)
}

func TestStageKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := directory(t, packed)
	source, err := charmsource.Open(dir)
	require.NoError(t, err)
	there := directory(t, tree{"precious": "x"})
	_, err = source.Stage(context.Background(), there)
	assert.EqualError(t, err, fmt.Sprintf("cannot stage charm \"x\" in %q: file exists", there))
	assert.Equal(t, []string{"precious"}, list(t, there))

	for _, inside := range []string{filepath.Join(dir, "kept"), filepath.Join(dir, "hooks", "kept")} {
		require.NoError(t, os.MkdirAll(filepath.Dir(inside), 0o755))
		_, err = source.Stage(context.Background(), inside)
		assert.EqualError(t, err, fmt.Sprintf("cannot stage charm \"x\" in %q: it must not be within the charm's own directory %q", inside, dir))
		assert.NoDirExists(t, inside)
	}

	nowhere := filepath.Join(t.TempDir(), "a", "b")
	_, err = source.Stage(context.Background(), nowhere)
	assert.EqualError(t, err, fmt.Sprintf("cannot stage charm \"x\" in %q: no such file or directory", nowhere))

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cancelled := filepath.Join(t.TempDir(), "staged")
	_, err = source.Stage(ctx, cancelled)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoDirExists(t, cancelled)
}

func TestLegacyHooks(t *testing.T) {
	t.Parallel()
	staged := stage(t, directory(t, tree{
		"metadata.yaml": meta + "requires: {db: pg}\nstorage: {data: {type: filesystem}}\ncontainers: {web: {}}\n",
		"hooks/install": script, "hooks/db-relation-joined": script, "hooks/juju-info-relation-changed": script, "hooks/data-storage-attached": script,
		"hooks/web-pebble-ready": script, "hooks/other-relation-joined": script, "hooks/helper": script, "hooks/start": "-> install",
		"hooks/stop/x": "", "+actions/ping": script,
	}))
	assert.Equal(t, []string{
		"+actions/ping", "+hooks/data-storage-attached", "+hooks/db-relation-joined", "+hooks/install",
		"+hooks/juju-info-relation-changed", "+hooks/web-pebble-ready",
		"actions/", "hooks/", "hooks/helper", "hooks/other-relation-joined", "hooks/start -> install", "hooks/stop/", "hooks/stop/x", "metadata.yaml",
	}, list(t, staged))
}

func TestPythonCharm(t *testing.T) {
	t.Parallel()
	staged := stage(t, directory(t, tree{
		"metadata.yaml": meta, "src/charm.py": "import a, b, c, d, os\nprint('python', os.path.basename(__file__), os.environ.get('PYTHONPATH'))\n",
		"lib/a.py": "", "src/b.py": "", "venv/c.py": "", "venv/lib/python3.99/site-packages/d.py": "",
		"hooks/notes.txt": "no hook",
	}))
	assert.Contains(t, list(t, staged), "+dispatch")
	text := read(t, filepath.Join(staged, "dispatch"))
	assert.Regexp(t, "^#!/bin/sh\n", text)
	assert.Contains(t, text, "\nexec python3 \"$charm/src/charm.py\"\n")
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not on PATH; install it to run this part")
	}
	assert.Regexp(t, "^python charm.py .*/lib:", run(t, staged))
	cmd := exec.Command("sh", "dispatch")
	cmd.Dir = staged
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, `^python charm.py \./lib:`, string(out))
}

func TestRefusedDirectories(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		files tree
		want  string
	}{
		"no charm":         {tree{"README": ""}, `cannot open charm "DIR": no charmcraft.yaml or metadata.yaml in it; it must be a charm directory`},
		"bad YAML":         {tree{"metadata.yaml": "a: ["}, `cannot read DIR/metadata.yaml: line 1: did not find expected node content`},
		"metadata outside": {tree{"metadata.yaml": "-> ../secret"}, `cannot read "DIR/metadata.yaml": path escapes from parent`},
		"metadata is dir":  {tree{"metadata.yaml": "DIR"}, `cannot read "DIR/metadata.yaml": it must be a file`},
		"no program":       {tree{"metadata.yaml": meta, "main_test.go": goMain, "lib.go": "package lib\n", "src/main.py": "", "hooks/x": ""}, `cannot run charm "x": it has no program: in "DIR" is no dispatch, no hooks, no Go main package and no src/charm.py`},
		"other platform":   {tree{"metadata.yaml": meta, "main_plan9.go": goMain, "other.go": "//go:build ignore\n\n" + goMain}, `cannot run charm "x": it has no program: in "DIR" is no dispatch, no hooks, no Go main package and no src/charm.py`},
		"link to nothing":  {packed.with(tree{"a/link": "-> ../../y"}), `cannot stage charm "x": cannot copy "DIR/a/link": it is a symlink that leads to nothing`},
		"link to device":   {packed.with(tree{"a/link": "-> /dev/null"}), `cannot stage charm "x": cannot copy "DIR/a/link": it leads to a device, a socket or a pipe`},
		"link up":          {packed.with(tree{"a/link": "-> ../.."}), `cannot stage charm "x": cannot copy "DIR/a/link": it is a symlink to "UP", in which it is itself`},

		"not executable":   {tree{"metadata.yaml": meta, "dispatch": script, "hooks/install": script}, `cannot run charm "x": "DIR/dispatch" is not executable (mode 0644); chmod +x it`},
		"directory":        {tree{"metadata.yaml": meta, "dispatch": "DIR"}, `cannot run charm "x": "DIR/dispatch" must be a file`},
		"broken link":      {tree{"metadata.yaml": meta, "dispatch": "-> nothing"}, `cannot run charm "x": "DIR/dispatch" is a symlink to nothing`},
		"winding link":     {tree{"metadata.yaml": meta, "a/b/c": "-> ../..", "dispatch": "-> a/b/c/../../../bin/sh"}, `cannot run charm "x": "DIR/dispatch": path escapes from parent`},
		"empty":            {tree{"metadata.yaml": meta, "+dispatch": ""}, `cannot run charm "x": "DIR/dispatch" is empty`},
		"text":             {tree{"metadata.yaml": meta, "+dispatch": "echo é\n"}, `cannot run charm "x": "DIR/dispatch" is text without a first line that names an interpreter, such as "#!/bin/sh"`},
		"binary":           {tree{"metadata.yaml": meta, "+dispatch": "\x00\x01"}, `cannot run charm "x": "DIR/dispatch" is neither a script nor a program for PLATFORM`},
		"no interpreter":   {tree{"metadata.yaml": meta, "+dispatch": "#!/no/such -x\n"}, `cannot run charm "x": "DIR/dispatch" needs the interpreter "/no/such", which this machine does not have; install it or change the first line`},
		"bad interpreter":  {tree{"metadata.yaml": meta, "+dispatch": "#! /etc/passwd\n"}, `cannot run charm "x": "DIR/dispatch" needs the interpreter "/etc/passwd", which is not executable`},
		"interpreter dir":  {tree{"metadata.yaml": meta, "+dispatch": "#!/etc\n"}, `cannot run charm "x": "DIR/dispatch" needs the interpreter "/etc", which is not executable`},
		"own interpreter":  {tree{"metadata.yaml": meta, "+dispatch": "#!bin/sh\n"}, `cannot run charm "x": "DIR/dispatch" needs the interpreter "bin/sh", which this machine does not have; install it or change the first line`},
		"interpreter out":  {tree{"metadata.yaml": meta, "+dispatch": "#!../sh\n"}, `cannot run charm "x": "DIR/dispatch" needs the interpreter "../sh": path escapes from parent`},
		"none at all":      {tree{"metadata.yaml": meta, "+dispatch": "#! \n"}, `cannot run charm "x": "DIR/dispatch" has no interpreter in its first line, such as "#!/bin/sh"`},
		"env":              {tree{"metadata.yaml": meta, "+dispatch": "#!/usr/bin/env no-such-thing\n"}, `cannot run charm "x": "DIR/dispatch" needs the interpreter "no-such-thing", which is not on PATH; install it or change the first line`},
		"Windows line end": {tree{"metadata.yaml": meta, "+dispatch": "#!/bin/sh\r\necho\r\n"}, `cannot run charm "x": "DIR/dispatch" has a carriage return in its first line; give it Unix line ends`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRefused(t, directory(t, row.files), row.want)
		})
	}
}

func TestScriptsThatRun(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"#!/bin/sh", "#! /bin/sh -e", "#!/usr/bin/env sh", "#!\t/bin/sh", "#!/usr/bin/env -S sh -e", "#!bin/sh"} {
		staged := stage(t, directory(t, tree{"metadata.yaml": meta, "+dispatch": line + "\necho ran\n", "+bin/sh": "#!/bin/sh\necho ran\n"}))
		if line != "#!bin/sh" { // some systems take no script for an interpreter
			assert.Equal(t, "ran\n", run(t, staged), line)
		}
	}
	staged := stage(t, directory(t, tree{"metadata.yaml": meta, "dispatch": "-> bin/program", "+bin/program": script}))
	assert.Contains(t, run(t, staged), "ran ")
}

func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "x") // short, for the socket's path
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	write(t, dir, packed)
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	require.NoError(t, err)
	defer listener.Close()
	assertRefused(t, dir, `cannot stage charm "x": cannot copy "DIR/socket": it is a device, a socket or a pipe; a charm has files, directories and symlinks only`)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := directory(t, tree{"a.zip": "", "bundle.yaml": "", "a.charm/x": ""})
	for _, row := range [][2]string{
		{"missing", `cannot open charm "DIR": no such file or directory`},
		{"missing.charm", `cannot open charm "DIR": no such file or directory`},
		{"a.zip", `cannot open charm "DIR": it must be a charm directory or a .charm file`},
		{"bundle.yaml", `cannot open charm "DIR": it must be a charm directory or a .charm file`},
		{"a.charm", `cannot open charm "DIR": no charmcraft.yaml or metadata.yaml in it; it must be a charm directory`},
		{"a.zip/x", `cannot open charm "DIR": not a directory`},
	} {
		assertRefused(t, filepath.Join(dir, row[0]), row[1])
	}
}

// TestLinksOutOfTheCharm has what charms in a repository do: they link to what
// they share.
func TestLinksOutOfTheCharm(t *testing.T) {
	t.Parallel()
	dir := directory(t, packed.with(tree{"lib/shared": "-> ../../common", "note": "-> ../NOTE", "lib/again": "-> shared/a"}))
	write(t, filepath.Dir(dir), tree{"common/a": "a", "common/b/c": "c", "common/b/up": "-> ../a", "common/metadata.yaml": "m", "NOTE": "n"})
	source, err := charmsource.Open(dir)
	require.NoError(t, err)
	staged := filepath.Join(t.TempDir(), "staged")
	_, err = source.Stage(t.Context(), staged)
	require.NoError(t, err)
	for name, want := range map[string]string{
		"lib/shared/a": "a", "lib/shared/b/c": "c", "lib/shared/b/up": "a", "lib/shared/metadata.yaml": "m", "note": "n", "lib/again": "a",
	} {
		text, err := os.ReadFile(filepath.Join(staged, name))
		require.NoError(t, err)
		assert.Equal(t, want, string(text), name)
	}
	info, err := os.Lstat(filepath.Join(staged, "lib/again"))
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSymlink, info.Mode().Type(), "a link within the charm stays one")
}
