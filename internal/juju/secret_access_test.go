// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func denied(t *testing.T, text string) {
	t.Helper()
	assert.Regexp(t, `^permission denied$|^"[a-z]+/[0-9]" is not allowed to read this secret$`, text)
}

func TestSecretReaders(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 2)
		app, unit := r.add("db/0", ""), r.add("db/0", "--owner unit")
		assert.Equal(t, "one", r.read("db/1", app), "an application's is read by all its units")
		denied(t, r.read("db/1", unit))
		denied(t, r.read("web/0", app))
		r.commands("db/0", "secret-grant "+app+" "+r.relationFlag()+" --unit web/0", "secret-grant "+unit+" "+r.relationFlag())
		assert.Equal(t, "one", r.read("web/0", app))
		denied(t, r.read("web/1", app))
		assert.Equal(t, "one", r.read("web/1", unit))
		denied(t, r.read("db/1", unit))
		rel := r.relation().ID
		assert.Equal(t, []juju.Grant{{Subject: "web/0", Relation: rel}}, r.m.Secret(app).Info().Grants)
		assert.Equal(t, []juju.Grant{{Subject: "web", Relation: rel}}, r.m.Secret(unit).Info().Grants)

		r.commands("db/0", "secret-revoke "+app+" --app web")
		assert.Equal(t, "one", r.read("web/0", app), "what a unit was granted is not taken from its application")
		r.commands("db/0", "secret-revoke "+app+" --unit web/0", "secret-revoke "+unit+" "+r.relationFlag())
		denied(t, r.read("web/0", app))
		denied(t, r.read("web/1", unit))
		r.commands("db/0", "secret-set "+app+" key=two")
		assert.NotContains(t, r.ran(), "web/0 secret-changed", "what it cannot read")
	})
}

func TestSecretGrantsOfOneHook(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 3)
		uri, rel := r.add("db/0", ""), r.relationFlag()
		grants := func() (subjects []string) {
			for _, g := range r.m.Secret(uri).Info().Grants {
				subjects = append(subjects, g.Subject)
			}
			return subjects
		}
		r.commands("db/0", "secret-grant "+uri+" "+rel+" --unit web/0", "secret-grant "+uri+" "+rel+" --unit web/1")
		assert.Equal(t, []string{"web/1"}, grants(), "the last over a relation counts")
		r.commands("db/0", "secret-grant "+uri+" "+rel+" --unit web/1")
		r.commands("db/0", "secret-grant "+uri+" "+rel+" --unit web/2")
		assert.Equal(t, []string{"web/1", "web/2"}, grants())
		_, err := r.command("db/0", "secret-grant "+uri+" "+rel)
		assert.ErrorContains(t, err, "any unit level grants need to be revoked before granting access to the corresponding application")
		r.commands("db/0", "secret-revoke "+uri+" --unit web/1", "secret-revoke "+uri+" --unit web/2")
		assert.Empty(t, grants())
		r.commands("db/0", "secret-grant "+uri+" "+rel)
		r.commands("db/0", "secret-grant "+uri+" "+rel+" --unit web/1")
		assert.Equal(t, []string{"web"}, grants(), "a unit of the application has it already")
		r.commands("db/0", "secret-grant "+uri+" "+rel, "secret-revoke "+uri+" "+rel)
		assert.Empty(t, grants(), "revokes come after grants")
		assert.ErrorContains(t, r.try("db/0", lined("secret-grant "+uri+" "+rel+" --unit web/9")), `unit "web/9" not found`)
	})
}

