// SPDX-License-Identifier: Apache-2.0

// Package hookcmd runs Juju's hook commands, the way in which a charm reads and
// changes the model.
//
//	runner := hookcmd.NewAuto(hookcmd.AgentFromEnviron(os.Environ()))
//	defer runner.Close(ctx)
//	leader, err := hookcmd.New(runner, nil).IsLeader(ctx)
//
// Charms use it through package charm, which adds caches and buffers: one
// method of [Client] is one hook command, at once.
//
// A [Client] stands on a [Runner]: [Socket] speaks the unit agent's own
// protocol, [Exec] starts the commands on PATH, [Auto] chooses. All pass data
// on standard input or in files that only the owner can read wherever Juju
// offers a way, and secrets never on a command line. Failures are *[Error];
// conditions that a charm may act upon are errors such as [ErrNotLeader], the
// same for all versions of Juju.
//
// The rules are those of Juju 4.1, and of 3.6 where that differs.
package hookcmd
