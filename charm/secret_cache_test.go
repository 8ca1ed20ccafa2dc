// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// What was read once is read again only if the dispatch has changed it.
func TestWhatIsKnownOfSecrets(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		var uris []charm.SecretURI
		for range 6 {
			uris = append(uris, r.add(nil))
		}
		root := r.add(&charm.SecretOptions{Label: "root"})
		site, admin := r.Relate("site", "proxy"), r.Relate("admin", "console")
		r.must(func(ctx context.Context, c *charm.Charm) error {
			own, err := c.Secrets(ctx)
			require.NoError(t, err)
			assert.Equal(t, append(slices.Clone(uris), root), own, "in order, which Juju's are not in")
			added, err := c.AddSecret(ctx, secretText("password", "x"), nil)
			require.NoError(t, err)
			own, err = c.Secrets(ctx)
			require.NoError(t, err)
			assert.Contains(t, own, added)
			return nil
		})
		assert.Equal(t, []string{"secret-ids", "secret-add", "secret-ids"}, r.commands())

		r.must(func(ctx context.Context, c *charm.Charm) error {
			s := c.SecretByLabel("root")
			for range 2 {
				_, err := s.Info(ctx)
				require.NoError(t, err)
			}
			require.NoError(t, s.SetInfo(ctx, charm.SecretSettings{Label: "root", Description: "new"}), "its own label")
			for range 2 {
				info, err := s.Info(ctx)
				require.NoError(t, err)
				assert.Equal(t, "new", info.Description)
			}
			return nil
		})
		assert.Equal(t, []string{"secret-info-get", "secret-set", "secret-info-get"}, r.commands())

		r.must(func(ctx context.Context, c *charm.Charm) error { // an owner's label, given by reading
			_, err := c.SecretByLabel("renamed").URI(ctx)
			require.Error(t, err)
			_, err = c.Secret(root).Info(ctx)
			require.NoError(t, err)
			_, err = c.Secret(root).As("renamed").Get(ctx)
			require.NoError(t, err)
			uri, err := c.SecretByLabel("renamed").URI(ctx)
			require.NoError(t, err)
			assert.Equal(t, root, uri)
			info, err := c.Secret(root).Info(ctx)
			require.NoError(t, err)
			assert.Equal(t, "renamed", info.Label)
			return nil
		})

		r.must(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, c.Secret(root).Revoke(ctx, related(c, site), nil))
			return c.Secret(root).Grant(ctx, related(c, admin), nil)
		})
		assert.Equal(t, []string{"console"}, r.Secret("renamed").Info().GrantedTo)
	})
}
