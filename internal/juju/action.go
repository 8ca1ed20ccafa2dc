// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Action is an action that an operator runs on a unit. The model's methods
// change it; read it when the model is settled.
type Action struct {
	ID      string // "1"
	Name    string
	Status  string         // "pending", "running", "completed", "failed", "error", "aborted" or "cancelled"
	Params  map[string]any // numbers are float64; when it runs with the defaults
	Results map[string]any // strings, maps of them, and "return-code", an int
	Message string
	Log     []string
	Err     error // what the charm failed with, or why what it wrote was refused

	failed bool // the charm said so
}

// RunAction has an operator run an action on the unit. It waits for its turn:
// for the unit to be installed and idle, or in error. Its parameters are what
// can be written as JSON; they are checked when it runs.
func (u *Unit) RunAction(name string, params map[string]any) (*Action, error) {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := u.canRun(); err != nil {
		return nil, fmt.Errorf("cannot run action %q on unit %s: %w", name, u.Name, err)
	}
	plain, err := plainParams(params)
	if err != nil {
		return nil, fmt.Errorf("cannot run action %q on unit %s: %w", name, u.Name, err)
	}
	m.tasks++
	act := &Action{ID: strconv.Itoa(m.tasks), Name: name, Status: "pending", Params: plain}
	u.agent.actions = append(u.agent.actions, act)
	m.wake(u.agent)
	return act, nil
}

// canRun is the error of a unit that runs nothing.
func (u *Unit) canRun() error {
	switch {
	case u.life == Dead:
		return errors.New("it is dead")
	case u.agent == nil:
		return errors.New("it is made up")
	}
	return nil
}

// Action returns the action that runs, or nil. It must not be changed.
func (h *Hook) Action() *Action { return h.info.action }

// prepareAction checks the parameters of an action and adds the defaults;
// false: it does not run.
func (a *agent) prepareAction(act *Action) bool {
	m := a.unit.app.model
	params, err := a.actionParams(act)
	if err == nil {
		act.Params = params
		return true
	}
	act.Status, act.Message = "error", fmt.Sprintf("cannot run %q action: %v", act.Name, err)
	if m.is36 {
		act.Status = "failed"
	}
	m.note("%s: %s", a.unit.Name, act.Message)
	a.dropAction(act)
	return false
}

func (a *agent) dropAction(act *Action) {
	a.actions = slices.DeleteFunc(a.actions, func(x *Action) bool { return x == act })
}

// cancelActions ends the actions of a unit that is gone.
func (a *agent) cancelActions() {
	for _, act := range a.actions {
		act.Status, act.Message = "cancelled", "unit removed"
	}
	a.actions = nil
}

// finishAction ends an action. What it set is kept even if it failed, and an
// exit code other than 0 says more than action-fail did.
func (h *Hook) finishAction(outcome Outcome, exit Exit, err error) {
	act := h.info.action
	code := exit.Code
	if outcome == Killed || exit.Signal != 0 {
		code = -1
	}
	act.setResult([]string{"return-code"}, code)
	act.setOutput("stdout", exit.Stdout)
	stderr := exit.Stderr
	act.Status, act.Err = "failed", err
	switch {
	case outcome == Killed:
		act.Message = "terminated"
	case exit.Missing:
		act.Message = fmt.Sprintf("action not implemented on unit %q", h.unit.Name)
	case outcome == Failed && exit.Signal != 0:
		act.Message = "signal: " + exit.Signal.String()
	case outcome == Failed:
		act.Message = fmt.Sprintf("exit status %d", exit.Code)
	case outcome == FlushRefused:
		if len(stderr) > 0 {
			stderr = append(slices.Clone(stderr), '\n')
		}
		stderr = append(stderr, err.Error()...)
		if act.Message == "" {
			act.Message = "committing requested changes failed"
		}
	case !act.failed:
		act.Status = "completed"
	}
	act.setOutput("stderr", stderr)
	if a := h.unit.agent; a != nil {
		a.dropAction(act)
	}
}

