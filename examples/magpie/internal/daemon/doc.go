// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package daemon keeps one helper process of a charm running from one hook to
// the next. Most often the process is the charm's own program, with other
// arguments. A hook makes sure that it runs:
//
//	status, err := daemon.Ensure(ctx, daemon.Spec{
//		Dir:  "/var/lib/juju/magpie-0",
//		Args: []string{"serve", "--port", "5001"},
//	})
//
// and the process itself begins with Hold, and says when it can serve:
//
//	held, err := daemon.Hold("/var/lib/juju/magpie-0")
//	…
//	listener, err := net.Listen("tcp", ":5001")
//	…
//	err = held.Ready()
//
// The last hook of the unit calls [Stop].
//
// # The process
//
// It has a session of its own, so that it survives the end of the hook and a
// signal to the hook's process group. Its standard input is the null device,
// its standard output and standard error are appended to the file "log" of its
// directory, and no other descriptor of the hook is open in it, the agent's
// socket in particular. It works in its directory, with the umask of the hook
// and with exactly the environment of the [Spec]. It remains in the control
// group of the unit agent: if systemd ends that group together with the agent,
// the next hook starts the process again.
//
// # How it is found again
//
// The process holds a lock (flock) on the file "run.lock" of its directory for
// as long as it lives. What the files of the directory say about its number is
// a hint and no more: a process gets a signal only if /proc shows that it is
// the one which holds the lock. A number that belongs to another process by
// now, or a file that somebody has damaged, thus harms nobody. The signal goes
// through a pidfd where the kernel has them (5.4).
//
// Only this package may remove or replace files of the directory that begin
// with "run.lock", "start.lock", "state.json" or "log".
package daemon
