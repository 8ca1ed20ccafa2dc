// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func related(c *charm.Charm, rel *charmtest.Relation) *relation.Relation {
	return c.Relation(events.RelationChanged{RelationRef: rel.Ref()})
}

func TestSecretGrant(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		site, admin := r.Relate("site", "proxy"), r.Relate("admin", "console")
		site.Join("proxy/0", nil)
		uri := r.add(&charm.SecretOptions{Label: "root"})
		r.must(func(ctx context.Context, c *charm.Charm) error {
			s := c.Secret(uri)
			require.NoError(t, s.Grant(ctx, related(c, site), &charm.GrantOptions{Unit: "proxy/0"}))
			require.NoError(t, s.Grant(ctx, related(c, site), &charm.GrantOptions{Unit: "proxy/0"}), "it is the same")
			return c.SecretByLabel("root").Grant(ctx, related(c, admin), nil)
		})
		assert.Equal(t, []string{"secret-grant", "secret-info-get", "secret-grant"}, r.commands())
		secret := r.Secret("root")
		assert.Equal(t, []string{"console", "proxy/0"}, secret.Info().GrantedTo)

		r.must(func(ctx context.Context, c *charm.Charm) error {
			info, err := c.Secret(uri).Info(ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, []string{"console", "proxy/0"}, info.GrantedTo)
			return c.Secret(uri).Revoke(ctx, related(c, site), &charm.GrantOptions{Unit: "proxy/0"})
		})
		assert.Equal(t, []string{"console"}, secret.Info().GrantedTo)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			return c.Secret(uri).RevokeApplication(ctx, "console")
		})
		assert.Empty(t, secret.Info().GrantedTo)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, c.Secret(uri).Grant(ctx, related(c, site), nil))
			return c.Secret(uri).Revoke(ctx, related(c, site), nil)
		})
		assert.Empty(t, secret.Info().GrantedTo, "what is granted and revoked is revoked")
		r.must(func(ctx context.Context, c *charm.Charm) error {
			added, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "new"})
			require.NoError(t, err)
			return c.Secret(added).Grant(ctx, related(c, site), nil)
		})
		assert.Equal(t, []string{"proxy"}, r.Secret("new").Info().GrantedTo)
	})
}

// Of what Juju would lose without a word, the charm is told.
func TestSecretGrantsThatWouldBeLost(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		site := r.Relate("site", "proxy")
		site.Join("proxy/0", nil)
		site.Join("proxy/1", nil)
		uri := r.add(nil)
		grant := func(ctx context.Context, c *charm.Charm, unit string) error {
			return c.Secret(uri).Grant(ctx, related(c, site), &charm.GrantOptions{Unit: unit})
		}
		revoke := func(ctx context.Context, c *charm.Charm, unit string) error {
			return c.Secret(uri).Revoke(ctx, related(c, site), &charm.GrantOptions{Unit: unit})
		}
		const last, later = "Juju keeps only the last grant over a relation in a hook", "Juju revokes after it grants"
		for _, row := range []struct {
			name, want    string
			first, second secretStep
		}{
			{"two units", "is granted to unit proxy/0 in this hook, and " + last + ", which would be to unit proxy/1",
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "proxy/0") },
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "proxy/1") }},
			{"a unit, then all", "is granted to unit proxy/0 in this hook, and " + last + ", which would be to the application",
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "proxy/0") },
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "") }},
			{"all, then a unit", last,
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "") },
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "proxy/0") }},
			{"revoked", later,
				func(ctx context.Context, c *charm.Charm) error { return revoke(ctx, c, "") },
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "") }},
			{"revoked from all", later,
				func(ctx context.Context, c *charm.Charm) error { return revoke(ctx, c, "") },
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "proxy/0") }},
			{"revoked from the application", later,
				func(ctx context.Context, c *charm.Charm) error { return c.Secret(uri).RevokeApplication(ctx, "proxy") },
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "") }},
			{"granted, revoked, granted", later,
				func(ctx context.Context, c *charm.Charm) error {
					require.NoError(t, grant(ctx, c, "proxy/0"))
					return revoke(ctx, c, "proxy/0")
				},
				func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, "proxy/0") }},
		} {
			var second error
			err := r.do(func(ctx context.Context, c *charm.Charm) error {
				require.NoError(t, row.first(ctx, c), row.name)
				second = row.second(ctx, c)
				return second
			})
			require.ErrorContains(t, second, `cannot grant secret "`+uri.String()+`" over relation "site:`, row.name)
			assert.ErrorContains(t, err, row.want, row.name)
		}
		r.must(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, revoke(ctx, c, "proxy/0"))
			require.NoError(t, grant(ctx, c, "proxy/1"), "another unit")
			return nil
		})
		assert.Equal(t, []string{"proxy/1"}, r.Secret(uri.String()).Info().GrantedTo)
	})
}

