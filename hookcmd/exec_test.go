// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmd_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// transportPath is a PATH with sh and its like.
const transportPath = "PATH=/usr/bin:/bin"

// transportShell is an Exec whose command sh is the shell, in a directory of
// its own.
func transportShell(t *testing.T) (runner *hookcmd.Exec, dir string) {
	t.Helper()
	dir = t.TempDir()
	return hookcmd.NewExec(hookcmd.Agent{Dir: dir, Env: []string{transportPath}}), dir
}

func transportScript(script string, args ...string) hookcmd.Call {
	return hookcmd.Call{Command: "sh", Args: append([]string{"-c", script, "sh"}, args...)}
}

// transportTools makes a directory for PATH, in which sh is the shell.
func transportTools(t *testing.T) (dir string) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, os.Symlink(shell, filepath.Join(dir, "sh")))
	return dir
}

func TestExecPath(t *testing.T) {
	t.Parallel()
	first, second := transportTools(t), transportTools(t)
	empty := t.TempDir()
	plain := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(plain, "sh"), []byte("#!/bin/sh\n"), 0o644))
	directory := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(directory, "sh"), 0o755))
	dir := filepath.Join(empty, "deep", strings.Repeat("x/", 20)) // from where relative leads nowhere
	require.NoError(t, os.MkdirAll(dir, 0o755))
	cwd, err := os.Getwd()
	require.NoError(t, err)
	relative, err := filepath.Rel(cwd, first)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		env  []string
		want string // "": not found
	}{
		"first directory":            {[]string{"PATH=" + first + ":" + second}, first},
		"first that has it":          {[]string{"PATH=" + empty + ":/missing:" + second + ":" + first}, second},
		"last PATH":                  {[]string{"PATH=" + first, "A=1", "PATH=" + second, "B=2"}, second},
		"file that is no program":    {[]string{"PATH=" + plain + ":" + second}, second},
		"directory":                  {[]string{"PATH=" + directory + ":" + second}, second},
		"process's PATH":             {[]string{"PATH=" + empty}, ""},
		"last PATH empty":            {[]string{"PATH=" + first, "PATH="}, ""},
		"no PATH":                    {[]string{"XPATH=" + first}, ""},
		"no environment":             {nil, ""},
		"only what is no program":    {[]string{"PATH=" + plain + ":" + directory}, ""},
		"relative to the process":    {[]string{"PATH=" + relative}, ""},
		"relative and then absolute": {[]string{"PATH=" + relative + ":" + second}, second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runner := hookcmd.NewExec(hookcmd.Agent{Dir: dir, Env: row.env})
			for range 2 { // the second time it is known
				stdout, err := runner.Run(transportContext(t), transportCall("sh", "-c", `printf %s "$0"`))
				if row.want == "" {
					var e *hookcmd.Error
					require.ErrorAs(t, err, &e)
					require.ErrorIs(t, err, hookcmd.ErrNotSupported)
					assert.ErrorContains(t, err, "no such command in PATH")
					assert.Equal(t, -1, e.Code, "exit code")
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, filepath.Join(row.want, "sh"), string(stdout), "program that ran")
			}
		})
	}
}

func TestExecProcess(t *testing.T) {
	t.Parallel()
	t.Run("directory", func(t *testing.T) {
		t.Parallel()
		runner, dir := transportShell(t)
		want, err := filepath.EvalSymlinks(dir)
		require.NoError(t, err)
		stdout, err := runner.Run(transportContext(t), transportScript("pwd -P"))
		require.NoError(t, err)
		assert.Equal(t, want+"\n", string(stdout), "working directory")
	})
	t.Run("environment", func(t *testing.T) {
		t.Parallel()
		env := []string{transportPath, "A=1", "B=two words", "C=", "LINES=a\nb"}
		runner := hookcmd.NewExec(hookcmd.Agent{Dir: t.TempDir(), Env: env})
		stdout, err := runner.Run(transportContext(t), transportCall("env"))
		require.NoError(t, err)
		assert.Equal(t, strings.Join(env, "\n")+"\n", string(stdout), "environment")
	})
	t.Run("no standard input", func(t *testing.T) {
		t.Parallel()
		runner, _ := transportShell(t)
		stdout, err := runner.Run(transportContext(t), transportScript("cat; echo end"))
		require.NoError(t, err)
		assert.Equal(t, "end\n", string(stdout), "output")
	})
	t.Run("standard input not read", func(t *testing.T) {
		t.Parallel()
		runner, _ := transportShell(t)
		call := transportScript("exec <&-; echo end")
		call.Stdin = make([]byte, 1<<20)
		stdout, err := runner.Run(transportContext(t), call)
		require.NoError(t, err)
		assert.Equal(t, "end\n", string(stdout), "output")
	})
}

