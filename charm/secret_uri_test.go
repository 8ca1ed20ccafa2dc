// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
)

const (
	secretID    = "9m4e2mr0ui3e8a215n4g"
	secretModel = "deadbeef-0bad-400d-8000-4b1d0d06f00d"
)

func TestParseSecretURI(t *testing.T) {
	t.Parallel()
	const long = "secret://" + secretModel + "/" + secretID
	var all []charm.SecretURI
	for text, row := range map[string]struct{ model, printed string }{
		"secret:" + secretID:                     {"", "secret:" + secretID},
		secretID:                                 {"", "secret:" + secretID},
		"secret://" + secretID:                   {"", "secret:" + secretID},
		long:                                     {secretModel, long},
		"secret:" + secretModel + "/" + secretID: {secretModel, long},
		secretModel + "/" + secretID:             {secretModel, long},
	} {
		uri, err := charm.ParseSecretURI(text)
		if !assert.NoError(t, err, text) {
			continue
		}
		assert.Equal(t, secretID, uri.ID(), text)
		assert.Equal(t, row.model, uri.Model(), text)
		assert.Equal(t, row.printed, uri.String(), text)
		assert.False(t, uri.IsZero(), text)
		all = append(all, uri)
	}
	for _, a := range all {
		for _, b := range all {
			assert.True(t, a.Equal(b), "%s and %s", a, b)
			assert.Equal(t, a.Model() == b.Model(), a == b, "%s and %s", a, b)
		}
	}
	other, err := charm.ParseSecretURI("d0000000000000000010")
	require.NoError(t, err)
	assert.False(t, other.Equal(all[0]))
}

// Whatever WithModel returns can be read again.
func TestSecretURIWithModel(t *testing.T) {
	t.Parallel()
	uri, err := charm.ParseSecretURI(secretID)
	require.NoError(t, err)
	full, err := uri.WithModel(secretModel)
	require.NoError(t, err)
	assert.Equal(t, "secret://"+secretModel+"/"+secretID, full.String())
	again, err := charm.ParseSecretURI(full.String())
	require.NoError(t, err)
	assert.Equal(t, full, again)
	bare, err := full.WithModel("")
	require.NoError(t, err)
	assert.Equal(t, uri, bare)
	none, err := charm.SecretURI{}.WithModel(secretModel)
	require.NoError(t, err)
	assert.Zero(t, none)
	for _, model := range []string{"not a model", "lxd", strings.ToUpper(secretModel), secretModel + "/", secretModel + "\n"} {
		none, err := uri.WithModel(model)
		assert.ErrorContains(t, err, `cannot put a model into secret URI "secret:`+secretID+`": "`)
		assert.ErrorContains(t, err, "is not a UUID in lower case")
		assert.Zero(t, none)
	}
}

func TestParseSecretURIFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "secret:", "secret://", "secret:///", "secret:" + secretID[1:], "secret:" + secretID + "0", strings.ToUpper(secretID),
		"secret:" + secretID[:19] + "1", "secret:" + secretID[:19] + "w", "secret:w" + secretID[1:], "Secret:" + secretID, "vault:" + secretID,
		"secret:/" + secretID, "secret:///" + secretID, "secret:x/" + secretID, "secret://" + secretModel, "secret://" + strings.ToUpper(secretModel) + "/" + secretID,
		"secret://" + secretModel + "/" + secretID + "/1", "secret://" + strings.ReplaceAll(secretModel, "-", "0") + "/" + secretID,
		"secret://" + secretModel[:35] + "g/" + secretID, "//" + secretID, "secret:" + secretID + "\n", " secret:" + secretID, "secret:" + secretID + "?name=x",
	} {
		uri, err := charm.ParseSecretURI(text)
		require.ErrorContains(t, err, "cannot read secret URI ", text)
		assert.Zero(t, uri, text)
	}
	const rule = `; it must be "secret:ID" or "secret://MODEL/ID", where ID is 20 digits and letters from a to v and MODEL is a UUID, in lower case`
	for text, want := range map[string]string{ // a password in the wrong place is not shown
		"":                                 "0 bytes: it is empty",
		"hunter2":                          "7 bytes: its ID has 7 bytes instead of 20",
		"secret:hunter2":                   "14 bytes: its ID has 7 bytes instead of 20",
		"secret://hunter2":                 "16 bytes: its ID has 7 bytes instead of 20",
		"secret://hunter2/" + secretID:     "37 bytes: what is before the slash is not the UUID of a model",
		"secret:hunter2hunter2hunter":      "27 bytes: its ID is not one of Juju's",
		secretModel + "/hunter2":           "44 bytes: its ID has 7 bytes instead of 20",
		"postgresql://u:hunter2@10.0.0.1/": "32 bytes: what is before the slash is not the UUID of a model",
	} {
		_, err := charm.ParseSecretURI(text)
		assert.EqualError(t, err, "cannot read secret URI of "+want+rule)
	}
}

