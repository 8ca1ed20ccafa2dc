// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
)

// write makes a file with its directories, and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// charm makes a charm directory.
func charm(t *testing.T, more string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "metadata.yaml"), "name: hello\nsummary: x\ndescription: x\n"+more)
	return dir
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	bundle := write(t, filepath.Join(dir, "bundle.yaml"), "applications: {hello: {charm: ., num_units: 1}}\n")
	script := write(t, filepath.Join(dir, "script"), "# a comment\n\nsettle\nadd-units hello\n")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"walk"}, `unknown command "walk" for "charmsmith"; see "charmsmith --help"`},
		{[]string{"--nothing"}, "unknown flag: --nothing"},
		{[]string{"run"}, "cannot run nothing: name a charm directory"},
		{[]string{"run", dir, "other\x1b"}, `others by --do "deploy other\x1b"`},
		{[]string{"run", "--nothing", dir}, "unknown flag: --nothing"},
		{[]string{"run", "-n", "x", dir}, `cannot use --units "x": it must be a whole number, such as 3`},
		{[]string{"run", "-n", "-1", dir}, "cannot deploy -1 units"},
		{[]string{"run", "--name=", dir}, "cannot use --name: it is empty"},
		{[]string{"run", "--keep", "", dir}, "cannot use --keep: it is empty"},
		{[]string{"run", "--units", "99999999999999999999", dir}, `cannot use --units "99999999999999999999": it must be less far from 0`},
		{[]string{"run", "--seed", "-1", dir}, `cannot use --seed "-1": it must be a whole number that is not negative, such as 42`},
		{[]string{"run", "--hook-timeout", "5", dir}, `cannot use --hook-timeout "5": it must be a number with its unit, such as 5s or 10m`},
		{[]string{"run", "--json=maybe", dir}, `cannot use --json "maybe": it must be true or false`},
		{[]string{"help", "nope"}, `unknown command "nope" for "charmsmith"; see "charmsmith --help"`},
		{[]string{"help", "run", "nope"}, `unknown command "nope" for "charmsmith run"`},
		{[]string{"run", "--config", "a", dir}, `--config: cannot read "a": it is not KEY=VALUE`},
		{[]string{"run", "--hook-timeout", "0s", dir}, "cannot use --hook-timeout 0s: it must be positive"},
		{[]string{"run", "--parallel", "0", dir}, "cannot run 0 hooks at once"},
		{[]string{"run", "--parallel", "-3", dir}, "cannot run -3 hooks at once"},
		{[]string{"run", "--model-type", "vms", dir}, `cannot use --model-type "vms": it is iaas or caas`},
		{[]string{"run", "--juju-version", "2.9", dir}, `there is no Juju "2.9" here`},
		{[]string{"run", "--timeline", "x.pdf", dir}, "the extension must be .html, .svg or .json"},
		{[]string{"run", "--timeline", "", dir}, "the extension must be .html, .svg or .json"},
		{[]string{"run", "--timeline", filepath.Join(dir, "none", "x.svg"), dir}, "no such file or directory"},
		{[]string{"run", "--do", "settle", "--do", "hop", dir}, `--do "hop": there is no command "hop"`},
		{[]string{"run", "--do", "expect 'x", dir}, "--do \"expect 'x\": cannot read line"},
		{[]string{"run", "--script", script, dir}, "script:4: there is no command \"add-units\""},
		{[]string{"run", "--script", filepath.Join(dir, "none"), dir}, "cannot read script"},
		{[]string{"run", "--script", dir, dir}, "is a directory"},
		{[]string{"run", "--script", "-", "--script", "-", dir}, "cannot read a second script from standard input"},
		{[]string{"run", "--script", "-", "-i", dir}, "both read standard input"},
		{[]string{"run", filepath.Join(dir, "none")}, "no such file or directory"},
		{[]string{"run", script}, "it must be a charm directory or a .charm file"},
		{[]string{"run", bundle, "-n", "2"}, "cannot use --units with a bundle"},
		{[]string{"run", bundle, "--name", "x"}, "cannot use --name with a bundle"},
		{[]string{"run", bundle, "--config", "x=y"}, "cannot use --config with a bundle"},
		{[]string{"run", filepath.Join(dir, "none.yaml")}, "cannot read bundle"},
	} {
		o := try(t.Context(), t, nil, strings.NewReader(""), test.args...)
		assert.Equal(t, exitUsage, o.exit, "%q", test.args)
		assert.Contains(t, o.stderr, test.want, "%q", test.args)
		assert.True(t, strings.HasPrefix(o.stderr, "charmsmith: "), "%q: %q", test.args, o.stderr)
		assert.Equal(t, 1, strings.Count(o.stderr, "\n"), "%q: it is one line: %q", test.args, o.stderr)
		assert.Contains(t, o.stderr, `--help"`, "%q: it says what helps", test.args)
		assert.Empty(t, o.stdout, "%q", test.args)
		assert.Empty(t, o.model.noted(), "%q: nothing ran", test.args)
	}
}