func TestSecretGrantsEnd(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 2)
		uri := r.add("db/0", "")
		r.commands("db/0", "secret-grant "+uri+" "+r.relationFlag())
		assert.Equal(t, "one", r.read("web/0", uri))
		require.NoError(t, r.relation().Remove())
		r.settle()
		denied(t, r.read("web/0", uri))
		assert.Empty(t, r.m.Secret(uri).Info().Grants)

		_, err := r.m.Relate("web", "db", "db", "")
		require.NoError(t, err)
		r.settle()
		r.commands("db/0", "secret-grant "+uri+" "+r.relationFlag()+" --unit web/0")
		r.read("web/0", uri)
		require.NoError(t, r.m.Unit("web/0").Remove())
		r.settle()
		info := r.m.Secret(uri).Info()
		assert.Empty(t, info.Grants)
		assert.Empty(t, info.Consumers)

		other := r.add("web/1", "--owner unit")
		of := r.add("web/1", "")
		r.commands("db/0", "secret-grant "+uri+" "+r.relationFlag())
		require.NoError(t, r.m.Unit("web/1").Remove())
		r.settle()
		assert.Nil(t, r.m.Secret(other), "gone with its unit")
		assert.NotNil(t, r.m.Secret(of), "the application's stays without units")
		require.NoError(t, r.m.Application("web").Remove())
		r.settle()
		assert.Nil(t, r.m.Secret(of), "gone with its application")
		assert.Empty(t, r.m.Secret(uri).Info().Grants)
	})
}

func TestSecretsAreTheLeaders(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 1)
		uri := r.add("db/0", "")
		_, err := r.command("db/1", "secret-add key=x")
		assert.ErrorIs(t, err, hookcmd.ErrNotLeader)
		_, err = r.command("db/1", "secret-grant "+uri+" "+r.relationFlag())
		assert.ErrorIs(t, err, hookcmd.ErrSecretNotFound, "it is not among those that the unit manages")
		for _, line := range []string{"secret-set " + uri + " key=x", "secret-remove " + uri, "secret-revoke " + uri + " --app web"} {
			err := r.try("db/1", lined(line))
			assert.ErrorContains(t, err, "permission denied", "%s, at the commit", line)
			assert.NotErrorIs(t, err, hookcmd.ErrPermission, "the command itself succeeds")
		}
		unit := r.add("db/1", "--owner unit")
		assert.ErrorContains(t, r.try("db/0", lined("secret-set "+unit+" key=x")), "permission denied", "not even the leader's")

		// Leadership that is lost after the command is missed at the commit.
		for i, line := range []string{
			"secret-add key=x", "secret-set " + uri + " key=x", "secret-remove " + uri, "secret-grant " + uri + " " + r.relationFlag(),
		} {
			unit, other := fmt.Sprintf("db/%d", i%2), r.m.Unit(fmt.Sprintf("db/%d", 1-i%2))
			err := r.try(unit, func(h *juju.Hook) error {
				require.NoError(t, lined(line)(h))
				require.NoError(t, other.SetLeader())
				return nil
			})
			assert.Regexp(t, "permission denied|not the leader", fmt.Sprint(err), line)
			r.settle()
		}
		err = r.try("db/0", func(h *juju.Hook) error {
			require.NoError(t, lined("secret-get "+uri)(h))
			require.NoError(t, r.m.Unit("db/1").SetLeader())
			return lined("secret-set " + uri + " key=x")(h)
		})
		assert.ErrorIs(t, err, hookcmd.ErrNotLeader, "a secret that the hook saw as the leader")
		assert.Equal(t, 1, r.m.Secret(uri).Info().Latest)
	})
}

func TestSecretThatIsGone(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 0)
		const gone = "d0000000000000007000"
		for _, line := range []string{"secret-set " + gone + " key=x", "secret-revoke " + gone + " --app web"} {
			err := r.try("db/0", lined(line))
			if version == "4.1.0" {
				assert.NoError(t, err, "%s is skipped", line)
			} else {
				assert.ErrorContains(t, err, "not found", line)
			}
		}
		r.commands("db/0", "secret-remove "+gone, "secret-remove "+gone+" --revision 2")
		uri := r.add("db/0", "")
		err := r.try("db/0", func(h *juju.Hook) error {
			require.NoError(t, lined("secret-set "+uri+" key=x")(h))
			return r.m.Secret(uri).Remove(0)
		})
		assert.Equal(t, version == "4.1.0", err == nil, "removed while the hook ran: %v", err)
	})
}

