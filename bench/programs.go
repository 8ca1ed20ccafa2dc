// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/charmsmith/charmsmith/internal/golden"
)

const module = "github.com/charmsmith/charmsmith/"

// program is what is measured: a binary, and how it is started.
type program struct {
	name   string // in the table
	folder string // of its package main
	env    string // an additional variable; empty if none
	silent bool   // it runs no hook command
	execs  bool   // it starts a process for each
	// base is the program that it is compared with, and aim the ratio that it
	// is not to exceed; 0 if there is none.
	base *program
	aim  float64

	path string // of the binary
	size int64  // of the binary
}

var (
	empty    = &program{name: "empty program", folder: "bench/empty", silent: true}
	floor    = &program{name: "bare, socket (the floor)", folder: "bench/floor"}
	sdk      = &program{name: "SDK, socket", folder: "bench/sdk", base: floor, aim: 1.1}
	bareExec = &program{name: "bare, exec", folder: "bench/execfloor", execs: true}
	sdkExec  = &program{name: "SDK, exec", folder: "bench/sdk", env: "CHARMSMITH_HOOKCMD=exec", execs: true, base: bareExec, aim: 1.05}

	compared = []*program{empty, floor, sdk, bareExec, sdkExec}

	hello = &program{name: "hello", folder: "examples/hello"}
)

// build builds a package main for deployment: static and stripped.
func build(dir, folder string) (path string, err error) {
	path = filepath.Join(dir, filepath.Base(folder))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, module+folder)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %s: %w\n%s", folder, err, output)
	}
	return path, nil
}

// rewrite replaces a binary by a copy. How fast a program starts depends, by a
// tenth and more, on the size and the place of the pages in which the kernel
// keeps its file: large ones if it was written in one go, as deployed files
// are, but small ones as the linker writes it. Each copy draws anew.
func rewrite(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o755)
}

// buildAll builds the programs, and the hook commands into the folder tools.
func buildAll(dir, tools string) error {
	for _, p := range append([]*program{hello}, compared...) {
		path, err := build(dir, p.folder)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		p.path, p.size = path, info.Size()
	}
	command, err := build(dir, "bench/hookcommand")
	if err == nil {
		err = rewrite(command)
	}
	if err != nil {
		return err
	}
	if err := os.Mkdir(tools, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"juju-log", "relation-get", "relation-ids", "relation-list", "relation-set", "status-set"} {
		if err := os.Symlink(command, filepath.Join(tools, name)); err != nil {
			return err
		}
	}
	return nil
}

// environment returns the complete environment of a recorded update-status hook
// of Juju 4, and its context ID. dir is that of the agent and the charm.
func environment(dir, tools string) (env []string, contextID string, err error) {
	replacer := strings.NewReplacer(
		"${CHARM_DIR}", dir,
		"${AGENT_DIR}", dir,
		"${TOOLS_DIR}", tools,
		"${AGENT_PATH}", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"${HEX32}", "0123456789abcdef0123456789abcdef",
	)
	for _, d := range golden.Dispatches() {
		if d.Version != "4" || d.Name != "update-status" {
			continue
		}
		for key, value := range d.Env {
			value = replacer.Replace(value)
			if strings.Contains(value, "${") {
				return nil, "", fmt.Errorf("recorded variable %s has an unknown placeholder: %q", key, value)
			}
			env = append(env, key+"="+value)
		}
		return env, replacer.Replace(d.Env["JUJU_CONTEXT_ID"]), nil
	}
	return nil, "", errors.New("no recording of update-status")
}
