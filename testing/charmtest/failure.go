// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// HookError is what [Harness.Try] and [Run] return of a hook that did not
// succeed.
type HookError struct {
	Hook    string // "db-relation-joined"; of an action its name
	Outcome string // "failed", "flush refused", "killed" or "reboot"
	Err     error  // what the charm, or the flush, failed with; may be nil
}

// Error says which hook did not succeed, and why; of a panic with its stack.
func (e *HookError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Hook, e.Outcome)
	}
	return fmt.Sprintf("%s: %s: %v%s", e.Hook, e.Outcome, e.Err, panicStack(e.Err))
}

// panicStack returns the stack of a handler's panic, on lines of its own.
func panicStack(err error) string {
	var handler *charm.HandlerError
	if errors.As(err, &handler) && handler.Stack != nil {
		return "\n" + string(handler.Stack)
	}
	return ""
}

// Unwrap returns e.Err.
func (e *HookError) Unwrap() error { return e.Err }

// hookError returns the error of a hook's outcome; nil if it has succeeded.
func hookError(hook *juju.Hook, outcome juju.Outcome, err error) error {
	if outcome == juju.Succeeded {
		return nil
	}
	return &HookError{Hook: hook.Name(), Outcome: outcome.String(), Err: err}
}

// tried is the panic by which a hook's failure reaches Try.
type tried struct{ err error }

// Try calls do, and returns the failure of the first hook in it, a *HookError.
// What do would have done after that hook is left out. Without Try such a failure
// fails the test, as all that is no failure of a hook does with Try too.
func (h *Harness) Try(do func()) (err error) {
	h.tries++
	defer func() {
		h.tries--
		switch value := recover().(type) {
		case nil:
		case tried:
			err = value.err
		default:
			panic(value)
		}
	}()
	do()
	return nil
}

// Again runs the hook again that has failed, as Juju does until it succeeds, and
// then what had to follow it, such as the changed that [Relation.Join] sends after
// joined.
func (h *Harness) Again() {
	h.t.Helper()
	h.emit(func() (*juju.Hook, juju.Outcome, error) {
		return h.model.juju.Redo(h.model.ctx, h.unit)
	})
	h.inOrder(h.rest...)
}

// inOrder does one step after the other; Again goes on after that which failed.
func (h *Harness) inOrder(steps ...func()) {
	h.t.Helper()
	for i, step := range steps {
		h.rest = steps[i+1:]
		step()
	}
	h.rest = nil
}

// due runs hooks as long as there is one that is due.
func (h *Harness) due(dispatch func(context.Context, *juju.Unit) (*juju.Hook, juju.Outcome, error)) {
	h.t.Helper()
	for ran := true; ran; {
		h.rest = []func(){func() { h.t.Helper(); h.due(dispatch) }}
		h.emit(func() (*juju.Hook, juju.Outcome, error) {
			hook, outcome, err := dispatch(h.model.ctx, h.unit)
			ran = hook != nil
			return hook, outcome, err
		})
	}
	h.rest = nil
}

// emit runs one hook. There is none if it cannot be, which is an error, or if
// nothing is due.
func (h *Harness) emit(dispatch func() (*juju.Hook, juju.Outcome, error)) {
	h.t.Helper()
	var hook *juju.Hook
	var outcome juju.Outcome
	var err error
	h.model.drive(func() error {
		hook, outcome, err = dispatch()
		return nil
	})
	if hook == nil {
		h.fatal(err)
		return
	}
	h.hooks = append(h.hooks, hook)
	if err := hookError(hook, outcome, err); err != nil {
		h.failed(err)
	}
}

func (h *Harness) failed(err error) {
	h.t.Helper()
	if h.tries > 0 {
		panic(tried{err})
	}
	h.t.Fatal(err)
}

// fatal fails and ends the test if there is an error.
func (h *Harness) fatal(err error) {
	if err != nil {
		h.t.Helper()
		h.t.Fatal(err)
	}
}
