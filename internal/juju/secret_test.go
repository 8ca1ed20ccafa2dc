// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestSecretReaderTracksARevision(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 2)
		uri := r.add("db/0", "")
		r.commands("db/0", "secret-grant "+uri+" "+r.relationFlag())
		assert.Empty(t, r.ran(), "nobody has read it")

		assert.Equal(t, "one", r.read("web/0", uri))
		assert.Equal(t, "one", r.read("web/1", uri+" --label creds"))
		assert.Empty(t, r.ran())
		r.commands("db/0", "secret-set "+uri+" key=two")
		assert.ElementsMatch(t, []string{"web/0 secret-changed", "web/1 secret-changed creds"}, r.ran(), "told once, each with its label")
		assert.Equal(t, "one", r.read("web/0", uri), "the tracked revision")
		assert.Equal(t, "two", r.read("web/0", uri+" --peek"))
		assert.Equal(t, "one", r.read("web/0", uri), "peek tracks nothing")
		assert.Equal(t, "two", r.read("web/0", uri+" --refresh"))
		assert.Equal(t, "two", r.read("web/0", uri))
		assert.Empty(t, r.ran(), "web/1 still tracks revision 1")
		assert.Equal(t, "two", r.read("web/1", "--label creds --refresh"))
		assert.Equal(t, []string{"db/0 secret-remove 1"}, r.ran(), "for the leader only, and once")
		r.commands("db/0", "secret-set "+uri+" key=three")
		r.commands("db/0", "secret-set "+uri+" key=four")
		assert.Equal(t, []string{"db/0 secret-remove 3"}, removes(r.ran()), "nobody can have read revision 3")

		r.commands("db/0", "secret-remove "+uri+" --revision 3", "secret-remove "+uri+" --revision 1")
		info := r.m.Secret(uri).Info()
		assert.Equal(t, []juju.RevisionInfo{{Number: 2}, {Number: 4}}, info.Revisions)
		assert.Equal(t, []juju.Consumer{{Unit: "web/0", Tracked: 2}, {Unit: "web/1", Tracked: 2, Label: "creds"}}, info.Consumers)
		r.commands("db/0", "secret-remove "+uri)
		assert.Empty(t, r.ran(), "nobody is told of the end")
		assert.Nil(t, r.m.Secret(uri))
		assert.Contains(t, r.read("web/0", uri), "not found")
		assert.Contains(t, r.read("web/0", "--label creds"), "not found")
	})
}

// removes returns the secret-remove hooks among hooks.
func removes(hooks []string) []string {
	var some []string
	for _, hook := range hooks {
		if len(hook) > 18 && hook[5:18] == "secret-remove" {
			some = append(some, hook)
		}
	}
	return some
}

func TestSecretChangedComesOnceForManyRevisions(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 1)
	uri := r.add("db/0", "")
	r.commands("db/0", "secret-grant "+uri+" "+r.relationFlag())
	r.read("web/0", uri)
	s := r.m.Secret(uri)
	require.NoError(t, s.SetContent(map[string]string{"key": "two"}))
	require.NoError(t, s.SetContent(map[string]string{"key": "three"}))
	require.NoError(t, s.SetContent(map[string]string{"key": "three"}))
	assert.Equal(t, 3, s.Info().Latest, "the same content is no revision")
	assert.ElementsMatch(t, []string{"db/0 secret-remove 2", "web/0 secret-changed"}, r.ran())

	failures := 2
	r.on = func(_, hook string) script {
		if hook != "secret-changed" || failures == 0 {
			return nil
		}
		failures--
		return func(*juju.Hook) error {
			if failures == 1 {
				require.NoError(t, s.SetContent(map[string]string{"key": "five"}))
			}
			return fmt.Errorf("boom")
		}
	}
	require.NoError(t, s.SetContent(map[string]string{"key": "four"}))
	assert.Equal(t, []string{"web/0 secret-changed", "web/0 secret-changed", "web/0 secret-changed", "web/0 secret-changed"}, changes(r.ran()),
		"failed twice, done, and again for the revision that came meanwhile")
}

func changes(hooks []string) []string {
	var some []string
	for _, hook := range hooks {
		if hook == "web/0 secret-changed" {
			some = append(some, hook)
		}
	}
	return some
}

