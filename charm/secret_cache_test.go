// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
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
			assert.ElementsMatch(t, append(slices.Clone(uris), root, added), own)
			assert.True(t, slices.IsSortedFunc(own, func(a, b charm.SecretURI) int { return strings.Compare(a.ID(), b.ID()) }))
			return nil
		})
		assert.Equal(t, []string{"secret-ids", "secret-add"}, r.commands())

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

// What a secret says is asked for once, and again only if the dispatch may have changed
// what is read.
func TestSecretsAreReadOnce(t *testing.T) {
	t.Parallel()
	type read = func(ctx context.Context, s *charm.Secret) (map[string]charm.SecretValue, error)
	get := func(ctx context.Context, s *charm.Secret) (map[string]charm.SecretValue, error) { return s.Get(ctx) }
	peek := func(ctx context.Context, s *charm.Secret) (map[string]charm.SecretValue, error) { return s.Peek(ctx) }
	refresh := func(ctx context.Context, s *charm.Secret) (map[string]charm.SecretValue, error) {
		return s.Refresh(ctx)
	}
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		root := r.add(&charm.SecretOptions{Label: "root"})
		other := r.add(&charm.SecretOptions{Label: "other"})
		site := r.Relate("site", "proxy")
		r.must(func(ctx context.Context, c *charm.Charm) error { // a second revision, which is not tracked
			if _, err := c.Secret(root).Get(ctx); err != nil {
				return err
			}
			return c.Secret(root).SetContent(ctx, secretText("password", "second"))
		})
		asked := func(do func(ctx context.Context, c *charm.Charm, reads func(want string, s *charm.Secret, how read))) (lines []string) {
			t.Helper()
			r.must(func(ctx context.Context, c *charm.Charm) error {
				do(ctx, c, func(want string, s *charm.Secret, how read) {
					t.Helper()
					assert.Equal(t, want, passwordOf(how(ctx, s)))
				})
				return nil
			})
			for _, call := range r.Calls("secret-get") {
				lines = append(lines, strings.NewReplacer(root.String(), "ROOT", other.String(), "OTHER", "secret-get --format=json ", "").Replace(call.String()))
			}
			return lines
		}

		assert.Equal(t, []string{"-- ROOT", "--peek -- ROOT", "--label=root"}, asked(func(ctx context.Context, c *charm.Charm, reads func(string, *charm.Secret, read)) {
			for range 3 {
				reads("first", c.Secret(root), get)
				reads("second", c.Secret(root), peek)
				reads("first", c.SecretByLabel("root"), get)
			}
		}), "each request once, by whatever handle")

		assert.Equal(t, []string{"-- ROOT"}, asked(func(ctx context.Context, c *charm.Charm, reads func(string, *charm.Secret, read)) {
			for range 2 {
				content, err := c.Secret(root).Get(ctx)
				require.NoError(t, err)
				assert.Equal(t, "first", content["password"].Reveal())
				content["password"] = charm.NewSecretValue("mine") // the map is the caller's
			}
			require.NoError(t, c.Secret(root).Grant(ctx, related(c, site), nil))
			require.NoError(t, c.Secret(root).SetInfo(ctx, charm.SecretSettings{Description: "new"}))
			reads("first", c.Secret(root), get)
		}), "neither grants nor a description change what is read")

		assert.Equal(t, []string{"-- ROOT", "-- OTHER", "--refresh -- ROOT", "-- ROOT"}, asked(func(ctx context.Context, c *charm.Charm, reads func(string, *charm.Secret, read)) {
			reads("first", c.Secret(root), get)
			reads("first", c.Secret(other), get)
			reads("second", c.Secret(root), refresh)
			reads("second", c.Secret(root), get)
			reads("second", c.Secret(root), refresh)
			reads("first", c.Secret(other), get)
		}), "a Refresh is of one secret")

		assert.Equal(t, []string{"-- ROOT", "--label=other", "--refresh --label=root", "-- ROOT", "--label=other"}, asked(func(ctx context.Context, c *charm.Charm, reads func(string, *charm.Secret, read)) {
			reads("second", c.Secret(root), get)
			reads("first", c.SecretByLabel("other"), get)
			reads("second", c.SecretByLabel("root"), refresh)
			reads("second", c.Secret(root), get)
			reads("first", c.SecretByLabel("other"), get)
		}), "unless which one is not known")

		for name, change := range map[string]func(ctx context.Context, c *charm.Charm) error{
			"set content": func(ctx context.Context, c *charm.Charm) error {
				return c.Secret(other).SetContent(ctx, secretText("password", "second"))
			},
			"set label": func(ctx context.Context, c *charm.Charm) error {
				return c.Secret(other).SetInfo(ctx, charm.SecretSettings{Label: "renamed"})
			},
			"add": func(ctx context.Context, c *charm.Charm) error {
				_, err := c.AddSecret(ctx, secretText("password", "x"), nil)
				return err
			},
			"remove revision": func(ctx context.Context, c *charm.Charm) error { return c.Secret(root).RemoveRevision(ctx, 1) },
			"remove": func(ctx context.Context, c *charm.Charm) error {
				uri, err := c.AddSecret(ctx, secretText("password", "x"), nil)
				if err != nil {
					return err
				}
				_, err = c.Secret(root).Get(ctx)
				return errors.Join(err, c.Secret(uri).Remove(ctx))
			},
		} {
			want := []string{"-- ROOT", "-- ROOT"}
			if name == "remove" {
				want = append(want, "-- ROOT")
			}
			assert.Equal(t, want, asked(func(ctx context.Context, c *charm.Charm, reads func(string, *charm.Secret, read)) {
				reads("second", c.Secret(root), get)
				require.NoError(t, change(ctx, c))
				reads("second", c.Secret(root), get)
				reads("second", c.Secret(root), get)
			}), name)
		}

		assert.Equal(t, []string{"-- ROOT", "--peek -- ROOT", "--peek -- ROOT"}, asked(func(ctx context.Context, c *charm.Charm, reads func(string, *charm.Secret, read)) {
			reads("second", c.Secret(root), get)
			reads("second", c.Secret(root), peek)
			require.NoError(t, c.Secret(root).SetContent(ctx, secretText("password", "third")))
			reads("third", c.Secret(root), peek)
		}), "what is new is seen")
	})
}

