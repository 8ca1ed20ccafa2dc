// SPDX-License-Identifier: Apache-2.0

package timeline_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

var update = flag.Bool("update", false, "rewrite testdata and policy.txt from what the tests got")

type format = func(*timeline.Run, io.Writer) error

func write(t testing.TB, f format, run *timeline.Run) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, f(run, &out))
	return out.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]format{
		"sample.json": (*timeline.Run).WriteJSON,
		"sample.svg":  (*timeline.Run).WriteSVG,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, file := write(t, f, sample()), filepath.Join("testdata", name)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o666))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got, "%s; after a change that was meant, go test -update", file)
		})
	}
}

func TestJSONHoldsTheRun(t *testing.T) {
	t.Parallel()
	run := sample()
	text := write(t, (*timeline.Run).WriteJSON, run)
	var got timeline.Run
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	run.Units = []string{"magpie/0", "magpie/1", "magpie/2"}
	assert.Equal(t, *run, got)

	run = &timeline.Run{Units: []string{"b/0", "a/0"}, Entries: []timeline.Entry{{Unit: "c/0"}, {Unit: "a/0"}, {Kind: timeline.KindNote, Unit: "d/0"}}}
	require.NoError(t, json.Unmarshal([]byte(write(t, (*timeline.Run).WriteJSON, run)), &got))
	assert.Equal(t, []string{"b/0", "a/0", "c/0"}, got.Units, "units that only hooks name come last")
}

func TestEntryLeavesOutWhatIsZero(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(timeline.Entry{Kind: timeline.KindNote, Text: "settle"})
	require.NoError(t, err)
	assert.Equal(t, `{"kind":"note","start":0,"text":"settle"}`, string(text))
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for file, prefix := range map[string]string{"a.b/x.html": "<!DOCTYPE html>", "x.SVG": "<?xml", "x.json": "{"} {
		f, err := timeline.Format(file)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(write(t, f, sample()), prefix), file)
	}
	for _, file := range []string{"x.txt", "html", "", "x.json.gz"} {
		_, err := timeline.Format(file)
		assert.EqualError(t, err, `cannot write timeline "`+file+`": the extension must be .html, .svg or .json`)
	}
}

func TestEmptyRun(t *testing.T) {
	t.Parallel()
	run := &timeline.Run{}
	assert.Equal(t, `{"model":"","juju":"","type":"","seed":0,"units":[],"entries":[`+"\n]}\n", write(t, (*timeline.Run).WriteJSON, run))
	picture := write(t, (*timeline.Run).WriteSVG, run)
	requireXML(t, picture)
	assert.Contains(t, picture, "No hook ran.")
	assert.Contains(t, write(t, (*timeline.Run).WriteHTML, run), "No hook ran.")
}

// errFull is what a full disk says.
var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"x.html", "x.svg", "x.json"} {
		f, err := timeline.Format(file)
		require.NoError(t, err)
		err = f(sample(), full{})
		assert.ErrorIs(t, err, errFull)
		assert.EqualError(t, err, "cannot write timeline: no space left")
	}
	impossible := &timeline.Run{Entries: []timeline.Entry{{Start: math.NaN()}}}
	assert.ErrorContains(t, impossible.WriteJSON(io.Discard), "cannot write timeline: ")
	assert.ErrorContains(t, impossible.WriteHTML(io.Discard), "cannot write timeline: ")
	requireXML(t, write(t, (*timeline.Run).WriteSVG, impossible))
}

func TestShortHooksAreSeen(t *testing.T) {
	t.Parallel()
	run := &timeline.Run{Entries: []timeline.Entry{
		{Unit: "a/0", Seq: 1, Hook: "install", Start: 0, End: 0.001, Result: "killed"},
		{Unit: "a/0", Seq: 2, Hook: "start", Start: 3600, End: 7200, Result: "ok"},
	}}
	bars := regexp.MustCompile(`(?s)<g class="b (\S+ \S+)" id="(\S+)">.*?<rect x="(\S+)" y="\S+" width="(\S+)"`).
		FindAllStringSubmatch(write(t, (*timeline.Run).WriteSVG, run), -1)
	require.Len(t, bars, 2)
	assert.Equal(t, []string{"life killed", "hook-1", "22", "2"}, bars[0][1:], "class, id, x and width of a hook of a millisecond in two hours")
	assert.Equal(t, []string{"life ok", "hook-2", "572", "550"}, bars[1][1:], "class, id, x and width of a hook of the second half")
}

