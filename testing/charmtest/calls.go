// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Call is a hook command that the charm has run.
type Call struct {
	Event   string // "db-relation-joined"
	Command string // "relation-set"
	Args    []string
	Stdin   string
	// Data is what a command was given that reads a map, whatever its form.
	Data map[string]string
	Code int // its exit code
}

// String returns the command line.
func (c Call) String() string {
	return juju.Recorded{Command: c.Command, Args: c.Args}.String()
}

func (h *Harness) record(hook *juju.Hook) { h.calls = append(h.calls, callsOf(hook)...) }

func callsOf(hook *juju.Hook) []Call {
	var calls []Call
	for _, c := range hook.Calls() {
		calls = append(calls, Call{Event: hook.Name(), Command: c.Command, Args: c.Args, Stdin: string(c.Stdin), Data: c.Data, Code: c.Code})
	}
	return calls
}

// Calls returns the hook commands that the charm has run since the last
// [Harness.ResetCalls]; with names, only those commands.
func (h *Harness) Calls(commands ...string) []Call {
	var calls []Call
	for _, c := range h.calls {
		if len(commands) == 0 || slices.Contains(commands, c.Command) {
			calls = append(calls, c)
		}
	}
	return calls
}

// ResetCalls forgets the hook commands that have run.
func (h *Harness) ResetCalls() { h.calls = nil }

type interceptor func(call hookcmd.Call) (hookcmdtest.Answer, bool)

// Intercept has f asked before each hook command, which it answers if it returns
// true: to have it fail ([hookcmdtest.Failure]), to have it hang, or to tell what
// this model cannot. It can be called by several goroutines at once. Of several, the one
// that was added last is asked first. The function returned ends that.
func (h *Harness) Intercept(f func(call hookcmd.Call) (answer hookcmdtest.Answer, ok bool)) (remove func()) {
	index := len(h.intercept)
	h.intercept = append(h.intercept, f)
	h.model.juju.Intercept(h.answer)
	return func() {
		h.intercept[index] = nil
		if !slices.ContainsFunc(h.intercept, func(f interceptor) bool { return f != nil }) {
			h.intercept = nil
			h.model.juju.Intercept(nil)
		}
	}
}

func (h *Harness) answer(unit string, r juju.Request) *juju.Response {
	call := hookcmd.Call{Command: r.Command, Args: r.Args, Stdin: r.Stdin}
	for _, f := range slices.Backward(h.intercept) {
		if f == nil {
			continue
		}
		if answer, ok := f(call); ok {
			return &juju.Response{Stdout: []byte(answer.Stdout), Stderr: []byte(answer.Stderr), Code: answer.Code}
		}
	}
	return nil
}
