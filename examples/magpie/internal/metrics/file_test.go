// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
)

func load(t testing.TB, path string) []metrics.Run {
	t.Helper()
	runs, err := metrics.Load(path)
	require.NoError(t, err)
	return runs
}

func TestRecordReplacesRun(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	assert.Empty(t, load(t, path), "before the first run")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	first := iperf("a", at, measured("magpie/1", 1, 2), measured("magpie/2", 3, 4))
	other := iperf("b", at.Add(time.Second), measured("magpie/1", 5, 6))
	pinged := ping(at.Add(2*time.Second), metrics.Peer{Unit: "magpie/9", OK: true})
	record(t, path, first)
	record(t, path, other)
	record(t, path, pinged)
	assert.Equal(t, []metrics.Run{pinged, other, first}, load(t, path))

	again := iperf("a", at.Add(time.Minute), measured("magpie/2", 7, 8))
	record(t, path, again)
	assert.Equal(t, []metrics.Run{again, pinged, other}, load(t, path), "nothing of the run before remains")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file remains")
}

func TestRecordKeepsLastOfPeer(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	peers := []metrics.Peer{measured("magpie/1", 1, 2), measured("magpie/2", 3, 2), measured("magpie/1", 5, 4)}
	record(t, path, iperf("", time.Now(), peers...))
	assert.Equal(t, []metrics.Peer{measured("magpie/1", 5, 4), measured("magpie/2", 3, 2)}, load(t, path)[0].Peers)
	assert.Equal(t, measured("magpie/1", 1, 2), peers[0], "the caller's list is left alone")
}

func TestRecordForgetsOldest(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 70 {
		record(t, path, iperf(fmt.Sprint(i), at.Add(time.Duration(i)*time.Second)))
	}
	runs := load(t, path)
	require.Len(t, runs, 64)
	assert.Equal(t, "69", runs[0].Tag)
	assert.Equal(t, "6", runs[63].Tag)

	long := func(tag string, peers int) metrics.Run {
		run := iperf(tag, at.Add(time.Hour))
		for i := range peers {
			run.Peers = append(run.Peers, metrics.Peer{Unit: strings.Repeat("\x01", 240) + fmt.Sprint(i)}) // 1.5 kB in JSON
		}
		return run
	}
	record(t, path, long("long", 1800))
	record(t, path, long("longer", 2000))
	runs = load(t, path)
	require.NotEmpty(t, runs)
	assert.Equal(t, "longer", runs[0].Tag)
	assert.Len(t, runs, 1, "as many as the file has room for")

	require.ErrorContains(t, metrics.Record(path, long("huge", 3000)), "they are longer than")
	runs = load(t, path)
	require.Len(t, runs, 1)
	assert.Equal(t, "longer", runs[0].Tag, "what was there remains")
}

func TestRecordChecksRun(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*metrics.Run){
		"its check is empty":                           func(r *metrics.Run) { r.Check = "" },
		"its model is empty":                           func(r *metrics.Run) { r.Model = "" },
		"its unit is empty":                            func(r *metrics.Run) { r.Unit = "" },
		"its peer is empty":                            func(r *metrics.Run) { r.Peers[0].Unit = "" },
		"its tag has 256 bytes":                        func(r *metrics.Run) { r.Tag = strings.Repeat("x", 256) },
		`its tag "\xff" is no valid UTF-8`:             func(r *metrics.Run) { r.Tag = "\xff" },
		"its time is not set":                          func(r *metrics.Run) { r.Time = time.Time{} },
		"Time.MarshalJSON":                             func(r *metrics.Run) { r.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		`its throughput to "magpie/1" is impossible`:   func(r *metrics.Run) { r.Peers[0].Throughput.BitsPerSecond = math.NaN() },
		`its throughput to "magpie/2" is impossible`:   func(r *metrics.Run) { r.Peers[0] = measured("magpie/2", math.Inf(1), 1) },
		`its throughput to "magpie/3" is impossible`:   func(r *metrics.Run) { r.Peers[0] = measured("magpie/3", -1, 1) },
		`its throughput to "magpie/4" is impossible`:   func(r *metrics.Run) { r.Peers[0] = measured("magpie/4", 1, -1) },
		`check "ping" has a throughput`:                func(r *metrics.Run) { r.Check = metrics.Ping },
		"it has 10001 peers, more than 10000":          func(r *metrics.Run) { r.Peers = manyPeers(10_001) },
		`cannot record results of check "\x1b[2J": it`: func(r *metrics.Run) { r.Check, r.Unit = "\x1b[2J", "" },
	} {
		path := newFile(t)
		run := iperf("", time.Now(), measured("magpie/1", 1, 1))
		change(&run)
		require.ErrorContains(t, metrics.Record(path, run), want)
		assert.NoFileExists(t, path, want)
	}
}

