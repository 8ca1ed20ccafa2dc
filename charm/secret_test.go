// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// An own secret from its beginning to its end, with what each step costs.
func TestOwnSecret(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		expire := r.Now().Add(1000 * time.Hour)
		binary := "\x00\xff\xfe\n\u0085 \u2028" + strings.Repeat("x", 70)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			uri, err := c.AddSecret(ctx, secretText("password", "first", "a-b2c", binary, "empty", ""), &charm.SecretOptions{
				Label: "root", Description: "the -root", Rotate: charm.RotateMonthly, Expire: expire,
			})
			require.NoError(t, err)
			for _, same := range []*charm.Secret{c.Secret(uri), c.SecretByLabel("root")} {
				content, err := same.Get(ctx)
				require.NoError(t, err)
				assert.Equal(t, []string{"a-b2c", "empty", "password"}, slices.Sorted(maps.Keys(content)))
				assert.Equal(t, binary, content["a-b2c"].Reveal())
				assert.Empty(t, content["empty"].Reveal())
			}
			return nil
		})
		secret := r.Secret("root")
		assert.Equal(t, binary, secret.Content(1)["a-b2c"])
		assert.Equal(t, "vault", secret.Info().Owner)

		var uri charm.SecretURI
		r.must(func(ctx context.Context, c *charm.Charm) error {
			root := c.SecretByLabel("root")
			var err error
			uri, err = root.URI(ctx)
			require.NoError(t, err)
			info, err := root.Info(ctx)
			require.NoError(t, err)
			assert.True(t, expire.Equal(info.Expire))
			assert.False(t, info.NextRotate.IsZero())
			info.Expire, info.NextRotate = time.Time{}, time.Time{}
			assert.Equal(t, charm.SecretInfo{
				URI: uri, Revision: 1, Owner: charm.SecretOwnedByApplication, Label: "root", Description: "the -root", Rotate: charm.RotateMonthly,
			}, info)
			_, err = c.Secret(uri).Info(ctx)
			require.NoError(t, err)
			return root.SetContent(ctx, secretText("password", "second"))
		})
		assert.Equal(t, secret.URI(), uri.String())
		assert.Equal(t, []string{"secret-info-get", "secret-set"}, r.commands())
		assert.Equal(t, map[string]string{"password": "second"}, secret.Content(0))

		r.must(func(ctx context.Context, c *charm.Charm) error {
			own, err := c.Secrets(ctx)
			require.NoError(t, err)
			assert.Equal(t, []charm.SecretURI{uri}, own)
			again, err := c.Secrets(ctx)
			require.NoError(t, err)
			require.Equal(t, own, again)
			return c.Secret(own[0]).SetInfo(ctx, charm.SecretSettings{Label: "admin", Rotate: charm.RotateNever, Description: "renamed"})
		})
		assert.Equal(t, []string{"secret-ids", "secret-info-get", "secret-set"}, r.commands(), "whether the label is free")
		assert.Equal(t, "admin", secret.Info().Label)
		assert.Equal(t, "renamed", secret.Info().Description)
		assert.Equal(t, "never", secret.Info().Rotate)
		assert.Equal(t, 2, secret.Info().Latest, "no new revision")

		r.must(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, c.Secret(uri).SetInfo(ctx, charm.SecretSettings{}))
			return c.Secret(uri).RemoveRevision(ctx, 1)
		})
		assert.Equal(t, []string{"secret-info-get", "secret-remove"}, r.commands())
		assert.Equal(t, []int{2}, secret.Info().Revisions)

		r.must(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, c.SecretByLabel("admin").Remove(ctx))
			for _, gone := range []*charm.Secret{c.Secret(uri), c.SecretByLabel("admin")} {
				_, err := gone.Get(ctx)
				require.ErrorIs(t, err, hookcmd.ErrSecretNotFound)
				require.ErrorIs(t, gone.SetContent(ctx, secretText("password", "third")), hookcmd.ErrSecretNotFound, "it would be back")
			}
			return nil
		})
		assert.Equal(t, []string{"secret-info-get", "secret-remove"}, r.commands())
		assert.Empty(t, r.Secrets())
	})
}