func TestBarsShowFamilyAndResult(t *testing.T) {
	t.Parallel()
	tests := []struct{ hook, result, class, caption string }{
		{"install", "ok", "life ok", "install"},
		{"leader-elected", "failed", "life failed", "leader-elected"},
		{"db-relation-created", "flush refused", "members refused", "db-relation-created pg/0"},
		{"db-relation-joined", "killed", "members killed", "db-relation-joined pg/0"},
		{"db-relation-departed", "reboot", "members reboot", "db-relation-departed pg/0"},
		{"db-relation-broken", "skipped", "members skipped", "db-relation-broken pg/0"},
		{"db-relation-changed", "", "data other", "db-relation-changed pg/0"},
		{"data-storage-attached", "ok", "storage ok", "data-storage-attached"},
		{"data-storage-detaching", "ok", "storage ok", "data-storage-detaching"},
		{"secret-rotate", "ok", "secret ok", "secret-rotate"},
		{"web-pebble-ready", "ok", "workload ok", "web-pebble-ready"},
		{"web-pebble-check-failed", "ok", "workload ok", "web-pebble-check-failed"},
		{"action secret-dump", "ok", "asked ok", "action secret-dump"},
		{"juju-exec", "ok", "asked ok", "juju-exec"},
	}
	for _, test := range tests {
		e := timeline.Entry{Unit: "a/0", Hook: test.hook, Result: test.result, Start: 1, End: 2}
		if strings.Contains(test.hook, "-relation-") {
			e.Remote = "pg/0"
		}
		picture := write(t, (*timeline.Run).WriteSVG, &timeline.Run{Entries: []timeline.Entry{e}})
		assert.Contains(t, picture, `<g class="b `+test.class+`">`, "bar of %s", test.hook)
		assert.Contains(t, picture, ">"+test.caption+"</text>", "caption of %s", test.hook)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		end  float64
		axis []string // the first, a later and the last tick
		took string
	}{
		{0.0004, []string{"0", "0.2 ms", "1.0 ms"}, "for 0.4 ms:"},
		{0.05, []string{"0", "10 ms", "50 ms"}, "for 50 ms:"},
		{0.9, []string{"0", "0.1 s", "0.9 s"}, "for 900 ms:"},
		{45.678, []string{"0", "5 s", "45 s"}, "for 45.68 s:"},
		{400, []string{"0", "1:00", "6:00"}, "for 6 min 40 s:"},
		{9000, []string{"0", "30:00", "2:30:00"}, "for 2 h 30 min:"},
		{4e6, []string{"0", "96:00:00", "1056:00:00"}, "for 1111 h 06 min:"},
	}
	for _, test := range tests {
		picture := write(t, (*timeline.Run).WriteSVG, &timeline.Run{Entries: []timeline.Entry{{Hook: "install", End: test.end, Result: "ok"}}})
		for _, tick := range test.axis {
			assert.Contains(t, picture, ">"+tick+"</text>", "axis of a run of %v s", test.end)
		}
		last := regexp.MustCompile(`>([^<]*)</text></g>`).FindStringSubmatch(picture)
		assert.Equal(t, test.axis[2], last[1], "last tick of a run of %v s", test.end)
		assert.Contains(t, picture, test.took)
	}
}

func TestManyNotes(t *testing.T) {
	t.Parallel()
	run := &timeline.Run{Entries: []timeline.Entry{{Unit: "a/0", Hook: "install", End: 10, Result: "ok"}}}
	for i := range 6 {
		run.Entries = append(run.Entries, timeline.Entry{Kind: timeline.KindNote, Start: 3, Text: strings.Repeat(string(rune('a'+i)), 50)})
	}
	picture := write(t, (*timeline.Run).WriteSVG, run)
	assert.Contains(t, picture, `y="12.5">`+strings.Repeat("a", 43)+"…</text>", "the text of the first note, cut")
	assert.Contains(t, picture, `y="63.5">`+strings.Repeat("d", 43)+"…</text>", "the text of the fourth note, below the others")
	assert.NotContains(t, picture, "eee…", "text of a note for which there is no room")
	assert.Contains(t, picture, "<title>"+strings.Repeat("e", 50), "a note for which there is no room still has its mark")
}

func TestLargeRun(t *testing.T) {
	t.Parallel()
	run := large(5000, 50)
	page, picture := write(t, (*timeline.Run).WriteHTML, run), write(t, (*timeline.Run).WriteSVG, run)
	assert.Less(t, len(page), 5_000_000, "bytes of a page of 5,000 hooks")
	assert.Less(t, len(picture), 5_000_000, "bytes of a picture of 5,000 hooks")
	assert.Equal(t, 5000, strings.Count(page, `href="#hook-`))
	assert.NotContains(t, page, `class="arrows"><path d="M0`)
	requireXML(t, picture)
}

