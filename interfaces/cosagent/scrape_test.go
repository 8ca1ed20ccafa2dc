// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/interfaces/cosagent"
)

func TestScrapeJobErrors(t *testing.T) {
	t.Parallel()
	for want, job := range map[string]cosagent.ScrapeJob{
		`there is neither a port nor a target`:                          {},
		`port -1 is not from 1 to 65535`:                                {Port: -1},
		`port 65536 is not from 1 to 65535`:                             {Port: 65536},
		`the path "metrics" does not begin with / or has spaces`:        {Port: 1, Path: "metrics"},
		`the path "/a b" does not begin with / or has spaces`:           {Port: 1, Path: "/a b"},
		`the scheme "ftp" is neither "http" nor "https"`:                {Port: 1, Scheme: "ftp"},
		`the target "localhost" is not of the form "HOST:PORT"`:         {Targets: []string{"localhost"}},
		`the target "http://a:1" is not of the form "HOST:PORT"`:        {Targets: []string{"http://a:1"}},
		`the target "a:0" is not of the form "HOST:PORT"`:               {Targets: []string{"a:0"}},
		`the target "::1:80" is not of the form "HOST:PORT"`:            {Targets: []string{"::1:80"}},
		`the target "[]:80" is not of the form "HOST:PORT"`:             {Targets: []string{"[]:80"}},
		`the name "a\nb" has control characters or is not valid UTF-8`:  {Port: 1, Name: "a\nb"},
		`the name "\xff" has control characters or is not valid UTF-8`:  {Port: 1, Name: "\xff"},
		`1.5ms is not a positive number of milliseconds`:                {Port: 1, Interval: 1500 * time.Microsecond},
		`-1s is not a positive number of milliseconds`:                  {Port: 1, Timeout: -time.Second},
		`the key "metrics_path" of Extra is a field of ScrapeJob`:       {Port: 1, Extra: map[string]any{"metrics_path": "/"}},
		`the key "static_configs" of Extra is a field of ScrapeJob`:     {Port: 1, Extra: map[string]any{"static_configs": nil}},
		`the key "job_name" of Extra is a field of ScrapeJob`:           {Port: 1, Extra: map[string]any{"job_name": "x"}},
		`"a-b" cannot be the name of a label`:                           {Port: 1, Labels: map[string]string{"a-b": "c"}},
		`the labels are of Port and Targets, and there are none`:        {Labels: map[string]string{"a": "c"}, Extra: map[string]any{"static_configs": []any{}}},
		`cannot publish scrape jobs: job "x": Extra: json: unsupported`: {Name: "x", Port: 1, Extra: map[string]any{"sample_limit": math.Inf(1)}},
	} {
		h := newHarness(t, nil, with(&cosagent.Options{ScrapeJobs: []cosagent.ScrapeJob{job}}))
		assert.ErrorContains(t, h.Try(func() { h.Relate("cos-agent", "grafana-agent") }), want)
	}
}

func TestScrapeJobs(t *testing.T) {
	t.Parallel()
	w := published(t, &cosagent.Options{ScrapeJobs: []cosagent.ScrapeJob{
		{Port: 1}, {Port: 1}, // equal ones are one
		{Targets: []string{"[::1]:9100", "web.example:80"}, Path: "/m"},
		{Name: "files", Extra: map[string]any{"file_sd_configs": []any{map[string]any{"files": []string{"/etc/targets.json"}}}}},
	}})
	require.Len(t, w.Jobs, 3)
	assert.Equal(t, []any{"[::1]:9100", "web.example:80"}, w.Jobs[1]["static_configs"].([]any)[0].(map[string]any)["targets"])
	assert.True(t, strings.HasPrefix(w.Jobs[2]["job_name"].(string), "web-app_files_"))
	assert.NotContains(t, w.Jobs[2], "static_configs")
	assert.Equal(t, "/metrics", w.Jobs[0]["metrics_path"])
}

// The sums are those of Python's hashlib.blake2b(data, digest_size=4).
func TestBLAKE2b(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]string{0: "1271cf25", 1: "ca234c55", 127: "d52a9199", 128: "12cabd16", 129: "55ada03e", 255: "c3b3e4b8", 256: "c507e6f5", 257: "a0785bb1", 1000: "147aadce"} {
		assert.Equal(t, want, hex.EncodeToString(cosagent.BLAKE2b4([]byte(strings.Repeat("a", size)))), "%d bytes", size)
	}
}
