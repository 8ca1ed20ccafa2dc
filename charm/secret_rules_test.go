// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Nothing that breaks a rule reaches Juju.
func TestSecretRulesAreCheckedBeforeSending(t *testing.T) {
	t.Parallel()
	r := newSecretRig(t, charmtest.Options{Leader: true})
	uri := r.add(nil)
	site := r.Relate("site", "proxy")
	fine := secretText("password", "x")
	add := func(content map[string]charm.SecretValue, opts *charm.SecretOptions) secretStep {
		return func(ctx context.Context, c *charm.Charm) error {
			_, err := c.AddSecret(ctx, content, opts)
			return err
		}
	}
	on := func(do func(ctx context.Context, c *charm.Charm, s *charm.Secret) error) secretStep {
		return func(ctx context.Context, c *charm.Charm) error { return do(ctx, c, c.Secret(uri)) }
	}
	for want, do := range map[string]secretStep{
		"cannot add secret: the content is empty":                                       add(nil, nil),
		`cannot add secret: key "ab" is not valid: it is lower-case letters, digits`:    add(secretText("ab", "x"), nil),
		"cannot add secret: the content has 1000044 bytes in base64, with its keys, of": add(secretText("password", strings.Repeat("x", 750012)), nil),
		`cannot add secret: there is no owner "model"`:                                  add(fine, &charm.SecretOptions{Owner: "model"}),
		`cannot add secret: there is no rotation "sometimes"`:                           add(fine, &charm.SecretOptions{Rotate: "sometimes"}),
		"cannot add secret: the label is not valid UTF-8":                               add(fine, &charm.SecretOptions{Label: "\xff"}),
		"cannot add secret: the description is not valid UTF-8":                         add(fine, &charm.SecretOptions{Description: "\xff"}),
		"cannot add secret: the year in which it expires": add(fine, &charm.SecretOptions{
			Expire: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}),
		"cannot add secret: ExpireIn is negative": add(fine, &charm.SecretOptions{Label: "x", ExpireIn: -1}),
		"cannot add secret: both Expire and ExpireIn are set": add(fine, &charm.SecretOptions{
			Expire: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), ExpireIn: time.Hour}),
		"cannot change secret: ExpireIn is negative": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetInfo(ctx, charm.SecretSettings{ExpireIn: -time.Second})
		}),
		"cannot change secret: both Expire and ExpireIn are set": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetInfo(ctx, charm.SecretSettings{Expire: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), ExpireIn: time.Hour})
		}),
		"cannot change secret: the content is empty": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetContent(ctx, map[string]charm.SecretValue{})
		}),
		`cannot change secret: key "Password" is not valid`: on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetContent(ctx, secretText("Password", "x"))
		}),
		`cannot change secret: there is no rotation "x"`: on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.SetInfo(ctx, charm.SecretSettings{Rotate: "x"})
		}),
		"cannot remove revision 0 of a secret: they begin with 1, and Juju would remove all": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.RemoveRevision(ctx, 0)
		}),
		"cannot remove revision -1 of a secret": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error { return s.RemoveRevision(ctx, -1) }),
		"cannot grant secret: the relation is nil": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.Grant(ctx, nil, nil)
		}),
		"cannot revoke secret: the relation is nil": on(func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
			return s.Revoke(ctx, nil, nil)
		}),
		`cannot grant secret: "proxy" is not the name of a unit`: on(func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return s.Grant(ctx, c.Relation(events.RelationChanged{RelationRef: site.Ref()}), &charm.GrantOptions{Unit: "proxy"})
		}),
		`cannot grant secret: "proxy/-1" is not the name of a unit; those are like "app/0"`: on(func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return s.Grant(ctx, related(c, site), &charm.GrantOptions{Unit: "proxy/-1"})
		}),
		`cannot grant secret: "proxy/0/0" is not the name of a unit`: on(func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return s.Grant(ctx, related(c, site), &charm.GrantOptions{Unit: "proxy/0/0"})
		}),
		`cannot revoke secret: "/0" is not the name of a unit`: on(func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return s.Revoke(ctx, related(c, site), &charm.GrantOptions{Unit: "/0"})
		}),
		`cannot revoke secret: "proxy/0" is not the name of an application`: on(func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return s.RevokeApplication(ctx, "proxy/0")
		}),
		"cannot use a secret: the SecretURI is zero": func(ctx context.Context, c *charm.Charm) error {
			_, err := c.Secret(charm.SecretURI{}).As("x").Get(ctx)
			return err
		},
		"cannot find secret: its label is empty": func(ctx context.Context, c *charm.Charm) error {
			return c.SecretByLabel("").RevokeApplication(ctx, "proxy")
		},
		`cannot give the secret with label "a" another one: it takes its URI`: func(ctx context.Context, c *charm.Charm) error {
			_, err := c.SecretByLabel("a").As("b").Info(ctx)
			return err
		},
		`cannot label secret "secret:`: on(func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return s.As("").SetContent(ctx, fine)
		}),
		"cannot read secret URI of 7 bytes": func(ctx context.Context, c *charm.Charm) error {
			_, err := c.SecretOf(events.SecretChanged{SecretRef: events.SecretRef{ID: "nothing"}}).Peek(ctx)
			return err
		},
	} {
		err := r.do(do)
		require.ErrorContains(t, err, want)
		assert.Empty(t, r.commands(), want)
	}
}

