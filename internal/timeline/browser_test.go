// SPDX-License-Identifier: Apache-2.0

package timeline_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

// chromium returns the browser's program. It skips the test where there is
// none, or none that gets as far as showing an empty page.
func chromium(t *testing.T) string {
	t.Helper()
	const how = ": install a working one (Debian: apt-get install chromium) and run go test -run Browser ./internal/timeline"
	if findChromium() == "" {
		t.Skip("no chromium, chromium-browser or google-chrome on PATH" + how)
	}
	if err := tryChromium(); err != nil {
		t.Skip("chromium does not run here (" + err.Error() + ")" + how)
	}
	return findChromium()
}

var findChromium = sync.OnceValue(func() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
	}
	return ""
})

var tryChromium = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, _, err = dumpDOM(context.Background(), findChromium(), dir, "about:blank")
	return err
})

// browse opens a page in Chromium and returns the document after its script
// has run. A browser that dies of a signal says nothing about the page: it is
// started again, three times at most.
func browse(t *testing.T, page, fragment string) string {
	t.Helper()
	program, dir := chromium(t), t.TempDir()
	file := filepath.Join(dir, "page.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o666))
	for try := 1; ; try++ {
		dom, log, err := dumpDOM(t.Context(), program, filepath.Join(dir, strconv.Itoa(try)), "file://"+file+fragment)
		var died *exec.ExitError
		if try < 4 && errors.As(err, &died) && !died.Exited() {
			t.Logf("chromium: %v; again", err)
			continue
		}
		require.NoError(t, err, "%s", log)
		return dom
	}
}

// dumpDOM starts the browser with a new profile and returns the document it
// has made of the address.
func dumpDOM(ctx context.Context, program, profile, address string) (dom, log string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--window-size=1400,800",
		"--user-data-dir="+profile, "--virtual-time-budget=2000", "--dump-dom", address)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// rootData returns the data attributes of a document's root.
func rootData(dom string) map[string]string {
	root, _, _ := strings.Cut(dom[max(0, strings.Index(dom, "<html")):], ">")
	data := make(map[string]string)
	for _, m := range regexp.MustCompile(`data-(\w+)="([^"]*)"`).FindAllStringSubmatch(root, -1) {
		data[m[1]] = m[2]
	}
	return data
}

// detailsOf returns the text of the page's details.
func detailsOf(dom string) string {
	_, rest, _ := strings.Cut(dom, `<section id="details"`)
	section, _, _ := strings.Cut(rest[strings.Index(rest, ">")+1:], "</section>")
	return html.UnescapeString(regexp.MustCompile(`(<[^>]*>)+`).ReplaceAllString(section, "|"))
}

func TestBrowserShowsTheRun(t *testing.T) {
	t.Parallel()
	run := sample()
	hooks, arrows, failed := 0, 0, 0
	for _, e := range run.Entries {
		if e.Kind == timeline.KindHook {
			hooks++
		}
		if e.Cause != 0 {
			arrows++
		}
		if e.Result == "failed" {
			failed = e.Seq
		}
	}
	require.NotZero(t, arrows)
	require.NotZero(t, failed)
	dom := browse(t, write(t, (*timeline.Run).WriteHTML, run), "#hook-"+strconv.Itoa(failed))
	assert.Equal(t, map[string]string{"ready": "true", "bars": strconv.Itoa(hooks), "arrows": strconv.Itoa(arrows),
		"pinned": strconv.Itoa(failed), "violations": "0", "requests": "0"}, rootData(dom))
	details := detailsOf(dom)
	for _, part := range []string{"|config-changed|failed|", "|magpie/1|", "|Error|exit status 1|", "goroutine 1 [running]"} {
		assert.Contains(t, details, part)
	}
	assert.Equal(t, hooks, strings.Count(dom, `href="#hook-`), "bars")
	bar := regexp.MustCompile(`<a class="([^"]*)" id="hook-` + strconv.Itoa(failed) + `"`).FindStringSubmatch(dom)
	require.NotNil(t, bar, "the bar of the failed hook")
	assert.Equal(t, "b life failed on", bar[1], "its class")
}

// TestBrowserReportsWhatIsRefused shows that the attributes on which the
// other tests rely tell of scripts, styles and requests.
func TestBrowserReportsWhatIsRefused(t *testing.T) {
	t.Parallel()
	page := write(t, (*timeline.Run).WriteHTML, sample())
	for _, intruder := range []string{"<script>document.documentElement.dataset.pwned=1</script>", `<img src="http://127.0.0.1:9/x.png">`} {
		data := rootData(browse(t, strings.Replace(page, "</header>", intruder+"</header>", 1), ""))
		assert.Equal(t, "1", data["violations"], "violations with %s", intruder)
		assert.Equal(t, "true", data["ready"])
		assert.NotContains(t, data, "pwned")
	}
}

// TestBrowserAnswers drives a page with a script of its own, for which its
// policy is lifted.
func TestBrowserAnswers(t *testing.T) {
	t.Parallel()
	// Frames of a browser without a screen come when they like: a timer, which
	// virtual time moves, draws instead.
	const driver = `<script>window.requestAnimationFrame = draw => setTimeout(draw, 1);
	addEventListener("load", () => setTimeout(() => {
	const data = document.documentElement.dataset, by = id => document.getElementById(id), plot = by("plot");
	const title = () => document.querySelector("#details h2")?.textContent || "hint";
	const key = (name, on) => (on || document.body).dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
	const at = (id, name) => {
		const box = document.querySelector("#" + id + " rect").getBoundingClientRect();
		plot.dispatchEvent(new PointerEvent(name, {clientX: box.right + 3, clientY: box.top + 5, bubbles: true, cancelable: true, detail: 1}));
	};
	const filter = text => { by("filter").value = text; by("filter").dispatchEvent(new Event("input")); };
	const width = () => Number(plot.getAttribute("width"));
	data.a = title();
	at("hook-1", "pointermove"); data.b = title() + by("tip").hidden;
	plot.dispatchEvent(new PointerEvent("pointerleave")); data.c = title() + location.hash;
	at("hook-2", "click"); data.d = title() + location.hash;
	key("Escape"); data.e = title() + location.hash;
	key("n"); data.f = title();
	key("Escape"); document.querySelector("#hook-1").focus(); key("ArrowRight", document.activeElement); data.g = document.activeElement.id + title();
	key("ArrowDown", document.activeElement); data.h = document.activeElement.id + title();
	document.activeElement.blur();
	const before = width(); key("+"); data.i = (width() / before).toFixed(1); data.j = by("axis").getAttribute("width") == width(); key("0"); data.k = width() === before;
	filter("APP/1  start"); data.l = by("matches").textContent; data.m = [...by("labels").children].map(l => l.hidden);
	data.n = by("plot").getAttribute("height"); data.o = document.querySelectorAll(".b.dim").length; filter("");
	data.p = by("plot").getAttribute("height"); data.q = getComputedStyle(by("details")).display;
	document.querySelector(".n").dispatchEvent(new MouseEvent("click", {bubbles: true})); data.r = title();
	plot.dispatchEvent(new WheelEvent("wheel", {deltaY: -300, ctrlKey: true, bubbles: true, cancelable: true, clientX: 700}));
	requestAnimationFrame(() => requestAnimationFrame(() => data.s = (width() / before).toFixed(1)));
}))</script>`
	run := &timeline.Run{Entries: []timeline.Entry{
		{Kind: "note", Text: "deploy app -n 2"},
		{Kind: "hook", Seq: 1, Unit: "app/0", Hook: "install", End: 0.0001, Result: "ok"},
		{Kind: "hook", Seq: 2, Unit: "app/1", Hook: "install", Start: 2, End: 2.1, Result: "ok"},
		{Kind: "hook", Seq: 3, Unit: "app/0", Hook: "start", Start: 2, End: 3, Result: "ok"},
		{Kind: "hook", Seq: 4, Unit: "app/1", Hook: "start", Start: 2.2, End: 3, Result: "killed"},
	}}
	page := write(t, (*timeline.Run).WriteHTML, run)
	page = regexp.MustCompile(`<meta http-equiv[^>]*>`).ReplaceAllString(page, "")
	got := rootData(browse(t, strings.Replace(page, "</body>", driver+"</body>", 1), ""))
	for _, want := range []struct{ name, value, what string }{
		{"a", "hint", "details at first"},
		{"b", "installokfalse", "details and tip of a bar near the pointer"},
		{"c", "hint", "details after the pointer has left"},
		{"d", "installok#hook-2", "details and address after a click"},
		{"e", "hint", "details and address after Esc"},
		{"f", "startkilled", "details after n"},
		{"g", "hook-3startok", "focus and details after the right arrow"},
		{"h", "hook-2installok", "focus and details after the down arrow"},
		{"i", "1.6", "width after zooming in"},
		{"j", "true", "whether the axis is as wide"},
		{"k", "true", "whether 0 restores the width"},
		{"l", "1 of 4 hooks", "matches of the filter"},
		{"m", "true,false", "hidden lanes"},
		{"n", "50", "height of one lane"},
		{"o", "3", "bars that do not match"},
		{"p", "100", "height of both lanes"},
		{"q", "block", "display of the details"},
		{"r", "deploy app -n 2", "details of a note"},
		{"s", "2.6", "width after the wheel"},
	} {
		assert.Equal(t, want.value, got[want.name], want.what)
	}
}

// TestBrowserAgrees compares what the page's script says of times and bars
// with what the page says without it: a script at the end of the page sees it
// as it was written.
func TestBrowserAgrees(t *testing.T) {
	t.Parallel()
	const driver = `<script>
	const data = document.documentElement.dataset, plot = document.getElementById("plot"), hooks = JSON.parse(document.getElementById("run").textContent).entries;
	const total = Math.max(...hooks.map(e => e.end)), step = niceStep(TICK / ((plot.getAttribute("width") - PAD - END) / total));
	const differ = [];
	let compared = 0;
	const compare = (what, from, to) => { compared++; if (from !== to) differ.push(what + ": " + from + " / " + to); };
	document.querySelectorAll("#axis .ticks text").forEach((text, i) => compare("tick", text.textContent, moment(i * step, step)));
	document.querySelectorAll("#plot .b").forEach((bar, i) => {
		const e = hooks[i], width = Number(bar.querySelector("rect").getAttribute("width"));
		compare("title", bar.querySelector("title").textContent.split("\n")[1], e.unit + " at " + duration(e.start) + " for " + duration(lasted(e)) + ": ok");
		compare("text", bar.querySelector("text")?.textContent || "", captions(e).find(t => t.length * BAR_CHAR + 8 <= width) || "");
	});
	data.compared = compared; data.differ = differ.join(", ");
</script>`
	names := []string{"install", "db-relation-joined", "action backup", "web-pebble-ready", "a-storage-storage-attached", "juju-exec", "x-relation-y-relation-changed"}
	for _, unit := range []float64{0.00013, 0.37, 71} {
		run, now := &timeline.Run{}, 0.0
		for i := range 40 {
			e := timeline.Entry{Kind: "hook", Unit: "app/0", Hook: names[i%len(names)], Result: "ok", Start: now, End: now + unit*float64(1+i*i%37)}
			if strings.Contains(e.Hook, "-relation-") {
				e.Remote = "pg/0"
			}
			run.Entries, now = append(run.Entries, e), e.End
		}
		page := regexp.MustCompile(`<meta http-equiv[^>]*>`).ReplaceAllString(write(t, (*timeline.Run).WriteHTML, run), "")
		data := rootData(browse(t, strings.Replace(page, "</body>", driver+"</body>", 1), ""))
		assert.Equal(t, "true", data["ready"])
		assert.Empty(t, data["differ"], "what the page says without and with its script")
		compared, err := strconv.Atoi(data["compared"])
		assert.NoError(t, err)
		assert.Greater(t, compared, 80)
	}
}

func TestBrowserCopesWithAnything(t *testing.T) {
	t.Parallel()
	hostile := "</script><script>document.documentElement.dataset.pwned=1</script><img src=x onerror=alert(1)>\u202e\x00\xff'\"&amp;"
	tests := []struct {
		name string
		run  *timeline.Run
		want string // in the details of hook 1
	}{
		{"empty", &timeline.Run{}, "Point at a bar"},
		{"large", large(5000, 50), "|install|ok|"},
		{"hostile", &timeline.Run{Model: hostile, Juju: hostile, Type: hostile, Units: []string{hostile}, Entries: []timeline.Entry{
			{Kind: "hook", Seq: 1, Unit: hostile, Hook: hostile, Remote: hostile, Relation: hostile, Result: hostile, Error: hostile,
				Stderr: hostile, Changes: []timeline.Change{{Kind: hostile, Owner: hostile, Key: hostile, Old: hostile, New: hostile}},
				Commands: []string{hostile}},
			{Kind: "note", Start: 1, Text: hostile},
		}}, `|</script><script>document.documentElement.dataset.pwned=1</script><img src=x onerror=alert(1)>\u{202e}\u{0}` + "\ufffd'\"&amp;|"},
		{"names that are no numbers and no strings", &timeline.Run{Entries: []timeline.Entry{
			{Seq: -1, Cause: -1, Start: 3, End: 1},
			{Seq: 1, Cause: 1, Unit: "__proto__", Hook: "constructor"},
			{Seq: 1, Cause: 7, Unit: "toString", Hook: "start"},
		}}, "|constructor|"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dom := browse(t, write(t, (*timeline.Run).WriteHTML, test.run), "#hook-1")
			data := rootData(dom)
			assert.Equal(t, "true", data["ready"])
			assert.Equal(t, strconv.Itoa(len(test.run.Entries)-strings.Count(test.name, "hostile")), data["bars"])
			assert.Equal(t, "0", data["violations"])
			assert.Equal(t, "0", data["requests"])
			assert.NotContains(t, data, "pwned")
			assert.Contains(t, detailsOf(dom), test.want)
		})
	}
}
