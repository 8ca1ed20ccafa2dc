// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// charm is a version of a charm.
type charm struct {
	host   *Host
	staged string
}

// Charm returns what runs the charm whose files are in staged. Each unit runs a
// copy of its own, made before its first event. When it is the turn of another
// Charm on a unit, its files take the place of those of the one before, as when
// Juju upgrades a charm. It is safe for concurrent use, one event of a unit at a
// time.
func (h *Host) Charm(staged string) juju.Executor { return &charm{h, staged} }

// Execute implements [juju.Executor]. When ctx ends, or the unit is removed, the
// process group of the charm is killed.
func (c *charm) Execute(ctx context.Context, hook *juju.Hook) juju.Exit {
	u := c.host.unit(hook.Unit().Name)
	u.turn.Lock()
	defer u.turn.Unlock()
	d := newDispatch(u, hook)
	defer u.ends()
	if !u.begins(d) || ctx.Err() != nil {
		return killed()
	}
	if err := u.prepare(ctx, c); err != nil {
		if ctx.Err() != nil {
			return killed()
		}
		return juju.Exit{Code: 1, Err: err}
	}
	missing, err := d.find()
	switch {
	case err != nil:
		return juju.Exit{Code: 1, Err: err}
	case missing:
		return juju.Exit{Missing: true}
	}
	return d.run(ctx)
}

// killed is the end of a charm that was not even started.
func killed() juju.Exit { return juju.Exit{Code: -1, Signal: syscall.SIGKILL} }

// kind is what a dispatch is of.
type kind uint8

const (
	aHook kind = iota
	anAction
	someCommands // of juju-exec
)

// String returns what people call it.
func (k kind) String() string { return [...]string{"hook", "action", "juju-exec"}[k] }

// cause is why a dispatch was killed.
type cause uint8

const (
	notKilled cause = iota
	byContext
	byRemoval
	byReboot
	byTimeout
)

// newDispatch returns the dispatch of a hook, whose program is not known yet.
func newDispatch(u *unit, hook *juju.Hook) *dispatch {
	d := &dispatch{host: u.host, unit: u, hook: hook, env: hook.Environ(), name: hook.Name(), kind: aHook}
	switch {
	case hook.Commands() != nil:
		d.kind, d.script = someCommands, hook.Commands().Script
	case hook.Action() != nil:
		d.kind = anAction
	}
	return d
}

// find finds the program: the charm's dispatch, or that of the hook or action.
func (d *dispatch) find() (missing bool, err error) {
	if d.kind == someCommands {
		d.argv = []string{"/bin/bash", "-s"}
		return false, nil
	}
	for _, name := range []string{"dispatch", [...]string{"hooks/", "actions/"}[d.kind] + d.name} {
		program := filepath.Join(d.unit.paths.CharmDir, name)
		info, err := os.Stat(program)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
			continue
		case err != nil:
			return false, fmt.Errorf("cannot look for the charm's program: %w", err)
		}
		d.argv = []string{program}
		return false, checkProgram(name, info)
	}
	return true, nil
}

// run runs the program to its end.
func (d *dispatch) run(ctx context.Context) juju.Exit {
	server, err := d.serve()
	if err != nil {
		return juju.Exit{Code: 1, Err: err}
	}
	// What goes on until then may not have begun: a kill waits for that.
	stop := context.AfterFunc(ctx, func() { d.kill(byContext) })
	defer stop()
	if err := d.start(); err != nil {
		d.close(ctx, server)
		if d.wasKilled() != notKilled {
			return killed()
		}
		return juju.Exit{Code: 1, Err: explainStart(d.argv[0], d.unit.paths.CharmDir, err)}
	}
	timeout := time.AfterFunc(d.host.opts.HookTimeout, func() { d.kill(byTimeout) })
	status := d.child.wait()
	timeout.Stop()
	grace := time.Now().Add(outputGrace)
	if d.stdin != nil {
		_ = d.stdin.Close()
	}
	d.close(ctx, server)
	d.stdout.wait(grace)
	d.stderr.wait(grace)
	d.warnOfOutput()
	return d.exit(status)
}
