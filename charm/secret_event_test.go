// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// What a charm does in secret-rotate and secret-expired, and whether it is told that
// Juju repeats the event.
func TestSecretEventsThatAreRepeated(t *testing.T) {
	t.Parallel()
	set := func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
		return s.SetContent(ctx, secretText("password", "second"))
	}
	for name, row := range map[string]struct {
		expires bool
		do      func(ctx context.Context, c *charm.Charm, s *charm.Secret) error
		warning string
	}{
		"rotated":                    {false, set, ""},
		"not rotated":                {false, nil, "secret-rotate ends without a new revision; Secret.SetContent makes one. Juju repeats it in five minutes"},
		"removed instead of rotated": {false, func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error { return s.Remove(ctx) }, ""},
		"not to be rotated any more": {false, func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetInfo(ctx, charm.SecretSettings{Rotate: charm.RotateNever})
		}, ""},
		"another one rotated": {false, func(ctx context.Context, c *charm.Charm, _ *charm.Secret) error {
			return c.SecretByLabel("other").SetContent(ctx, secretText("password", "second"))
		}, "secret-rotate ends without a new revision"},
		"rotated by hook command": {false, func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			uri, err := s.URI(ctx)
			if err != nil {
				return err
			}
			return c.HookCommands().SecretSet(ctx, uri.String(), secretText("password", "second"), nil)
		}, ""},
		"revision removed": {true, func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error { return s.RemoveRevision(ctx, 1) }, ""},
		"expired, removed": {true, func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error { return s.Remove(ctx) }, ""},
		"revision not removed": {true, nil,
			"secret-expired ends without the removal of the revision; Secret.RemoveRevision does that. Juju repeats it in five minutes"},
		"renewed but not removed": {true, set, "secret-expired ends without the removal of the revision"},
		"renewed, and that expires later": {true, func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			if err := set(ctx, c, s); err != nil {
				return err
			}
			return s.SetInfo(ctx, charm.SecretSettings{Expire: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)})
		}, "secret-expired ends without the removal of the revision"},
		"expires later": {true, func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetInfo(ctx, charm.SecretSettings{Expire: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)})
		}, ""},
		"expires a while later": {true, func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetInfo(ctx, charm.SecretSettings{ExpireIn: 1000 * time.Hour})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withJuju(t, func(t *testing.T, opts charmtest.Options) {
				r := newSecretRig(t, opts)
				o := charm.SecretOptions{Label: "root", Rotate: charm.RotateDaily}
				if row.expires {
					o.Rotate, o.Expire = "", r.Now().Add(24*time.Hour)
				}
				r.add(&charm.SecretOptions{Label: "other"})
				r.add(&o)
				if row.do != nil {
					r.next = func(ctx context.Context, c *charm.Charm) error { return row.do(ctx, c, c.SecretByLabel("root")) }
				}
				r.Advance(25*time.Hour - time.Minute*58)
				repeated := 0
				for _, call := range r.Calls("juju-log") {
					if call.Event == "secret-rotate" || call.Event == "secret-expired" {
						repeated++
					}
				}
				if row.warning == "" {
					assert.Empty(t, r.warnings())
					return
				}
				require.NotEmpty(t, r.warnings())
				assert.Contains(t, r.warnings()[0], row.warning)
				assert.Contains(t, r.warnings()[0], "secret=secret:")
				assert.Contains(t, r.warnings()[0], "label=root")
				assert.Equal(t, repeated, len(r.warnings()), "each dispatch warns once")
			})
		})
	}
}

// The agent makes a time of a while, by its clock and when it is called.
func TestSecretExpiresInAWhile(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		opts.Metadata = secretCharm
		var expired []string
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, _ events.Start) error {
				for _, label := range []string{"kept", "prolonged"} {
					if _, err := c.AddSecret(ctx, secretText("password", "first"), &charm.SecretOptions{Label: label, ExpireIn: time.Hour}); err != nil {
						return err
					}
				}
				return nil
			})
			charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
				return c.SecretByLabel("prolonged").SetInfo(ctx, charm.SecretSettings{ExpireIn: time.Hour})
			})
			charm.On(c, func(ctx context.Context, ev events.SecretExpired) error {
				expired = append(expired, ev.Label)
				return c.SecretOf(ev).RemoveRevision(ctx, ev.Revision)
			})
		}, &opts)
		h.Emit(events.Start{})
		assert.Equal(t, h.Now().Add(time.Hour), h.Secret("kept").Info().Expire)
		h.Advance(30 * time.Minute)
		h.Emit(events.UpdateStatus{})

		h.Advance(29 * time.Minute)
		assert.Empty(t, expired)
		h.Advance(2 * time.Minute)
		assert.Equal(t, []string{"kept"}, expired)
		h.Advance(28 * time.Minute)
		assert.Equal(t, []string{"kept"}, expired)
		h.Advance(2 * time.Minute)
		assert.Equal(t, []string{"kept", "prolonged"}, expired)
	})
}

