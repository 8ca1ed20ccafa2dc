// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is one that takes OTLP over HTTP, and keeps it.
type collector struct {
	t   testing.TB
	url string

	mu       sync.Mutex
	status   int           // what it answers; 0: that it has taken the spans
	hang     chan struct{} // it answers when this is closed, if it is not nil
	requests int
	raw      [][]byte // what it has taken
}

// newCollector returns a collector that has started.
func newCollector(t testing.TB) *collector {
	c := &collector{t: t}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(c.t, err)
	c.mu.Lock()
	status, hang := c.status, c.hang
	c.requests++
	if status == 0 && hang == nil {
		assert.Equal(c.t, "/v1/traces", r.URL.Path)
		assert.Equal(c.t, http.MethodPost, r.Method)
		assert.Equal(c.t, "application/x-protobuf", r.Header.Get("Content-Type"))
		c.raw = append(c.raw, body)
	}
	c.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if status != 0 {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "hunter2 is what the collector says")
	}
}

// answer has the collector answer with a status from now on; 0: it takes spans.
func (c *collector) answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// asked returns how often it was asked, since the last call.
func (c *collector) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.requests
	c.requests = 0
	return n
}

// bytes returns all that it has taken.
func (c *collector) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []byte
	for _, raw := range c.raw {
		all = append(all, raw...)
	}
	return all
}

// span is a span with its attributes, as the collector has it.
type span struct {
	*tracepb.Span
	attributes map[string]any
	resource   map[string]any
}

// take returns the spans that the collector has, in the order in which they began
// in their dispatch, and forgets them.
func (c *collector) take() []span {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var spans []span
	for _, raw := range c.raw {
		var data tracepb.TracesData
		require.NoError(c.t, proto.Unmarshal(raw, &data))
		var of []span
		for _, rs := range data.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					of = append(of, span{s, values(s.Attributes), values(rs.Resource.Attributes)})
				}
			}
		}
		spans = append(spans, ordered(of)...)
	}
	c.raw = nil
	return spans
}

// ordered returns the spans of one dispatch, parents before what is in them.
func ordered(spans []span) []span {
	known := make(map[string]bool)
	for _, s := range spans {
		known[string(s.SpanId)] = true
	}
	var result []span
	var below func(parent string)
	below = func(parent string) {
		for _, s := range spans {
			if string(s.ParentSpanId) == parent || parent == "" && !known[string(s.ParentSpanId)] {
				result = append(result, s)
				below(string(s.SpanId))
			}
		}
	}
	below("")
	return result
}

func values(attributes []*commonpb.KeyValue) map[string]any {
	m := make(map[string]any)
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *commonpb.AnyValue_BoolValue:
			m[a.Key] = v.BoolValue
		case *commonpb.AnyValue_IntValue:
			m[a.Key] = int(v.IntValue)
		default:
			m[a.Key] = a.Value.String()
		}
	}
	return m
}

// names returns the names of spans.
func names(spans []span) []string {
	var all []string
	for _, s := range spans {
		all = append(all, s.Name)
	}
	return all
}

// named returns the one span of that name.
func named(t testing.TB, spans []span, name string) span {
	t.Helper()
	var found []span
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	require.Len(t, found, 1, "spans called %q among %q", name, names(spans))
	return found[0]
}
