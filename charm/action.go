// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// OnAction registers the handler of an action, as named in charmcraft.yaml.
//
// In has the parameters, Out the results. Each is a struct, struct{} if there
// are none, or a map with string keys, such as map[string]any, for those whose
// names are not known. The fields of a struct are those of encoding/json, with its
// tags; a field without a name in its tag has the Go name in lower case with
// dashes, MaxTries being "max-tries". Options of a tag other than omitempty and
// omitzero, two fields of one name, embedded pointers and types that are not
// listed below are mistakes of the charm's code: OnAction panics, and says the fix.
//
// # Parameters
//
// They are read once, with the defaults of charmcraft.yaml. They must be those
// of In exactly: the action fails, and the handler is not called, if one has no
// field, or a field that is no pointer has no parameter, or a value is not of its
// field's type:
//
//   - string, bool, floats; integers, in the range of their type and of ±2^53,
//     beyond which Juju rounds them
//   - structs and maps with string keys are objects; slices are lists, arrays
//     are lists of their length; []byte is base64 text
//   - a pointer is what it points to; nil if the parameter is left out or null
//   - any takes all, numbers as float64
//   - time.Duration is a string such as "1m30s"
//   - types with UnmarshalJSON or, for strings, UnmarshalText decide themselves
//
// # Results
//
// They are sent when the handler returns, by one hook command; none if there are
// none. Structs and maps become keys with dots, as "reply.host". Every part of a
// key is lower-case letters, digits and inner dashes, and none is "stdout",
// "stderr", or either with "-encoding"; "return-code" is Juju's. Values are texts
// for Juju: strings, durations, and what has a JSON string, as they are; all else,
// slices among it, as its JSON. Nil pointers are left out, as are empty
// fields with omitempty; an empty string is sent, and a nil slice is []. With
// hook commands that run as processes a value can have 128 KiB less its key.
// Results that cannot be sent fail the action.
//
// # Failure
//
// An error of the handler is the operator's answer: the action fails with its
// text, and whatever Out has is sent, too. What was written to databags and
// the state is dropped, secrets that [Charm.AddSecret] has added are removed again,
// the rest of the handlers does not run, and the program exits with code 0, without
// which Juju would not show the text. Ports, storage and changes of existing secrets are
// kept by Juju nonetheless, as is what was flushed; a warning is logged. After a
// panic, or if action-get or action-set could not be run or answered what cannot be
// read, the program exits with code 1, and Juju drops all. An action that no
// handler takes fails.
//
// Handlers of [events.Action] and [OnDispatch] run alongside, in the order of
// registration. It panics if the action has a handler already.
func OnAction[In, Out any](c *Charm, name string, handle func(context.Context, In) (Out, error)) {
	c.registers("OnAction")
	if !isResultKey(name) || name == "juju" || strings.HasPrefix(name, "juju-") {
		panic(fmt.Sprintf("charm.OnAction: no action can have the name %q: it is lower-case letters, digits and inner dashes, and does not begin with juju-", name))
	}
	for i := range c.handlers {
		if c.handlers[i].by == "OnAction" && c.handlers[i].only == name {
			panic(fmt.Sprintf("charm.OnAction: action %q has two handlers", name))
		}
	}
	if reflect.TypeFor[In]().Implements(reflect.TypeFor[events.Event]()) {
		panic(fmt.Sprintf("charm.OnAction: the handler of action %q takes a struct of parameters, not an event, which charm.On is for; struct{} is none", name))
	}
	if err := checkParams(reflect.TypeFor[In]()); err != nil {
		panic(fmt.Sprintf("charm.OnAction: the handler of action %q cannot take %s: %v", name, reflect.TypeFor[In](), err))
	}
	if err := checkResults(reflect.TypeFor[Out]()); err != nil {
		panic(fmt.Sprintf("charm.OnAction: the handler of action %q cannot return %s: %v", name, reflect.TypeFor[Out](), err))
	}
	if d := c.current(); d.actions == nil {
		d.actions = &actionRun{dispatch: d}
	}
	c.add("OnAction", handle == nil, handler{function: handle, only: name, receiver: &action[In, Out]{c, name, handle}})
}

// action is the receiver of an action.
type action[In, Out any] struct {
	charm   *Charm
	name    string
	handler func(context.Context, In) (Out, error)
}

func (a *action[In, Out]) takes(ev events.Event) bool {
	act, ok := ev.(events.Action)
	return ok && act.Action == a.name
}

func (a *action[In, Out]) handle(ctx context.Context, ev events.Event) error {
	var in In
	var out Out
	return a.charm.model().runAction(ctx, reflect.ValueOf(&in).Elem(), reflect.ValueOf(&out).Elem(), func() (err error) {
		out, err = a.handler(ctx, in)
		return err
	})
}