func TestExecArgument(t *testing.T) {
	t.Parallel()
	t.Run("longest", func(t *testing.T) {
		t.Parallel()
		runner, _ := transportShell(t)
		stdout, err := runner.Run(transportContext(t), transportScript(`echo "${#1}"`, strings.Repeat("x", 131071)))
		require.NoError(t, err)
		assert.Equal(t, "131071\n", string(stdout), "length of the argument")
	})
	for name, row := range map[string]struct {
		args  []string
		texts []string
	}{
		"too long":       {[]string{strings.Repeat("x", 131072)}, []string{"an argument of 131072 bytes", "at most 131071"}},
		"NUL":            {[]string{"a\x00b"}, []string{"NUL"}},
		"NUL at the end": {[]string{"a", "b\x00"}, []string{"NUL"}},
		"all too long":   {transportRepeat(strings.Repeat("x", 100_000), 80), []string{"argument list too long"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runner, dir := transportShell(t)
			_, err := runner.Run(transportContext(t), transportScript("echo > ran", row.args...))
			var e *hookcmd.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, -1, e.Code, "exit code")
			for _, text := range row.texts {
				assert.ErrorContains(t, err, text)
			}
			assert.Less(t, len(err.Error()), 20_000, "length of the error's text")
			assert.NoFileExists(t, filepath.Join(dir, "ran"))
		})
	}
}

func transportRepeat(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestExecSignal(t *testing.T) {
	t.Parallel()
	runner, _ := transportShell(t)
	_, err := runner.Run(transportContext(t), transportScript("kill -9 $$"))
	var e *hookcmd.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, -1, e.Code, "exit code")
	assert.ErrorContains(t, err, "signal: killed")
}

// transportPid waits until a script has written a process ID to the file pid,
// and ends that process with the test.
func transportPid(t *testing.T, dir string) (pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err == nil && strings.HasSuffix(string(text), "\n") {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
			return err == nil
		}
		return false
	}, transportPatience, time.Millisecond, "the script does not begin")
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

func TestExecCancelled(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		script string
		killed bool // the process whose ID the script writes
	}{
		"process":              {"echo $$ > pid; exec sleep 600", true},
		"process with a child": {"sleep 600 & echo $! > pid; wait", false},
		"process that goes on": {`trap "" INT TERM HUP; echo $$ > pid; exec sleep 600`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runner, dir := transportShell(t)
			ctx, cancel := context.WithCancel(transportContext(t))
			defer cancel()
			call := transportScript(row.script)
			ended := transportGo(func() error {
				_, err := runner.Run(ctx, call)
				return err
			})
			pid := transportPid(t, dir)
			cancel()
			err := transportWait(t, ended, "Run returns when its context ends")
			var e *hookcmd.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, -1, e.Code, "exit code")
			assert.Equal(t, call.Args, e.Args, "arguments of the error")
			require.ErrorIs(t, err, context.Canceled)
			if row.killed {
				assert.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "process %d", pid)
			}
		})
	}
}

// A command whose child keeps its standard output open may have printed more.
func TestExecOutputLeftOpen(t *testing.T) {
	t.Parallel()
	for _, code := range []int{0, 1} {
		t.Run(fmt.Sprint("exit code ", code), func(t *testing.T) {
			t.Parallel()
			runner, dir := transportShell(t)
			ended := transportGo(func() error {
				_, err := runner.Run(transportContext(t), transportScript(`sleep 600 & echo $! > pid; echo "ERROR reason" >&2; exit "$1"`, strconv.Itoa(code)))
				return err
			})
			transportPid(t, dir)
			err := transportWait(t, ended, "Run returns though a child of the command goes on")
			var e *hookcmd.Error
			require.ErrorAs(t, err, &e)
			if code == 0 {
				assert.Equal(t, -1, e.Code, "exit code")
				assert.ErrorIs(t, err, exec.ErrWaitDelay)
			} else {
				assert.Equal(t, code, e.Code, "exit code")
				assert.Equal(t, "reason", e.Stderr, "standard error")
			}
		})
	}
}

func TestExecBadDir(t *testing.T) {
	t.Parallel()
	runner := hookcmd.NewExec(hookcmd.Agent{Dir: filepath.Join(t.TempDir(), "missing"), Env: []string{transportPath}})
	_, err := runner.Run(transportContext(t), hookcmd.Call{Command: "true"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, `cannot run "true": JUJU_CHARM_DIR cannot be used: chdir `)
}