func TestSecretChangedAfterTheFirstRead(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		uri := r.add("db/0", "")
		r.commands("db/0", "secret-grant "+uri+" "+r.relationFlag())
		r.commands("db/0", "secret-set "+uri+" key=two")
		r.ran()
		assert.Equal(t, "two", r.read("web/0", uri+" --peek"))
		if version == "4.1.0" {
			assert.Empty(t, r.ran())
		} else {
			assert.Equal(t, []string{"web/0 secret-changed"}, r.ran(), "3.6 takes the revision for new")
		}
		r.commands("db/0", "secret-set "+uri+" key=three")
		assert.Equal(t, []string{"web/0 secret-changed"}, r.ran(), "even a peek tracks, if it is the first read")
		assert.Equal(t, "two", r.read("web/0", uri))
	})
}

func TestSecretOwnerIsAReaderToo(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 0)
		var uri string
		r.in("db/0", func(h *juju.Hook) error {
			c, ctx := hookcmd.New(h, nil), t.Context()
			var err error
			uri, err = c.SecretAdd(ctx, map[string]hookcmd.SecretValue{"key": hookcmd.NewSecretValue("\x00one\xff")}, nil)
			require.NoError(t, err)
			for _, mode := range []hookcmd.SecretGetMode{hookcmd.SecretTracked, hookcmd.SecretPeek, hookcmd.SecretRefresh} {
				content, err := c.SecretGet(ctx, hookcmd.SecretLookup{ID: uri}, mode)
				require.NoError(t, err)
				assert.Equal(t, "\x00one\xff", content["key"].Reveal(), "pending, in every mode")
			}
			return nil
		})
		assert.Empty(t, r.m.Secret(uri).Info().Consumers)
		r.commands("db/0", "secret-set "+uri+" key=two")
		assert.Equal(t, []string{"db/0 secret-remove 1"}, r.ran(), "whoever has not read it tracks nothing")

		assert.Equal(t, "two", r.read("db/0", uri))
		assert.Equal(t, "two", r.read("db/1", uri), "a peer reads what the application owns")
		r.ran() // in 3.6, what was not known yet
		r.in("db/0", func(h *juju.Hook) error {
			get := func(mode string) string {
				out, err := run(h, "secret-get", uri, "key", mode, "--format=json")
				require.NoError(t, err)
				return string(out)
			}
			require.NoError(t, lined("secret-set "+uri+" key=three")(h))
			assert.Equal(t, "\"two\"\n", get("--peek=false"), "the tracked one")
			assert.Equal(t, "\"three\"\n", get("--peek"), "the pending one")
			assert.Equal(t, "\"two\"\n", get("--peek=false"))
			return nil
		})
		assert.ElementsMatch(t, []string{"db/0 secret-changed", "db/1 secret-changed"}, r.ran(), "both track revision 2")
		r.commands("db/0", "secret-set "+uri+" key=four", "secret-get --refresh "+uri)
		told := []string{"db/1 secret-changed", "db/0 secret-remove 3"}
		if version != "4.1.0" {
			told = append(told, "db/0 secret-changed")
		}
		assert.ElementsMatch(t, told, r.ran(), "Juju 4 leaves out who tracks the new one from the start")
		assert.Equal(t, []juju.Consumer{{Unit: "db/0", Tracked: 4}, {Unit: "db/1", Tracked: 2}}, r.m.Secret(uri).Info().Consumers)
	})
}

func TestSecretUpdatesOfOneHookAreOneRevision(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 0)
		uri := r.add("db/0", "--label a --description d --rotate hourly")
		r.commands("db/0", "secret-set "+uri+" key=two other=x", "secret-set "+uri+" key=three --label b", "secret-set "+uri+" --description=", "secret-set "+uri)
		info := r.m.Secret(uri).Info()
		assert.Equal(t, 2, info.Latest)
		assert.Equal(t, []string{"b", "d", "hourly"}, []string{info.Label, info.Description, info.Rotate})
		content, err := r.m.Secret(uri).Content(0)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"key": "three"}, content, "a content replaces all of the old one")
		r.commands("db/0", "secret-set "+uri+" key=three", "secret-set "+uri+" --label c")
		assert.Equal(t, 2, r.m.Secret(uri).Info().Latest, "the same content is no revision")
		r.commands("db/0", "secret-remove "+uri, "secret-set "+uri+" key=four")
		assert.Equal(t, 3, r.m.Secret(uri).Info().Latest, "what is set after it was removed stays")
		r.commands("db/0", "secret-set "+uri+" key=five", "secret-remove "+uri+" --revision 3")
		info = r.m.Secret(uri).Info()
		assert.Len(t, info.Revisions, 2, "removing forgets what else was done")
		if version == "4.1.0" {
			assert.Equal(t, juju.RevisionInfo{Number: 2}, info.Revisions[1], "the latest that is left")
		} else {
			assert.Equal(t, 3, info.Latest, "3.6 remembers the latest")
		}
	})
}

