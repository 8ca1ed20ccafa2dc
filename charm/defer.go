// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/events"
)

// EnableDefer lets handlers return [Defer]. It costs one state-get per hook, and
// none in an action. It is called in register.
func (c *Charm) EnableDefer() {
	c.registers("EnableDefer")
	if c.deferrals == nil {
		c.deferrals = &queue{state: &c.current().state}
	}
}

// deferrals is the queue of deferred events. It is an interface so that a charm
// that does not defer does not link it.
type deferrals interface {
	emit(ctx context.Context, c *Charm) error
	add(ctx context.Context, c *Charm, h *handler, ev events.Event, reason string) error
	done(c *Charm, h *handler, ev events.Event)
	save(ctx context.Context) error
}

// Defer returns what a handler returns to be called again with the same event,
// at the beginning of the next hook, whatever hook and whenever that is:
//
//	if !ready {
//		return charm.Defer("waiting for the database")
//	}
//
// What the handler has written is kept, and the rest of the dispatch goes on as if
// it had succeeded. Most charms need none of this: a handler of events.Hook that
// looks at the model as it is, and brings the workload there, is called by
// whatever happens next.
//
// The error may be wrapped, but one that wraps another error too is a failure. An
// event that waits for a handler already does not wait twice, and is done when the
// handler succeeds with its equal. Of a long reason the beginning is kept.
//
// When the handler is called again, an error or a panic discards what it wrote to
// databags and to the state, is logged, and does not end the dispatch. What hook
// commands do at once, such as the status, stays. The event then waits on; after
// the tenth failure it is dropped, and the log has an ERROR. With a WARNING an
// event is dropped that means nothing any more: its relation, storage or handler is
// gone, the unit that joined or changed is not in the relation, or the unit that
// was elected is not the leader.
//
// [Charm.EnableDefer] has to be called in register. Stop, Remove, RelationBroken,
// SecretRotate, SecretExpired, hooks that are Unknown and actions cannot be
// deferred, nor can handlers of OnDispatch or OnCollectStatus: the handler then has failed.
func Defer(reason string) error { return &deferral{reason} }

// IsDefer reports whether an error of a handler defers its event, so that what
// [Charm.Use] puts around handlers does not take it for a failure.
func IsDefer(err error) bool { return deferralIn(err) != nil }

type deferral struct{ reason string }

const deferralText = "the event is deferred: "

// Error tells what a charm that got it elsewhere has to do.
func (d *deferral) Error() string { return deferralText + d.reason }

// deferralIn returns the deferral that an error is, or wraps; nil if there is
// none, or another error besides.
func deferralIn(err error) *deferral {
	switch err := err.(type) {
	case *deferral:
		return err
	case interface{ Unwrap() error }:
		return deferralIn(err.Unwrap())
	case interface{ Unwrap() []error }:
		var first *deferral
		for _, part := range err.Unwrap() {
			d := deferralIn(part)
			if d == nil {
				return nil
			}
			if first == nil {
				first = d
			}
		}
		return first
	}
	return nil
}

// maxReason is how many bytes of a reason are kept.
const maxReason = 256

// reasonOf returns the reason of an error that defers, with what it is wrapped in.
func reasonOf(err error) string {
	if failure, ok := err.(*HandlerError); ok {
		err = failure.Err
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), deferralText, ""), "\ufffd")
	if len(text) <= maxReason {
		return text
	}
	end := maxReason - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// Deferral tells a handler of the event that it is called with again.
type Deferral struct {
	Since    time.Time // when it was deferred first
	Times    int       // how often the handler was called with it, before this call
	Failures int       // how many of those calls failed; the tenth is the last
	Reason   string    // of the last deferral
}

type deferralKey struct{}

// Deferred returns since when the event of a handler is deferred; false if it is
// not.
func Deferred(ctx context.Context) (Deferral, bool) {
	d, ok := ctx.Value(deferralKey{}).(Deferral)
	return d, ok
}

// undeferrable returns why an event cannot be deferred by a handler.
func (c *Charm) undeferrable(h *handler, ev events.Event) error {
	if h.by == "OnCollectStatus" {
		return errors.New("a function of OnCollectStatus is called in every dispatch anyway")
	}
	switch ev.(type) {
	case events.Stop, events.Remove:
		return errors.New("the unit may be gone before the next hook")
	case events.RelationBroken:
		return errors.New("the relation is gone in the next hook")
	case events.SecretRotate, events.SecretExpired:
		return errors.New("it comes again by itself")
	case events.Action:
		return errors.New("the operator waits for the action")
	case events.Unknown:
		return errors.New("its variables are not known")
	}
	switch {
	case h.always:
		return errors.New("a handler of OnDispatch is called in every dispatch anyway")
	case c.deferrals == nil:
		return errors.New("call EnableDefer in the function given to charm.Main")
	}
	return nil
}

// deferring looks at what a handler returned: nil if it deferred the event, which
// is then noted.
func (c *Charm) deferring(ctx context.Context, h *handler, ev events.Event, err error) error {
	if err == nil {
		if c.deferrals != nil {
			c.deferrals.done(c, h, ev)
		}
		return nil
	}
	if !IsDefer(err) {
		return err
	}
	why := c.undeferrable(h, ev)
	if why == nil {
		why = c.deferrals.add(ctx, c, h, ev, reasonOf(err))
	}
	if why == nil {
		return nil
	}
	return &HandlerError{Event: ev, Handler: h.name(), Err: fmt.Errorf("cannot defer %s: %w", ev.Name(), why)}
}