// setOutput adds what the charm printed to the results.
func (act *Action) setOutput(name string, text []byte) {
	switch {
	case len(text) == 0:
		return
	case utf8.Valid(text):
		act.setResult([]string{name}, string(text))
	default:
		act.setResult([]string{name}, base64.StdEncoding.EncodeToString(text))
		act.setResult([]string{name + "-encoding"}, "base64")
	}
}

// setResult sets a result, of which path is the way through maps. What stands
// in its way goes.
func (act *Action) setResult(path []string, value any) {
	if act.Results == nil {
		act.Results = make(map[string]any)
	}
	SetAt(act.Results, path, value)
}

// SetAt sets a value in a map of maps, of which path is the way there. What stands
// in its way goes.
func SetAt(at map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = make(map[string]any)
			at[key] = next
		}
		at = next
	}
	at[path[len(path)-1]] = value
}

// Commands are a juju-exec on a unit. The model's methods change it; read it
// when the model is settled.
type Commands struct {
	Script string
	// Func is what an Executor in this process runs instead of Script; it is set
	// before the model settles.
	Func func(ctx context.Context, hook *hookcmd.Client) error

	member *membership
	slot   int32
	// Done is set when they have ended.
	Done   bool
	Code   int // -1: a signal ended them
	Stdout []byte
	Stderr []byte
	Err    error // of the flush, or why they failed, as far as the executor tells
}

// RunCommands has an operator run a shell script on the unit, as juju-exec
// does, before whatever else the unit has to do. With a relation, given by its
// ID (-1: none), it runs as in a hook of it: remoteUnit is the remote unit, which
// can be left out if there is one only.
func (u *Unit) RunCommands(script string, relationID int, remoteUnit string) (*Commands, error) {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Commands{Script: script, slot: -1}
	err := u.canRun()
	if err == nil {
		err = u.aim(c, relationID, remoteUnit)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot run commands on unit %s: %w", u.Name, err)
	}
	u.agent.commands = append(u.agent.commands, c)
	m.wake(u.agent)
	return c, nil
}

// aim finds the relation and the remote unit of commands.
func (u *Unit) aim(c *Commands, relationID int, remoteUnit string) error {
	if relationID < 0 {
		if remoteUnit != "" {
			return errors.New("remote unit not provided without a relation")
		}
		return nil
	}
	i := slices.IndexFunc(u.agent.members, func(m *membership) bool {
		return m.end.rel.ID == relationID && m.entered && !m.left
	})
	if i < 0 {
		return fmt.Errorf("unable to find relation id: %d", relationID)
	}
	c.member = u.agent.members[i]
	var names []string
	for slot, seen := range c.member.seen {
		if seen == 0 {
			continue
		}
		name := c.member.end.unitName(c.member.remoteApp().units[slot])
		if names = append(names, name); remoteUnit == "" || name == remoteUnit {
			c.slot = int32(slot)
		}
	}
	switch {
	case remoteUnit != "" && c.slot < 0:
		return fmt.Errorf("unknown remote unit provided: %s", remoteUnit)
	case remoteUnit == "" && len(names) == 0:
		return errors.New("no remote unit found, override to execute commands")
	case remoteUnit == "" && len(names) > 1:
		slices.Sort(names)
		return fmt.Errorf("unable to determine remote-unit, please disambiguate: %s", strings.Join(names, ", "))
	}
	return nil
}

// Commands returns the juju-exec that runs, or nil. It must not be changed.
func (h *Hook) Commands() *Commands { return h.info.commands }

func (h *Hook) finishCommands(outcome Outcome, exit Exit, err error) {
	c := h.info.commands
	c.Done, c.Code, c.Stdout, c.Stderr, c.Err = true, exit.Code, exit.Stdout, exit.Stderr, nil
	switch {
	case outcome == Killed || outcome == RebootNow:
		c.Code, c.Err = -1, errors.New("terminated")
	case exit.Signal != 0:
		c.Code, c.Err = -1, errors.New("signal: "+syscall.Signal.String(exit.Signal))
	case outcome == FlushRefused || exit.Err != nil:
		c.Err = err
	}
	if a := h.unit.agent; a != nil {
		a.commands = slices.DeleteFunc(a.commands, func(x *Commands) bool { return x == c })
	}
}