func TestPageCutsLongText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 5000)
	run := &timeline.Run{Entries: []timeline.Entry{{Unit: "a/0", Hook: "install", Error: long,
		Changes: make([]timeline.Change, 250), Commands: make([]string, 501)}}}
	run.Entries[0].Changes[7].New = long
	page := write(t, (*timeline.Run).WriteHTML, run)
	e := embedded(t, page).Entries[0]
	cut := strings.Repeat("é", 2048) + "… [5904 bytes more]"
	assert.Equal(t, cut, e.Error)
	assert.Equal(t, cut, e.Changes[7].New)
	assert.Len(t, e.Changes, 200)
	assert.Len(t, e.Commands, 500)
	assert.Contains(t, page, `"more-changes":50,"more-commands":1`)
	assert.Equal(t, long, run.Entries[0].Error, "what the caller has stays whole")
	assert.Equal(t, long, run.Entries[0].Changes[7].New, "what the caller has stays whole")
	assert.Contains(t, write(t, (*timeline.Run).WriteJSON, run), long, "JSON has all of it")

	e = timeline.Entry{Unit: "a/0", Hook: "start", Stderr: strings.Repeat("x", 4096), Changes: make([]timeline.Change, 100)}
	run.Entries = slices.Repeat([]timeline.Entry{e}, 6000)
	page = write(t, (*timeline.Run).WriteHTML, run)
	assert.Less(t, len(page), 25_000_000, "bytes of a page of 6,000 entries with 4 KiB of text each")
	e = embedded(t, page).Entries[0]
	assert.Equal(t, strings.Repeat("x", 512)+"… [3584 bytes more]", e.Stderr)
	assert.Len(t, e.Changes, 25)
}

// TestPolicy checks that the page's policy allows its script and styles, and
// nothing else.
func TestPolicy(t *testing.T) {
	t.Parallel()
	page := write(t, (*timeline.Run).WriteHTML, sample())
	hashes := func(tag string) string {
		var all strings.Builder
		for _, m := range regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(page, -1) {
			sum := sha256.Sum256([]byte(m[1]))
			all.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'")
		}
		return all.String()
	}
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; script-src" + hashes("script") + "; style-src" + hashes("style")
	if *update {
		require.NoError(t, os.WriteFile("policy.txt", []byte(policy+"\n"), 0o666))
	}
	got := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	require.NotNil(t, got, "the page's policy")
	assert.Equal(t, policy, got[1], "after a change of script or style, go test -update, twice")
	assert.NotRegexp(t, `\sstyle=|\son[a-z]+=|https?://`, strings.ReplaceAll(page, "http://www.w3.org/2000/svg", ""))
}

// embedded returns the run that a page holds for its script.
func embedded(t testing.TB, page string) timeline.Run {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<script type="application/json" id="run">`)
	require.True(t, ok, "the data of the page")
	data, _, _ := strings.Cut(rest, "</script>")
	assert.NotContains(t, data, "<")
	var run timeline.Run
	require.NoError(t, json.Unmarshal([]byte(data), &run))
	return run
}

// requireXML reads all of a text as XML.
func requireXML(t testing.TB, text string) {
	t.Helper()
	require.True(t, utf8.ValidString(text))
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			require.NoError(t, err)
		}
	}
}

func FuzzHostileStrings(f *testing.F) {
	f.Add("</script><script>alert(1)</script>", "<!--", "]]>&amp;\"'")
	f.Add("\x00\x1b[31m\x7f\u0085", "\xff\xfe\xed\xa0\x80", "\ufffe\uffff\u2028\u2029\u202e\r\n\t")
	f.Add("-relation-changed", "action ", "%s%!d(MISSING)")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 3000 {
			t.Skip("pages cut what is longer")
		}
		run := &timeline.Run{Model: a, Juju: b, Type: c, Units: []string{a, b + "."}, Entries: []timeline.Entry{
			{Kind: "hook", Seq: 1, End: 1, Unit: a, Hook: b, Remote: c, Relation: a, Result: b, Error: c, Stderr: a,
				Changes:  []timeline.Change{{Kind: a, Owner: b, Relation: c, Key: a, Old: b, New: c}},
				Commands: []string{a, b, c}},
			{Kind: "hook", Seq: 2, Start: 1, End: 2, Unit: a, Hook: c + "-relation-changed", Result: "failed", Cause: 1},
			{Kind: "note", Start: 1, Text: a, Unit: b},
		}}
		picture, page := write(t, (*timeline.Run).WriteSVG, run), write(t, (*timeline.Run).WriteHTML, run)
		requireXML(t, picture)
		assert.Equal(t, 2, strings.Count(page, "<script"), "scripts of the page")
		assert.Equal(t, 2, strings.Count(page, "</script"), "ends of scripts of the page")
		assert.NotContains(t, strings.ToLower(picture), "<script")

		// What is not UTF-8 is lost, and nothing else.
		var want timeline.Run
		text, err := json.Marshal(run)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &want))
		if len(want.Units) == 2 && want.Units[0] == run.Units[0] {
			assert.Equal(t, want, embedded(t, page))
		}
		var got timeline.Run
		require.NoError(t, json.Unmarshal([]byte(write(t, (*timeline.Run).WriteJSON, run)), &got))
		assert.Equal(t, want, got)
	})
}