func TestSecretURIAsText(t *testing.T) {
	t.Parallel()
	type config struct {
		Password, Token charm.SecretURI
		None            *charm.SecretURI
	}
	for _, text := range []string{
		`{"Password":"secret:` + secretID + `","Token":"","None":null}`,
		`{"Password":"secret://` + secretModel + `/` + secretID + `","Token":"","None":null}`,
	} {
		var c config
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		assert.Equal(t, secretID, c.Password.ID())
		assert.True(t, c.Token.IsZero())
		assert.Empty(t, c.Token.String())
		printed, err := json.Marshal(c)
		require.NoError(t, err)
		assert.Equal(t, text, string(printed))
	}
	var c config
	require.ErrorContains(t, json.Unmarshal([]byte(`{"Password": "hunter2"}`), &c), "cannot read secret URI of 7 bytes")
	assert.Zero(t, c)
}

// secretURIError is all that an error can say of a text.
var secretURIError = regexp.MustCompile(`^cannot read secret URI of \d+ bytes: (it is empty|what is before the slash is not the UUID of a model|its ID has \d+ bytes instead of 20|its ID is not one of Juju's); it must be "secret:ID" or "secret://MODEL/ID", where ID is 20 digits and letters from a to v and MODEL is a UUID, in lower case$`)

// jujuSecret is what Juju reads after it has read an URL.
var jujuSecret = regexp.MustCompile(`^(?:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/)?([0-9a-v]{19}[0g])$`)

func FuzzParseSecretURI(f *testing.F) {
	for _, text := range []string{
		"", "secret:", secretID, "secret:" + secretID, "secret://" + secretID, "secret:///" + secretID, "secret:" + secretModel + "/" + secretID,
		"secret://" + secretModel + "/" + secretID, "secret://" + secretModel + "/" + secretID + "#a", "secret:%64" + secretID, "\xff" + secretID,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		uri, err := charm.ParseSecretURI(text)
		if err != nil {
			assert.Zero(t, uri)
			require.Regexp(t, secretURIError, err.Error())
			return
		}
		again, err := charm.ParseSecretURI(uri.String())
		require.NoError(t, err)
		require.Equal(t, uri, again)
		bare, err := charm.ParseSecretURI(uri.ID())
		require.NoError(t, err)
		require.True(t, uri.Equal(bare))

		u, err := url.Parse(text) // what is accepted here, Juju accepts and reads alike
		require.NoError(t, err)
		require.True(t, u.Scheme == "" || u.Scheme == "secret")
		path := u.Host + u.Path
		if path == "" {
			path = u.Opaque
		}
		match := jujuSecret.FindStringSubmatch(path)
		require.NotNil(t, match, "Juju does not take %q", text)
		require.Equal(t, match[1], uri.Model())
		require.Equal(t, match[2], uri.ID())
	})
}
