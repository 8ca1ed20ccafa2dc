// SPDX-License-Identifier: Apache-2.0

// Package process runs charms as Juju's unit agent does: each hook, action and
// juju-exec is one process.
//
//	host, err := process.New(process.Options{Self: self, Commands: model.CommandNames()})
//	…
//	defer host.Close()
//	model := juju.New(&juju.Options{Paths: host.Paths})
//	_, err = model.Deploy(juju.Deployment{Charm: charm, Executor: host.Charm(dir), Units: 3})
//
// # What a charm finds
//
// Each unit has a copy of the charm's files, which is the working directory. The
// environment is that of [juju.Hook.Environ] and nothing else, standard input is
// empty, and the program leads a process group. The unit's socket speaks Juju's
// RPC while the program runs, and no longer; on PATH the hook commands come
// first. What the program prints is logged by lines.
//
// A unit that has containers with a Pebble finds their sockets at
// /charm/containers too, as under Juju, where the system lets it (see
// [Host.Relocates]): its processes have a mount namespace of their own, of which
// nothing is seen outside (package mountns). Their environment is the same. The
// Pebbles are outside.
//
// # What a charm leaves behind
//
// A process that outlives its hook belongs to the unit: it lives on between
// hooks, is reaped when it dies, and is killed when the unit is removed or the
// Host is closed. For that the whole program becomes, on Linux, the parent of the
// orphans among its descendants (PR_SET_CHILD_SUBREAPER), and it stays that when
// the Host is closed. To tell orphans from other children of the program, the
// Host takes those for its own that are neither in the program's process group
// nor have its environment nor are a child from before: so the program starts no
// other child in a process group of its own, and has one Host. On other systems a
// process that has left its process group escapes.
package process
