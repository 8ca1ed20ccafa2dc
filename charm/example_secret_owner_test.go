// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const rootURI = "secret:9m4e2mr0ui3e8a215n4g"

func rootSecret() charmtest.SecretState {
	return charmtest.SecretState{
		URI: rootURI, Owner: "database", Label: "root", Tracked: 1, GrantedTo: []string{"shop"},
		Revisions: map[int]map[string]string{1: {"password": "1"}, 2: {"password": "2"}},
	}
}

// runDatabase runs one event of the leader of a charm that owns the secret "root".
func runDatabase(handle func(ctx context.Context, root *charm.Secret) error) (charmtest.State, error) {
	return charmtest.Run(func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			return handle(ctx, c.SecretByLabel("root"))
		})
	}, events.UpdateStatus{}, charmtest.State{
		Metadata: databaseMetadata, Leader: true,
		Relations: []charmtest.RelationState{{Endpoint: "clients", ID: 1, App: "shop"}},
		Secrets:   []charmtest.SecretState{rootSecret()},
	})
}

// The latest revision is tried before the unit changes over to it.
func ExampleSecret_Peek() {
	state, err := runDatabase(func(ctx context.Context, root *charm.Secret) error {
		tracked, err := root.Get(ctx)
		if err != nil {
			return err
		}
		latest, err := root.Peek(ctx)
		if err != nil {
			return err
		}
		fmt.Println(tracked["password"].Reveal(), latest["password"].Reveal())
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tracks revision", state.Secrets[0].Tracked)
	// Output:
	// 1 2
	// tracks revision 1
}

func ExampleSecret_SetInfo() {
	state, err := runDatabase(func(ctx context.Context, root *charm.Secret) error {
		return root.SetInfo(ctx, charm.SecretSettings{Description: "of the administrator", Rotate: charm.RotateMonthly})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	secret := state.Secrets[0]
	fmt.Println(secret.Label, secret.Description, secret.Rotate, len(secret.Revisions))
	// Output: root of the administrator monthly 2
}

func ExampleSecret_RevokeApplication() {
	state, err := runDatabase(func(ctx context.Context, root *charm.Secret) error {
		return root.RevokeApplication(ctx, "shop")
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("granted to", len(state.Secrets[0].GrantedTo))
	// Output: granted to 0
}

// Rotation by hand: a new revision when Juju asks for one, and the old one removed
// when all who read it have the new one; [charm.RemoveObsoleteSecrets] does the
// latter by itself.
func ExampleSecret_RemoveRevision() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.SecretRotate) error {
			return c.SecretOf(ev).SetContent(ctx, newPassword("3"))
		})
		charm.On(c, func(ctx context.Context, ev events.SecretRemove) error {
			return c.SecretOf(ev).RemoveRevision(ctx, ev.Revision)
		})
	}
	secret := rootSecret()
	secret.Rotate = "monthly"
	secret.Revisions = map[int]map[string]string{2: {"password": "2"}}
	secret.GrantedTo, secret.Tracked = nil, 0
	ref := events.SecretRef{ID: rootURI, Label: "root"}
	state, err := charmtest.Run(register, events.SecretRotate{SecretRef: ref}, charmtest.State{
		Metadata: databaseMetadata, Leader: true, Secrets: []charmtest.SecretState{secret},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state.Secrets[0].Revisions)

	state, err = charmtest.Run(register, events.SecretRemove{SecretRef: ref, Revision: 2}, state)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state.Secrets[0].Revisions)
	// Output:
	// map[2:map[password:2] 3:map[password:3]]
	// map[3:map[password:3]]
}
