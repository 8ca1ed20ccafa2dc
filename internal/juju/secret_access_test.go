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

func TestUserSecret(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		s, err := r.m.AddSecret(juju.NewSecret{Label: "token", Content: map[string]string{"key": "one"}})
		require.NoError(t, err)
		uri := s.Info().URI
		denied(t, r.read("db/0", uri))
		assert.Contains(t, r.read("db/0", "--label token"), "not found", "the operator's name is no label")
		require.NoError(t, s.Grant("db", nil))
		assert.Equal(t, "one", r.read("db/0", uri+" --label mine"))
		require.NoError(t, s.SetContent(map[string]string{"key": "two"}))
		assert.Equal(t, []string{"db/0 secret-changed mine"}, r.ran(), "and nobody is told what to remove")
		assert.ErrorContains(t, r.try("db/0", lined("secret-set "+uri+" key=x")), "permission denied", "charms only read it")
		_, err = r.command("db/0", "secret-info-get "+uri)
		assert.ErrorIs(t, err, hookcmd.ErrSecretNotFound)
		require.NoError(t, s.Revoke("db"))
		denied(t, r.read("db/0", uri))
		assert.Equal(t, juju.SecretInfo{
			ID: s.ID, URI: uri, Label: "token", Rotate: "never", Latest: 2,
			Revisions: []juju.RevisionInfo{{Number: 1}, {Number: 2}}, Consumers: []juju.Consumer{{Unit: "db/0", Tracked: 1, Label: "mine"}},
		}, s.Info())
		require.NoError(t, s.Remove(2))
		require.NoError(t, s.Remove(1))
		assert.Empty(t, r.m.Secrets())

		fresh, err := r.m.AddSecret(juju.NewSecret{Owner: "db", Content: map[string]string{"key": "a", "key2": "b"}})
		require.NoError(t, err)
		for want, do := range map[string]func() error{
			`there is no unit or application "x"`:     func() error { return fresh.Grant("x", nil) },
			`it needs a relation of "db" with "web"`:  func() error { return fresh.Grant("web", nil) },
			`it is not granted to "web"`:              func() error { return fresh.Revoke("web") },
			`it has no revision 3`:                    func() error { return fresh.Remove(3) },
			`key "K" not valid`:                       func() error { return fresh.SetContent(map[string]string{"K": "v"}) },
			`its content is empty`:                    func() error { return fresh.SetContent(nil) },
			`cannot remove secret "` + s.ID:           func() error { return s.Remove(0) },
			`it is removed`:                           func() error { return s.SetContent(map[string]string{"key": "v"}) },
			`rotate policy "x" not valid`:             func() error { _, err := r.m.AddSecret(juju.NewSecret{Owner: "db", Rotate: "x"}); return err },
			`there is no unit or application "db/7"`:  func() error { _, err := r.m.AddSecret(juju.NewSecret{Owner: "db/7"}); return err },
			`a user secret does not rotate or expire`: func() error { _, err := r.m.AddSecret(juju.NewSecret{Rotate: "daily"}); return err },
			`has no revision 5`:                       func() error { _, err := fresh.Content(5); return err },
		} {
			assert.ErrorContains(t, do(), want)
		}
		require.NoError(t, fresh.Grant("web/0", r.relation()))
		assert.Equal(t, "a", r.read("web/0", fresh.ID))
	})
}

func TestSecretOfAnotherModel(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 0, 0)
	const uuid = "cafecafe-0bad-400d-8000-4b1d0d06f00d"
	offer := r.deploy("offer", "provides: {db: database}", 1, uuid)
	_, err := r.m.Relate("web", "spare", "offer", "")
	require.NoError(t, err)
	_, err = r.m.Application("web").AddUnits(1)
	require.NoError(t, err)
	r.settle()
	end := offer.Ends()[0]
	remote := end.RemoteName()
	require.True(t, strings.HasPrefix(remote, "remote-"))
	uri := r.add("offer/0", "--label mine")
	r.commands("offer/0", fmt.Sprintf("secret-grant %s -r %d --unit %s/0", uri, end.ID(), remote))
	assert.Equal(t, "one", r.read("web/0", "secret://"+uuid+"/"+uri[7:]))
	r.commands("offer/0", "secret-set "+uri+" key=two")
	var ids []string
	r.on = func(unit, hook string) script {
		return func(h *juju.Hook) error {
			if hook == "secret-changed" {
				ids = append(ids, unit+" "+fmt.Sprint(h.Event()))
			}
			return nil
		}
	}
	require.NoError(t, r.m.Secret(uri).SetContent(map[string]string{"key": "three"}))
	r.settle()
	require.Len(t, ids, 1)
	assert.Contains(t, ids[0], "secret://"+uuid+"/"+uri[7:], "the URI says whose it is")
	out, err := r.command("offer/0", "secret-info-get "+uri+" --format=json")
	require.NoError(t, err)
	assert.Contains(t, out, `"target":"unit-`+remote+`-0"`)
	r.commands("offer/0", "secret-revoke "+uri+" --unit "+remote+"/0")
	denied(t, r.read("web/0", uri))
}

func TestMadeUpUnitReadsASecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	fake, err := r.m.Application("web").AddMadeUpUnit(5)
	require.NoError(t, err)
	uri := r.add("db/0", "")
	_, err = fake.ReadSecret(uri, false)
	assert.ErrorContains(t, err, "not allowed")
	require.NoError(t, r.m.Secret(uri).Grant("web", r.relation()))
	content, err := fake.ReadSecret(uri, false)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"key": "one"}, content)
	r.commands("db/0", "secret-set "+uri+" key=two")
	assert.Empty(t, r.ran(), "revision 1 is in use")
	content, err = fake.ReadSecret(uri, true)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"key": "two"}, content)
	assert.Equal(t, []string{"db/0 secret-remove 1"}, r.ran())
	_, err = fake.ReadSecret("secret:x", false)
	assert.ErrorContains(t, err, "not valid")
}