func TestADeskThatCannotBe(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	exit := run(t.Context(), []string{"run", charm(t, "")}, &system{
		stdout: io.Discard, stderr: &stderr, getenv: os.Getenv,
		open: func(desk.Options) (model, error) { return nil, errors.New("cannot make a directory: no space") },
	})
	assert.Equal(t, exitUsage, exit)
	assert.Equal(t, "charmsmith: cannot make a directory: no space\n", stderr.String())
}

func TestHelp(t *testing.T) {
	t.Parallel()
	o := try(t.Context(), t, nil, nil, "run", "--help")
	assert.Equal(t, 0, o.exit)
	assert.True(t, strings.HasPrefix(o.stdout, "Example:\n  charmsmith run "), "an example comes first: %q", o.stdout)
	for _, text := range append([]string{"--units N", "--do LINE", "--config K=V"}, desk.VerbNames()...) {
		assert.Contains(t, o.stdout, text)
	}
	assert.Equal(t, o.stdout, try(t.Context(), t, nil, nil, "help", "run").stdout)
	assert.Equal(t, try(t.Context(), t, nil, nil, "--help").stdout, try(t.Context(), t, nil, nil, "help").stdout)
	o = try(t.Context(), t, nil, nil, "--version")
	assert.Equal(t, 0, o.exit)
	assert.Contains(t, o.stdout, "charmsmith version ")
	assert.Contains(t, try(t.Context(), t, nil, nil).stdout, "run ")
}

func TestFlagsReachTheDesk(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	o := try(t.Context(), t, nil, nil, "run", dir, "--juju-version", "3.6", "--seed", "18446744073709551615", "--parallel", "3",
		"--keep", "kept", "--hook-timeout", "7s", "--pebble", "-", "-v", "--timeline", filepath.Join(dir, "x.json"), "--model-type", "caas")
	require.Equal(t, 0, o.exit, o.stderr)
	got := o.model.opts
	assert.NotNil(t, got.Out)
	assert.NotNil(t, got.Watch)
	got.Out, got.Watch = nil, nil
	assert.Equal(t, desk.Options{
		JujuVersion: "3.6", CAAS: true, Seed: 1<<64 - 1, Parallel: 3, Dir: "kept", HookTimeout: 7 * time.Second, Pebble: "-",
		Commands: true, Timeline: true,
	}, got)
	assert.Contains(t, o.stdout, "seed 18446744073709551615, 3 hooks at once")

	o = try(t.Context(), t, nil, nil, "run", dir)
	assert.Equal(t, runtime.NumCPU(), o.model.opts.Parallel)
	assert.Equal(t, 5*time.Minute, o.model.opts.HookTimeout)
	assert.False(t, o.model.opts.Timeline || o.model.opts.Commands || o.model.opts.CAAS || o.model.opts.Color)
	again := try(t.Context(), t, nil, nil, "run", dir)
	assert.NotEqual(t, o.model.opts.Seed, again.model.opts.Seed, "a seed is chosen at random")
}

func TestModelType(t *testing.T) {
	t.Parallel()
	plain, pod := charm(t, ""), charm(t, "containers: {web: {}}\n")
	bundle := write(t, filepath.Join(t.TempDir(), "bundle.yaml"),
		"applications:\n  a: {charm: "+plain+", num_units: 1}\n  b: {charm: "+pod+", num_units: 1}\n")
	for _, test := range []struct {
		args []string
		caas bool
	}{
		{[]string{plain}, false},
		{[]string{pod}, true},
		{[]string{bundle}, true},
		{[]string{pod, "--model-type", "iaas"}, false},
		{[]string{plain, "--model-type", "caas"}, true},
	} {
		o := try(t.Context(), t, nil, nil, append([]string{"run"}, test.args...)...)
		require.Equal(t, 0, o.exit, o.stderr)
		assert.Equal(t, test.caas, o.model.opts.CAAS, "%q", test.args)
	}
}

func TestABundleIsDeployedAsOne(t *testing.T) {
	t.Parallel()
	dir := charm(t, "")
	bundle := write(t, filepath.Join(dir, "bundle.yaml"), "applications: {hello: {charm: ., num_units: 1}}\n")
	assert.Equal(t, "bundle settle settle close close", try(t.Context(), t, nil, nil, "run", bundle).model.noted())
}
