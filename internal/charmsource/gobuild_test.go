// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

var goCharm = tree{"metadata.yaml": meta, "go.mod": goMod, "main.go": goMain}

func TestGoCharm(t *testing.T) {
	t.Parallel()
	staged := stage(t, directory(t, goCharm.with(tree{
		"main_test.go": "package main\n", "go.sum": "", "vendor/modules.txt": "", "lib/lib.go": "package lib\n", "lib/testdata/x": "",
		"templates/go.txt": "", "templates/x.go": "package templates\n", "src/charm.py": "", "deep/vendor/x": "", "hooks/hooks.go": "package hooks\n",
	})))
	assert.Equal(t, []string{
		"+dispatch", "deep/", "deep/vendor/", "deep/vendor/x", "metadata.yaml", "src/", "src/charm.py", "templates/", "templates/go.txt",
	}, list(t, staged))
	assert.Equal(t, "built\n", run(t, staged))
}

func TestGoCharmThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	dir := directory(t, goCharm.with(tree{"main.go": "package main\n\nfunc main() { undefined() }\n"}))
	assertRefused(t, dir, "cannot build charm \"x\": go build in \"DIR\": exit status 1\n# example.com/x\n./main.go:3:15: undefined: undefined")
	dir = directory(t, goCharm.with(tree{"main.go": "pacakge main\n"}))
	assertRefused(t, dir, "cannot build charm \"x\": go build in \"DIR\": exit status 1\nmain.go:1:1: expected 'package', found pacakge")
	name := strings.Repeat("x", 1<<15)
	dir = directory(t, goCharm.with(tree{"main.go": "package main\n\nfunc main() { " + name + "() }\n"}))
	source, err := charmsource.Open(dir)
	require.NoError(t, err)
	_, err = source.Stage(context.Background(), filepath.Join(t.TempDir(), "staged"))
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 20_000)
	assert.True(t, strings.HasSuffix(err.Error(), "\n…"))
}

// TestGoEnvironment needs an environment of its own.
func TestGoEnvironment(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("CHARMSOURCE_TEST_DIR"); dir != "" {
		source, err := charmsource.Open(dir)
		require.NoError(t, err)
		_, err = source.Stage(context.Background(), filepath.Join(t.TempDir(), "staged"))
		if err == nil {
			err = fmt.Errorf("no error")
		}
		fmt.Printf("<%v>", err)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	dir := directory(t, goCharm)
	for _, row := range [][2]string{
		{"PATH=/nowhere", fmt.Sprintf(`<cannot build charm "x": go is not on PATH; install Go, or build %q yourself>`, filepath.Join(dir, "dispatch"))},
		{"GOARCH=s390x", "<no error>"},
		{"GOFLAGS=-n", fmt.Sprintf(`<cannot build charm "x": go build in %q made no program; check GOFLAGS>`, dir)},
	} {
		cmd := exec.Command(self, "-test.run=^TestGoEnvironment$")
		cmd.Env = append(os.Environ(), "CHARMSOURCE_TEST_DIR="+dir, row[0])
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Contains(t, string(out), row[1], row[0])
	}
}

// TestGoBuildIsCancelled needs a PATH of its own, with a go that does not end.
func TestGoBuildIsCancelled(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("CHARMSOURCE_TEST_CANCEL"); dir != "" {
		source, err := charmsource.Open(dir)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			// Opening the pipe waits for the other end.
			if pipe, err := os.Open(filepath.Join(dir, "..", "started")); err == nil {
				pipe.Close()
			}
			cancel()
		}()
		staged := filepath.Join(t.TempDir(), "staged")
		_, err = source.Stage(ctx, staged)
		assert.NoDirExists(t, staged)
		fmt.Printf("<%v>", err)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	dir := directory(t, goCharm)
	write(t, filepath.Dir(dir), tree{"+bin/go": "#!/bin/sh\n: > ../started\nexec sleep 1000\n"})
	if out, err := exec.Command("mkfifo", filepath.Join(dir, "..", "started")).CombinedOutput(); err != nil {
		t.Skipf("this machine has no mkfifo: %v: %s", err, out)
	}
	cmd := exec.Command(self, "-test.run=^TestGoBuildIsCancelled$")
	cmd.Env = append(os.Environ(), "CHARMSOURCE_TEST_CANCEL="+dir, "PATH="+filepath.Join(dir, "..", "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), `<cannot build charm "x": context canceled>`)
}
