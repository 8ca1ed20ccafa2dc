// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/interfaces/cosagent"
)

const dashboardPath = "src/grafana_dashboards/web.json"

func TestDashboardErrors(t *testing.T) {
	t.Parallel()
	const use = `cannot publish dashboards: cannot use dashboard "src/grafana_dashboards/web.json": `
	for content, want := range map[string]string{
		"":                                use + "EOF",
		"{":                               use + "unexpected EOF",
		"title: x":                        use + "invalid character 'i'",
		"[]":                              use + "json: cannot unmarshal array",
		"null":                            use + "it is null",
		"{} {}":                           use + "there is more than one JSON value",
		`{"tags": "web"}`:                 use + `"tags" is no list`,
		`{"tags": [1]}`:                   use + `"tags" has something that is no string`,
		"{\"title\": \"\xff\"}":           `cannot publish dashboards: cannot read file "src/grafana_dashboards/web.json": it is not valid UTF-8`,
		strings.Repeat(" ", 4<<20) + "{}": `cannot read file "src/grafana_dashboards/web.json": it is larger than 4194304 bytes`,
	} {
		assert.ErrorContains(t, failure(t, &cosagent.Options{Files: fstest.MapFS{dashboardPath: {Data: []byte(content)}}}), want, "%.50q", content)
	}
	err := failure(t, &cosagent.Options{Files: files, DashboardsDir: "dashboards"})
	require.ErrorContains(t, err, `cannot publish dashboards: cannot read "dashboards"`)
}

// Dashboards of more than 8 MiB together are refused, before Juju does.
func TestDashboardsTogether(t *testing.T) {
	t.Parallel()
	large := []byte(`{"title": "` + strings.Repeat("x", 3<<20) + `"}`)
	err := failure(t, &cosagent.Options{Files: fstest.MapFS{
		"src/grafana_dashboards/a.json": {Data: large}, "src/grafana_dashboards/b.json": {Data: large},
	}})
	require.ErrorContains(t, err, `cannot publish to "cos-agent": 83`)
	require.ErrorContains(t, err, "bytes are more than 8388608; most are of dashboards")

	w := published(t, &cosagent.Options{Files: fstest.MapFS{dashboardPath: {Data: large}}})
	assert.Len(t, dashboard(t, w.Dashboards[0])["title"], 3<<20)
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	content := `{"title": "a <b> ü", "big": 12345678901234567890, "half": 1.50, "tags": null, "uid": "own", "panels": [{"a": [null, true]}]}`
	fsys := fstest.MapFS{dashboardPath: {Data: []byte(content)}}
	want := map[string]any{
		"title": "a <b> ü", "big": json.Number("12345678901234567890"), "half": json.Number("1.50"),
		"panels": []any{map[string]any{"a": []any{nil, true}}},
		"tags":   []any{"charm: webapp"},
		"uid":    "48a3014d02839569fcbf235c3b87392d03e9f2ba",
	}
	assert.Equal(t, want, dashboard(t, published(t, &cosagent.Options{Charm: "webapp", Files: fsys}).Dashboards[0]))

	want["tags"] = []any{}
	want["uid"] = "c9da69c8fb9ddb1adf59afad20ce87f763c720bf"
	assert.Equal(t, want, dashboard(t, published(t, &cosagent.Options{Files: fsys}).Dashboards[0]), "without the charm's name")
}
