// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// site is a charm that serves a site from a database. Whatever happens, reconcile
// looks at what there is, and does what is missing.
type site struct{ *charm.Charm }

func registerSite(c *charm.Charm) {
	s := &site{c}
	charm.On(c, s.reconcile)
}

func (s *site) reconcile(ctx context.Context, _ events.Hook) error {
	databases, err := s.Relations(ctx, "db")
	if err != nil {
		return err
	}
	if len(databases) == 0 {
		return s.SetStatus(ctx, charm.Blocked("needs a relation to db"))
	}
	host, err := databases[0].RemoteApp().Get(ctx, "host")
	if err != nil {
		return err
	}
	if host == "" {
		return s.SetStatus(ctx, charm.Waiting("for the database")) // db-relation-changed comes
	}
	return s.SetStatus(ctx, charm.Active("serving from "+host))
}

// Most charms need no deferral: a handler of events.Hook is called by whatever
// happens next.
func ExampleOn_reconcile() {
	db := events.RelationRef{Endpoint: "db", ID: 1, App: "mysql"}
	state := charmtest.State{Metadata: keeper}
	state, err := charmtest.Run(registerSite, events.Start{}, state)
	fmt.Println(state.Status.Status, state.Status.Message, err)

	state.Relations = []charmtest.RelationState{{Endpoint: "db", ID: 1, App: "mysql"}}
	state, err = charmtest.Run(registerSite, events.RelationCreated{RelationRef: db}, state)
	fmt.Println(state.Status.Status, state.Status.Message, err)

	state.Relations[0].RemoteApp = map[string]string{"host": "10.0.0.1"}
	state, err = charmtest.Run(registerSite, events.RelationChanged{RelationRef: db}, state)
	fmt.Println(state.Status.Status, state.Status.Message, err)
	// Output:
	// blocked needs a relation to db <nil>
	// waiting for the database <nil>
	// active serving from 10.0.0.1 <nil>
}

// backups is a charm that has something to do for each unit that joins, once, and
// cannot do it before it has storage.
type backups struct{ *charm.Charm }

func registerBackups(c *charm.Charm) {
	b := &backups{c}
	c.EnableDefer()
	charm.OnRelation(c, "peers", b.joined).Name("joined")
	charm.OnAction(c, "look", b.look)
}

func (b *backups) joined(ctx context.Context, ev events.PeerJoined) error {
	data, err := b.Storages(ctx, "data")
	if err != nil {
		return err
	}
	if len(data) == 0 {
		if d, again := charm.Deferred(ctx); again {
			b.Logger().InfoContext(ctx, "still no storage", "since", d.Since, "times", d.Times)
		}
		return charm.Defer("waiting for storage")
	}
	return b.Relation(ev).Local().Set(ctx, "backup-of", ev.Unit)
}

type waiting struct {
	Events string `json:"events"`
}

// look is an action that tells what is deferred.
func (b *backups) look(ctx context.Context, _ struct{}) (waiting, error) {
	var w waiting
	deferred, err := b.DeferredEvents(ctx)
	for _, d := range deferred {
		w.Events += fmt.Sprintf("%s for %s: %s\n", d.Event.Name(), d.Handler, d.Reason)
	}
	return w, err
}

func ExampleDefer() {
	state := charmtest.State{Metadata: keeper, Relations: []charmtest.RelationState{
		{Endpoint: "peers", ID: 1, Units: map[string]map[string]string{"app/1": nil}},
	}}
	joined := events.PeerJoined{RelationRef: events.RelationRef{Endpoint: "peers", ID: 1, App: "app"}, Unit: "app/1"}
	state, err := charmtest.Run(registerBackups, joined, state)
	fmt.Println(state.Deferred[0].Event == joined, state.Deferred[0].Reason, err)

	state, err = charmtest.Run(registerBackups, events.Action{Action: "look"}, state)
	fmt.Print(state.Action.Results["events"], err, "\n")

	state.Storage = []charmtest.Storage{{ID: "data/0", Kind: "filesystem", Location: "/srv"}}
	attached := events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: "data/0", Kind: "filesystem", Location: "/srv"}}
	state, err = charmtest.Run(registerBackups, attached, state)
	fmt.Println(state.Relations[0].Local["backup-of"], len(state.Deferred), err)
	// Output:
	// true waiting for storage <nil>
	// peers-relation-joined for joined: waiting for storage
	// <nil>
	// app/1 0 <nil>
}

// A charm drops what it need not do any more.
func ExampleCharm_ClearDeferred() {
	register := func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, ev events.ConfigChanged) error { return charm.Defer("later") })
		charm.On(c, func(ctx context.Context, ev events.UpgradeCharm) error {
			return c.ClearDeferred(ctx, func(d charm.DeferredEvent) bool { return d.Event == events.ConfigChanged{} })
		})
	}
	state, err := charmtest.Run(register, events.ConfigChanged{}, charmtest.State{Metadata: keeper})
	fmt.Println(len(state.Deferred), err)
	state, err = charmtest.Run(register, events.UpgradeCharm{}, state)
	fmt.Println(len(state.Deferred), err)
	// Output:
	// 1 <nil>
	// 0 <nil>
}
