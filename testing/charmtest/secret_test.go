// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// readSecret returns one key of a secret.
func readSecret(ctx context.Context, c *charm.Charm, uri, key string) (string, error) {
	content, err := c.HookCommands().SecretGet(ctx, hookcmd.SecretLookup{ID: uri}, hookcmd.SecretTracked)
	if err != nil {
		return "", err
	}
	return content[key].Reveal(), nil
}

func content(password string) map[string]hookcmd.SecretValue {
	return map[string]hookcmd.SecretValue{"password": hookcmd.NewSecretValue(password)}
}

// owner is a charm that owns a secret, which it grants, rotates and cleans up.
func owner(seen *diary) func(c *charm.Charm) {
	return func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, ev events.RelationCreated) error {
			uri, err := c.HookCommands().SecretAdd(ctx, content("first"), &hookcmd.SecretSettings{Label: "root", Rotate: "daily"})
			if err != nil {
				return err
			}
			rel := hookcmd.RelationID{Endpoint: ev.Endpoint, ID: ev.ID}
			if err := c.HookCommands().SecretGrant(ctx, uri, rel, ""); err != nil {
				return err
			}
			return c.Relation(ev).Local().Set(ctx, "credentials", uri)
		})
		charm.OnSecret(c, "root", func(ctx context.Context, ev events.SecretRotate) error {
			return c.HookCommands().SecretSet(ctx, ev.ID, content("rotated"), nil)
		})
		charm.OnSecret(c, "root", func(ctx context.Context, ev events.SecretRemove) error {
			return c.HookCommands().SecretRemove(ctx, ev.ID, ev.Revision)
		})
	}
}

// The life of a secret that the charm owns: granted, rotated in time, and an old
// revision that nobody reads any more removed.
func TestOwnedSecret(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, owner(&seen), &charmtest.Options{Metadata: magpie, Leader: true})
	site := h.Relate("website", "proxy")
	secret := h.Secret("root")
	assert.Equal(t, secret.URI(), site.Local()["credentials"])
	info := secret.Info()
	assert.Equal(t, []string{"proxy"}, info.GrantedTo)
	assert.Equal(t, "magpie", info.Owner)
	assert.Equal(t, "daily", info.Rotate)

	site.Join("proxy/0", nil)
	assert.Equal(t, map[string]string{"password": "first"}, secret.ReadBy("proxy/0"))
	seen.take(h.Unit())

	h.Advance(25 * time.Hour)
	assert.Equal(t, []string{"secret-rotate"}, seen.names(h.Unit()))
	assert.Equal(t, map[string]string{"password": "rotated"}, secret.Content(0))
	assert.Equal(t, map[string]string{"password": "first"}, secret.Content(1))
	assert.Equal(t, 1, secret.Tracked("proxy/0"))

	secret.ReadBy("proxy/0") // the latest from now on, so nobody reads the first any more
	assert.Equal(t, []events.Event{events.SecretRemove{SecretRef: events.SecretRef{ID: secret.URI(), Label: "root"}, Revision: 1}}, seen.take(h.Unit()))
	assert.Equal(t, []int{2}, secret.Info().Revisions)
	assert.Equal(t, "rotated", secret.Content(2)["password"])
}

func TestSecretExpires(t *testing.T) {
	t.Parallel()
	var expired events.SecretExpired
	var h *charmtest.Harness
	h = charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			_, err := c.HookCommands().SecretAdd(ctx, content("a"), &hookcmd.SecretSettings{Owner: hookcmd.SecretOwnedByUnit, Expire: h.Now().Add(time.Hour)})
			return err
		})
		charm.On(c, func(ctx context.Context, ev events.SecretExpired) error {
			expired = ev
			return c.HookCommands().SecretRemove(ctx, ev.ID, ev.Revision)
		})
	}, &charmtest.Options{Metadata: magpie})
	h.Emit(events.Start{})
	require.Len(t, h.Secrets(), 1)
	secret := h.Secrets()[0]
	assert.Equal(t, h.Now().Add(time.Hour), secret.Info().Expire)

	h.Advance(59 * time.Minute)
	assert.Zero(t, expired)
	h.Advance(2 * time.Minute)
	assert.Equal(t, events.SecretExpired{SecretRef: events.SecretRef{ID: secret.URI()}, Revision: 1}, expired)
	assert.Empty(t, h.Secrets(), "its only revision is removed")
}

// follow is a charm that reads a secret of which its config or a databag tells,
// and takes each new revision.
func follow(passwords *[]string) func(c *charm.Charm) {
	return func(c *charm.Charm) {
		read := func(ctx context.Context, lookup hookcmd.SecretLookup, mode hookcmd.SecretGetMode) error {
			content, err := c.HookCommands().SecretGet(ctx, lookup, mode)
			*passwords = append(*passwords, content["password"].Reveal())
			return err
		}
		charm.On(c, func(ctx context.Context, ev events.RelationChanged) error {
			uri, err := c.Relation(ev).RemoteApp().Get(ctx, "credentials")
			if err != nil || uri == "" {
				return err
			}
			return read(ctx, hookcmd.SecretLookup{ID: uri, Label: "db"}, hookcmd.SecretTracked)
		})
		charm.OnSecret(c, "db", func(ctx context.Context, ev events.SecretChanged) error {
			return read(ctx, hookcmd.SecretLookup{Label: ev.Label}, hookcmd.SecretRefresh)
		})
	}
}

// A secret that a remote application owns.
func TestConsumedSecret(t *testing.T) {
	t.Parallel()
	var passwords []string
	h := charmtest.New(t, follow(&passwords), &charmtest.Options{Metadata: magpie})
	db := h.Relate("db", "postgresql")
	secret := db.AddSecret(map[string]string{"password": "one"})
	db.UpdateApp(map[string]string{"credentials": secret.URI()})
	assert.Equal(t, []string{"one"}, passwords)
	assert.Equal(t, 1, secret.Tracked(h.Unit()))

	secret.SetContent(map[string]string{"password": "two"})
	assert.Equal(t, []string{"one", "two"}, passwords)
	assert.Equal(t, 2, secret.Tracked(h.Unit()))

	secret.SetContent(map[string]string{"password": "two"}) // nothing new: no event
	assert.Equal(t, []string{"one", "two"}, passwords)
}

// A secret that is not granted, or not any more, cannot be read.
func TestRevokedSecret(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			_, err := c.HookCommands().SecretGet(ctx, hookcmd.SecretLookup{ID: "secret:" + "d000000000000000001" + "0"}, hookcmd.SecretTracked)
			return err
		})
	}, &charmtest.Options{Metadata: magpie})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), hookcmd.ErrSecretNotFound)

	secret := h.AddUserSecret("token", map[string]string{"password": "x"})
	require.Equal(t, "secret:d0000000000000000010", secret.URI())
	h.Emit(events.UpdateStatus{})
	secret.Revoke("magpie")
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), hookcmd.ErrPermission)
	secret.Grant("magpie")
	h.Emit(events.UpdateStatus{})
	secret.Remove(0)
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), hookcmd.ErrSecretNotFound)
}

// What a hook does with secrets is dropped if it fails.
func TestSecretOfAFailedHook(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, err := c.HookCommands().SecretAdd(ctx, content("a"), nil); err != nil {
				return err
			}
			return assert.AnError
		})
	}, &charmtest.Options{Metadata: magpie, Leader: true})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.Start{}) }), assert.AnError)
	assert.Empty(t, h.Secrets())
}
