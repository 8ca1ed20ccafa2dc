// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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
//	charmsmith ARGS...        runs it; its exit code is checked by "exits"
//	archive FILE NAME...      writes a .charm file of files in the current directory
//	exits N                   the last charmsmith exited with N
//	interrupt FILE ARGS...    runs charmsmith, and sends SIGINT when FILE is there
//	noprocess                 no process of this script is left, nor a directory of a run
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
			"charmsmith": func(ts *testscript.TestScript, neg bool, args []string) { runProgram(ts, neg, "", args) },
			"interrupt":  func(ts *testscript.TestScript, neg bool, args []string) { runProgram(ts, neg, args[0], args[1:]) },
			"exits":      exits,
			"archive":    archive,
			"noprocess":  noProcess,
		},
	})
}

// runProgram runs charmsmith. It writes its output to the files stdout and
// stderr, and its exit code to the file code.
func runProgram(ts *testscript.TestScript, neg bool, interruptAt string, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! charmsmith; use exits")
	}
	file, err := program()
	ts.Check(err)
	cmd := exec.Command(file, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range append([]string{"TMPDIR", "PATH", "HOME", "NO_COLOR"}, goEnv...) {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if stdin, err := os.Open(ts.MkAbs("stdin")); err == nil {
		defer stdin.Close()
		cmd.Stdin = stdin
	}
	ts.Check(cmd.Start())
	if interruptAt != "" {
		waitFor(ts, ts.MkAbs(interruptAt))
		ts.Check(cmd.Process.Signal(os.Interrupt))
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			ts.Check(err)
		}
	case <-time.After(2 * time.Minute):
		_ = cmd.Process.Kill()
		ts.Fatalf("charmsmith does not end; it printed:\n%s\n%s", &stdout, &stderr)
	}
	ts.Logf("[stdout]\n%s[stderr]\n%s", &stdout, &stderr)
	for name, text := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String(), "code": strconv.Itoa(cmd.ProcessState.ExitCode())} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func waitFor(ts *testscript.TestScript, file string) {
	for range 6000 {
		if found, _ := filepath.Glob(file); len(found) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s does not appear", file)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if code := ts.ReadFile("code"); code != args[0] || neg {
		ts.Fatalf("charmsmith exited with %s, not %s", code, args[0])
	}
}

func archive(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	w := zip.NewWriter(file)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		header, err := zip.FileInfoHeader(info)
		ts.Check(err)
		entry, err := w.CreateHeader(header)
		ts.Check(err)
		_, err = entry.Write([]byte(ts.ReadFile(name)))
		ts.Check(err)
	}
	ts.Check(w.Close())
}

// noProcess fails if a process has something of this script in its environment
// or command line, or the script's temporary directory is not empty.
func noProcess(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! noprocess")
	}
	work := regexp.MustCompile(regexp.QuoteMeta(ts.Getenv("WORK")) + `\b`)
	found, err := filepath.Glob("/proc/[0-9]*")
	ts.Check(err)
	for _, proc := range found {
		command, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(proc, "environ"))
		if work.Match(command) || work.Match(environ) {
			ts.Fatalf("process %s is left: %q", filepath.Base(proc), command)
		}
	}
	entries, err := os.ReadDir(ts.Getenv("TMPDIR"))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s is left in the temporary directory", entries[0].Name())
	}
}