func manyPeers(n int) []metrics.Peer {
	peers := make([]metrics.Peer, n)
	for i := range peers {
		peers[i].Unit = fmt.Sprint("magpie/", i)
	}
	return peers
}

func TestForget(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record(t, path, iperf("a", at, measured("magpie/1", 1, 2), measured("magpie/2", 3, 4), measured("magpie/10", 5, 6)))
	record(t, path, iperf("b", at.Add(time.Second), measured("magpie/1", 7, 8)))
	none := ping(at.Add(2 * time.Second))
	none.Peers = []metrics.Peer{}
	record(t, path, none)

	require.NoError(t, metrics.Forget(path, []string{"magpie/1", "magpie/7"}))
	left := iperf("a", at, measured("magpie/2", 3, 4), measured("magpie/10", 5, 6))
	assert.Equal(t, []metrics.Run{none, left}, load(t, path), "of run b nothing is left, and ping had nobody before")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, metrics.Forget(path, []string{"magpie/7", ""}))
	require.NoError(t, metrics.Forget(path, nil))
	again, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, os.SameFile(info, again), "a file that has none of the peers is not written")

	require.NoError(t, metrics.Forget(path, []string{"magpie/2", "magpie/10"}))
	assert.Equal(t, []metrics.Run{none}, load(t, path))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file remains")
}

// The last run of a file may be the one that goes.
func TestForgetAll(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	record(t, path, iperf("", time.Now(), measured("magpie/1", 1, 2)))
	require.NoError(t, metrics.Forget(path, []string{"magpie/1"}))
	assert.Empty(t, load(t, path))
	assert.Equal(t, noResults, scrape(t, metrics.Handler(path, nil)))
}

func TestForgetWithoutFile(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	require.NoError(t, metrics.Forget(path, []string{"magpie/1"}))
	assert.NoFileExists(t, path)
	require.NoError(t, metrics.Forget(filepath.Join(t.TempDir(), "none", "results.json"), []string{"magpie/1"}), "nor a directory")

	write(t, path, `{"version":`)
	require.NoError(t, metrics.Forget(path, []string{"magpie/1"}), "nothing of a damaged file is served")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, `{"version":`, string(text), "it is left for people to look at")
}

// A reader sees the file before or after, never between.
func TestScrapeWhileForgetting(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	handler := metrics.Handler(path, nil)
	record(t, path, iperf("", time.Now(), manyPeers(21)...))
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			assert.NoError(t, metrics.Forget(path, []string{fmt.Sprint("magpie/", i)}))
		}
	})
	before := 23
	for range 20 {
		values := scrape(t, handler)
		assert.Zero(t, values["magpie_metrics_file_errors"])
		assert.LessOrEqual(t, len(values), before)
		before = len(values)
	}
	wg.Wait()
	assert.Len(t, scrape(t, handler), 3)
}

// A file that cannot be written is an error: the peers remain.
func TestForgetFails(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	record(t, path, iperf("", time.Now(), measured("magpie/1", 1, 2)))
	require.NoError(t, os.MkdirAll(filepath.Join(path+".new", "full"), 0o700))
	require.ErrorContains(t, metrics.Forget(path, []string{"magpie/1"}), "cannot forget results of peers: ")
	assert.Len(t, load(t, path), 1)
}

func TestRecordWithoutDirectory(t *testing.T) {
	t.Parallel()
	err := metrics.Record(filepath.Join(t.TempDir(), "none", "results.json"), ping(time.Now()))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, `cannot record results of check "ping"`)
}

