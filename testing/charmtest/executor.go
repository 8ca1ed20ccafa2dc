// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// executor runs a charm in this process: each hook is a charm.Run of its own,
// with a new charm.
type executor struct {
	register func(*charm.Charm)
	meta     *charmdir.Charm // which has the names that may be registered
	env      []string        // of the last hook, for its room: one hook runs at a time
}

func newExecutor(register func(*charm.Charm), meta *charmdir.Charm) *executor {
	return &executor{register: register, meta: meta}
}

// Execute implements [juju.Executor].
func (e *executor) Execute(ctx context.Context, h *juju.Hook) (exit juju.Exit) {
	defer func() {
		if value := recover(); value != nil { // of register: those of handlers are charm.Run's
			exit = juju.Exit{Code: 2, Err: fmt.Errorf("the function that registers handlers panicked: %v\n%s", value, debug.Stack())}
		}
	}()
	if h.Commands() != nil {
		return exec(ctx, h)
	}
	e.env = h.AppendEnviron(e.env[:0])
	var stderr bytes.Buffer
	if err := charm.Run(ctx, e.register, &charm.Options{
		Env: e.env, Runner: h, Stderr: &stderr, Now: h.Now, Registered: e.checkRegistered,
	}); err != nil {
		return juju.Exit{Code: 1, Err: err, Stderr: stderr.Bytes()}
	}
	return juju.Exit{Stderr: stderr.Bytes()}
}

// checkRegistered is the error of what the charm has registered, and never has events of,
// as its charmcraft.yaml does not have the name, or has it for something else.
func (e *executor) checkRegistered(registered []charm.Registered) error {
	for _, r := range registered {
		var err error
		switch r.Kind {
		case "endpoint":
			err = e.checkEndpoint(r)
		case "storage":
			err = checkStorage(e.meta, r.Name)
		case "container":
			if _, ok := e.meta.Containers[r.Name]; !ok {
				err = undeclared("container", r.Name, e.meta.Containers)
			}
		case "action":
			if _, ok := e.meta.Actions[r.Name]; !ok {
				err = undeclared("action", r.Name, e.meta.Actions)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.By, err)
		}
	}
	return nil
}

func (e *executor) checkEndpoint(r charm.Registered) error {
	endpoint, ok := e.meta.Endpoints[r.Name]
	isPeer := endpoint.Role == charmdir.RolePeer
	switch {
	case !ok:
		return undeclared("endpoint", r.Name, e.meta.Endpoints)
	case isPeer && !r.Peers:
		return fmt.Errorf("endpoint %q is a peer endpoint, whose events are of the Peer types", r.Name)
	case !isPeer && !r.Others:
		return fmt.Errorf("endpoint %q is no peer endpoint: its events are of the Relation types", r.Name)
	}
	return nil
}

// exec runs the script of a juju-exec.
func exec(ctx context.Context, h *juju.Hook) juju.Exit {
	if h.Commands().Func == nil {
		return juju.Exit{Code: 127, Err: errors.New("there is no shell in this model")}
	}
	if err := h.Commands().Func(ctx, hookcmd.New(h, nil)); err != nil {
		return juju.Exit{Code: 1, Err: err, Stderr: []byte(err.Error() + "\n")}
	}
	return juju.Exit{}
}
