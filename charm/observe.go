// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// UseDispatch puts something around the whole dispatch, from the first handler,
// those of deferred events included, until all was sent; for tracing, timing and
// the like. Of several, the first is the outermost. One that does not call next
// leaves all of it undone: no handler runs, and nothing is sent. A panic fails the
// dispatch, with a *[HandlerError]. It is called in register.
func (c *Charm) UseDispatch(wrap func(next Handler) Handler) {
	if wrap == nil {
		panic("charm.UseDispatch: the function is nil")
	}
	c.registers("UseDispatch")
	c.aroundAll = append(c.aroundAll, wrap)
}

// ObserveHookCommands has begin called before each hook command of the dispatch,
// with the context that the command is given, and what it returns, if not nil,
// once after it, with the command's error; both by whatever goroutine runs the
// command. They are given the command's name only: arguments and answers can be
// secrets. Commands that run in one round are each reported, with the error of the
// round. A line of the log can end after the dispatch. It is called in register.
func (c *Charm) ObserveHookCommands(begin func(ctx context.Context, command string) (end func(error))) {
	if begin == nil {
		panic("charm.ObserveHookCommands: the function is nil")
	}
	c.registers("ObserveHookCommands")
	c.observers = append(c.observers, begin)
}

// wrapAll returns the dispatch's work with what is around it.
func (c *Charm) wrapAll(work Handler) Handler {
	for _, wrap := range slices.Backward(c.aroundAll) {
		work = wrap(work)
	}
	return work
}

// callAll does the dispatch's work with what is around it. The error of a panic is a
// *HandlerError.
func (c *Charm) callAll(ctx context.Context, ev events.Event, work Handler) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &HandlerError{ev, "UseDispatch", fmt.Errorf("panic: %v", value), debug.Stack()}
		}
	}()
	return c.wrapAll(work)(ctx, ev)
}

type observer = func(ctx context.Context, command string) (end func(error))

// observe has the dispatch's hook commands told of.
func (d *dispatch) observe(observers []observer) {
	o := observed{d.runner, observers}
	_, batches := d.runner.(hookcmd.Batcher)
	answerer, answers := d.runner.(hookcmd.Answerer)
	switch {
	case answers:
		d.runner = observedAnswerer{o, answerer}
	case batches:
		d.runner = observedBatcher{o}
	default:
		d.runner = o
	}
	d.client = *hookcmd.New(d.runner, &hookcmd.Options{SharedMaps: true})
}

// observed is a Runner of which observers are told.
type observed struct {
	runner    hookcmd.Runner
	observers []observer
}

// begin tells of the beginning of commands, and returns what tells of their end.
func (o observed) begin(ctx context.Context, calls ...hookcmd.Call) (end func(error)) {
	ends := make([]func(error), 0, len(calls)*len(o.observers))
	for _, call := range calls {
		for _, begin := range o.observers {
			if end := begin(ctx, call.Command); end != nil {
				ends = append(ends, end)
			}
		}
	}
	return func(err error) {
		for _, end := range slices.Backward(ends) {
			end(err)
		}
	}
}

// Run implements hookcmd.Runner.
func (o observed) Run(ctx context.Context, call hookcmd.Call) ([]byte, error) {
	end := o.begin(ctx, call)
	stdout, err := o.runner.Run(ctx, call)
	end(err)
	return stdout, err
}

// Post implements hookcmd.Poster; a Runner that cannot runs the command.
func (o observed) Post(ctx context.Context, call hookcmd.Call, done func(error)) error {
	end := o.begin(ctx, call)
	told := func(err error) { end(err); done(err) }
	poster, ok := o.runner.(hookcmd.Poster)
	if !ok {
		_, err := o.runner.Run(ctx, call)
		told(err)
		return nil
	}
	err := poster.Post(ctx, call, told)
	if err != nil {
		end(err)
	}
	return err
}

// observedBatcher is one that runs several commands in a round.
type observedBatcher struct{ observed }

// RunBatch implements hookcmd.Batcher.
func (o observedBatcher) RunBatch(ctx context.Context, calls []hookcmd.Call) ([][]byte, error) {
	end := o.begin(ctx, calls...)
	stdouts, err := o.runner.(hookcmd.Batcher).RunBatch(ctx, calls)
	end(err)
	return stdouts, err
}

// observedAnswerer is one that answers by value.
type observedAnswerer struct {
	observed
	answerer hookcmd.Answerer
}

// Answer implements hookcmd.Answerer. It tells of what it has answered, which took
// no time; what it has not runs, and is told of then.
func (o observedAnswerer) Answer(ctx context.Context, call hookcmd.Call, result any) (bool, error) {
	answered, err := o.answerer.Answer(ctx, call, result)
	if answered || err != nil {
		o.begin(ctx, call)(err)
	}
	return answered, err
}