// Only units of the relation can have a secret granted over it.
func TestSecretGrantToAUnit(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		r.Relate("site", "proxy").Join("proxy/0", nil)
		uri := r.add(nil)
		for name, change := range map[string]func(*charm.Secret, context.Context, *relation.Relation, *charm.GrantOptions) error{
			"grant": (*charm.Secret).Grant, "revoke": (*charm.Secret).Revoke,
		} {
			err := r.do(func(ctx context.Context, c *charm.Charm) error {
				sites, err := c.Relations(ctx, "site") // which do not say whose they are
				require.NoError(t, err)
				return change(c.Secret(uri), ctx, sites[0], &charm.GrantOptions{Unit: "console/0"})
			})
			assert.ErrorContains(t, err, "cannot "+name+` secret "`+uri.String()+`" over relation "site:1": unit "console/0" is not of the remote application, which is "proxy"`)
			assert.NotContains(t, r.commands(), "secret-"+name)
		}
	})
}

// What only Juju knows of grants.
func TestSecretGrantToTheApplicationAfterUnits(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		site := r.Relate("site", "proxy")
		site.Join("proxy/0", nil)
		uri := r.add(nil)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			return c.Secret(uri).Grant(ctx, related(c, site), &charm.GrantOptions{Unit: "proxy/0"})
		})
		assertSecretError(t, r.do(func(ctx context.Context, c *charm.Charm) error {
			return c.Secret(uri).Grant(ctx, related(c, site), nil)
		}), hookcmd.ErrUnitGrants)
	})
}

func TestSecretGrantOverPeers(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		uri := r.add(nil)
		err := r.do(func(ctx context.Context, c *charm.Charm) error {
			peers, err := c.Peers(ctx, "members")
			require.NoError(t, err)
			return c.Secret(uri).Grant(ctx, peers, nil)
		})
		if opts.JujuVersion == "3.6.26" {
			assert.NoError(t, err)
			return
		}
		assert.ErrorContains(t, err, `over relation "members:0": it is a peer relation, and Juju 4 grants nothing over those`)
		assert.Equal(t, []string{"relation-ids"}, r.commands())
		err = r.do(func(ctx context.Context, c *charm.Charm) error {
			all, err := c.Relations(ctx, "members")
			require.NoError(t, err)
			return c.Secret(uri).Grant(ctx, all[0], nil)
		})
		assert.ErrorContains(t, err, "it is a peer relation")
	})
}

// In the hooks of a relation Juju takes that relation for what is to be revoked.
func TestRevokeApplicationInRelationHook(t *testing.T) {
	t.Parallel()
	r := newSecretRig(t, charmtest.Options{Leader: true})
	uri := r.add(nil)
	r.next = func(ctx context.Context, c *charm.Charm) error { return c.Secret(uri).RevokeApplication(ctx, "proxy") }
	err := r.Try(func() { r.Relate("site", "proxy") })
	assert.ErrorContains(t, err, `cannot revoke secret from application "proxy": Juju takes no application in the hook of a relation; use Revoke`)
}

// Juju loses sight of a secret of which a revision was removed.
func TestSecretAfterRemovalOfARevision(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		site := r.Relate("site", "proxy")
		uri := r.add(nil)
		for _, do := range []func(ctx context.Context, c *charm.Charm) error{
			func(ctx context.Context, c *charm.Charm) error {
				return c.Secret(uri).Grant(ctx, related(c, site), nil)
			},
			func(ctx context.Context, c *charm.Charm) error {
				_, err := c.Secret(uri).As("x").Info(ctx)
				return err
			},
		} {
			err := r.do(func(ctx context.Context, c *charm.Charm) error {
				_, err := c.Secrets(ctx) // without what is known of them
				require.NoError(t, err)
				require.NoError(t, c.Secret(uri).RemoveRevision(ctx, 1))
				return do(ctx, c)
			})
			assert.ErrorContains(t, err, "when a hook has removed a revision of a secret, Juju finds it no more until the next one")
		}
	})
}
