// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// secretChange is something that a charm does with a secret, and what is to be seen of it.
type secretChange struct {
	name string
	do   func(ctx context.Context, c *charm.Charm, s *charm.Secret, revision int) error
	done func(t *testing.T, s *charmtest.Secret, revision int)
}

// secretChanges are all that a charm can do with the secret of newPairRig.
func secretChanges(site, admin *charmtest.Relation) []secretChange {
	return []secretChange{
		{"content", func(ctx context.Context, _ *charm.Charm, s *charm.Secret, _ int) error {
			return s.SetContent(ctx, secretText("password", "new"))
		}, func(t *testing.T, s *charmtest.Secret, _ int) {
			assert.Equal(t, map[string]string{"password": "new"}, s.Content(0))
		}},
		{"info", func(ctx context.Context, _ *charm.Charm, s *charm.Secret, _ int) error {
			return s.SetInfo(ctx, charm.SecretSettings{Description: "new"})
		}, func(t *testing.T, s *charmtest.Secret, _ int) {
			assert.Equal(t, "new", s.Info().Description)
		}},
		{"grant", func(ctx context.Context, c *charm.Charm, s *charm.Secret, _ int) error {
			return s.Grant(ctx, related(c, site), nil)
		}, func(t *testing.T, s *charmtest.Secret, _ int) {
			assert.Contains(t, s.Info().GrantedTo, "proxy")
		}},
		{"revoke", func(ctx context.Context, c *charm.Charm, s *charm.Secret, _ int) error {
			return s.Revoke(ctx, related(c, admin), nil)
		}, func(t *testing.T, s *charmtest.Secret, _ int) {
			assert.NotContains(t, s.Info().GrantedTo, "console")
		}},
		{"revoke application", func(ctx context.Context, _ *charm.Charm, s *charm.Secret, _ int) error {
			return s.RevokeApplication(ctx, "console")
		}, func(t *testing.T, s *charmtest.Secret, _ int) {
			assert.NotContains(t, s.Info().GrantedTo, "console")
		}},
		{"remove revision", func(ctx context.Context, _ *charm.Charm, s *charm.Secret, revision int) error {
			return s.RemoveRevision(ctx, revision)
		}, func(t *testing.T, s *charmtest.Secret, revision int) {
			assert.NotContains(t, s.Info().Revisions, revision)
		}},
		{"remove", func(ctx context.Context, _ *charm.Charm, s *charm.Secret, _ int) error { return s.Remove(ctx) }, nil},
	}
}

// Of all that a charm does with one secret in a hook, nothing is lost without an error:
// Juju itself forgets changes at the removal of a revision, and removals at a change.
func TestPairsOfSecretChanges(t *testing.T) {
	t.Parallel()
	const (
		forgetsChange  = "this hook has added, changed, granted or revoked the secret, which Juju would forget; remove the revision in the next one"
		forgetsRemoval = "this hook has removed revision 1 of it, which Juju would not remove then; change it in the next one"
		gone           = "which this dispatch has removed: secret not found"
	)
	refused := map[[2]string]string{
		{"add", "remove revision"}:                forgetsChange,
		{"content", "remove revision"}:            forgetsChange,
		{"info", "remove revision"}:               forgetsChange,
		{"grant", "remove revision"}:              forgetsChange,
		{"revoke", "remove revision"}:             forgetsChange,
		{"revoke application", "remove revision"}: forgetsChange,
		{"remove revision", "content"}:            forgetsRemoval,
		{"remove revision", "info"}:               forgetsRemoval,
		{"remove revision", "grant"}:              "when a hook has removed a revision of a secret, Juju finds it no more until the next one",
	}
	add := secretChange{"add", func(ctx context.Context, c *charm.Charm, _ *charm.Secret, _ int) error {
		_, err := c.AddSecret(ctx, secretText("password", "added"), &charm.SecretOptions{Label: "added"})
		return err
	}, func(t *testing.T, s *charmtest.Secret, _ int) {
		assert.Equal(t, 1, s.Info().Latest)
	}}
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		for i := range 8 {
			for j := range 7 {
				r := newSecretRig(t, opts)
				site, admin := r.Relate("site", "proxy"), r.Relate("admin", "console")
				changes := secretChanges(site, admin)
				first, second := add, changes[j]
				if i < 7 {
					first = changes[i]
				}
				want := refused[[2]string{first.name, second.name}]
				if first.name == "remove" {
					want = gone
				}
				t.Run(first.name+", "+second.name, func(t *testing.T) { testSecretPair(t, r, admin, first, second, want) })
			}
		}
	})
}