// As much as Juju takes is sent: the limit is that of the file that has it.
func TestLargestSecret(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		large := strings.Repeat("x", (1000*1000-40)/4*3)
		r.must(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.AddSecret(ctx, secretText("password", large), &charm.SecretOptions{Label: "large"})
			return err
		})
		assert.Equal(t, large, r.Secret("large").Content(0)["password"])
		err := r.do(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.AddSecret(ctx, secretText("one", large[:len(large)/2], "two", large[:len(large)/2+30]), nil)
			return err
		})
		require.ErrorContains(t, err, "bytes in base64, with its keys, of at most 1000000")
	})
}

// secretKey is Juju's rule.
var secretKey = regexp.MustCompile(`^([a-z](?:-?[a-z0-9]){2,})$`)

func FuzzSecretKey(f *testing.F) {
	for _, key := range []string{"abc", "ab", "a-b", "a-bc", "a--bc", "-abc", "abc-", "0abc", "a0-1", "Abc", "abc\n", "ab_c", "a-b-c", "äbc", ""} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		c := &addsSecrets{}
		err := charm.Run(t.Context(), func(ch *charm.Charm) {
			charm.On(ch, func(ctx context.Context, _ events.Start) error {
				_, err := ch.AddSecret(ctx, secretText(key, "x"), nil)
				return err
			})
		}, &charm.Options{Env: environ(t, events.Start{}), Runner: c})
		if secretKey.MatchString(key) {
			require.NoError(t, err, key)
			return
		}
		require.ErrorContains(t, err, fmt.Sprintf("key %q is not valid", key))
		require.False(t, c.ran["secret-add"])
	})
}

// addsSecrets is a Runner that adds secrets.
type addsSecrets struct{ ran map[string]bool }

func (c *addsSecrets) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	if c.ran == nil {
		c.ran = make(map[string]bool)
	}
	c.ran[call.Command] = true
	if call.Command == "secret-add" {
		return []byte("secret:" + secretID + "\n"), nil
	}
	return nil, nil
}

