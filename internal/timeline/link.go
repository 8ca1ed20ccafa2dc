// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// bag is a databag of a relation: a unit's or an application's.
type bag struct {
	owner    string
	relation int
}

// Link sets the Cause of each relation-changed entry: the last hook that
// wrote to the databag it tells of (Remote's, in its relation) and ended
// before it began, unless an earlier relation-changed of the same unit told
// of that write already; then, and where nobody wrote, it is 0. Relation IDs
// are compared by the number after the last colon, since each end has its own
// name for a relation. It leaves other entries alone, and may be called again
// after entries were added.
func (r *Run) Link() {
	writers := r.writers()
	changed := make([]int, 0, len(r.Entries))
	for i := range r.Entries {
		if r.Entries[i].isChanged() {
			changed = append(changed, i)
		}
	}
	slices.SortStableFunc(changed, func(a, b int) int {
		return cmp.Compare(r.Entries[a].Start, r.Entries[b].Start)
	})

	type listener struct {
		unit string
		bag  bag
	}
	told := make(map[listener]int) // index of the writer, plus one
	for _, i := range changed {
		e := &r.Entries[i]
		e.Cause = 0
		relation, ok := relationNumber(e.Relation)
		if !ok {
			continue
		}
		of := bag{e.Remote, relation}
		writer := r.lastBefore(writers[of], i)
		if who := (listener{e.Unit, of}); writer >= 0 && told[who] != writer+1 {
			told[who] = writer + 1
			e.Cause = r.Entries[writer].Seq
		}
	}
}

// writers returns for each databag the entries that wrote to it, by their end.
func (r *Run) writers() map[bag][]int {
	writers := make(map[bag][]int)
	for i := range r.Entries {
		for _, c := range r.Entries[i].Changes {
			relation, ok := relationNumber(c.Relation)
			if c.Kind != "databag" || !ok {
				continue
			}
			of := bag{c.Owner, relation}
			if w := writers[of]; len(w) == 0 || w[len(w)-1] != i {
				writers[of] = append(w, i)
			}
		}
	}
	for _, w := range writers {
		slices.SortStableFunc(w, func(a, b int) int {
			return cmp.Compare(r.Entries[a].End, r.Entries[b].End)
		})
	}
	return writers
}

// lastBefore returns the last of writers, which are sorted by their end, that
// ended before entry i began, or -1. Of two at the same moment, the one that
// comes first in r.Entries was first.
func (r *Run) lastBefore(writers []int, i int) int {
	start := r.Entries[i].Start
	n, _ := slices.BinarySearchFunc(writers, start, func(w int, start float64) int {
		if r.Entries[w].End <= start {
			return -1
		}
		return 1
	})
	for n--; n >= 0; n-- {
		if w := writers[n]; r.Entries[w].End < start || w < i {
			return w
		}
	}
	return -1
}

func (e *Entry) isChanged() bool {
	return e.Kind != KindNote && strings.HasSuffix(e.Hook, "-relation-changed")
}

// relationNumber returns 3 for "db:3" and "3".
func relationNumber(id string) (int, bool) {
	n, err := strconv.Atoi(id[strings.LastIndexByte(id, ':')+1:])
	return n, err == nil
}
