// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
)

func TestExposition(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01 in here
		record(t, path, iperf("default", time.Now().Add(-90*time.Second), measured("magpie/1", 9.41e9, 8), metrics.Peer{Unit: "magpie/2"}))
		record(t, path, ping(time.Now(), metrics.Peer{Unit: "magpie/1", OK: true}, metrics.Peer{Unit: "magpie/2"}))
		text := get(metrics.Handler(path, nil), http.MethodGet, "/metrics").Body.String()
		assert.Equal(t, `# HELP magpie_iperf_bandwidth Throughput to a peer in the last measurement, in bits per second.
# TYPE magpie_iperf_bandwidth gauge
magpie_iperf_bandwidth{model="net",src="magpie/0",dest="magpie/1",tag="default"} 9.41e+09
# HELP magpie_iperf_concurrency Connections at the same time in the last measurement.
# TYPE magpie_iperf_concurrency gauge
magpie_iperf_concurrency{model="net",src="magpie/0",dest="magpie/1",tag="default"} 8
# HELP magpie_check_ok Whether the last check of a peer has passed (1) or not (0).
# TYPE magpie_check_ok gauge
magpie_check_ok{check="ping",model="net",src="magpie/0",dest="magpie/1"} 1
magpie_check_ok{check="ping",model="net",src="magpie/0",dest="magpie/2"} 0
magpie_check_ok{check="iperf",model="net",src="magpie/0",dest="magpie/1",tag="default"} 1
magpie_check_ok{check="iperf",model="net",src="magpie/0",dest="magpie/2",tag="default"} 0
# HELP magpie_check_timestamp_seconds When a check was last run, in seconds since 1970.
# TYPE magpie_check_timestamp_seconds gauge
magpie_check_timestamp_seconds{check="ping",model="net",src="magpie/0"} 9.466848e+08
magpie_check_timestamp_seconds{check="iperf",model="net",src="magpie/0",tag="default"} 9.4668471e+08
# HELP magpie_metrics_file_errors Whether the results of the checks cannot be read (1) or can (0).
# TYPE magpie_metrics_file_errors gauge
magpie_metrics_file_errors 0
`, text)
		samples, err := parse(text)
		require.NoError(t, err)
		assert.Len(t, samples, 9)
	})
}

func TestStaleRunsAreNotServed(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	synctest.Test(t, func(t *testing.T) {
		record(t, path, iperf("a", time.Now(), measured("magpie/1", 1, 1)))
		record(t, path, ping(time.Now().Add(30*time.Minute), metrics.Peer{Unit: "magpie/1", OK: true}))
		usual, short := metrics.Handler(path, nil), metrics.Handler(path, &metrics.Options{MaxAge: time.Minute})
		assert.Len(t, scrape(t, usual), 7)
		assert.Len(t, scrape(t, short), 5, "a run of the far future is left out")
		time.Sleep(time.Hour)
		assert.Len(t, scrape(t, usual), 7, "after an hour")
		assert.Equal(t, noResults, scrape(t, short))
		time.Sleep(time.Second)
		assert.Len(t, scrape(t, usual), 3, "the older run is stale")
		time.Sleep(30 * time.Minute)
		assert.Equal(t, noResults, scrape(t, usual), "both are")
		record(t, path, ping(time.Now()))
		assert.Equal(t, map[string]float64{`magpie_check_timestamp_seconds check="ping" model="net" src="magpie/0"`: 946690201, "magpie_metrics_file_errors": 0},
			scrape(t, usual), "a new run without peers")
	})
}

func FuzzLabels(f *testing.F) {
	for _, value := range []string{"magpie/1", "a\nb", `a"b`, `a\b`, `\n`, "\\\n\"", "\x00\x1b[2J", "é\u202e\ufeff", "\xff", "{},= ", "\r\n# TYPE x gauge\r\n"} {
		f.Add(value, value, value, 1.5)
	}
	f.Fuzz(func(t *testing.T, model, peer, tag string, bits float64) {
		path := newFile(t)
		run := iperf(tag, time.Now(), measured(peer, bits, 1))
		run.Model = model
		if err := metrics.Record(path, run); err != nil {
			invalid := bits < 0 || bits != bits || bits > 1e308
			for _, text := range []string{model, peer, tag} {
				invalid = invalid || !utf8.ValidString(text) || len(text) > 255
			}
			assert.True(t, invalid || model == "" || peer == "", "%v", err)
			assert.NoFileExists(t, path)
			return
		}
		key := func(name string, labels map[string]string) string {
			if labels["tag"] == "" {
				delete(labels, "tag")
			}
			return sample{name: name, labels: labels}.key()
		}
		values := scrape(t, metrics.Handler(path, nil))
		assert.Len(t, values, 5)
		assert.Equal(t, bits, values[key("magpie_iperf_bandwidth", map[string]string{"model": model, "src": "magpie/0", "dest": peer, "tag": tag})])
		assert.Equal(t, 1.0, values[key("magpie_check_ok", map[string]string{"check": "iperf", "model": model, "src": "magpie/0", "dest": peer, "tag": tag})])
	})
}

func TestManyPeers(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	var peers []metrics.Peer
	for i := range 500 {
		peers = append(peers, measured("magpie/"+strings.Repeat("0", i%3)+time.Duration(i).String(), float64(i), i))
	}
	record(t, path, iperf("", time.Now(), peers...))
	assert.Len(t, scrape(t, metrics.Handler(path, nil)), 3*500+2)
}
