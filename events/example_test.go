// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"fmt"

	"github.com/charmsmith/charmsmith/events"
)

func ExampleParse() {
	env := []string{ // of the process: os.Environ()
		"JUJU_UNIT_NAME=magpie/0",
		"JUJU_DISPATCH_PATH=hooks/magpie-relation-joined",
		"JUJU_HOOK_NAME=magpie-relation-joined",
		"JUJU_RELATION=magpie",
		"JUJU_RELATION_ID=magpie:1",
		"JUJU_REMOTE_APP=magpie",
		"JUJU_REMOTE_UNIT=magpie/1",
	}
	ev, err := events.Parse(env)
	if err != nil {
		fmt.Println(err)
		return
	}
	switch ev := ev.(type) {
	case events.PeerJoined:
		fmt.Println(ev.Unit, "joined", ev.Endpoint)
	case events.Hook:
		fmt.Println("hook", ev.Name())
	}
	// Output:
	// magpie/1 joined magpie
}

func ExampleEnviron() {
	ev := events.RelationDeparted{
		RelationRef:   events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"},
		Unit:          "mysql/0",
		DepartingUnit: "magpie/0",
		Self:          true,
	}
	env, err := events.Environ(ev, "magpie/0")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, variable := range env {
		fmt.Println(variable)
	}
	// Unordered output:
	// JUJU_UNIT_NAME=magpie/0
	// JUJU_DISPATCH_PATH=hooks/db-relation-departed
	// JUJU_HOOK_NAME=db-relation-departed
	// JUJU_RELATION=db
	// JUJU_RELATION_ID=db:3
	// JUJU_REMOTE_UNIT=mysql/0
	// JUJU_REMOTE_APP=mysql
	// JUJU_DEPARTING_UNIT=magpie/0
}
