// SPDX-License-Identifier: Apache-2.0

package timeline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

func TestLink(t *testing.T) {
	t.Parallel()
	// hook is a hook of one second.
	hook := func(seq int, start float64, unit, name, remote, relation string, writes ...timeline.Change) timeline.Entry {
		return timeline.Entry{Kind: timeline.KindHook, Seq: seq, Start: start, End: start + 1, Unit: unit, Hook: name,
			Remote: remote, Relation: relation, Result: "ok", Changes: writes}
	}
	write := func(owner, relation string) timeline.Change {
		return timeline.Change{Kind: "databag", Owner: owner, Relation: relation, Key: "k", New: "v"}
	}
	const changed = "db-relation-changed"
	tests := []struct {
		name    string
		entries []timeline.Entry
		want    []int
	}{
		{"another end's name of the relation", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "server:3")),
			hook(2, 1, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 1}},
		{"another relation", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "db:4"), write("pg/1", "db:3"), write("pg", "db:3")),
			hook(2, 1, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 0}},
		{"the last of several", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "db:3")),
			hook(2, 1, "pg/0", "config-changed", "", "", write("pg/0", "db:3"), write("pg/0", "db:3")),
			hook(3, 2, "pg/0", "update-status", "", ""),
			hook(4, 3, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 0, 0, 2}},
		{"one that ends too late", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "db:3")),
			hook(2, 1, "pg/0", "config-changed", "", "", write("pg/0", "db:3")),
			hook(3, 1.5, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 0, 1}},
		{"each unit is told once", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "db:3")),
			hook(2, 1, "web/0", changed, "pg/0", "db:3"),
			hook(3, 1, "web/1", changed, "pg/0", "db:3"),
			hook(4, 3, "web/0", changed, "pg/0", "db:3"),
			hook(5, 4, "pg/0", "config-changed", "", "", write("pg/0", "db:3")),
			hook(6, 5, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 1, 1, 0, 0, 5}},
		{"an application's databag", []timeline.Entry{
			hook(1, 0, "pg/0", "leader-elected", "", "", write("pg", "db:3")),
			hook(2, 1, "web/0", changed, "pg", "db:3"),
			hook(3, 2, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 1, 0}},
		{"other kinds of hooks and of changes", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "db:3")),
			hook(2, 1, "web/0", "db-relation-joined", "pg/0", "db:3"),
			hook(3, 2, "web/0", "start", "", ""),
			hook(4, 3, "pg/1", "start", "", "", timeline.Change{Kind: "state", Owner: "pg/1", Relation: "db:3"}),
			hook(5, 4, "web/0", changed, "pg/1", "db:3"),
			{Kind: timeline.KindNote, Start: 5, Hook: changed, Remote: "pg/0", Relation: "db:3", Text: "a note"},
		}, []int{0, 0, 0, 0, 0, 0}},
		{"entries in the order of their ends", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "db:3")),
			hook(2, 4, "web/0", changed, "pg/0", "db:3"),
			hook(3, 2, "web/0", changed, "pg/0", "db:3"),
		}, []int{0, 0, 1}},
		{"no time passes", []timeline.Entry{
			{Kind: timeline.KindHook, Seq: 1, Unit: "a/0", Hook: changed, Remote: "a/1", Relation: "db:3", Changes: []timeline.Change{write("a/0", "db:3")}},
			{Kind: timeline.KindHook, Seq: 2, Unit: "a/1", Hook: changed, Remote: "a/0", Relation: "db:3", Changes: []timeline.Change{write("a/1", "db:3")}},
			{Kind: timeline.KindHook, Seq: 3, Unit: "a/0", Hook: changed, Remote: "a/1", Relation: "db:3"},
		}, []int{0, 1, 2}},
		{"a cause from before is forgotten", []timeline.Entry{
			{Kind: timeline.KindHook, Seq: 1, Unit: "web/0", Hook: changed, Remote: "pg/0", Relation: "db:3", Cause: 9},
			{Kind: timeline.KindHook, Seq: 2, Unit: "web/0", Hook: changed, Remote: "pg/0", Relation: "none", Cause: 9},
		}, []int{0, 0}},
		{"a bare number of a relation", []timeline.Entry{
			hook(1, 0, "pg/0", "start", "", "", write("pg/0", "3")),
			hook(2, 1, "web/0", changed, "pg/0", "a:b:3"),
		}, []int{0, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := &timeline.Run{Entries: test.entries}
			for range 2 { // the second time changes nothing
				run.Link()
				var got []int
				for _, e := range run.Entries {
					got = append(got, e.Cause)
				}
				assert.Equal(t, test.want, got)
			}
		})
	}
}
