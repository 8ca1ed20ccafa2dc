// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/relation"
)

// exampleStore returns a store of "app/0", which has a relation "db:3" with
// mysql. In a charm, package charm makes it.
func exampleStore(mysql map[string]string) (*testagent.Agent, *relation.Store) {
	agent := &testagent.Agent{Unit: "app/0", Relations: map[string]*testagent.Relation{
		"db:3": {App: "mysql", Bags: map[string]map[string]string{"app/0": {}, "mysql": mysql}},
	}}
	client := hookcmd.New(agent, nil)
	return agent, relation.NewStore(client, "app/0", client.IsLeader)
}

func ExampleLoad() {
	type Database struct {
		Name     string     `databag:"database"`
		Address  netip.Addr `databag:"address,string"`
		Replicas []string   `databag:"replicas,omitempty"`
	}
	_, store := exampleStore(map[string]string{
		"database": `"orders"`,
		"address":  `10.0.0.7`,
		"version":  `8.4`, // no field, not looked at
	})
	rel := store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 3}, "mysql")

	db, err := relation.Load[Database](context.Background(), rel.RemoteApp())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(db.Name, "at", db.Address)
	// Output: orders at 10.0.0.7
}

// A key that is not there yet is no reason to fail: the charm waits.
func ExampleLoad_missing() {
	_, store := exampleStore(map[string]string{"version": `8.4`})
	rel := store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 3}, "mysql")

	_, err := relation.Load[struct {
		Name string `databag:"database"`
	}](context.Background(), rel.RemoteApp())
	if errors.Is(err, relation.ErrMissingKey) {
		fmt.Println("waiting for the database:", err)
	}
	// Output: waiting for the database: cannot load key "database" into field Name: the key is missing
}

func ExampleSave() {
	type Request struct {
		Database string   `databag:"database"`
		Roles    []string `databag:"roles,omitempty"`
		Pool     *int     `databag:"pool"`
		Mode     string   `databag:"mode,string"`
	}
	agent, store := exampleStore(nil)
	rel := store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 3}, "mysql")

	err := relation.Save(context.Background(), rel.Local(), Request{Database: "orders", Roles: []string{"reader"}, Mode: "rw"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Flush(context.Background()); err != nil { // package charm does it
		fmt.Println(err)
		return
	}
	for _, call := range agent.Calls() {
		fmt.Println(call)
	}
	// Output: relation-set -r db:3 --file - < {"database": "\"orders\"", "mode": "rw", "pool": "", "roles": "[\"reader\"]"}
}

func ExampleDatabag_Set() {
	ctx := context.Background()
	agent, store := exampleStore(nil)
	rel := store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 3}, "mysql")

	for _, key := range []string{"ready", "port"} {
		if err := rel.Local().Set(ctx, key, "1"); err != nil {
			fmt.Println(err)
			return
		}
	}
	ready, err := rel.Local().Get(ctx, "ready") // reads see it at once
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready is", ready, "after", len(agent.Calls()), "hook commands")

	if err := store.Flush(ctx); err != nil { // package charm does it when the dispatch has succeeded
		fmt.Println(err)
		return
	}
	fmt.Println(agent.Calls()[0])

	// The databag of the application is for the leader.
	err = rel.LocalApp().Set(ctx, "ready", "1")
	fmt.Println(errors.Is(err, hookcmd.ErrNotLeader))
	// Output:
	// ready is 1 after 0 hook commands
	// relation-set -r db:3 --file - < {"port": "1", "ready": "1"}
	// true
}
