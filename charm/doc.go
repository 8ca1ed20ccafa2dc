// SPDX-License-Identifier: Apache-2.0

// Package charm is the framework for charms: programs that operate an
// application under Juju.
//
//	func main() { charm.Main(register) }
//
//	func register(c *charm.Charm) {
//		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
//			addr, err := c.Relation(ev).Remote(ev.Unit).Get(ctx, "ingress-address")
//			if err != nil {
//				return err
//			}
//			return c.SetStatus(ctx, charm.Active(ev.Unit+" is at "+addr))
//		})
//	}
//
// # Events
//
// Juju's unit agent starts the program once per event. [Main] calls register,
// which names the handlers with [On] and its like, and then the handlers whose
// parameter is of the event's type, or a family that it belongs to, in the
// order of registration. An event without handlers is no error.
//
// # All or nothing
//
// Writes to databags are kept in the process, where reads see them, and sent at
// the end. If a handler returns an error or panics, the rest of the handlers
// does not run, nothing is sent, the error is logged, and the program exits
// with code 1: Juju then drops what hook commands have buffered and runs the
// event again. What Juju applies at once, such as the status, stays. Handlers
// are therefore written to be run again.
//
// When the agent shuts down it sends SIGTERM. The context of the handlers is
// then cancelled; they have five seconds to return, nothing is sent, and the
// program dies by the signal, upon which Juju queues the event again.
//
// # Hook commands
//
// The model is read when it is asked for, and what Juju keeps for a hook is
// read once: an event that no handler looks at costs no hook command. Commands
// go over the unit agent's own socket or, where that cannot be used, are run
// as processes; the variable CHARMSMITH_HOOKCMD ("socket", "exec" or "auto") and
// [Options] choose one, as does the linker's flag
// -X github.com/charmsmith/charmsmith/charm.transport=exec. The variable
// CHARMSMITH_DISPATCH is set for the programs that a charm starts: a charm that
// one of them starts in the same dispatch does nothing.
//
// # Testing
//
// [Run] is Main without globals: environment, hook commands and standard error
// are its arguments.
package charm
