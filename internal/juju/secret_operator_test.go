// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

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
		user, err := r.m.AddSecret(juju.NewSecret{Content: map[string]string{"key": "v"}})
		require.NoError(t, err)
		assert.ErrorContains(t, user.Grant("web", r.relation()), "a user secret is not granted over a relation")
		assert.ErrorContains(t, user.Grant("web/0", nil), "a user secret is granted to applications")
		require.NoError(t, user.Grant("web", nil))
		require.NoError(t, user.Grant("web", nil))
		assert.Len(t, user.Info().Grants, 1)
		_, err = r.m.AddSecret(juju.NewSecret{Content: map[string]string{}})
		assert.ErrorContains(t, err, "its content is empty")
		ofUnit, err := r.m.AddSecret(juju.NewSecret{Owner: "db/0", Label: "l", Rotate: "daily", Content: map[string]string{"key": "v"}})
		require.NoError(t, err)
		assert.Equal(t, "db/0", ofUnit.Info().Owner)
		assert.Equal(t, 24*time.Hour, r.nextRotate(ofUnit.ID))
		_, err = r.m.AddSecret(juju.NewSecret{Owner: "db", Label: "l", Content: map[string]string{"key": "v"}})
		assert.ErrorContains(t, err, "already exists")
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
