// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/charmsmith/charmsmith/events"
)

// Handler is what runs for an event: a handler of the charm, or what [Charm.Use]
// has put around it.
type Handler func(ctx context.Context, ev events.Event) error

// Use puts something around every handler that comes to be called, those of
// actions and deferred ones included: for tracing, timing and the like. Of
// several, the first is the outermost. wrap is called for each call of a handler;
// [HandlerName] tells which. A panic of the handler reaches it. It is called in
// register.
func (c *Charm) Use(wrap func(next Handler) Handler) {
	if wrap == nil {
		panic("charm.Use: the function is nil")
	}
	c.registers("Use")
	c.around = append(c.around, wrap)
}

type handlerKey struct{}

// HandlerName returns the name of the handler whose context ctx is, for what
// [Charm.Use] puts around handlers: "main.(*cluster).peerJoined".
func HandlerName(ctx context.Context) string {
	h, _ := ctx.Value(handlerKey{}).(*handler)
	if h == nil {
		return ""
	}
	return h.name()
}

// call runs a handler of an event that it takes. An error is a *HandlerError.
func (c *Charm) call(ctx context.Context, h *handler, ev events.Event) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &HandlerError{ev, h.name(), fmt.Errorf("panic: %v", value), debug.Stack()}
		}
	}()
	if len(c.around) == 0 {
		err = h.handle(ctx, ev)
	} else {
		err = c.wrapped(h)(context.WithValue(ctx, handlerKey{}, h), ev)
	}
	if err != nil {
		return &HandlerError{Event: ev, Handler: h.name(), Err: err}
	}
	return nil
}

// wrapped returns a handler with what is around it.
func (c *Charm) wrapped(h *handler) Handler {
	next := Handler(h.handle)
	for _, wrap := range slices.Backward(c.around) {
		next = wrap(next)
	}
	return next
}