const goodRun = `{"check":"ping","model":"m","unit":"u/0","time":"2026-01-02T03:04:05Z","peers":[]}`

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":          "",
		"cut":            `{"version":1,"runs":[` + goodRun,
		"followed":       `{"version":1,"runs":[]}{}`,
		"null":           `null`,
		"a list":         `[]`,
		"other version":  `{"version":2,"runs":[]}`,
		"unknown field":  `{"version":1,"runs":[],"more":1}`,
		"unknown field2": strings.Replace(`{"version":1,"runs":[RUN]}`, "RUN", strings.Replace(goodRun, `"peers"`, `"x":1,"peers"`, 1), 1),
		"twice":          `{"version":1,"runs":[` + goodRun + `,` + goodRun + `]}`,
		"peer twice":     strings.Replace(`{"version":1,"runs":[RUN]}`, "RUN", strings.Replace(goodRun, `[]`, `[{"unit":"a","ok":true},{"unit":"a","ok":false}]`, 1), 1),
		"number":         strings.Replace(`{"version":1,"runs":[RUN]}`, "RUN", strings.Replace(goodRun, `[]`, `[{"unit":"a","ok":true,"throughput":{"bits_per_second":1e999}}]`, 1), 1),
		"time":           strings.Replace(`{"version":1,"runs":[RUN]}`, "RUN", strings.Replace(goodRun, `2026`, `x026`, 1), 1),
		"many runs":      `{"version":1,"runs":[` + strings.TrimSuffix(strings.Repeat(goodRun+",", 65), ",") + `]}`,
		"deep":           strings.Repeat("[", 20_000),
		"control":        "\x1b[2J\x00",
		"long":           `{"version":1,"runs":[` + strings.Repeat(" ", 4<<20) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newFile(t)
			write(t, path, text)
			runs, err := metrics.Load(path)
			require.ErrorContains(t, err, "cannot read results")
			assert.NotContains(t, err.Error(), "\x1b")
			assert.Empty(t, runs)
			handler := metrics.Handler(path, nil)
			assert.Equal(t, damaged, scrape(t, handler))
			record(t, path, ping(time.Now()))
			assert.Zero(t, scrape(t, handler)["magpie_metrics_file_errors"], "the next run repairs it")
			assert.Len(t, load(t, path), 1)
		})
	}
}

func TestFileThatIsNoFile(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	assert.Equal(t, damaged, scrape(t, metrics.Handler(path, nil)), "a pipe does not block")
	assert.Equal(t, damaged, scrape(t, metrics.Handler(t.TempDir(), nil)), "a directory")
}

func TestScrapeWhileRecording(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	handler := metrics.Handler(path, nil)
	record(t, path, iperf("", time.Now(), manyPeers(50)...))
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 20 {
			assert.NoError(t, metrics.Record(path, iperf("", time.Now(), manyPeers(50)...)))
		}
	})
	for range 20 {
		assert.Len(t, scrape(t, handler), 52, "all of a run, or all of the next")
	}
	wg.Wait()
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"version":1,"runs":[` + goodRun + `]}`))
	f.Add([]byte(`{"version":1,"runs":[{"check":"iperf","tag":"a\n","model":"m","unit":"u/0","time":"2026-01-02T03:04:05Z","peers":[{"unit":"p","ok":true,"throughput":{"bits_per_second":1,"concurrency":2}}]}]}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := newFile(t)
		write(t, path, string(text))
		runs, err := metrics.Load(path)
		ages := &metrics.Options{MaxAge: math.MaxInt64}
		values := scrape(t, metrics.Handler(path, ages))
		if err != nil {
			assert.Empty(t, runs)
			assert.Equal(t, damaged, values)
			return
		}
		assert.Zero(t, values["magpie_metrics_file_errors"])
		assert.True(t, json.Valid(text))
		peers, measured := 0, 0
		for _, run := range runs {
			peers += len(run.Peers)
			for _, peer := range run.Peers {
				if peer.Throughput != nil {
					measured++
				}
			}
		}
		assert.Len(t, values, 1+len(runs)+peers+2*measured, "each sample is there once")
	})
}
