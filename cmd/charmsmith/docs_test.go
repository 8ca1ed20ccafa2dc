// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// names adds the keys of all objects in a JSON value, and the values of "kind".
func names(value any, to map[string]bool) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			names(v, to)
		}
	case map[string]any:
		for key, v := range value {
			to[key] = true
			if kind, ok := v.(string); ok && key == "kind" {
				to[kind] = true
			}
			names(v, to)
		}
	}
}

// What programs read is documented: each kind and field.
func TestJSONIsDocumented(t *testing.T) {
	t.Parallel()
	entry := timeline.Entry{Kind: "hook", Start: 1, End: 2, Seq: 1, Unit: "u", Hook: "h", Remote: "r", Relation: "r", Result: "r", Error: "e", Stderr: "s",
		Changes:  []timeline.Change{{Kind: "databag", Owner: "o", Relation: "r", Key: "k", Old: "o", New: "n"}},
		Commands: []string{"c"}, Text: "t", Cause: 1}
	m := &fakeModel{failed: []desk.Failure{{Unit: "u", Err: errors.New("e")}}, absent: []string{"u w"}}
	m.deploy = func(context.Context) error {
		m.opts.Watch(entry)
		m.opts.Watch(timeline.Entry{Kind: "note"})
		_, err := m.opts.Out.Write([]byte("x"))
		return err
	}
	m.do = always(expectError())
	dir := charm(t, "")
	o := try(t.Context(), t, m, nil, "run", "--json", dir, "--keep", dir, "--timeline", filepath.Join(dir, "x.json"), "--do", "expect hello active")
	found := make(map[string]bool)
	for line := range strings.Lines(o.stdout) {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		names(object, found)
	}
	var run map[string]any
	text, err := os.ReadFile(filepath.Join(dir, "x.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &run))
	names(run, found)
	require.Greater(t, len(found), 40, "%v", found)

	docs, err := os.ReadFile("../../docs/run.md")
	require.NoError(t, err)
	_, programs, ok := strings.Cut(string(docs), "## For programs")
	require.True(t, ok)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		assert.Contains(t, programs, "`"+name+"`")
	}
}