func TestSecretsAreCommittedWithTheRest(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		r.add("db/0", "--label taken")
		end := r.relation().End("db")
		before := end.UnitData(r.m.Unit("db/0"))

		err := r.try("db/0", lined("relation-set "+r.relationFlag()+" a=b", "state-set a=b", "secret-add key=x --label new", "secret-add key=x --label taken"))
		require.ErrorContains(t, err, "already exists")
		assert.Equal(t, before, end.UnitData(r.m.Unit("db/0")), "nothing is written if a secret is refused")
		assert.Empty(t, r.m.Unit("db/0").State())
		if version == "4.1.0" {
			assert.Len(t, r.m.Secrets(), 1)
		} else {
			assert.Len(t, r.m.Secrets(), 2, "3.6 keeps the secrets before it")
		}

		have := len(r.m.Secrets())
		r.m.RefuseNextFlush()
		again := lined("state-set a=b", "secret-add key=x --label once")
		require.ErrorContains(t, r.try("db/0", again), "refused")
		if version == "4.1.0" {
			assert.Len(t, r.m.Secrets(), have)
			assert.NoError(t, r.try("db/0", again))
		} else {
			assert.Len(t, r.m.Secrets(), have+1, "3.6 has applied the secrets by then")
			assert.ErrorContains(t, r.try("db/0", again), "already exists", "so that the hook meets what it did")
		}
	})
}

func TestSecretGrantOverPeers(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 0)
		uri := r.add("db/0", "--owner unit")
		var peers int
		for _, rel := range r.m.Relations() {
			if rel.End("db") != nil && len(rel.Ends()) == 1 {
				peers = rel.ID
			}
		}
		err := r.try("db/0", lined(fmt.Sprintf("secret-grant %s -r %d", uri, peers)))
		if version == "4.1.0" {
			assert.ErrorContains(t, err, "peer relation", "at the commit")
			denied(t, r.read("db/1", uri))
		} else {
			assert.NoError(t, err)
			assert.Equal(t, "one", r.read("db/1", uri))
		}
	})
}

func TestSecretGrantIsOfOneRelation(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		spare, err := r.m.Relate("web", "spare", "db", "db")
		require.NoError(t, err)
		r.settle()
		uri := r.add("db/0", "")
		over := fmt.Sprintf("secret-grant %s -r %d", uri, spare.ID)
		assert.ErrorContains(t, r.try("db/0", lined("secret-grant "+uri+" "+r.relationFlag(), over)), "cannot change secret permission scope")
		grants := r.m.Secret(uri).Info().Grants
		if version == "4.1.0" {
			assert.Empty(t, grants)
		} else {
			assert.Len(t, grants, 1, "3.6 keeps the first")
		}
	})
}

func TestSecretGrantWhileTheModelChanges(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		uri, rel := r.add("db/0", ""), r.relationFlag()
		grant := lined("secret-grant " + uri + " " + rel)
		err := r.try("db/0", func(h *juju.Hook) error {
			require.NoError(t, grant(h))
			return r.m.Secret(uri).Remove(0)
		})
		assert.ErrorContains(t, err, "not found", "the secret is gone")
		uri = r.add("db/0", "")
		err = r.try("db/0", func(h *juju.Hook) error {
			require.NoError(t, lined("secret-grant "+uri+" "+rel)(h))
			return r.relation().Remove()
		})
		if version == "4.1.0" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, "is not alive")
		}
		r.settle()
		assert.Empty(t, r.m.Secret(uri).Info().Grants, "a grant ends with its relation")
	})
}

func TestSecretIsRemovedWithWhatIsPending(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		uri, rel := r.add("db/0", ""), r.relationFlag()
		r.commands("db/0", "secret-grant "+uri+" "+rel)
		r.in("db/0", func(h *juju.Hook) error {
			out, err := run(h, "secret-add", "key=x")
			require.NoError(t, err)
			fresh := strings.TrimSpace(string(out))
			return lined(
				"secret-grant "+fresh+" "+rel, "secret-revoke "+fresh+" --app web", "secret-remove "+fresh,
				"secret-set "+uri+" key=two", "secret-get --refresh "+uri, "secret-revoke "+uri+" --app web", "secret-remove "+uri+" --revision 7",
			)(h)
		})
		require.Len(t, r.m.Secrets(), 1)
		info := r.m.Secret(uri).Info()
		assert.Equal(t, 1, info.Latest)
		assert.Len(t, info.Grants, 1)
		assert.Empty(t, info.Consumers)
	})
}