// The owner is known in the owner's events: they need no further hook command.
func TestSecretEventsOfTheOwner(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		opts.Metadata = secretCharm
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.RemoveObsoleteSecrets(c) // after all handlers: the last one reads the secret
			charm.On(c, func(ctx context.Context, _ events.Start) error {
				_, err := c.AddSecret(ctx, secretText("password", "first"), &charm.SecretOptions{Label: "root", Rotate: charm.RotateDaily})
				return err
			})
			charm.OnSecret(c, "root", func(ctx context.Context, ev events.SecretRotate) error {
				_, err := c.SecretOf(ev).Refresh(ctx)
				if err != nil {
					return err
				}
				return c.SecretOf(ev).SetContent(ctx, secretText("password", "next"))
			})
			charm.OnSecret(c, "other", func(context.Context, events.SecretRotate) error { return errors.New("not ours") })
			charm.OnSecret(c, "root", func(ctx context.Context, ev events.SecretChanged) error {
				_, err := c.SecretOf(ev).Refresh(ctx)
				return err
			})
			charm.On(c, func(ctx context.Context, ev events.SecretRemove) error {
				_, err := c.SecretOf(ev).Get(ctx)
				return err
			})
		}, &opts)
		h.Emit(events.Start{})
		h.ResetCalls()
		h.Advance(24 * time.Hour)
		var calls []string
		for _, call := range h.Calls() {
			calls = append(calls, call.Event+": "+call.Command)
		}
		assert.Equal(t, []string{"secret-rotate: secret-get", "secret-rotate: secret-set", "secret-changed: secret-get", "secret-remove: secret-get", "secret-remove: state-get", "secret-remove: secret-remove"}, calls)
		assert.Equal(t, []int{2}, h.Secret("root").Info().Revisions)
	})
}

// Secrets that were added in an action that fails are removed again.
func TestSecretsOfAFailedAction(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		kept := r.add(&charm.SecretOptions{Label: "kept"})
		site := r.Relate("site", "proxy")
		r.ResetCalls()
		r.next = func(ctx context.Context, c *charm.Charm) error {
			for range 3 {
				added, err := c.AddSecret(ctx, secretText("password", "x"), nil)
				require.NoError(t, err)
				require.NoError(t, c.Secret(added).Grant(ctx, related(c, site), nil))
			}
			own, err := c.Secrets(ctx)
			require.NoError(t, err)
			require.Len(t, own, 4)
			for _, uri := range own {
				if uri != kept {
					require.NoError(t, c.Secret(uri).Remove(ctx))
					break
				}
			}
			own, err = c.Secrets(ctx)
			require.NoError(t, err)
			require.Len(t, own, 3)
			return errors.New("no more room")
		}
		result := r.RunAction("rotate", nil)
		assert.Equal(t, "no more room", result.Message)
		var ran []string
		for _, call := range r.Calls("secret-remove", "action-fail") {
			ran = append(ran, call.Command)
		}
		assert.Equal(t, []string{"secret-remove", "secret-remove", "secret-remove", "action-fail"}, ran, "one by the handler")
		require.Len(t, r.Secrets(), 1)
		assert.Equal(t, kept.String(), r.Secrets()[0].URI())
	})
}

// Those of an action that succeeds, or of a hook, are not.
func TestSecretsOfAnAction(t *testing.T) {
	t.Parallel()
	r := newSecretRig(t, charmtest.Options{Leader: true})
	r.next = func(ctx context.Context, c *charm.Charm) error {
		_, err := c.AddSecret(ctx, secretText("password", "x"), nil)
		return err
	}
	r.RunAction("rotate", nil)
	assert.Len(t, r.Secrets(), 1)
}