func testSecretPair(t *testing.T, r *secretRig, admin *charmtest.Relation, first, second secretChange, want string) {
	uri := r.add(&charm.SecretOptions{Label: "root"})
	r.must(func(ctx context.Context, c *charm.Charm) error {
		return c.Secret(uri).Grant(ctx, related(c, admin), nil)
	})
	for _, password := range []string{"second", "third"} {
		r.must(func(ctx context.Context, c *charm.Charm) error {
			return c.Secret(uri).SetContent(ctx, secretText("password", password))
		})
	}
	require.Equal(t, []int{1, 2, 3}, r.Secret("root").Info().Revisions)
	label := "root"
	if first.name == "add" {
		label = "added"
	}
	before := r.Secret("root").Info()
	err := r.do(func(ctx context.Context, c *charm.Charm) error {
		require.NoError(t, first.do(ctx, c, c.SecretByLabel(label), 1))
		if first.name == "remove revision" || first.name == "remove" { // which hides it from its label
			return second.do(ctx, c, c.Secret(uri), 2)
		}
		return second.do(ctx, c, c.SecretByLabel(label), 2)
	})
	if want != "" {
		require.ErrorContains(t, err, want)
		assert.Equal(t, before, r.Secret("root").Info(), "the hook has failed")
		assert.Len(t, r.Secrets(), 1)
		return
	}
	require.NoError(t, err)
	if second.name == "remove" {
		for _, s := range r.Secrets() {
			assert.NotEqual(t, label, s.Info().Label)
		}
		return
	}
	first.done(t, r.Secret(label), 1)
	second.done(t, r.Secret(label), 2)
}

// What a deferred event's handler has added is removed if it fails, whatever else it did
// with it, and is in nobody's way.
func TestChangedSecretsAreWithdrawn(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		opts.Metadata = secretCharm
		h := charmtest.New(t, func(c *charm.Charm) {
			c.EnableDefer()
			charm.On(c, func(ctx context.Context, _ events.Start) error {
				if _, again := charm.Deferred(ctx); !again {
					_, err := c.AddSecret(ctx, secretText("password", "first"), &charm.SecretOptions{Label: "root"})
					return errors.Join(err, charm.Defer("later"))
				}
				uri, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "late"})
				require.NoError(t, err)
				late := c.Secret(uri)
				require.NoError(t, late.SetContent(ctx, secretText("password", "y")))
				require.NoError(t, late.SetInfo(ctx, charm.SecretSettings{Description: "late"}))
				sites, err := c.Relations(ctx, "site")
				require.NoError(t, err)
				require.NoError(t, late.Grant(ctx, sites[0], nil))
				return errors.New("not yet")
			})
			charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
				return c.SecretByLabel("root").SetContent(ctx, secretText("password", "second"))
			})
			charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
				return c.SecretByLabel("root").RemoveRevision(ctx, 1)
			})
		}, &opts)
		h.Relate("site", "proxy")
		h.Emit(events.Start{})
		h.Emit(events.ConfigChanged{})
		h.Emit(events.UpdateStatus{})
		require.Len(t, h.Deferred(), 1)
		require.Len(t, h.Secrets(), 1)
		assert.Equal(t, []int{2}, h.Secret("root").Info().Revisions)
	})
}
