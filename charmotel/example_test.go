// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"go.opentelemetry.io/otel/trace"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

// A charm whose dispatches are traced, with a span of its own.
func ExampleTrace() {
	install := func(ctx context.Context, _ events.Install) error {
		tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("my-charm")
		_, span := tracer.Start(ctx, "unpack the workload")
		defer span.End()
		return nil
	}
	register := func(c *charm.Charm) {
		charmotel.Trace(c, &charmotel.Options{Relation: "tracing"})
		charm.On(c, install)
	}

	// What follows is what Juju does for a charm, and a collector.
	collector := httptest.NewServer(http.HandlerFunc(printSpans))
	defer collector.Close()
	dir, err := os.MkdirTemp("", "charm")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	err = charm.Run(context.Background(), register, &charm.Options{
		Env: []string{"JUJU_UNIT_NAME=app/0", "JUJU_DISPATCH_PATH=hooks/install", "JUJU_CHARM_DIR=" + dir,
			"JUJU_CHARM_TRACE_CONFIG_HTTP=" + collector.URL},
		Runner: testagent.Peers(0),
	})
	fmt.Println("error:", err)
	// Unordered output:
	// install
	// install: github.com/charmsmith/charmsmith/charmotel_test.ExampleTrace.func1
	// unpack the workload
	// relation-ids
	// error: <nil>
}

func printSpans(_ http.ResponseWriter, r *http.Request) {
	var data tracepb.TracesData
	body, err := io.ReadAll(r.Body)
	if err != nil || proto.Unmarshal(body, &data) != nil {
		panic("it is no OTLP")
	}
	for _, rs := range data.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				fmt.Println(s.Name)
			}
		}
	}
}
