// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// traced registers a charm that tells of its tracing endpoint in its status.
func traced(c *charm.Charm) {
	agent := cosagent.New(c, "cos-agent", &cosagent.Options{TracingProtocols: []cosagent.TracingProtocol{cosagent.OTLPGRPC, cosagent.OTLPHTTP}})
	charm.On(c, func(ctx context.Context, _ events.Hook) error {
		url, err := agent.TracingEndpoint(ctx, cosagent.OTLPHTTP)
		if err != nil {
			return err
		}
		return c.SetStatus(ctx, charm.Active("traces to: "+url))
	})
}

func receiver(protocol, transport, url string) string {
	return fmt.Sprintf(`{"protocol": {"name": %q, "type": %q}, "url": %s}`, protocol, transport, url)
}

func TestTracingEndpoint(t *testing.T) {
	t.Parallel()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, &charmtest.Options{TextOnly: textOnly}, traced)
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, "traces to: ", h.Status().Message)

			rel := h.Relate("cos-agent", "grafana-agent")
			rel.Join("grafana-agent/0", nil)
			assert.Equal(t, "traces to: ", h.Status().Message)
			rel.Update("grafana-agent/0", map[string]string{"receivers": "[" + receiver("otlp_http", "http", "null") + "]"})
			assert.Equal(t, "traces to: ", h.Status().Message)
			rel.Update("grafana-agent/0", map[string]string{"receivers": "[" +
				receiver("otlp_grpc", "grpc", `"h:4317"`) + "," + receiver("otlp_http", "http", "null") + "," + receiver("otlp_http", "http", `"http://h:4318"`) + "]"})
			assert.Equal(t, "traces to: http://h:4318", h.Status().Message)

			rel.Update("grafana-agent/0", map[string]string{"receivers": "{\x00\x1b[31m"})
			assert.Equal(t, "traces to: ", h.Status().Message)
			require.Len(t, h.Logs(), 1)
			assert.Contains(t, fmt.Sprint(h.Logs()), "grafana-agent/0")
			assert.NotContains(t, fmt.Sprint(h.Logs()), "\x1b")
			rel.Break()
			assert.Equal(t, "traces to: ", h.Status().Message)
		})
	}
}

func TestTracingProtocolThatIsNotAskedFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil, func(c *charm.Charm) {
		agent := cosagent.New(c, "cos-agent", nil)
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			_, err := agent.TracingEndpoint(ctx, cosagent.Zipkin)
			return err
		})
	})
	require.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), `cannot find tracing endpoint: "zipkin" is not in Options.TracingProtocols`)
}

func TestReadReceivers(t *testing.T) {
	t.Parallel()
	good := receiver("otlp_http", "http", `"http://h:4318"`)
	for text, want := range map[string]string{
		"null":                                   "",
		"[]":                                     "",
		"{}":                                     "they are no JSON list",
		"[1, null, [], \"\"]":                    "4 of 4 are malformed",
		"[" + good + ",{}]":                      "1 of 2 are malformed",
		strings.Repeat("[", 30_000):              "they are no JSON list",
		strings.Repeat(" ", 64<<10) + "[]":       "they are larger than 64 KiB",
		"[" + strings.Repeat("0,", 64) + "0]":    "there are more than 64",
		"[" + receiver("", "http", "null") + "]": "1 of 1 are malformed",
		"[" + receiver("a b", "http", "null") + "]":                                 "1 of 1 are malformed",
		"[" + receiver(strings.Repeat("a", 65), "http", "null") + "]":               "1 of 1 are malformed",
		"[" + receiver("a", "udp", "null") + "]":                                    "1 of 1 are malformed",
		"[" + receiver("a", "http", `"ftp://h"`) + "]":                              "1 of 1 are malformed",
		"[" + receiver("a", "http", `"http://"`) + "]":                              "1 of 1 are malformed",
		"[" + receiver("a", "http", `"http://h\n"`) + "]":                           "1 of 1 are malformed",
		"[" + receiver("a", "http", `"http://`+strings.Repeat("h", 2048)+`"`) + "]": "1 of 1 are malformed",
		"[" + receiver("a", "grpc", `"http://h:1"`) + "]":                           "1 of 1 are malformed",
		"[" + receiver("a", "grpc", `{"x": 1}`) + "]":                               "1 of 1 are malformed",
	} {
		receivers, err := cosagent.ReadReceivers(text)
		if want == "" {
			require.NoError(t, err, "%.80s", text)
		} else {
			require.ErrorContains(t, err, want, "%.80s", text)
		}
		if strings.Contains(text, good) {
			assert.Equal(t, []cosagent.Receiver{{Protocol: "otlp_http", Transport: "http", URL: "http://h:4318"}}, receivers)
		} else {
			assert.Empty(t, receivers, "%.80s", text)
		}
	}
}

func FuzzReadReceivers(f *testing.F) {
	f.Add("[" + receiver("otlp_http", "http", `"http://h:4318"`) + "," + receiver("otlp_grpc", "grpc", "null") + "]")
	f.Add(`[{"protocol": 1}]`)
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, text string) {
		receivers, _ := cosagent.ReadReceivers(text)
		assert.LessOrEqual(t, len(receivers), 64)
		for _, r := range receivers {
			assert.Contains(t, []string{"http", "grpc"}, r.Transport)
			assert.True(t, utf8.ValidString(r.URL) && !strings.ContainsAny(r.URL, " \n\r\t\x00\x1b"), "%q", r.URL)
			assert.NotEmpty(t, r.Protocol)
		}
	})
}