// What Juju prints, however wrong, is an error or what it says, never a panic, and
// never shown.
func FuzzSecretOutput(f *testing.F) {
	for _, printed := range []string{
		"", "null", "{}", "[]", `["` + secretID + `"]`, `{"` + secretID + `": {"revision": 1, "access": [{"target": "unit-a-b-0"}, {"target": "application-x"}, {"target": "unit-"}, {}]}}`,
		`{"x": {}}`, `{"password": "hunter2", "raw": "\ufffd"}`, `"` + base64.StdEncoding.EncodeToString([]byte("hunter2")) + `"`, "secret:" + secretID, `[""]`, `["hunter2"]`,
		`{"` + secretID + `": {"revision": "1"}}`, `{"` + secretID + `": {"expiry": "hunter2"}}`,
	} {
		f.Add([]byte(printed))
	}
	f.Fuzz(func(t *testing.T, printed []byte) {
		runner := printsSecret(printed)
		err := charm.Run(t.Context(), func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, _ events.Start) error {
				uri, err := charm.ParseSecretURI(secretID)
				require.NoError(t, err)
				for _, s := range []*charm.Secret{c.Secret(uri), c.SecretByLabel("root")} {
					for _, do := range []func() error{
						func() error { _, err := s.Get(ctx); return err },
						func() error { _, err := s.Refresh(ctx); return err },
						func() error {
							info, err := s.Info(ctx)
							assert.Equal(t, err == nil, info.URI.ID() != "")
							return err
						},
						func() error { return s.SetContent(ctx, secretText("password", "x")) },
					} {
						if err := do(); err != nil {
							require.NotContains(t, err.Error(), "hunter2")
						}
					}
				}
				own, err := c.Secrets(ctx)
				for _, s := range own {
					require.False(t, s.IsZero())
				}
				if err != nil {
					require.NotContains(t, err.Error(), "hunter2")
				}
				added, err := c.AddSecret(ctx, secretText("password", "x"), nil)
				require.Equal(t, err == nil, !added.IsZero())
				return nil
			})
		}, &charm.Options{Env: environ(t, events.Start{}), Runner: runner})
		require.NoError(t, err)
	})
}

// printsSecret is a Runner whose commands all print the same.
type printsSecret []byte

func (p printsSecret) Run(context.Context, hookcmd.Call) ([]byte, error) { return p, nil }

// The conditions that a charm can act upon, by the texts of Juju.
func TestSecretErrors(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		command, stderr string
		want            error
		do              func(ctx context.Context, c *charm.Charm, s *charm.Secret) error
	}{
		"get, not found, 3.6":  {"secret-get", `secret "secret:x" not found`, hookcmd.ErrSecretNotFound, readSecret},
		"get, not found, 4":    {"secret-get", "getting latest secret revision: secret not found", hookcmd.ErrSecretNotFound, readSecret},
		"get, not granted, 36": {"secret-get", "permission denied", hookcmd.ErrPermission, readSecret},
		"get, not granted, 4":  {"secret-get", `"vault/0" is not allowed to read this secret`, hookcmd.ErrPermission, readSecret},
		"get, old Juju":        {"secret-get", "unknown command secret-get", hookcmd.ErrNotSupported, readSecret},
		"set, not the leader": {"secret-set", "this unit is not the leader", hookcmd.ErrNotLeader,
			func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
				return s.SetContent(ctx, secretText("password", "x"))
			}},
		"add, not the leader": {"secret-add", "this unit is not the leader", hookcmd.ErrNotLeader, addSecret},
		"add, label":          {"secret-add", `secret with label "x" already exists`, hookcmd.ErrSecretExists, addSecret},
		"ids, old Juju": {"secret-ids", "unknown command secret-ids", hookcmd.ErrNotSupported,
			func(ctx context.Context, c *charm.Charm, _ *charm.Secret) error { _, err := c.Secrets(ctx); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSecretRig(t, charmtest.Options{Leader: true})
			uri := r.add(nil)
			defer r.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
				return hookcmdtest.Failure(1, "%s", row.stderr), call.Command == row.command
			})()
			err := r.do(func(ctx context.Context, c *charm.Charm) error { return row.do(ctx, c, c.Secret(uri)) })
			assertSecretError(t, err, row.want)
			assert.Contains(t, err.Error(), row.stderr)
		})
	}
}

func readSecret(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
	_, err := s.Get(ctx)
	return err
}

func addSecret(ctx context.Context, c *charm.Charm, _ *charm.Secret) error {
	_, err := c.AddSecret(ctx, secretText("password", "x"), nil)
	return err
}
