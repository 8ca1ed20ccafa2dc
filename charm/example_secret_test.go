// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const databaseMetadata = `
type: charm
name: database
summary: A charm for examples.
description: It gives each client a password, which changes every month.
provides: {clients: {interface: sql}}
`

type database struct{ *charm.Charm }

func registerDatabase(c *charm.Charm) {
	p := &database{c}
	charm.OnRelation(c, "clients", p.addClient)
	charm.OnSecret(c, "root", p.rotate)
	charm.RemoveObsoleteSecrets(c)
}

// addClient lets a client read the password, which the first one has made.
func (p *database) addClient(ctx context.Context, ev events.RelationCreated) error {
	leader, err := p.IsLeader(ctx)
	if err != nil || !leader {
		return err
	}
	uri, err := p.SecretByLabel("root").URI(ctx)
	if errors.Is(err, hookcmd.ErrSecretNotFound) {
		uri, err = p.AddSecret(ctx, newPassword("1"), &charm.SecretOptions{Label: "root", Rotate: charm.RotateMonthly})
	}
	if err != nil {
		return err
	}
	rel := p.Relation(ev)
	if err := p.Secret(uri).Grant(ctx, rel, nil); err != nil {
		return err
	}
	return rel.LocalApp().Set(ctx, "password", uri.String())
}

func (p *database) rotate(ctx context.Context, ev events.SecretRotate) error {
	return p.SecretOf(ev).SetContent(ctx, newPassword("2"))
}

func newPassword(text string) map[string]charm.SecretValue {
	return map[string]charm.SecretValue{"password": charm.NewSecretValue(text)}
}

// A charm that owns a secret: it is added once, granted to each client, and changed
// when Juju asks for it.
func ExampleCharm_AddSecret() {
	client := events.RelationRef{Endpoint: "clients", ID: 1, App: "shop"}
	state, err := charmtest.Run(registerDatabase, events.RelationCreated{RelationRef: client}, charmtest.State{
		Metadata: databaseMetadata, Leader: true,
		Relations: []charmtest.RelationState{{Endpoint: "clients", ID: 1, App: "shop"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	secret := state.Secrets[0]
	fmt.Println("the databag has the URI:", state.Relations[0].LocalApp["password"] == secret.URI)
	fmt.Println(secret.Label, secret.Rotate, secret.GrantedTo, secret.Revisions)

	rotate := events.SecretRotate{SecretRef: events.SecretRef{ID: secret.URI, Label: "root"}}
	state, err = charmtest.Run(registerDatabase, rotate, state)
	fmt.Println(state.Secrets[0].Revisions, err)
	// Output:
	// the databag has the URI: true
	// root monthly [shop] map[1:map[password:1]]
	// map[1:map[password:1] 2:map[password:2]] <nil>
}

const shopMetadata = `
type: charm
name: shop
summary: A charm for examples.
description: It uses a database.
requires: {db: {interface: sql}}
`

type shop struct{ *charm.Charm }

func registerShop(c *charm.Charm) {
	p := &shop{c}
	charm.OnRelation(c, "db", p.dbChanged)
	charm.OnSecret(c, "db", p.passwordChanged)
}

// dbChanged reads the password that the database tells of, and labels it.
func (p *shop) dbChanged(ctx context.Context, ev events.RelationChanged) error {
	text, err := p.Relation(ev).RemoteApp().Get(ctx, "password")
	if err != nil || text == "" {
		return err // not there yet: it comes with the next change
	}
	uri, err := charm.ParseSecretURI(text)
	if err != nil {
		return err
	}
	return p.connect(p.Secret(uri).As("db").Get(ctx))
}

func (p *shop) passwordChanged(ctx context.Context, ev events.SecretChanged) error {
	return p.connect(p.SecretOf(ev).Refresh(ctx))
}

func (p *shop) connect(content map[string]charm.SecretValue, err error) error {
	if err != nil {
		return err
	}
	fmt.Println("password:", content["password"], "of", len(content["password"].Reveal()), "bytes")
	return nil
}

// A charm that reads the secret of another application, and takes each new revision.
func ExampleCharm_Secret() {
	const uri = "secret:9m4e2mr0ui3e8a215n4g"
	db := charmtest.RelationState{Endpoint: "db", ID: 1, App: "database", RemoteApp: map[string]string{"password": uri}, Units: map[string]map[string]string{"database/0": nil}}
	state, err := charmtest.Run(registerShop, events.RelationChanged{RelationRef: events.RelationRef{Endpoint: "db", ID: 1, App: "database"}}, charmtest.State{
		Metadata:  shopMetadata,
		Relations: []charmtest.RelationState{db},
		Secrets:   []charmtest.SecretState{{URI: uri, Owner: "database", Revisions: map[int]map[string]string{1: {"password": "first"}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tracks revision", state.Secrets[0].Tracked)

	state.Secrets[0].Revisions[2] = map[string]string{"password": "the second"}
	state, err = charmtest.Run(registerShop, events.SecretChanged{SecretRef: events.SecretRef{ID: uri, Label: "db"}}, state)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tracks revision", state.Secrets[0].Tracked)
	// Output:
	// password: [redacted] of 5 bytes
	// tracks revision 1
	// password: [redacted] of 10 bytes
	// tracks revision 2
}

// One secret, in the forms in which a charm meets it.
func ExampleSecretURI_Equal() {
	a, _ := charm.ParseSecretURI("9m4e2mr0ui3e8a215n4g")
	b, _ := charm.ParseSecretURI("secret://deadbeef-0bad-400d-8000-4b1d0d06f00d/9m4e2mr0ui3e8a215n4g")
	fmt.Println(a, b.ID(), a.Equal(b))
	// Output: secret:9m4e2mr0ui3e8a215n4g 9m4e2mr0ui3e8a215n4g true
}
