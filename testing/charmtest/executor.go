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
	"github.com/charmsmith/charmsmith/internal/juju"
)

// executor runs a charm in this process: each hook is a charm.Run of its own,
// with a new charm.
type executor struct {
	register func(*charm.Charm)
	env      []string // of the last hook, for its room: one hook runs at a time
}

func newExecutor(register func(*charm.Charm)) *executor { return &executor{register: register} }

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
	if err := charm.Run(ctx, e.register, &charm.Options{Env: e.env, Runner: h, Stderr: &stderr}); err != nil {
		return juju.Exit{Code: 1, Err: err, Stderr: stderr.Bytes()}
	}
	return juju.Exit{Stderr: stderr.Bytes()}
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
