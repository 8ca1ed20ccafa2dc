// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	a, err := h.unit.RunAction(name, params)
	h.fatal(err)
	var hook *juju.Hook
	h.model.drive(func() error {
		hook, err = h.model.juju.DispatchAction(h.model.ctx, h.unit, a)
		return err
	})
	if hook != nil {
		h.record(hook)
	}
	return resultOf(a)
}

// Exec runs a function with the unit's hook commands, as juju exec does a
// script: what it changes is kept if it returns nil.
func (h *Harness) Exec(script func(ctx context.Context, hook *hookcmd.Client) error) error {
	h.t.Helper()
	return h.model.exec(h.unit, -1, "", script)
}

// RunAction runs an action on the unit, and settles the model. That the action
// fails is a result, not a failure of the test.
func (u *Unit) RunAction(name string, params map[string]any) ActionResult {
	u.model.t.Helper()
	a, err := u.unit.RunAction(name, params)
	u.model.fatal(err)
	u.model.Settle()
	if a.Status == "pending" {
		u.model.fatal(fmt.Errorf("action %s of unit %s has not run: the unit is %s", name, u.unit.Name, u.unit.Workload().Status))
	}
	return resultOf(a)
}

// exec runs a juju-exec, in a relation if rel is not negative.
func (m *Model) exec(u *juju.Unit, rel int, remote string, script func(context.Context, *hookcmd.Client) error) error {
	m.t.Helper()
	e, ok := u.Application().Executor.(*executor)
	if !ok || script == nil {
		m.fatal(errors.New("cannot exec: there is no charm, or no script"))
	}
	c, err := u.RunCommands("", rel, remote)
	m.fatal(err)
	e.mu.Lock()
	if e.scripts == nil {
		e.scripts = make(map[*juju.Commands]func(context.Context, *hookcmd.Client) error)
	}
	e.scripts[c] = script
	e.mu.Unlock()
	m.drive(func() error {
		for !c.Done && m.juju.Step(m.ctx) {
		}
		return nil
	})
	if !c.Done {
		m.fatal(fmt.Errorf("cannot exec on unit %s: it does not come to it; its status is %s", u.Name, u.Workload().Status))
	}
	return c.Err
}

// ExecIn is [Unit.Exec] in a relation, about a remote unit; an empty one is the
// only one, if there is only one.
func (u *Unit) ExecIn(rel *ModelRelation, remote string, script func(ctx context.Context, hook *hookcmd.Client) error) error {
	u.model.t.Helper()
	return u.model.exec(u.unit, rel.relation.ID, remote, script)
}
