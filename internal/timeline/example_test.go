// SPDX-License-Identifier: Apache-2.0

package timeline_test

import (
	"fmt"
	"os"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

func Example() {
	run := &timeline.Run{Model: "desk", Juju: "4.0.1", Type: "iaas", Seed: 1, Entries: []timeline.Entry{
		{Kind: timeline.KindNote, Text: "integrate web pg"},
		{Kind: timeline.KindHook, Start: 0.5, End: 0.75, Seq: 1, Unit: "pg/0", Hook: "server-relation-created", Remote: "web",
			Relation: "server:3", Result: "ok", Changes: []timeline.Change{
				{Kind: "databag", Owner: "pg/0", Relation: "server:3", Key: "port", New: "5432"}}},
		{Kind: timeline.KindHook, Start: 1, End: 1.25, Seq: 2, Unit: "web/0", Hook: "db-relation-changed", Remote: "pg/0",
			Relation: "db:3", Result: "ok"},
	}}
	run.Link()
	write, err := timeline.Format("run.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := write(run, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"model":"desk","juju":"4.0.1","type":"iaas","seed":1,"units":["pg/0","web/0"],"entries":[
	// {"kind":"note","start":0,"text":"integrate web pg"},
	// {"kind":"hook","start":0.5,"end":0.75,"seq":1,"unit":"pg/0","hook":"server-relation-created","remote":"web","relation":"server:3","result":"ok","changes":[{"kind":"databag","owner":"pg/0","relation":"server:3","key":"port","new":"5432"}]},
	// {"kind":"hook","start":1,"end":1.25,"seq":2,"unit":"web/0","hook":"db-relation-changed","remote":"pg/0","relation":"db:3","result":"ok","cause":1}
	// ]}
}
