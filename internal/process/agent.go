// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// socketGrace is for how long connections to the agent's socket may stay after
// the program has ended. Juju's agent waits for ever.
const socketGrace = time.Second

// serve serves the unit's socket.
func (d *dispatch) serve() (*jujurpc.Server, error) {
	listener, err := d.unit.socket.open()
	if err != nil {
		return nil, fmt.Errorf("cannot open the agent's socket of unit %s: %w", d.unit.name, err)
	}
	id := d.hook.ContextID()
	return jujurpc.Serve(listener, func(r jujurpc.Request) (jujurpc.Response, error) { return d.command(id, r) }), nil
}

// close ends the service of the socket.
func (d *dispatch) close(ctx context.Context, server *jujurpc.Server) {
	ctx, cancel := context.WithTimeout(ctx, socketGrace)
	defer cancel()
	if d.wasKilled() != notKilled { // then nothing is to be said of what it left
		cancel()
	}
	err := server.Close(ctx)
	d.unit.socket.refuse()
	if errors.Is(err, context.DeadlineExceeded) && d.wasKilled() == notKilled {
		d.host.opts.Warn(d.unit.name, fmt.Sprintf("a process that %s %q started keeps the agent's socket open: Juju's agent would wait for it for ever", d.kind, d.name))
	}
}

// command runs a hook command that the socket was asked for.
func (d *dispatch) command(contextID string, r jujurpc.Request) (jujurpc.Response, error) {
	switch {
	case r.CommandName == "":
		return jujurpc.Response{}, errors.New("bad request: command not specified")
	case !filepath.IsAbs(r.Dir):
		return jujurpc.Response{}, errors.New("bad request: Dir is not absolute")
	case r.ContextId != contextID:
		return jujurpc.Response{}, fmt.Errorf("bad request: wrong context ID; got %q", r.ContextId)
	}
	response, err := d.hook.Command(juju.Request{Command: r.CommandName, Args: r.Args, Dir: r.Dir, Stdin: r.Stdin, StdinSet: r.StdinSet})
	if errors.Is(err, juju.ErrNoCommand) {
		return jujurpc.Response{}, fmt.Errorf("bad request: unknown command: %s", r.CommandName)
	}
	if err == nil && response.Code == 0 && r.CommandName == "juju-reboot" && slices.Contains(r.Args, "--now") {
		d.kill(byReboot) // as Juju does, before it answers
	}
	return jujurpc.Response{Code: response.Code, Stdout: response.Stdout, Stderr: response.Stderr}, err
}
