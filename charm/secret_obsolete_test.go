// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const obsoleteKey = "charmsmith.obsolete-secrets"

// obsoleteRig is a unit whose charm has RemoveObsoleteSecrets, and does something before
// in the hooks that are for it.
type obsoleteRig struct {
	*charmtest.Harness
	t        *testing.T
	next     secretStep // once
	onRemove func(ctx context.Context, c *charm.Charm, s *charm.Secret) error
	root     *charmtest.Secret
}

// newObsoleteRig has a secret whose first revision nobody reads.
func newObsoleteRig(t *testing.T, opts charmtest.Options) *obsoleteRig {
	t.Helper()
	r := &obsoleteRig{t: t}
	opts.Metadata = secretCharm
	r.Harness = charmtest.New(t, func(c *charm.Charm) {
		charm.RemoveObsoleteSecrets(c)
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { return r.next(ctx, c) })
		charm.On(c, func(ctx context.Context, ev events.SecretRemove) error {
			if r.onRemove == nil {
				return nil
			}
			return r.onRemove(ctx, c, c.SecretOf(ev))
		})
	}, &opts)
	r.add("root")
	r.root = r.Secret("root")
	return r
}

func (r *obsoleteRig) do(next secretStep) {
	r.t.Helper()
	r.next = next
	r.ResetCalls()
	r.Emit(events.UpdateStatus{})
}

func (r *obsoleteRig) add(label string) {
	r.t.Helper()
	r.do(func(ctx context.Context, c *charm.Charm) error {
		_, err := c.AddSecret(ctx, secretText("password", "first"), &charm.SecretOptions{Label: label})
		return err
	})
}

// setContent makes the last revision of a secret obsolete, which Juju tells.
func (r *obsoleteRig) setContent(label, password string) {
	r.t.Helper()
	r.do(func(ctx context.Context, c *charm.Charm) error {
		return c.SecretByLabel(label).SetContent(ctx, secretText("password", password))
	})
	r.Advance(time.Second)
}

// entry is how a revision of the secret is in the state.
func (r *obsoleteRig) entry(revision string) string {
	return strings.TrimPrefix(r.root.URI(), "secret:") + "/" + revision
}

// commands returns those of the hooks for the removal of revisions, logging aside.
func (r *obsoleteRig) commands() []string {
	var names []string
	for _, call := range r.Calls() {
		if call.Event == "secret-remove" && call.Command != "juju-log" {
			names = append(names, call.Command)
		}
	}
	return names
}

// No revision is removed in a hook in which Juju would forget something else for it;
// that is done in the next secret-remove.
func TestObsoleteSecretsThatHaveToWait(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		for i := range 6 {
			r := newObsoleteRig(t, opts)
			r.add("other")
			site, admin := r.Relate("site", "proxy"), r.Relate("admin", "console")
			r.do(func(ctx context.Context, c *charm.Charm) error {
				return c.SecretByLabel("root").Grant(ctx, related(c, admin), nil)
			})
			changes := secretChanges(site, admin)
			change := changes[i%5]
			if i == 5 {
				change.name = "hook command"
				change.do = func(ctx context.Context, c *charm.Charm, s *charm.Secret, _ int) error {
					uri, err := s.URI(ctx)
					require.NoError(t, err)
					return c.HookCommands().SecretSet(ctx, uri.String(), secretText("password", "new"), nil)
				}
			}
			t.Run(change.name, func(t *testing.T) {
				kept := ""
				r.onRemove = func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
					if kept != "" {
						return nil
					}
					kept = r.entry("1")
					return change.do(ctx, c, s, 0)
				}
				revisions := []int{1, 2}
				r.setContent("root", "second")
				if change.done(t, r.root, 0); r.root.Info().Latest == 3 { // Juju tells of the second at once
					revisions = []int{3}
				} else {
					assert.Equal(t, kept, r.State()[obsoleteKey])
				}
				assert.Equal(t, revisions, r.root.Info().Revisions)
				var lines []string
				for _, line := range r.Logs() {
					if strings.Contains(line.Message, "obsolete") {
						lines = append(lines, line.Level+" "+line.Message)
					}
				}
				assert.Equal(t, []string{"INFO an obsolete revision of a secret is removed in the next secret-remove, as Juju would forget what this hook has done with the secret secret=" + r.root.URI() + " revision=1"}, lines)

				r.setContent("other", "second") // of any secret
				assert.Equal(t, revisions[len(revisions)-1:], r.root.Info().Revisions)
				assert.Equal(t, []int{2}, r.Secret("other").Info().Revisions)
				assert.Empty(t, r.State())
				change.done(t, r.root, 0)
			})
		}
	})
}

