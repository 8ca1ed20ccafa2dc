// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Engine runs the hooks of a model as they become due, of several units at
// once, while the model's other methods change it. One hook at a time runs of a
// unit and, on a machine, of its principal and subordinates.
//
// A hook that failed is retried as Juju would, but without waiting: when
// nothing else runs, the model's time moves to the next retry. How often, says
// Options.Attempts. What follows from the seed alone with one hook at a time is
// with several also a matter of how long each takes.
type Engine struct {
	model  *Model
	opts   EngineOptions
	ctx    context.Context // of the hooks; ended by Stop
	cancel context.CancelFunc
	wakeup chan struct{} // something has changed; holds one
	done   chan struct{} // the loop has ended
	hooks  sync.WaitGroup

	// The model's lock guards these.
	running int
	steps   int // since Settle was last called, the model was changed, or at rest
	stuck   error
	waiters []chan error    // of Settle
	looking []chan struct{} // of Begin
}

// EngineOptions of an Engine.
type EngineOptions struct {
	Parallel int // hooks at once; default 1
	// Report is told what happens, one by one and in order, not long after. It
	// may call the model's methods, but not Settle or Stop: they wait for it.
	// Nil: nobody is.
	Report func(Report)
}

// ErrStopped is the error of waiting for an Engine that was stopped.
var ErrStopped = errors.New("the model has been stopped")

// Start has the model's hooks run until Stop. There can be one Engine, and no
// other method that runs hooks may be called.
func (m *Model) Start(opts EngineOptions) *Engine {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.engine != nil {
		panic("the model has an engine already")
	}
	opts.Parallel = max(opts.Parallel, 1)
	e := &Engine{model: m, opts: opts, wakeup: make(chan struct{}, 1), done: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	m.engine = e
	go e.loop()
	return e
}

// Stop ends what runs, as when agents are killed, and waits for it. It is told
// in reports. To stop twice is no error.
func (e *Engine) Stop() {
	e.cancel() // from here on no hook begins
	m := e.model
	m.mu.Lock()
	for _, app := range m.apps {
		for _, u := range app.units {
			if u.agent != nil {
				u.agent.interrupt()
			}
		}
	}
	m.mu.Unlock()
	<-e.done
}

// Settle waits until no unit has a hook to run. It is no error if hooks have
// failed that wait to be resolved. An error is a *SettleError, that of ctx, or
// ErrStopped. All reports of what happened before have then been told.
func (e *Engine) Settle(ctx context.Context) error {
	waiter := make(chan error, 1)
	e.model.mu.Lock()
	e.steps, e.stuck = 0, nil
	e.waiters = append(e.waiters, waiter)
	e.model.mu.Unlock()
	e.signal()
	select {
	case err := <-waiter:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.done:
		return ErrStopped
	}
}

// Begin waits until the hooks have begun that may: those that are due now, but for
// those that must wait for others, or for a place among Parallel.
func (e *Engine) Begin(ctx context.Context) error {
	looked := make(chan struct{})
	e.model.mu.Lock()
	e.looking = append(e.looking, looked)
	e.model.mu.Unlock()
	e.signal()
	select {
	case <-looked:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.done:
		return ErrStopped
	}
}

// Running returns the hooks that run, in no order.
func (e *Engine) Running() []Report {
	m := e.model
	m.mu.Lock()
	defer m.mu.Unlock()
	var running []Report
	for _, app := range m.apps {
		for _, u := range app.units {
			if u.agent != nil && u.agent.running != nil {
				running = append(running, u.agent.running.reportOf(Began))
			}
		}
	}
	return running
}

// signal has the loop look for work.
func (e *Engine) signal() {
	select {
	case e.wakeup <- struct{}{}:
	default:
	}
}

func (e *Engine) loop() {
	defer close(e.done)
	for {
		e.tell()
		for _, h := range e.begin() {
			e.hooks.Go(func() { e.run(h) })
		}
		if e.ctx.Err() != nil {
			e.hooks.Wait()
			e.tell()
			return
		}
		if e.rest() {
			continue
		}
		var due <-chan time.Time
		if d, ok := e.untilDue(); ok {
			due = time.After(d)
		}
		select {
		case <-e.wakeup:
		case <-due:
		case <-e.ctx.Done():
		}
	}
}

// tell delivers the reports that are there.
func (e *Engine) tell() {
	for {
		e.model.mu.Lock()
		reports := e.model.reports
		e.model.reports = nil
		e.model.mu.Unlock()
		if len(reports) == 0 {
			return
		}
		if e.opts.Report == nil {
			continue
		}
		for _, r := range reports {
			e.opts.Report(r)
		}
	}
}

// begin starts as many hooks as may run.
func (e *Engine) begin() []*Hook {
	m := e.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clock.sync(); m.clock.other != nil {
		for m.clock.fireNext(m.clock.now) {
		}
	}
	var begun []*Hook
	for e.running < e.opts.Parallel && e.stuck == nil && e.ctx.Err() == nil {
		h := m.beginNext()
		if h == nil {
			break
		}
		h.ctx, h.cancel = context.WithCancelCause(e.ctx)
		e.running++
		e.steps++
		begun = append(begun, h)
	}
	if e.steps > 1000 && e.steps > m.patienceNow() {
		e.stuck = &SettleError{e.steps, m.busyWith()}
	}
	for _, looked := range e.looking {
		close(looked)
	}
	e.looking = nil
	return begun
}

// run runs a hook to its end.
func (e *Engine) run(h *Hook) {
	defer h.cancel(nil)
	e.model.execute(h.ctx, h)
	e.model.mu.Lock()
	e.running--
	e.model.mu.Unlock()
	e.signal()
}

// rest is called when no more hooks can begin. If none runs either, it moves
// the time to the next retry, or tells those who wait; true: there may be more
// to do.
func (e *Engine) rest() (more bool) {
	m := e.model
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case e.running > 0:
		return false
	case len(m.reports) > 0:
		return true
	case e.stuck == nil && len(m.runnable) > 0:
		return true
	case e.stuck == nil && !m.opts.NoRetry:
		m.clock.sync()
		if at, ok := m.clock.nextRetry(); ok {
			for m.clock.fireNext(at) {
			}
			return true
		}
	}
	if e.stuck == nil {
		e.steps = 0
	}
	for _, waiter := range e.waiters {
		waiter <- e.stuck
	}
	e.waiters = nil
	return false
}

// untilDue returns when the model's other clock reaches the next of its timers.
func (e *Engine) untilDue() (time.Duration, bool) {
	m := e.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clock.other == nil || len(m.clock.timers) == 0 {
		return 0, false
	}
	m.clock.sync()
	return max(m.clock.timers[0].at.Sub(m.clock.now), time.Millisecond), true
}
