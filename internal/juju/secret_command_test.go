// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestSecretCommandsRefuse(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 1)
		dir := t.TempDir()
		file := func(name, content string) string {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			return path
		}
		uri, rel := r.add("db/0", "--label l"), r.relationFlag()
		big, huge := strings.Repeat("a", 750_000), file("huge", strings.Repeat("a", 1_000_001))
		const id = "d0000000000000007000"
		for _, row := range []struct {
			line string
			code int
			want string // of standard error, without "ERROR "; a trailing … is anything
		}{
			{"secret-add", 2, "missing secret value or filename"},
			{"secret-add =x", 2, `key value "=x" not valid`},
			{"secret-add key", 2, `key value "key" not valid`},
			{"secret-add key=x ab=x", 2, `key "ab" not valid`},
			{"secret-add Key=x", 2, `key "Key" not valid`},
			{"secret-add a--b=x", 2, `key "a--b" not valid`},
			{"secret-add key-=x", 2, `key "key-" not valid`},
			{"secret-add key#file=x", 2, `reading content for secret key "key": open x: no such file or directory`},
			{"secret-add key#file=" + dir + "/none", 2, `reading content for secret key "key": open ` + dir + `/none: no such file or directory`},
			{"secret-add key#file=" + huge, 2, `secret content in file "` + huge + `" too large: 1000001 bytes`},
			{"secret-add --file " + huge, 2, `secret content in file "` + huge + `" too large: 1000001 bytes`},
			{"secret-add --file none", 2, `open none: no such file or directory`},
			{"secret-add --file " + file("list", "[a]"), 2, "yaml: …"},
			{"secret-add --file " + file("empty", "{}"), 1, "empty secret value not valid"},
			{"secret-add --file " + file("bad", "a: b"), 2, `key "a" not valid`},
			{"secret-add key=" + big + "a", 2, `base64 encoded secret content for key "key" too large: 1000004 bytes`},
			{"secret-add key=" + big[:500_000] + " key2=" + big[:300_000], 2, "base64 encoded secret content too large: 1066668 bytes"},
			{"secret-add --rotate x key=x", 2, `rotate policy "x" not valid`},
			{"secret-add --owner x key=x", 2, `secret owner "x" not valid`},
			{"secret-add --expire x key=x", 2, `expire time or duration "x" not valid`},
			{"secret-add --expire -1s key=x", 2, `negative expire duration "-1s" not valid`},
			{"secret-add --foo key=x", 2, "option provided but not defined: --foo"},
			{"secret-set", 2, "missing secret URI"},
			{"secret-set x", 2, `secret URI "x" not valid`},
			{"secret-set http:" + id, 2, `secret URI scheme "http" not valid`},
			{"secret-set " + uri + " key", 2, `key value "key" not valid`},
			{"secret-get", 2, "require either a secret URI or label"},
			{"secret-get x", 2, `secret URI "x" not valid`},
			{"secret-get secret:d000000000000000700w", 2, `secret URI "secret:d000000000000000700w" not valid`},
			{"secret-get secret:d0000000000000007001", 2, `secret URI "secret:d0000000000000007001" not valid`},
			{"secret-get --peek --refresh --label l", 2, "specify one of --peek or --refresh but not both"},
			{"secret-get " + uri + " a b", 2, `unrecognized args: ["b"]`},
			{"secret-get " + uri + " a", 1, `secret key value "a" not found`},
			{"secret-get " + uri + " a#base64", 1, `secret key value "a" not found`},
			{"secret-get --format smart " + uri, 2, `invalid value "smart" for option --format: unknown format "smart"`},
			{"secret-info-get", 2, "require either a secret URI or label"},
			{"secret-info-get --label l " + uri, 2, "specify either a secret URI or label but not both"},
			{"secret-info-get " + id, 1, `secret "` + id + `" not found`},
			{"secret-info-get " + uri + " a", 2, `unrecognized args: ["a"]`},
			{"secret-ids a", 2, `unrecognized args: ["a"]`},
			{"secret-grant", 2, "missing secret URI"},
			{"secret-grant " + uri, 2, "no relation id specified"},
			{"secret-grant " + uri + " -r 99", 2, `invalid value "99" for option -r: relation not found`},
			{"secret-grant " + uri + " " + rel + " --unit web", 2, `unit "web" not valid`},
			{"secret-grant " + uri + " " + rel + " --unit db/0", 2, `cannot specify unit "db/0" in relation to application "web"`},
			{"secret-grant " + uri + " " + rel + " a", 2, `unrecognized args: ["a"]`},
			{"secret-grant " + id + " " + rel, 1, `secret "` + id + `" not found`},
			{"secret-revoke", 2, "missing secret URI"},
			{"secret-revoke " + uri, 2, "missing relation or application or unit"},
			{"secret-revoke " + uri + " --app web/0", 2, `application "web/0" not valid`},
			{"secret-revoke " + uri + " --unit web", 2, `unit "web" not valid`},
			{"secret-revoke " + uri + " --app web --unit web/0", 2, "specify only one of application or unit"},
			{"secret-revoke " + uri + " --app web " + rel, 2, "do not specify both relation and app"},
			{"secret-revoke " + uri + " --app web a", 2, `unrecognized args: ["a"]`},
			{"secret-remove", 2, "missing secret URI"},
			{"secret-remove " + uri + " --revision x", 2, `invalid value "x" for option --revision: strconv.ParseInt: parsing "x": invalid syntax`},
			{"secret-remove " + uri + " 1", 2, `unrecognized args: ["1"]`},
		} {
			_, err := r.command("db/0", row.line)
			var e *hookcmd.Error
			line := row.line[:min(len(row.line), 100)]
			if !assert.ErrorAs(t, err, &e, line) {
				continue
			}
			assert.Equal(t, row.code, e.Code, line)
			if want, partly := strings.CutSuffix(row.want, "…"); partly {
				assert.Contains(t, e.Stderr, want, line)
			} else {
				assert.Equal(t, row.want, e.Stderr, line)
			}
		}
		assert.Equal(t, "one", r.read("db/0", uri))
		_, err := r.command("db/0", "secret-set "+uri+" key#base64=!!")
		require.NoError(t, err, "nobody looks at it")
		assert.Equal(t, "illegal base64 data at input byte 0", r.read("db/0", uri+" --refresh"), "but who reads it cannot")
	})
}

func TestSecretURIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	uri := r.add("db/0", "")
	id, uuid := strings.TrimPrefix(uri, "secret:"), r.m.Options().UUID
	for _, form := range []string{uri, id, "secret://" + uuid + "/" + id, "secret:" + uuid + "/" + id} {
		assert.Equal(t, "one", r.read("db/0", form), form)
		assert.NotNil(t, r.m.Secret(form), form)
	}
	assert.Nil(t, r.m.Secret("x"))
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte(`{"key": "file", "num": 1.50, "raw#base64": "AP8="}`), 0o600))
	uri, err := r.command("db/0", "secret-add --file "+path+" key=args other=b")
	require.NoError(t, err)
	content, err := r.m.Secret(uri).Content(1)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"key": "file", "num": "1.50", "raw": "\x00\xff", "other": "b"}, content, "the file wins")
	out, err := r.command("db/0", "secret-get "+uri+" raw#base64")
	require.NoError(t, err)
	assert.Equal(t, "AP8=", out)
	out, err = r.command("db/0", "secret-get "+uri+" raw")
	require.NoError(t, err)
	assert.Equal(t, "!!binary AP8=", out)
}

func TestSecretContentIsNotShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 1)
	const content = "hunter2"
	uri := r.add("db/0", "--label l")
	var hook *juju.Hook
	lines := func(h *juju.Hook) error {
		hook = h
		c, ctx := hookcmd.New(h, &hookcmd.Options{TempDir: t.TempDir()}), context.Background()
		values := map[string]hookcmd.SecretValue{"key": hookcmd.NewSecretValue(content)}
		_, err := c.SecretAdd(ctx, values, &hookcmd.SecretSettings{Label: "l"})
		require.NoError(t, err)
		require.NoError(t, c.SecretSet(ctx, uri, values, nil))
		require.NoError(t, lined("secret-add --label=x key="+content, "secret-set "+uri+" key#base64="+content+" --label l2")(h))
		err = lined("secret-add --label=x key2=" + content)(h)
		require.Error(t, err)
		assert.NotContains(t, stderrOf(err), content)
		return errors.New("boom")
	}
	err := r.try("db/0", lines)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), content)
	var shown strings.Builder
	for _, call := range hook.Calls() {
		shown.WriteString(call.String() + "\n")
	}
	assert.Contains(t, shown.String(), "secret-add --label=x 'key=[redacted]'\n")
	assert.Contains(t, shown.String(), "secret-set "+uri+" 'key#base64=[redacted]' --label l2\n")
	require.NoError(t, r.m.WriteTrace(&shown, 0))
	assert.NotContains(t, shown.String(), content)

	_, err = r.command("db/0", "secret-set "+uri+" key="+content)
	require.NoError(t, err)
	err = r.try("db/0", lined("secret-add --label l key="+content))
	require.ErrorContains(t, err, "already exists")
	assert.NotContains(t, err.Error(), content, "nor in what the commit says")
}
