// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// tracing traces one dispatch. Its fields do not change once the dispatch's span
// has begun.
type tracing struct {
	charm  *charm.Charm
	env    charm.Environment
	opts   Options
	kept   spool
	ended  *ended
	tracer trace.Tracer
	root   trace.Span // of the dispatch
}

const scope = "github.com/charmsmith/charmsmith/charmotel"

// aroundDispatch makes the dispatch a span and, after it, sends all spans.
func (t *tracing) aroundDispatch(next charm.Handler) charm.Handler {
	return func(ctx context.Context, ev events.Event) error {
		t.begin(ctx, ev)
		spanning := trace.ContextWithSpan(ctx, t.root)
		if t.opts.LogTraceID {
			// The tool jhack looks for this text.
			t.charm.Logger().DebugContext(ctx, "Starting root trace with id='"+t.root.SpanContext().TraceID().String()+"'.")
		}
		requestErr := t.request(spanning, ev)
		err := next(spanning, ev)

		ending, cancel := context.WithTimeout(spanning, t.opts.Timeout)
		defer cancel()
		before := t.kept.notes()
		known := before
		to, findErr := t.find(ending, ev, &known)
		if err != nil {
			fail(t.root, err)
		}
		if dropped := t.ended.dropped(); dropped > 0 {
			t.root.SetAttributes(attribute.Int("spans_dropped", dropped))
		}
		t.root.End()
		t.finish(ending, to, errors.Join(requestErr, findErr), known, before)
		return err
	}
}

// begin begins the dispatch's span. A parent that is not sampled is in no
// collector: how often the agent samples its own work says nothing about charms.
func (t *tracing) begin(ctx context.Context, ev events.Event) {
	t.ended = &ended{}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithResource(describe(t.env, t.opts.Charm)),
		sdktrace.WithRawSpanLimits(limits()),
		sdktrace.WithSpanProcessor(t.ended),
	)
	t.tracer = provider.Tracer(scope)
	if parent := parentOf(t.env.Trace); parent.IsSampled() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	_, t.root = t.tracer.Start(ctx, nameOf(ev), trace.WithAttributes(attributesOf(ev)...))
	t.ended.root = t.root.SpanContext().SpanID()
}

// limits returns OpenTelemetry's defaults, and one for the length of texts.
func limits() sdktrace.SpanLimits {
	return sdktrace.SpanLimits{
		AttributeValueLengthLimit:   4096,
		AttributeCountLimit:         sdktrace.DefaultAttributeCountLimit,
		EventCountLimit:             sdktrace.DefaultEventCountLimit,
		LinkCountLimit:              sdktrace.DefaultLinkCountLimit,
		AttributePerEventCountLimit: sdktrace.DefaultAttributePerEventCountLimit,
		AttributePerLinkCountLimit:  sdktrace.DefaultAttributePerLinkCountLimit,
	}
}

// parentOf returns the agent's span, which is not valid if there is none.
func parentOf(from charm.Trace) trace.SpanContext {
	traceID, err := trace.TraceIDFromHex(from.TraceID)
	if err != nil {
		return trace.SpanContext{}
	}
	spanID, err := trace.SpanIDFromHex(from.SpanID)
	if err != nil {
		return trace.SpanContext{}
	}
	flags, err := strconv.ParseUint(from.Flags, 10, 8)
	if err != nil {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(flags), Remote: true,
	})
}

// aroundHandler makes each call of a handler a span.
func (t *tracing) aroundHandler(next charm.Handler) charm.Handler {
	return func(ctx context.Context, ev events.Event) (err error) {
		name := charm.HandlerName(ctx)
		_, deferred := charm.Deferred(ctx)
		ctx, span := t.tracer.Start(ctx, nameOf(ev)+": "+name, trace.WithAttributes(attributesOf(ev)...),
			trace.WithAttributes(text("handler", name), attribute.Bool("deferred", deferred)))
		returned := false
		defer func() { // a panic goes on to the charm's own recover
			switch {
			case !returned:
				span.SetStatus(codes.Error, "")
				span.SetAttributes(text("error.type", "panic"))
			case charm.IsDefer(err):
				span.SetAttributes(attribute.Bool("defers", true))
			case err != nil:
				fail(span, err)
			}
			span.End()
		}()
		err = next(ctx, ev)
		returned = true
		return err
	}
}

// hookCommand makes each hook command a span, but for those that log.
func (t *tracing) hookCommand(ctx context.Context, command string) (end func(error)) {
	if t.tracer == nil || command == "juju-log" {
		return nil
	}
	if !trace.SpanContextFromContext(ctx).IsValid() { // the charm's code made a context of its own
		ctx = trace.ContextWithSpan(ctx, t.root)
	}
	_, span := t.tracer.Start(ctx, command)
	return func(err error) {
		if err != nil {
			fail(span, err)
		}
		span.End()
	}
}

// nameOf returns the name by which ops and its tools know an event.
func nameOf(ev events.Event) string {
	name := strings.ReplaceAll(valid(ev.Name()), "-", "_")
	if _, isAction := ev.(events.Action); isAction {
		name += "_action"
	}
	return name
}

// attributesOf returns what is told of an event: nothing that has been a value of
// a databag, a secret or a parameter.
func attributesOf(ev events.Event) []attribute.KeyValue {
	kind := "hook"
	if _, isAction := ev.(events.Action); isAction {
		kind = "action"
	}
	attributes := []attribute.KeyValue{text("event", nameOf(ev)), text("event_type", kind)}
	if ev, ok := ev.(events.RelationEvent); ok {
		ref := ev.Ref()
		attributes = append(attributes,
			text("relation", ref.Endpoint+":"+strconv.Itoa(ref.ID)), text("remote_app", ref.App))
	}
	return attributes
}
