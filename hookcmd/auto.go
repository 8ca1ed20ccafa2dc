// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Auto runs hook commands by a [Socket] if the agent offers a unix socket, else
// by [Exec]. If the socket turns out not to be that of a unit agent it changes
// to Exec for good, with a line in the log at DEBUG.
type Auto struct {
	socket *Socket
	exec   *Exec
	// unreachable is why the socket is not used; nil while it is.
	unreachable atomic.Pointer[unreachableError]
}

// NewAuto returns an Auto for agent.
func NewAuto(agent Agent) *Auto {
	a := &Auto{socket: NewSocket(agent), exec: NewExec(agent)}
	if agent.Network != "unix" || agent.Address == "" {
		a.unreachable.Store(&unreachableError{errors.New("the agent offers no unix socket")})
	}
	return a
}

// Run implements [Runner].
func (a *Auto) Run(ctx context.Context, call Call) ([]byte, error) {
	if a.unreachable.Load() == nil {
		stdout, err := a.socket.Run(ctx, call)
		if !a.fallBack(ctx, err) {
			return stdout, err
		}
	}
	return a.runExec(ctx, call)
}

// RunBatch implements [Batcher].
func (a *Auto) RunBatch(ctx context.Context, calls []Call) ([][]byte, error) {
	if a.unreachable.Load() == nil {
		stdouts, err := a.socket.RunBatch(ctx, calls)
		if !a.fallBack(ctx, err) {
			return stdouts, err
		}
	}
	stdouts := make([][]byte, len(calls))
	var first error
	for i, call := range calls {
		stdout, err := a.runExec(ctx, call)
		if first == nil {
			first = err
		}
		stdouts[i] = stdout
	}
	if first != nil {
		return nil, first
	}
	return stdouts, nil
}

// Post implements [Poster].
func (a *Auto) Post(ctx context.Context, call Call, done func(error)) error {
	if a.unreachable.Load() == nil {
		err := a.socket.Post(ctx, call, func(err error) {
			later, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateTimeout)
			defer cancel()
			if a.fallBack(later, err) {
				_, err = a.runExec(later, call)
			}
			done(err)
		})
		if !a.fallBack(ctx, err) {
			return err
		}
	}
	_, err := a.runExec(ctx, call)
	done(err)
	return nil
}

// lateTimeout is how long a posted command may take that has to be run as a
// process after all.
const lateTimeout = time.Second

// Close closes the socket, if there is one; see [Socket.Close].
func (a *Auto) Close(ctx context.Context) error { return a.socket.Close(ctx) }

// fallBack tells whether err means that the socket is not to be used, and logs
// it the first time.
func (a *Auto) fallBack(ctx context.Context, err error) bool {
	var cause *unreachableError
	if !errors.As(err, &cause) || ctx.Err() != nil {
		return false
	}
	if a.unreachable.CompareAndSwap(nil, cause) {
		// Whether the line arrives or not, the command that follows tells.
		_, _ = a.exec.Run(ctx, jujuLog(LogDebug, "hook commands run as processes: "+cause.Error()))
	}
	return true
}

// runExec adds to the failure that there is no such command why the socket was
// not used: if both are missing, that is where to look.
func (a *Auto) runExec(ctx context.Context, call Call) ([]byte, error) {
	stdout, err := a.exec.Run(ctx, call)
	var e *Error
	if errors.As(err, &e) && e.Code < 0 && errors.Is(err, ErrNotSupported) {
		e.Err = fmt.Errorf("%w (%v)", e.Err, a.unreachable.Load())
	}
	return stdout, err
}