// To give a secret a label is more than to read it.
func TestLabelledSecretsAreReadOnce(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		secret := r.Relate("db", "postgresql").AddSecret(map[string]string{"password": "one"})
		uri, err := charm.ParseSecretURI(secret.URI())
		require.NoError(t, err)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			for _, s := range []*charm.Secret{c.Secret(uri), c.Secret(uri).As("a"), c.Secret(uri).As("a"), c.SecretByLabel("a"), c.SecretByLabel("a"), c.Secret(uri).As("b"), c.Secret(uri).As("b"), c.SecretByLabel("b")} {
				assert.Equal(t, "one", passwordOf(s.Get(ctx)))
			}
			_, err := c.SecretByLabel("a").Get(ctx)
			require.ErrorIs(t, err, hookcmd.ErrSecretNotFound, "it is not the label any more")
			return nil
		})
		var lines []string
		for _, call := range r.Calls("secret-get") {
			lines = append(lines, strings.ReplaceAll(call.String(), uri.String(), "URI"))
		}
		assert.Equal(t, []string{
			"secret-get --format=json -- URI", "secret-get --format=json --label=a -- URI", "secret-get --format=json --label=a",
			"secret-get --format=json --label=b -- URI", "secret-get --format=json --label=b", "secret-get --format=json --label=a",
		}, lines)
	})
}

// The secrets of a handler that fails are removed, which can change what others read.
func TestSecretsAreReadAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	var read []string
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			_, err := c.AddSecret(ctx, secretText("password", "first"), &charm.SecretOptions{Label: "root"})
			return err
		})
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, deferred := charm.Deferred(ctx); !deferred {
				return charm.Defer("later")
			}
			_, err := c.AddSecret(ctx, secretText("password", "x"), nil)
			read = append(read, passwordOf(c.SecretByLabel("root").Get(ctx)))
			return errors.Join(err, errors.New("not yet"))
		})
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			for range 2 {
				read = append(read, passwordOf(c.SecretByLabel("root").Get(ctx)))
			}
			return nil
		})
	}, &charmtest.Options{Metadata: secretCharm, Leader: true})
	h.Emit(events.Install{})
	h.Emit(events.Start{})
	h.ResetCalls()
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"first", "first", "first"}, read)
	var commands []string
	for _, call := range h.Calls("secret-add", "secret-get", "secret-remove") {
		commands = append(commands, call.Command)
	}
	assert.Equal(t, []string{"secret-add", "secret-get", "secret-remove", "secret-get"}, commands)
}

// A secret that could not be read may be there the next time.
func TestFailuresToReadSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	r := newSecretRig(t, charmtest.Options{Leader: true})
	r.must(func(ctx context.Context, c *charm.Charm) error {
		_, err := c.SecretByLabel("late").Get(ctx)
		require.ErrorIs(t, err, hookcmd.ErrSecretNotFound)
		_, err = c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: "late"})
		require.NoError(t, err)
		assert.Equal(t, "x", passwordOf(c.SecretByLabel("late").Get(ctx)))
		return nil
	})
	assert.Len(t, r.Calls("secret-get"), 2)
}

// All that a handler starts get one answer.
func TestSecretsAreReadOnceConcurrently(t *testing.T) {
	t.Parallel()
	r := newSecretRig(t, charmtest.Options{Leader: true})
	uri := r.add(nil)
	r.must(func(ctx context.Context, c *charm.Charm) error {
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				content, err := c.Secret(uri).Get(ctx)
				assert.Equal(t, "first", passwordOf(content, err))
				clear(content)
			})
		}
		wait.Wait()
		return nil
	})
	assert.Len(t, r.Calls("secret-get"), 1)
}

// What the handler of a deferred event has started adds secrets while others are
// withdrawn.
func TestSecretsAreAddedWhileOthersAreWithdrawn(t *testing.T) {
	t.Parallel()
	stop, added, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, deferred := charm.Deferred(ctx); !deferred {
				return charm.Defer("later")
			}
			go func() {
				defer close(ended)
				for {
					_, err := c.AddSecret(ctx, secretText("password", "x"), nil)
					assert.NoError(t, err)
					select {
					case <-stop:
						return
					case added <- struct{}{}:
					}
				}
			}()
			<-added
			return nil
		})
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, deferred := charm.Deferred(ctx); !deferred {
				return charm.Defer("later")
			}
			<-added
			<-added
			return errors.New("not yet")
		})
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			close(stop)
			<-ended
			return nil
		})
	}, &charmtest.Options{Metadata: secretCharm, Leader: true})
	h.Emit(events.Start{})
	h.Emit(events.UpdateStatus{})
	assert.NotEmpty(t, h.Secrets(), "those of before are not withdrawn")
	assert.Len(t, h.Deferred(), 1)
}
