// SPDX-License-Identifier: Apache-2.0

package hookcmdtest

import (
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// Commands are the names of all hook commands: those of Juju 4.1 and, at the
// end, those of 3.6 that were dropped.
var Commands = []string{
	"action-fail", "action-get", "action-log", "action-set", "application-version-set", "close-port",
	"config-get", "credential-get", "goal-state", "is-leader", "juju-log", "juju-reboot", "network-get",
	"open-port", "opened-ports", "relation-get", "relation-ids", "relation-list", "relation-model-get",
	"relation-set", "resource-get", "secret-add", "secret-get", "secret-grant", "secret-ids",
	"secret-info-get", "secret-remove", "secret-revoke", "secret-set", "state-delete", "state-get",
	"state-set", "status-get", "status-set", "storage-add", "storage-get", "storage-list", "unit-get",
	"leader-get", "leader-set",
}

// canBeCommand is whether RunCommand was called, without which the test binary
// must not be started as a hook command: it would run the tests again.
var canBeCommand atomic.Bool

// RunCommand makes this process a hook command, and exits, if it was started
// under the name of one; else it returns. It belongs at the start of a TestMain
// whose tests use the PATH of [Server.Agent], on which the test binary then
// stands under the name of every hook command.
func RunCommand() {
	canBeCommand.Store(true)
	name := filepath.Base(os.Args[0])
	if slices.Contains(Commands, name) {
		code := jujurpc.Command(name, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
		syscall.Exit(code) // not os.Exit, which writes coverage, or that it cannot
	}
}

// writeTools links this program under the names of the commands, in dir/tools;
// under none if it cannot be one.
func writeTools(dir string, commands []string) (tools string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	tools = filepath.Join(dir, "tools")
	if err := os.Mkdir(tools, 0o755); err != nil {
		return "", err
	}
	if !canBeCommand.Load() {
		return tools, nil
	}
	for _, command := range commands {
		if err := os.Symlink(self, filepath.Join(tools, command)); err != nil {
			return "", err
		}
	}
	return tools, nil
}
