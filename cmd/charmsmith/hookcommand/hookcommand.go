// SPDX-License-Identifier: Apache-2.0

// Package hookcommand makes a program that imports it be a hook command, if it
// was started under the name of one: it asks the unit agent whose environment it
// has, and exits. So it does if it was started to make mounts (package mountns).
//
// It does so while packages are initialised, and not in main: a charm starts
// dozens of these processes, and what the rest of the program initialises, JSON
// schemas above all, takes three times as long as a hook command. Packages are
// initialised in the order of their paths once all that they import is; a test
// of the program fails if that comes to be too late.
package hookcommand

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
	"github.com/charmsmith/charmsmith/internal/process/mountns"
)

var _ = runIfAsked()

func runIfAsked() bool {
	mountns.Help()
	if Is(os.Args[0], os.Getenv) {
		// Not os.Exit, which has a race detector wait: nothing is left to be done.
		syscall.Exit(jujurpc.Command(os.Args[0], os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
	return false
}

// Is reports whether the program of a process is a hook command, by the path that
// it was started with: its name is not charmsmith's, and it is that of a hook
// command or the environment is a unit agent's.
func Is(path string, getenv func(string) string) bool {
	name := filepath.Base(path)
	if strings.HasPrefix(name, "charmsmith") {
		return false
	}
	return getenv("JUJU_CONTEXT_ID") != "" || isKnown(name)
}

// isKnown reports whether Juju 3.6 or 4 has a hook command of that name.
func isKnown(name string) bool {
	switch name {
	case "action-fail", "action-get", "action-log", "action-set", "application-version-set", "close-port", "config-get",
		"credential-get", "goal-state", "is-leader", "juju-log", "juju-reboot", "k8s-raw-get", "k8s-raw-set", "k8s-spec-get",
		"k8s-spec-set", "leader-get", "leader-set", "network-get", "open-port", "opened-ports", "payload-register",
		"payload-status-set", "payload-unregister", "pod-spec-get", "pod-spec-set", "relation-get", "relation-ids",
		"relation-list", "relation-model-get", "relation-set", "resource-get", "secret-add", "secret-get", "secret-grant",
		"secret-ids", "secret-info-get", "secret-remove", "secret-revoke", "secret-set", "state-delete", "state-get",
		"state-set", "status-get", "status-set", "storage-add", "storage-get", "storage-list", "unit-get":
		return true
	}
	return false
}
