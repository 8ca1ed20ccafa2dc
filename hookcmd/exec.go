// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Exec runs hook commands as processes, found on the PATH of the dispatch: the
// way that Juju documents. Each costs the start of a process, and an argument
// can have 128 KiB.
type Exec struct {
	agent Agent

	mu    sync.Mutex
	paths map[string]string // of commands that were found
}

// NewExec returns an Exec that runs commands in agent's environment and directory.
func NewExec(agent Agent) *Exec {
	return &Exec{agent: agent, paths: make(map[string]string)}
}

// maxArgument is what Linux passes to a process as one argument.
const maxArgument = 128*1024 - 1

// Run implements [Runner].
func (e *Exec) Run(ctx context.Context, call Call) ([]byte, error) {
	for _, arg := range call.Args {
		if len(arg) > maxArgument {
			return nil, wrap(call, fmt.Errorf("an argument of %d bytes is too long for a process, at most %d are possible; the agent's socket has no such limit", len(arg), maxArgument))
		}
		if strings.ContainsRune(arg, 0) {
			return nil, wrap(call, errors.New("an argument contains a NUL byte, which no process can be given"))
		}
	}
	path, err := e.lookPath(call.Command)
	if err != nil {
		return nil, wrap(call, err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, call.Args...)
	cmd.Env = e.agent.Env
	cmd.Dir = e.agent.Dir
	if call.Stdin != nil {
		cmd.Stdin = bytes.NewReader(call.Stdin)
	}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // for children that keep the pipes open
	err = cmd.Run()
	switch code := exitCode(cmd); {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, wrap(call, fmt.Errorf("command did not end: %w", ctx.Err()))
	case code > 0:
		return nil, NewError(call, code, stderr.String())
	}
	var noDir *fs.PathError
	if errors.As(err, &noDir) && noDir.Op == "chdir" {
		err = fmt.Errorf("JUJU_CHARM_DIR cannot be used: %w", err)
	}
	return nil, wrap(call, err)
}

func exitCode(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return -1
	}
	return cmd.ProcessState.ExitCode()
}

// lookPath finds a command on the PATH of the dispatch, not on that of this process.
func (e *Exec) lookPath(command string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if path, ok := e.paths[command]; ok {
		return path, nil
	}
	for _, dir := range filepath.SplitList(e.path()) {
		if !filepath.IsAbs(dir) {
			continue // as package os/exec does
		}
		path := filepath.Join(dir, command)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			e.paths[command] = path
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no such command in PATH: %w", ErrNotSupported)
}

func (e *Exec) path() string {
	for i := len(e.agent.Env) - 1; i >= 0; i-- {
		if path, ok := strings.CutPrefix(e.agent.Env[i], "PATH="); ok {
			return path
		}
	}
	return ""
}