func TestSecretOfAFailedHookIsVoid(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		kept := r.add("db/0", "--label kept")
		err := r.try("db/0", func(h *juju.Hook) error {
			require.NoError(t, lined("secret-add key=lost", "secret-set "+kept+" key=lost", "secret-grant "+kept+" "+r.relationFlag(), "secret-get "+kept)(h))
			return fmt.Errorf("boom")
		})
		require.ErrorContains(t, err, "boom")
		require.Len(t, r.m.Secrets(), 1)
		info := r.m.Secret(kept).Info()
		assert.Equal(t, 1, info.Latest)
		assert.Empty(t, info.Grants)
		assert.Equal(t, []juju.Consumer{{Unit: "db/0", Tracked: 1}}, info.Consumers, "the first read counts at once")
		assert.Equal(t, "secret:d0000000000000000030", r.add("db/0", ""), "its ID is spent")
	})
}

func TestSecretLabels(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 1)
		app := r.add("db/0", "--label app")
		unit := r.add("db/0", "--owner unit --label unit")
		other := r.add("db/1", "--owner unit --label unit")
		assert.NotEqual(t, unit, other, "another unit's labels are its own")
		exists := `secret with label %q already exists`
		for _, row := range []struct{ unit, line, label string }{
			{"db/0", "secret-add key=x --label app", "app"},
			{"db/0", "secret-add key=x --owner unit --label unit", "unit"},
			{"db/0", "secret-add key=x --owner unit --label app", "app"},
			{"db/1", "secret-add key=x --owner unit --label app", "app"},
			{"db/0", "secret-add key=x --label unit", "unit"},
			{"db/0", "secret-set " + unit + " --label app", "app"},
			{"db/0", "secret-set " + app + " --label unit", "unit"},
		} {
			assert.ErrorContains(t, r.try(row.unit, lined(row.line)), fmt.Sprintf(exists, row.label), "%s, at the commit", row.line)
		}
		assert.Len(t, r.m.Secrets(), 3)
		err := r.try("db/0", func(h *juju.Hook) error {
			return lined("secret-add key=x --label new", "secret-add key=x --label new")(h)
		})
		assert.ErrorIs(t, err, hookcmd.ErrSecretExists, "in one hook at once")

		r.commands("db/0", "secret-set "+app+" --label app2", "secret-add key=x --label new")
		r.commands("db/0", "secret-get "+app+" --label app3")
		assert.Equal(t, "app3", r.m.Secret(app).Info().Label, "the owner renames it, at once")
		r.commands("db/1", "secret-get "+app+" --label mine")
		assert.Equal(t, "app3", r.m.Secret(app).Info().Label, "a peer does not")
		assert.Equal(t, "one", r.read("db/1", "--label app3"), "but reads by the owner's label")
		assert.Contains(t, r.read("db/1", "--label mine"), "not found")
		_, err = r.command("db/0", "secret-get "+unit+" --label app3")
		assert.ErrorIs(t, err, hookcmd.ErrSecretExists)

		// Those of consumers.
		r.commands("db/0", "secret-grant "+app+" "+r.relationFlag(), "secret-grant "+unit+" "+r.relationFlag())
		assert.Equal(t, "one", r.read("web/0", app+" --label x"))
		_, err = r.command("web/0", "secret-get "+unit+" --label x")
		assert.ErrorIs(t, err, hookcmd.ErrSecretExists)
		assert.Equal(t, "one", r.read("web/0", unit+" --label y"))
		assert.Equal(t, "one", r.read("web/0", app+" --label z"))
		assert.Equal(t, "one", r.read("web/0", "--label z"))
		assert.Contains(t, r.read("web/0", "--label x"), "not found", "it is z now")
		assert.Contains(t, r.read("web/0", "--label app3"), "not found", "the owner's label is the owner's")
		err = r.try("web/0", lined("secret-add key=x --label y"))
		if version == "4.1.0" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, fmt.Sprintf(exists, "y"), "3.6 does not tell labels of owners and consumers apart")
		}
	})
}

