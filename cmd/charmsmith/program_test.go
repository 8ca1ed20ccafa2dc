// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// program returns the command, of which its hook commands are links. It is built
// for the first test that asks for it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "charmsmith-test-")
	if err != nil {
		return "", err
	}
	programDir = dir
	// What only main uses is not in the test's binary: the go command is to see that
	// a result depends on it, and not take an old one.
	sources, err := filepath.Glob("*.go")
	if err != nil {
		return "", err
	}
	for _, source := range sources {
		if _, err := os.Stat(source); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "charmsmith")
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build charmsmith: %w\n%s", err, out)
	}
	return file, nil
})

// programDir is the directory of the program; empty: it was not asked for.
var programDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if programDir != "" {
		if err := os.RemoveAll(programDir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// goEnv are what go build needs of the environment, when a charm is built.
var goEnv = []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GOFLAGS"}

// TestScripts runs the whole program as its users do: testdata/script/*.txtar.
// Each script has a charm of its own beside it, and these commands besides those
// of testscript:
//
//	charmsmith ARGS...           runs it; its output becomes the files stdout and stderr
//	signal NAME FILE ARGS...     runs it, and sends it SIGNAME when a file like FILE is there
//	feed FILE ARGS...            runs it, and gives it what is in the file more then
//	exits N                      the last charmsmith exited with N
//	refused REGEXP               the last charmsmith exited with 2, and told why in one line
//	[!] told REGEXP LINE         the last charmsmith printed that for a script line
//	[!] noprocess                no process of this script is left, nor a directory of a run
//	archive FILE NAME...         writes a .charm file of files in the current directory
//	foreign FILE                 writes a program for another architecture
//
// What is in the file stdin is the program's standard input, or, if the file is
// called pipe, its beginning: the rest does not come.
func TestScripts(t *testing.T) {
	t.Parallel()
	file, err := program()
	require.NoError(t, err)
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	out, err := exec.Command("go", append([]string{"env"}, goEnv...)...).Output()
	require.NoError(t, err)
	values := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			tmp := filepath.Join(env.WorkDir, "tmp")
			env.Setenv("TMPDIR", tmp)
			env.Setenv("PATH", filepath.Dir(file)+":"+os.Getenv("PATH"))
			env.Setenv("REPO", repository)
			env.Setenv("NO_COLOR", "1")
			for i, name := range goEnv {
				env.Setenv(name, values[i])
			}
			return os.MkdirAll(tmp, 0o755)
		},
		Condition: func(condition string) (bool, error) {
			if condition == "ops" {
				return exec.Command("python3", "-c", "import ops").Run() == nil, nil
			}
			return false, fmt.Errorf("there is no condition %q", condition)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"charmsmith": func(ts *testscript.TestScript, neg bool, args []string) { runProgram(ts, neg, "", "", args) },
			"signal": func(ts *testscript.TestScript, neg bool, args []string) {
				runProgram(ts, neg, args[0], args[1], args[2:])
			},
			"feed":      func(ts *testscript.TestScript, neg bool, args []string) { runProgram(ts, neg, "", args[0], args[1:]) },
			"exits":     exits,
			"refused":   refused,
			"told":      told,
			"noprocess": noProcess,
			"archive":   archive,
			"foreign":   foreign,
		},
	})
}
