// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Call is a hook command that the charm has run.
type Call struct {
	Event   string // "db-relation-joined"; of an action its name, of juju-exec "run-commands"
	Command string // "relation-set"
	Args    []string
	Data    map[string]string // of relation-set and state-set: what it was given to write
	Code    int               // its exit code
}

// String returns the command line, without the values of secrets.
func (c Call) String() string {
	return juju.Recorded{Command: c.Command, Args: c.Args}.String()
}

func callsOf(hook *juju.Hook) []Call {
	var calls []Call
	for _, c := range hook.Calls() {
		if c.Data == nil && len(c.Stdin) > 0 { // it was run as text
			_ = json.Unmarshal(c.Stdin, &c.Data) // nil if it is no map
		}
		calls = append(calls, Call{Event: hook.Name(), Command: c.Command, Args: c.Args, Data: c.Data, Code: c.Code})
	}
	return calls
}

// Calls returns the hook commands that the charm has run since the last
// [Harness.ResetCalls]; with names, only those commands.
func (h *Harness) Calls(commands ...string) []Call {
	var calls []Call
	for _, hook := range h.hooks {
		for _, c := range callsOf(hook) {
			if len(commands) == 0 || slices.Contains(commands, c.Command) {
				calls = append(calls, c)
			}
		}
	}
	return calls
}

// ResetCalls forgets the hook commands that have run.
func (h *Harness) ResetCalls() { h.hooks = nil }

// interceptor is what Intercept was given.
type interceptor struct {
	answer func(call hookcmd.Call) (hookcmdtest.Answer, bool)
}

// Intercept has f asked before each hook command, which it answers if it returns
// true: to have it fail ([hookcmdtest.Failure]), to have it hang, or to tell what
// this model cannot. It can be called by several goroutines at once. Of several,
// the one that was added last is asked first. The function returned ends that.
//
// An f that hangs must return when the test ends: what waits for a channel does
// if a t.Cleanup after [New] closes it.
func (h *Harness) Intercept(f func(call hookcmd.Call) (answer hookcmdtest.Answer, ok bool)) (remove func()) {
	h.t.Helper()
	if f == nil {
		h.fatal(errors.New("cannot intercept hook commands: the function is nil"))
	}
	i := &interceptor{answer: f}
	h.setIntercept(append(slices.Clip(h.intercept), i))
	return func() {
		h.setIntercept(slices.DeleteFunc(slices.Clone(h.intercept), func(x *interceptor) bool { return x == i }))
	}
}

func (h *Harness) setIntercept(all []*interceptor) {
	h.intercept = all
	if len(all) == 0 {
		h.model.juju.Intercept(nil)
		return
	}
	h.model.juju.Intercept(func(_ string, r juju.Request) *juju.Response {
		call := hookcmd.Call{Command: r.Command, Args: r.Args, Stdin: r.Stdin}
		for _, i := range slices.Backward(all) {
			if answer, ok := i.answer(call); ok {
				return &juju.Response{Stdout: []byte(answer.Stdout), Stderr: []byte(answer.Stderr), Code: answer.Code}
			}
		}
		return nil
	})
}