// What a unit reads depends on the revision it tracks, and on nothing that a handle
// remembers.
func TestHandlesNeverDiffer(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		uri := r.add(&charm.SecretOptions{Label: "root"})
		r.must(func(ctx context.Context, c *charm.Charm) error {
			handles := []*charm.Secret{c.Secret(uri), c.SecretByLabel("root"), c.Secret(uri)}
			all := func(want string, read func(*charm.Secret) (map[string]charm.SecretValue, error)) {
				t.Helper()
				for _, handle := range handles {
					assert.Equal(t, want, passwordOf(read(handle)))
				}
			}
			get := func(s *charm.Secret) (map[string]charm.SecretValue, error) { return s.Get(ctx) }
			peek := func(s *charm.Secret) (map[string]charm.SecretValue, error) { return s.Peek(ctx) }
			all("first", get)
			require.NoError(t, handles[0].SetContent(ctx, secretText("password", "second")))
			all("first", get)
			all("second", peek)
			content, err := handles[2].Get(ctx)
			require.NoError(t, err)
			clear(content)
			all("first", get)
			return nil
		})
		r.must(func(ctx context.Context, c *charm.Charm) error {
			a, b := c.Secret(uri), c.SecretByLabel("root")
			assert.Equal(t, "first", passwordOf(a.Get(ctx)))
			assert.Equal(t, "second", passwordOf(b.Refresh(ctx)))
			assert.Equal(t, "second", passwordOf(a.Get(ctx)))
			assert.Equal(t, "second", passwordOf(b.Get(ctx)))
			return nil
		})
		assert.Equal(t, []string{"secret-get", "secret-get", "secret-get", "secret-get"}, r.commands())
	})
}

// A secret of another application, which this unit labels.
func TestSecretOfOthers(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		db := r.Relate("db", "postgresql")
		secret := db.AddSecret(map[string]string{"password": "one"})
		uri, err := charm.ParseSecretURI(secret.URI())
		require.NoError(t, err)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			labelled := c.Secret(uri).As("db")
			assert.Equal(t, "one", passwordOf(labelled.Get(ctx)))
			assert.Equal(t, "one", passwordOf(c.SecretByLabel("db").Get(ctx)))
			assert.Equal(t, "one", passwordOf(labelled.Get(ctx)))
			return nil
		})
		assert.Equal(t, 1, secret.Tracked(r.Unit()))
		r.next = func(ctx context.Context, c *charm.Charm) error {
			assert.Equal(t, "one", passwordOf(c.SecretByLabel("db").Get(ctx)))
			assert.Equal(t, "two", passwordOf(c.SecretByLabel("db").Peek(ctx)))
			assert.Equal(t, "one", passwordOf(c.Secret(uri).Get(ctx)))
			assert.Equal(t, "two", passwordOf(c.SecretByLabel("db").Refresh(ctx)))
			assert.Equal(t, "two", passwordOf(c.Secret(uri).Get(ctx)))
			return nil
		}
		secret.SetContent(map[string]string{"password": "two"})
		assert.Equal(t, 2, secret.Tracked(r.Unit()))
		assert.Contains(t, r.Calls()[len(r.Calls())-1].String(), "secret-get")

		for name, change := range map[string]func(ctx context.Context, s *charm.Secret) error{
			"set": func(ctx context.Context, s *charm.Secret) error {
				return s.SetContent(ctx, secretText("password", "x"))
			},
			"set info": func(ctx context.Context, s *charm.Secret) error {
				return s.SetInfo(ctx, charm.SecretSettings{Label: "x"})
			},
			"info":            func(ctx context.Context, s *charm.Secret) error { _, err := s.Info(ctx); return err },
			"remove":          func(ctx context.Context, s *charm.Secret) error { return s.Remove(ctx) },
			"remove revision": func(ctx context.Context, s *charm.Secret) error { return s.RemoveRevision(ctx, 1) },
		} {
			for _, byLabel := range []bool{false, true} {
				err := r.do(func(ctx context.Context, c *charm.Charm) error {
					s := c.Secret(uri)
					if byLabel {
						s = c.SecretByLabel("db")
					}
					return change(ctx, s)
				})
				assertSecretError(t, err, hookcmd.ErrSecretNotFound)
				assert.False(t, errors.Is(err, hookcmd.ErrNotLeader), "%s: the unit leads: %v", name, err)
				assert.Equal(t, []string{"secret-info-get", "is-leader"}, r.commands(), "%s, by label %t", name, byLabel)
			}
		}
		secret.Revoke("vault")
		assertSecretError(t, r.do(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.Secret(uri).Get(ctx)
			return err
		}), hookcmd.ErrPermission)
		assertSecretError(t, r.do(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.SecretByLabel("none").Get(ctx)
			return err
		}), hookcmd.ErrSecretNotFound)
	})
}

