// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// ActionResult is how an action ended.
type ActionResult struct {
	// Status is "completed" or "failed" or, if Juju did not run the charm
	// because the parameters are wrong, "error" (in Juju 3.6 "failed").
	Status string
	// Results are those that the charm has set, nested as their keys say; without
	// "return-code", which Juju adds.
	Results map[string]any
	Message string   // of action-fail, or why it did not run
	Log     []string // of action-log
	Err     error    // what the charm failed with, if its exit code was not 0
}

func resultOf(a *juju.Action) ActionResult {
	r := ActionResult{Status: a.Status, Results: maps.Clone(a.Results), Message: a.Message, Log: slices.Clone(a.Log), Err: a.Err}
	delete(r.Results, "return-code")
	return r
}

// RunAction runs an action with parameters, which Juju checks against its
// schema, adding the defaults. That the action fails is a result, not a failure
// of the test.
func (h *Harness) RunAction(name string, params map[string]any) ActionResult {
	h.t.Helper()
	if err := h.checkAction(name); err != nil {
		h.fatal(fmt.Errorf("cannot run action %q: %w", name, err))
	}
	a, err := h.unit.RunAction(name, params)
	h.fatal(err)
	var hook *juju.Hook
	h.model.drive(func() error {
		hook, err = h.model.juju.DispatchAction(h.model.ctx, h.unit, a)
		return err
	})
	if hook != nil {
		h.hooks = append(h.hooks, hook)
	}
	return resultOf(a)
}

// Exec runs a function with the unit's hook commands, as juju exec does a
// script: what it changes is kept if it returns nil.
func (h *Harness) Exec(script func(ctx context.Context, hook *hookcmd.Client) error) error {
	h.t.Helper()
	return h.exec(-1, "", script)
}

// Exec is [Harness.Exec] in the relation, about a remote unit; an empty one is
// the only one, if there is only one.
func (r *Relation) Exec(remote string, script func(ctx context.Context, hook *hookcmd.Client) error) error {
	r.h.t.Helper()
	r.require()
	return r.h.exec(r.ID(), remote, script)
}

func (h *Harness) exec(rel int, remote string, script func(context.Context, *hookcmd.Client) error) error {
	h.t.Helper()
	return h.model.exec(h.unit, rel, remote, script, func(c *juju.Commands) {
		h.hooks = append(h.hooks, h.model.juju.DispatchCommands(h.model.ctx, h.unit, c))
	})
}

// RunAction runs an action on the unit, and settles the model. That the action
// fails is a result, not a failure of the test.
func (u *Unit) RunAction(name string, params map[string]any) ActionResult {
	u.model.t.Helper()
	if _, ok := u.unit.Application().Charm().Actions[name]; !ok {
		u.model.fatal(fmt.Errorf("cannot run action %q: %w", name, undeclared("action", name, u.unit.Application().Charm().Actions)))
	}
	a, err := u.unit.RunAction(name, params)
	u.model.fatal(err)
	u.model.Settle()
	if a.Status == "pending" {
		u.model.fatal(fmt.Errorf("action %s of unit %s has not run: the unit is %s", name, u.unit.Name, u.unit.Workload().Status))
	}
	return resultOf(a)
}

// exec has run run a juju-exec, in a relation if rel is not negative.
func (m *Model) exec(u *juju.Unit, rel int, remote string, script func(context.Context, *hookcmd.Client) error, run func(*juju.Commands)) error {
	m.t.Helper()
	if script == nil {
		m.fatal(errors.New("cannot exec: the script is nil"))
	}
	c, err := u.RunCommands("", rel, remote)
	m.fatal(err)
	var failure error
	c.Func = func(ctx context.Context, hook *hookcmd.Client) error {
		failure = guarded(ctx, hook, script)
		return failure
	}
	m.drive(func() error {
		run(c)
		return nil
	})
	if !c.Done {
		m.fatal(fmt.Errorf("cannot exec on unit %s: it does not come to it; its status is %s", u.Name, u.Workload().Status))
	}
	return cmp.Or(failure, c.Err)
}

// guarded calls a script, whose panic is an error.
func guarded(ctx context.Context, hook *hookcmd.Client, script func(context.Context, *hookcmd.Client) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the script panicked: %v\n%s", value, debug.Stack())
		}
	}()
	return script(ctx, hook)
}

// exec is the Exec of units.
func (u *Unit) exec(rel int, remote string, script func(context.Context, *hookcmd.Client) error) error {
	u.model.t.Helper()
	err := u.model.exec(u.unit, rel, remote, script, func(c *juju.Commands) {
		for !c.Done && u.model.juju.Step(u.model.ctx) {
		}
	})
	u.model.Settle()
	return err
}

// ExecIn is [Unit.Exec] in a relation, about a remote unit; an empty one is the
// only one, if there is only one.
func (u *Unit) ExecIn(rel *ModelRelation, remote string, script func(ctx context.Context, hook *hookcmd.Client) error) error {
	u.model.t.Helper()
	return u.exec(rel.relation.ID, remote, script)
}
