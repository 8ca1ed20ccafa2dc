// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
)

func newFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "results.json")
}

func record(t testing.TB, path string, run metrics.Run) {
	t.Helper()
	require.NoError(t, metrics.Record(path, run))
}

func iperf(tag string, at time.Time, peers ...metrics.Peer) metrics.Run {
	return metrics.Run{Check: metrics.Iperf, Tag: tag, Model: "net", Unit: "magpie/0", Time: at, Peers: peers}
}

func ping(at time.Time, peers ...metrics.Peer) metrics.Run {
	return metrics.Run{Check: metrics.Ping, Model: "net", Unit: "magpie/0", Time: at, Peers: peers}
}

func measured(unit string, bits float64, concurrency int) metrics.Peer {
	return metrics.Peer{Unit: unit, OK: true, Throughput: &metrics.Throughput{BitsPerSecond: bits, Concurrency: concurrency}}
}

func get(handler http.Handler, method, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}

// scrape returns the samples that a handler serves, by name and labels.
func scrape(t testing.TB, handler http.Handler) map[string]float64 {
	t.Helper()
	response := get(handler, http.MethodGet, "/metrics")
	require.Equal(t, http.StatusOK, response.Code)
	assert.Equal(t, "text/plain; version=0.0.4; charset=utf-8", response.Header().Get("Content-Type"))
	samples, err := parse(response.Body.String())
	require.NoError(t, err)
	values := make(map[string]float64)
	for _, s := range samples {
		values[s.key()] = s.value
	}
	return values
}

var (
	noResults = map[string]float64{"magpie_metrics_file_errors": 0}
	damaged   = map[string]float64{"magpie_metrics_file_errors": 1}
)

func write(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}