// What a unit that does not lead can do with its application's secrets: read them.
func TestSecretOfTheApplicationOnOthersThanTheLeader(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		uri := r.add(&charm.SecretOptions{Label: "root"})
		site := r.Relate("site", "proxy")
		r.SetLeader(false)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			assert.Equal(t, "first", passwordOf(c.SecretByLabel("root").Get(ctx)))
			assert.Equal(t, "first", passwordOf(c.Secret(uri).Peek(ctx)))
			return nil
		})
		for name, change := range map[string]func(ctx context.Context, c *charm.Charm, s *charm.Secret) error{
			"set": func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
				return s.SetContent(ctx, secretText("password", "x"))
			},
			"info":   func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error { _, err := s.Info(ctx); return err },
			"remove": func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error { return s.Remove(ctx) },
			"revoke": func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
				return s.Revoke(ctx, c.Relation(events.RelationChanged{RelationRef: site.Ref()}), nil)
			},
			"grant": func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
				return s.Grant(ctx, c.Relation(events.RelationChanged{RelationRef: site.Ref()}), nil)
			},
		} {
			for _, byLabel := range []bool{false, true} {
				err := r.do(func(ctx context.Context, c *charm.Charm) error {
					if byLabel {
						return change(ctx, c, c.SecretByLabel("root"))
					}
					return change(ctx, c, c.Secret(uri))
				})
				assertSecretError(t, err, hookcmd.ErrSecretNotFound, hookcmd.ErrNotLeader)
				assert.Contains(t, err.Error(), "is for the leader", "%s, by label %t", name, byLabel)
			}
		}
		assertSecretError(t, r.do(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.AddSecret(ctx, secretText("password", "x"), nil)
			return err
		}), hookcmd.ErrNotLeader)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Owner: charm.SecretOwnedByUnit, Label: "mine"})
			return err
		})
		assert.Equal(t, r.Unit(), r.Secret("mine").Info().Owner)
	})
}

// A label that is taken fails when a secret is to have it, not when the hook ends.
func TestSecretLabelsAreUnique(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		r.add(&charm.SecretOptions{Label: "root"})
		other := r.add(&charm.SecretOptions{Label: "other"})
		for _, change := range []secretStep{
			func(ctx context.Context, c *charm.Charm) error {
				_, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "root"})
				return err
			},
			func(ctx context.Context, c *charm.Charm) error {
				return c.Secret(other).SetInfo(ctx, charm.SecretSettings{Label: "root"})
			},
			func(ctx context.Context, c *charm.Charm) error {
				if _, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "new"}); err != nil {
					return err
				}
				_, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "new"})
				return err
			},
		} {
			err := r.do(change)
			assertSecretError(t, err, hookcmd.ErrSecretExists)
			assert.ErrorContains(t, err, `label "`)
		}
		r.must(func(ctx context.Context, c *charm.Charm) error { // find or add, in two hook commands
			_, err := c.SecretByLabel("new").Info(ctx)
			require.ErrorIs(t, err, hookcmd.ErrSecretNotFound)
			_, err = c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "new"})
			require.NoError(t, err)
			return c.SecretByLabel("new").SetInfo(ctx, charm.SecretSettings{Label: "newer"})
		})
		assert.Equal(t, []string{"secret-info-get", "is-leader", "secret-add", "secret-info-get", "secret-set"}, r.commands())
		assert.Equal(t, 1, r.Secret("newer").Info().Latest)
	})
}

// A secret of another model is found by its full URI only; of this model, both do.
func TestSecretOfAnotherModel(t *testing.T) {
	t.Parallel()
	const elsewhere = "11111111-2222-3333-4444-555555555555"
	full := "secret://" + elsewhere + "/" + secretID
	var read []string
	register := func(c *charm.Charm) {
		charm.OnRelation(c, "db", func(ctx context.Context, ev events.RelationChanged) error {
			text, err := c.Relation(ev).RemoteApp().Get(ctx, "password")
			require.NoError(t, err)
			uri, err := charm.ParseSecretURI(text)
			require.NoError(t, err)
			handle, err := c.Secret(uri).URI(ctx)
			require.NoError(t, err)
			read = append(read, handle.String()+" "+passwordOf(c.Secret(uri).Get(ctx)))
			return nil
		})
	}
	for model, row := range map[string]struct{ told, used string }{
		elsewhere: {full, full},
		"":        {"secret://" + secretModel + "/" + secretID, "secret:" + secretID},
	} {
		read = nil
		state, err := charmtest.Run(register, events.RelationChanged{RelationRef: events.RelationRef{Endpoint: "db", ID: 1, App: "postgresql"}}, charmtest.State{
			Metadata: secretCharm, ModelUUID: secretModel,
			Relations: []charmtest.RelationState{{
				Endpoint: "db", ID: 1, App: "postgresql", Model: model, RemoteApp: map[string]string{"password": row.told}, Units: map[string]map[string]string{"postgresql/0": nil},
			}},
			Secrets: []charmtest.SecretState{{URI: "secret:" + secretID, Owner: "postgresql", Revisions: map[int]map[string]string{1: {"password": "one"}}}},
		})
		require.NoError(t, err)
		assert.Equal(t, []string{row.used + " one"}, read)
		assert.Contains(t, fmt.Sprint(state.Calls), "-- "+row.used)
	}
}