func TestSecretLabelsWithinAHook(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	uri := r.add("db/0", "--label old --owner unit")
	r.in("db/0", func(h *juju.Hook) error {
		get := func(args ...string) string {
			out, err := run(h, append([]string{"secret-get", "--format=json"}, args...)...)
			if err != nil {
				return stderrOf(err)
			}
			return string(out)
		}
		require.NoError(t, lined("secret-set "+uri+" key=two --label new", "secret-add key=fresh --label fresh")(h))
		assert.Equal(t, "{\"key\":\"fresh\"}\n", get("--label", "fresh"))
		assert.Equal(t, "{\"key\":\"fresh\"}\n", get("d0000000000000000020", "--label", "fresher"))
		assert.Contains(t, get("--label", "fresh"), "not found", "it has another label now")
		assert.Equal(t, "{\"key\":\"two\"}\n", get(uri, "--label", "newest", "--refresh"))
		require.NoError(t, lined("secret-set "+uri+" --label new")(h))
		assert.Equal(t, "{\"key\":\"one\"}\n", get("--label", "new"), "the new label means the secret already")
		assert.Equal(t, "{\"key\":\"two\"}\n", get("--label", "new", "--peek"))
		return nil
	})
	assert.Equal(t, "new", r.m.Secret(uri).Info().Label)
	assert.ErrorContains(t, r.try("db/0", lined("secret-add key=x --label both --owner unit", "secret-set "+uri+" --label both")), "already exists")
	r.commands("db/0", "secret-set "+uri+" --label newer")
	assert.ErrorContains(t, r.try("db/0", lined("secret-add key=x --label newer --owner unit", "secret-set "+uri+" --label newest")), "already exists",
		"secrets are created before others are renamed")
	assert.ErrorContains(t, r.try("db/0", lined("secret-remove "+uri, "secret-add key=x --label newer --owner unit")), "already exists",
		"and before others are removed")
}

func TestSecretIDsAndInfo(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 2, 1)
	app := r.add("db/0", "--label app --rotate daily --description d")
	unit := r.add("db/0", "--owner unit --expire 2026-02-01T00:00:00+01:00")
	r.commands("db/0", "secret-grant "+app+" "+r.relationFlag(), "secret-grant "+unit+" "+r.relationFlag()+" --unit web/0")
	ids := func(of string) []string {
		var ids []string
		r.in(of, func(h *juju.Hook) (err error) {
			ids, err = hookcmd.New(h, nil).SecretIDs(t.Context())
			return err
		})
		return ids
	}
	assert.ElementsMatch(t, []string{app[7:], unit[7:]}, ids("db/0"))
	assert.Empty(t, ids("db/1"), "the application's are the leader's")
	info := func(of string, args string) string {
		out, err := r.command(of, "secret-info-get "+args+" --format=json")
		if err != nil {
			return stderrOf(err)
		}
		return out
	}
	scope := `"scope":"relation-web.db#db.db","role":"view"}]}}`
	assert.Equal(t, `{"`+app[7:]+`":{"revision":1,"label":"app","owner":"application","description":"d","rotation":"daily","rotates":"2026-01-02T00:00:00Z",`+
		`"access":[{"target":"application-web",`+scope, info("db/0", app))
	assert.Equal(t, `{"`+unit[7:]+`":{"revision":1,"label":"","owner":"unit","rotation":"never","expiry":"2026-01-31T23:00:00Z",`+
		`"access":[{"target":"unit-web-0",`+scope, info("db/0", unit))
	assert.Equal(t, `secret "`+app[7:]+`" not found`, info("db/1", app))
	assert.Equal(t, `secret "app" not found`, info("db/1", "--label app"))
	assert.Equal(t, `secret "`+app[7:]+`" not found`, info("web/0", app), "whom it is granted knows nothing of it")
	r.in("db/0", func(h *juju.Hook) error {
		require.NoError(t, lined("secret-remove "+app+" --revision 7")(h))
		assert.ErrorContains(t, lined("secret-info-get "+app)(h), "not found", "as little as the removal of a revision hides it")
		return nil
	})
}