// What a hook does with other secrets is not in the way, nor is what changes nothing.
func TestObsoleteSecretsThatDoNotWait(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newObsoleteRig(t, opts)
		r.add("other")
		site := r.Relate("site", "proxy")
		site.Join("proxy/0", nil)
		admin := r.Relate("admin", "console")
		admin.Join("console/0", nil)
		toUnit := &charm.GrantOptions{Unit: "console/0"}
		grant := func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return errors.Join(s.Grant(ctx, related(c, site), nil), s.Grant(ctx, related(c, site), nil), s.Grant(ctx, related(c, admin), toUnit))
		}
		r.do(func(ctx context.Context, c *charm.Charm) error { return grant(ctx, c, c.SecretByLabel("root")) })
		r.onRemove = func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
			return errors.Join(grant(ctx, c, s), s.SetInfo(ctx, charm.SecretSettings{}),
				c.SecretByLabel("other").SetInfo(ctx, charm.SecretSettings{Description: "new"}))
		}
		r.setContent("root", "second")
		assert.Equal(t, []int{2}, r.root.Info().Revisions)
		assert.Equal(t, []string{"console/0", "proxy"}, r.root.Info().GrantedTo)
		assert.Equal(t, "new", r.Secret("other").Info().Description)
		assert.NotContains(t, r.commands(), "secret-grant", "it is known that Juju has it")
		assert.Empty(t, r.State())
	})
}

// A handler can do it before.
func TestObsoleteSecretsThatAHandlerRemoves(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		for _, all := range []bool{false, true} {
			r := newObsoleteRig(t, opts)
			r.onRemove = func(ctx context.Context, _ *charm.Charm, s *charm.Secret) error {
				if all {
					return s.Remove(ctx)
				}
				return s.RemoveRevision(ctx, 1)
			}
			r.setContent("root", "second")
			assert.Equal(t, []string{"secret-remove", "state-get"}, r.commands())
			assert.Empty(t, r.State())
		}
	})
}

// What is in the state need not be right any more.
func TestObsoleteSecretsOfBefore(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		for name, row := range map[string]struct {
			state string // with ROOT
			lead  bool
			left  string
			do    func(ctx context.Context, c *charm.Charm, root *charm.Secret) error
			want  []int
		}{
			"it is removed":           {"ROOT/1", true, "", nil, []int{2}},
			"two of one secret":       {"ROOT/1 ROOT/9", true, "", nil, []int{2}},
			"it is the latest":        {"ROOT/2", true, "", nil, []int{1, 2}},
			"the secret is gone":      {secretID + "/1", true, "", nil, []int{1, 2}},
			"somebody has edited it":  {"x ROOT ROOT/ /1 ROOT/x/2 " + strings.ToUpper(secretID) + "/1", true, "", nil, []int{1, 2}},
			"this unit leads no more": {"ROOT/1", false, "ROOT/1", nil, []int{1, 2}},
			"others of it are removed": {"ROOT/1", true, "ROOT/1", func(ctx context.Context, c *charm.Charm, root *charm.Secret) error {
				_, err := c.Secrets(ctx)
				return errors.Join(err, root.RemoveRevision(ctx, 9))
			}, []int{1, 2}},
		} {
			t.Run(name, func(t *testing.T) {
				r := newObsoleteRig(t, opts)
				id := strings.TrimPrefix(r.root.URI(), "secret:")
				r.onRemove = func(ctx context.Context, c *charm.Charm, s *charm.Secret) error {
					return s.SetInfo(ctx, charm.SecretSettings{Description: "new"}) // it stays
				}
				r.setContent("root", "second")
				r.SetState(map[string]string{obsoleteKey: strings.ReplaceAll(row.state, "ROOT", id)})
				r.onRemove = func(ctx context.Context, c *charm.Charm, _ *charm.Secret) error {
					if row.do == nil {
						return nil
					}
					uri, err := charm.ParseSecretURI(id)
					return errors.Join(err, row.do(ctx, c, c.Secret(uri)))
				}
				r.SetLeader(row.lead)
				r.do(func(ctx context.Context, c *charm.Charm) error {
					_, err := c.AddSecret(ctx, secretText("password", "first"), &charm.SecretOptions{Owner: charm.SecretOwnedByUnit, Label: "mine"})
					return err
				})
				r.setContent("mine", "second")
				assert.Equal(t, []int{2}, r.Secret("mine").Info().Revisions)
				assert.Equal(t, row.want, r.root.Info().Revisions)
				assert.Equal(t, strings.ReplaceAll(row.left, "ROOT", id), r.State()[obsoleteKey])
			})
		}
	})
}
