// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// maxSpans is how many spans of one dispatch are kept, besides the dispatch's own.
const maxSpans = 5000

// ended is a span processor that keeps what has ended.
type ended struct {
	root trace.SpanID // of the dispatch

	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
	lost  int
}

// OnStart implements [sdktrace.SpanProcessor].
func (e *ended) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements [sdktrace.SpanProcessor].
func (e *ended) OnEnd(s sdktrace.ReadOnlySpan) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.spans) >= maxSpans && s.SpanContext().SpanID() != e.root {
		e.lost++
		return
	}
	e.spans = append(e.spans, discreet{s})
}

// Shutdown implements [sdktrace.SpanProcessor].
func (e *ended) Shutdown(context.Context) error { return nil }

// ForceFlush implements [sdktrace.SpanProcessor].
func (e *ended) ForceFlush(context.Context) error { return nil }

// dropped returns how many spans were not kept.
func (e *ended) dropped() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost
}

// encode returns the spans as an OTLP request, in protobuf.
func (e *ended) encode() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var request encoder
	err := otlptrace.NewUnstarted(&request).ExportSpans(context.Background(), e.spans)
	return request.encoded, err
}

// encoder is a client of the exporter that keeps what it is to send.
type encoder struct{ encoded []byte }

// Start implements [otlptrace.Client].
func (c *encoder) Start(context.Context) error { return nil }

// Stop implements [otlptrace.Client].
func (c *encoder) Stop(context.Context) error { return nil }

// UploadTraces implements [otlptrace.Client].
func (c *encoder) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData is ExportTraceServiceRequest on the wire, without linking gRPC.
	request := &tracepb.TracesData{ResourceSpans: spans}
	encoded, err := proto.Marshal(request)
	if err != nil { // as the charm's own spans may have text that is none
		makeValid(spans)
		encoded, err = proto.Marshal(request)
	}
	if err != nil {
		return err
	}
	c.encoded = encoded
	return nil
}

// makeValid replaces what is not UTF-8 in texts that a charm can set.
func makeValid(spans []*tracepb.ResourceSpans) {
	for _, ofResource := range spans {
		for _, ofScope := range ofResource.ScopeSpans {
			if s := ofScope.Scope; s != nil {
				s.Name, s.Version = valid(s.Name), valid(s.Version)
				makeValidAttributes(s.Attributes)
			}
			ofScope.SchemaUrl = valid(ofScope.SchemaUrl)
			for _, span := range ofScope.Spans {
				span.Name = valid(span.Name)
				makeValidAttributes(span.Attributes)
				for _, event := range span.Events {
					event.Name = valid(event.Name)
					makeValidAttributes(event.Attributes)
				}
				for _, link := range span.Links {
					makeValidAttributes(link.Attributes)
				}
			}
		}
	}
}

func makeValidAttributes(attributes []*commonpb.KeyValue) {
	for _, a := range attributes {
		a.Key = valid(a.Key)
		makeValidValue(a.Value)
	}
}

func makeValidValue(v *commonpb.AnyValue) {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		v.StringValue = valid(v.StringValue)
	case *commonpb.AnyValue_ArrayValue:
		for _, element := range v.ArrayValue.GetValues() {
			makeValidValue(element)
		}
	case *commonpb.AnyValue_KvlistValue:
		makeValidAttributes(v.KvlistValue.GetValues())
	}
}

// discreet is a span without the texts of errors.
type discreet struct{ sdktrace.ReadOnlySpan }

// Status returns the code alone.
func (d discreet) Status() sdktrace.Status {
	return sdktrace.Status{Code: d.ReadOnlySpan.Status().Code}
}

// Events returns the events; of errors their types alone.
func (d discreet) Events() []sdktrace.Event {
	events := slices.Clone(d.ReadOnlySpan.Events())
	for i := range events {
		if events[i].Name != "exception" {
			continue
		}
		var kept []attribute.KeyValue
		for _, a := range events[i].Attributes {
			if a.Key == "exception.type" {
				kept = append(kept, a)
			}
		}
		events[i].Attributes = kept
	}
	return events
}
