// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"log/slog"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Charm is what handlers are registered with and, in them, the model as this
// unit sees it. Each dispatch has one of its own. Its methods are safe for
// concurrent use by what a handler starts. Those that read or change the model
// are for handlers, and panic in the function that registers them.
type Charm struct {
	handlers   []handler
	last       []handler               // that run when all others have
	around     []func(Handler) Handler // of Use
	aroundAll  []func(Handler) Handler // of UseDispatch
	observers  []observer
	collectors []func(context.Context, *StatusSet) error
	keys       map[string]bool // of Stored
	logEvents  bool
	deferrals  deferrals // nil: EnableDefer was not called
	watch      watcher   // nil: WatchPeers was not called
	sealed     bool      // register has returned
	dispatch   *dispatch
}

// current returns the dispatch, without which a Charm is of no use.
func (c *Charm) current() *dispatch {
	if c.dispatch == nil {
		panic("charm: this Charm was not given by charm.Main or charm.Run")
	}
	return c.dispatch
}

// model returns the dispatch for what hook commands tell and change.
func (c *Charm) model() *dispatch {
	d := c.current()
	if !c.sealed {
		panic("charm: the model is for handlers; the function given to charm.Main only registers them")
	}
	return d
}

// Unit returns this unit's name, "app/0".
func (c *Charm) Unit() string { return c.current().unit }

// Application returns the name of this unit's application, "app".
func (c *Charm) Application() string { return c.current().application() }

// Environment returns what Juju tells the charm about its surroundings.
func (c *Charm) Environment() Environment { return readEnvironment(c.current().env) }

// Now returns the time: of the system or, in a test with package charmtest, of the
// model, which its Advance moves. A charm that asks here for the age of things can be
// tested without waiting.
func (c *Charm) Now() time.Time {
	if now := c.current().now; now != nil {
		return now()
	}
	return time.Now()
}

// Logger returns the logger of the dispatch, which writes to the unit's log in
// order: the message, then attributes as key=value. Long lines are split.
// [Main] makes it the default of log/slog.
func (c *Charm) Logger() *slog.Logger { return c.current().logger() }

// LogEvents has each dispatch log the line "Emitting Juju event …." at DEBUG before
// the event's handlers are called, and such lines of deferred events, by which tools
// such as jhack follow a charm. Each costs a hook command. It is called in register.
func (c *Charm) LogEvents() {
	c.registers("LogEvents")
	c.logEvents = true
}

// HookCommands returns the client that runs single hook commands, for what this
// package has no method for. It knows nothing of what is kept back here: reads
// do not see writes to databags that are not yet sent.
func (c *Charm) HookCommands() *hookcmd.Client {
	d := c.model()
	return hookcmd.New(d.runner, &hookcmd.Options{BeforeSecretFile: d.beforeSecretFile})
}

// IsLeader reports whether this unit is the leader of its application. Juju
// holds to a true for 30 seconds, for which it is kept; to a false until the
// dispatch ends. A new leader writes again, in [events.LeaderElected], all that is
// the leader's to write: what the old one wrote last may have been dropped, and its
// events do not come again.
func (c *Charm) IsLeader(ctx context.Context) (bool, error) {
	return c.model().leadership.isLeader(ctx)
}

// Flush sends what was written so far to databags and to the state, which the end
// of the dispatch does by itself. It is for charms that run programs which use hook commands of their
// own. If the dispatch fails later, Juju drops what was sent.
func (c *Charm) Flush(ctx context.Context) error { return c.model().flush(ctx, c) }