// runAction calls a handler that takes in and sets out.
func (d *dispatch) runAction(ctx context.Context, in, out reflect.Value, handler func() error) error {
	params, err := d.client.ActionGet(ctx)
	if err != nil {
		return &ownFailure{err}
	}
	if err := decodeParams(params, in); err != nil {
		return err
	}
	failure := handler()
	if errors.As(failure, new(*deferral)) {
		failure = errors.New("cannot defer an action: the operator waits for it")
	}
	if failure != nil && (ctx.Err() != nil || out.IsZero()) {
		return failure
	}
	err = d.setResults(ctx, out)
	if failure != nil && err != nil {
		return fmt.Errorf("%w; and %v", failure, err)
	}
	if failure != nil {
		return failure
	}
	if command, ok := errors.Unwrap(err).(*hookcmd.Error); ok && command.Code <= 0 && !errors.Is(err, syscall.E2BIG) {
		return &ownFailure{err} // neither Juju nor a limit has refused the results
	}
	return err
}

// ownFailure is an error around an action's handler that is no answer to the
// operator: hook commands do not work.
type ownFailure struct{ err error }

func (e *ownFailure) Error() string { return e.err.Error() }
func (e *ownFailure) Unwrap() error { return e.err }

// ActionLog tells the operator how the action that runs gets on, at once; it is
// kept if the action fails. [hookcmd.ErrNotAction] if none runs. What a text
// cannot have in Juju, NUL bytes and invalid UTF-8, is replaced by U+FFFD.
func (c *Charm) ActionLog(ctx context.Context, message string) error {
	return c.model().client.ActionLog(ctx, plainText(message))
}

// actions is what becomes of a dispatch for an action. It is an interface so that
// a charm without actions does not link it.
type actions interface {
	observe(ctx context.Context, command string) (end func(error)) // of the action's hook commands
	fail(ctx context.Context, cause error) error
}

// actionRun implements actions.
type actionRun struct {
	*dispatch
	mu  sync.Mutex
	ran map[string]int // how often commands have run whose effect Juju keeps if the action fails
}

// maxFailText is what the operator is told of an error at most, in bytes; a
// process's argument has a limit.
const maxFailText = 64 << 10

// fail answers the operator with the error of an action's handler. What
// was kept back is dropped, and what Juju would keep of it withdrawn as far as
// that is possible; the process exits with 0, as otherwise Juju replaces the text.
func (a *actionRun) fail(ctx context.Context, cause error) error {
	a.actionFailed = true
	lasting, err := a.lasting(ctx) // without what follows
	if err == nil {
		err = a.relations.Drop(ctx)
	}
	if err == nil {
		err = a.state.drop(ctx)
	}
	if err == nil {
		err = a.secrets.withdraw(ctx, 0)
	}
	text := plainText(cause.Error())
	if len(text) > maxFailText {
		text = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:maxFailText], ""), len(text))
	}
	if err == nil && len(lasting) > 0 {
		a.logger().WarnContext(ctx, "the action has failed, but Juju keeps what these hook commands have changed", "commands", strings.Join(lasting, " "))
	}
	if err == nil {
		err = a.client.ActionFail(ctx, text)
	}
	if err != nil {
		return fmt.Errorf("cannot tell that the action failed (%s): %w", text, err)
	}
	return nil
}

func (a *actionRun) observe(_ context.Context, command string) (end func(error)) {
	switch command {
	case "close-port", "leader-set", "open-port", "storage-add", "relation-set", "state-delete", "state-set",
		"secret-add", "secret-grant", "secret-remove", "secret-revoke", "secret-set":
	default:
		return nil
	}
	return func(err error) {
		if err != nil {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.ran == nil {
			a.ran = make(map[string]int)
		}
		a.ran[command]++
	}
}

// lasting returns the commands whose effect Juju keeps, but for what belongs to
// secrets that are withdrawn.
func (a *actionRun) lasting(ctx context.Context) ([]string, error) {
	s := &a.secrets
	if err := s.turn.take(ctx); err != nil {
		return nil, err
	}
	defer s.turn.give()
	a.mu.Lock()
	defer a.mu.Unlock()
	ran := maps.Clone(a.ran)
	if len(s.known) == len(s.added) && int(s.noted) == ran["secret-set"]+ran["secret-remove"] {
		delete(ran, "secret-set") // of no other secret
	}
	for _, id := range s.added {
		k := s.known[id]
		ran["secret-add"]--
		ran["secret-grant"] -= len(k.grants)
		ran["secret-revoke"] -= len(k.revoked)
		ran["secret-remove"] -= len(k.revisions)
		if k.removed {
			ran["secret-remove"]--
		}
	}
	maps.DeleteFunc(ran, func(_ string, times int) bool { return times <= 0 })
	return slices.Sorted(maps.Keys(ran)), nil
}

// plainText returns a text that Juju can keep and a process can be given.
func plainText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}
