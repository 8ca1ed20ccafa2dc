// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// recordedSecret is the ID of a recorded secret.
const recordedSecret = "secret:d0000000000000001000"

func secretMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	settings := &hookcmd.SecretSettings{
		Owner:       hookcmd.SecretOwnedByUnit,
		Label:       "mine",
		Description: "of two words",
		Rotate:      "monthly",
		Expire:      time.Date(2031, 2, 3, 4, 5, 6, 789, time.FixedZone("", 2*60*60)),
	}
	content := map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("abc")}
	get := func(secret hookcmd.SecretLookup, mode hookcmd.SecretGetMode) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.SecretGet(ctx, secret, mode) }
	}
	byID := hookcmd.SecretLookup{ID: recordedSecret}
	token := map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("s3cret")}
	return append([]scriptedMethod{{
		name:   "SecretGet",
		call:   get(byID, hookcmd.SecretTracked),
		argv:   []string{"secret-get", "--format=json", "--", recordedSecret},
		prints: recordedOutput(tb, "secret/get-json", 0),
		want:   token,
	}, {
		name:   "SecretGet peek",
		call:   get(byID, hookcmd.SecretPeek),
		argv:   []string{"secret-get", "--format=json", "--peek", "--", recordedSecret},
		prints: recordedOutput(tb, "secret/get-json", 0),
		want:   token,
	}, {
		name:   "SecretGet refresh and label",
		call:   get(hookcmd.SecretLookup{ID: recordedSecret, Label: "mine"}, hookcmd.SecretRefresh),
		argv:   []string{"secret-get", "--format=json", "--refresh", "--label=mine", "--", recordedSecret},
		prints: recordedOutput(tb, "secret/get-json", 0),
		want:   token,
	}, {
		name:   "SecretGet by label",
		call:   get(hookcmd.SecretLookup{Label: "mine"}, hookcmd.SecretTracked),
		argv:   []string{"secret-get", "--format=json", "--label=mine"},
		prints: recordedOutput(tb, "secret/get-owner-label", 0),
		want:   token,
	}, {
		name: "SecretAdd",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.SecretAdd(ctx, content, nil)
		},
		argv:   []string{"secret-add", "--file=PATH"},
		data:   map[string]string{"token": "abc"},
		prints: recordedOutput(tb, "secret/add", 0),
		want:   "secret:d0000000000000000010",
		text:   true,
	}, {
		name: "SecretAdd with settings",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.SecretAdd(ctx, content, settings)
		},
		argv: []string{"secret-add", "--owner=unit", "--label=mine", "--description=of two words", "--rotate=monthly",
			"--expire=2031-02-03T02:05:06Z", "--file=PATH"},
		data:   map[string]string{"token": "abc"},
		prints: recordedOutput(tb, "secret/add-unit-owner", 0),
		want:   "secret:d0000000000000000010",
		text:   true,
	}, {
		name: "SecretSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretSet(ctx, recordedSecret, content, &hookcmd.SecretSettings{Label: "mine"})
		},
		argv: []string{"secret-set", "--label=mine", "--file=PATH", "--", recordedSecret},
		data: map[string]string{"token": "abc"},
	}, {
		name: "SecretSet settings only",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretSet(ctx, recordedSecret, nil, &hookcmd.SecretSettings{Rotate: "never"})
		},
		argv: []string{"secret-set", "--rotate=never", "--", recordedSecret},
	}, {
		name: "SecretAdd that expires in a while",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.SecretAdd(ctx, content, &hookcmd.SecretSettings{ExpireIn: 36*time.Hour + 1500*time.Millisecond})
		},
		argv:   []string{"secret-add", "--expire=36h0m1.5s", "--file=PATH"},
		data:   map[string]string{"token": "abc"},
		prints: recordedOutput(tb, "secret/add", 0),
		want:   "secret:d0000000000000000010",
		text:   true,
	}, {
		name: "SecretSet that expires in a while",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretSet(ctx, recordedSecret, nil, &hookcmd.SecretSettings{ExpireIn: time.Hour})
		},
		argv: []string{"secret-set", "--expire=1h0m0s", "--", recordedSecret},
	}}, secretOwnerMethods(tb)...)
}

func secretOwnerMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	info := func(secret hookcmd.SecretLookup) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.SecretInfoGet(ctx, secret) }
	}
	appSecret := hookcmd.SecretInfo{
		ID:          "d0000000000000002000",
		Revision:    2,
		Label:       "appsec",
		Owner:       hookcmd.SecretOwnedByApplication,
		Description: "an app secret",
		Rotation:    "monthly",
		Expiry:      time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		Rotates:     time.Date(2029, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	return []scriptedMethod{{
		name:   "SecretInfoGet",
		call:   info(hookcmd.SecretLookup{ID: "secret:d0000000000000002000", Label: "ignored"}),
		argv:   []string{"secret-info-get", "--format=json", "--", "secret:d0000000000000002000"},
		prints: recordedOutput(tb, "secret/info-json", 0),
		want:   appSecret,
	}, {
		name:   "SecretInfoGet by label",
		call:   info(hookcmd.SecretLookup{Label: "mine"}),
		argv:   []string{"secret-info-get", "--format=json", "--label=mine"},
		prints: recordedOutput(tb, "secret/info-label", 0),
		want: hookcmd.SecretInfo{
			ID: "d0000000000000001000", Revision: 1, Label: "mine", Owner: hookcmd.SecretOwnedByUnit,
			Description: "a unit secret", Rotation: "never",
		},
	}, {
		name: "SecretInfoGet with access",
		call: info(hookcmd.SecretLookup{ID: "x"}),
		argv: []string{"secret-info-get", "--format=json", "--", "x"},
		prints: `{"x":{"revision":1,"label":"","owner":"unit","access":[` +
			`{"target":"unit-mysql-0","scope":"relation-wordpress.db#mysql.server","role":"view"}]}}` + "\n",
		want: hookcmd.SecretInfo{
			ID: "x", Revision: 1, Owner: hookcmd.SecretOwnedByUnit,
			Access: []hookcmd.SecretAccess{
				{Target: "unit-mysql-0", Scope: "relation-wordpress.db#mysql.server", Role: "view"},
			},
		},
	}, {
		name:   "SecretIDs",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.SecretIDs(ctx) },
		argv:   []string{"secret-ids", "--format=json"},
		prints: "[\"d0000000000000002000\",\"d0000000000000001000\"]\n",
		want:   []string{"d0000000000000002000", "d0000000000000001000"},
	}, {
		name:   "SecretIDs none",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.SecretIDs(ctx) },
		argv:   []string{"secret-ids", "--format=json"},
		prints: recordedOutput(tb, "secret/ids-none-json", 0),
		want:   []string(nil),
	}, {
		name: "SecretGrant",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretGrant(ctx, recordedSecret, scriptedDB, "")
		},
		argv: []string{"secret-grant", "-r", "db:3", "--", recordedSecret},
	}, {
		name: "SecretGrant to a unit",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretGrant(ctx, recordedSecret, scriptedDB, "mysql/0")
		},
		argv: []string{"secret-grant", "-r", "db:3", "--unit=mysql/0", "--", recordedSecret},
	}, {
		name: "SecretRevoke",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretRevoke(ctx, recordedSecret, scriptedDB, "")
		},
		argv: []string{"secret-revoke", "-r", "db:3", "--", recordedSecret},
	}, {
		name: "SecretRevoke from a unit",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretRevoke(ctx, recordedSecret, scriptedDB, "mysql/0")
		},
		argv: []string{"secret-revoke", "-r", "db:3", "--unit=mysql/0", "--", recordedSecret},
	}, {
		name: "SecretRevokeApp",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretRevokeApp(ctx, recordedSecret, "mysql")
		},
		argv: []string{"secret-revoke", "--app=mysql", "--", recordedSecret},
	}, {
		name: "SecretRemove",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretRemove(ctx, recordedSecret, 0)
		},
		argv: []string{"secret-remove", "--", recordedSecret},
	}, {
		name: "SecretRemove revision",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.SecretRemove(ctx, recordedSecret, 2)
		},
		argv: []string{"secret-remove", "--revision=2", "--", recordedSecret},
	}}
}

// Juju would take the last of two times, and refuse one before now.
func TestSecretSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	content := map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("abc")}
	for want, settings := range map[string]*hookcmd.SecretSettings{
		`--expire=-1s%s": ExpireIn is negative`:                                                        {ExpireIn: -time.Second},
		`--expire=2031-02-03T04:05:06Z --expire=-1ns%s": ExpireIn is negative`:                         {Expire: at, ExpireIn: -1},
		`--label=x --expire=2031-02-03T04:05:06Z --expire=1h0m0s%s": both Expire and ExpireIn are set`: {Label: "x", Expire: at, ExpireIn: time.Hour},
	} {
		runner := scriptedPrinter("secret:d0000000000000000010")
		client := hookcmd.New(runner, nil)
		_, err := client.SecretAdd(t.Context(), content, settings)
		require.EqualError(t, err, `cannot run "secret-add `+fmt.Sprintf(want, ""))
		err = client.SecretSet(t.Context(), "a", content, settings)
		require.EqualError(t, err, `cannot run "secret-set `+fmt.Sprintf(want, " -- a"))
		assert.Empty(t, runner.lines())

		answerer := newScriptedAnswerer("", func(hookcmd.Call, any) (bool, error) { return true, nil })
		err = hookcmd.New(answerer, nil).SecretSet(t.Context(), "a", content, settings)
		require.ErrorContains(t, err, fmt.Sprintf(want, " -- a"), "of a runner that answers by value")
	}
}

func TestSecretInfoGetNone(t *testing.T) {
	t.Parallel()
	for _, stdout := range []string{"{}\n", "null\n"} {
		_, err := hookcmd.New(scriptedPrinter(stdout), nil).SecretInfoGet(t.Context(), hookcmd.SecretLookup{Label: "x"})
		assert.ErrorIs(t, err, hookcmd.ErrSecretNotFound, "for the output %q", stdout)
	}
}

// Juju prints bytes that are not UTF-8 as U+FFFD, which SecretGet asks for again.
func TestSecretGetBytes(t *testing.T) {
	t.Parallel()
	const id = "secret:d000000000000000b000"
	lossy := recordedOutput(t, "secret/get-unicode-multiline", 0)
	raw := recordedOutput(t, "secret/get-unicode-multiline", 2)
	info := `{"d000000000000000b000":{"revision":1,"label":"own","owner":"unit"}}`
	content := map[string]hookcmd.SecretValue{"multi": hookcmd.NewSecretValue("a\nb"), "raw": hookcmd.NewSecretValue("\xff\xe0"), "uni": hookcmd.NewSecretValue("ü✓")}
	tests := []struct {
		name   string
		secret hookcmd.SecretLookup
		mode   hookcmd.SecretGetMode
		prints map[string]string
		want   map[string]hookcmd.SecretValue
	}{{
		name:   "by ID",
		secret: hookcmd.SecretLookup{ID: id},
		prints: map[string]string{
			"secret-get --format=json -- " + id:                 lossy,
			"secret-get --format=json -- " + id + " raw#base64": raw,
		},
		want: content,
	}, {
		name:   "peek stays peek",
		secret: hookcmd.SecretLookup{ID: id},
		mode:   hookcmd.SecretPeek,
		prints: map[string]string{
			"secret-get --format=json --peek -- " + id:                 lossy,
			"secret-get --format=json --peek -- " + id + " raw#base64": raw,
		},
		want: content,
	}, {
		name:   "refreshed once, labelled once",
		secret: hookcmd.SecretLookup{ID: id, Label: "other"},
		mode:   hookcmd.SecretRefresh,
		prints: map[string]string{
			"secret-get --format=json --refresh --label=other -- " + id: lossy,
			"secret-get --format=json -- " + id + " raw#base64":         raw,
		},
		want: content,
	}, {
		name:   "own, by label",
		secret: hookcmd.SecretLookup{Label: "own"},
		prints: map[string]string{
			"secret-get --format=json --label=own":                        lossy,
			"secret-info-get --format=json --label=own":                   info,
			"secret-get --format=json -- d000000000000000b000 raw#base64": raw,
		},
		want: content,
	}, {
		name:   "two values, by label",
		secret: hookcmd.SecretLookup{Label: "own"},
		prints: map[string]string{
			"secret-get --format=json --label=own":                        `{"one":"\ufffd","two":"\ufffd","text":"\u00fc"}`,
			"secret-info-get --format=json --label=own":                   info,
			"secret-get --format=json -- d000000000000000b000 one#base64": `"/w=="`,
			"secret-get --format=json -- d000000000000000b000 two#base64": `"AP8="`,
		},
		want: map[string]hookcmd.SecretValue{"one": hookcmd.NewSecretValue("\xff"), "two": hookcmd.NewSecretValue("\x00\xff"), "text": hookcmd.NewSecretValue("ü")},
	}, {
		name:   "genuine U+FFFD",
		secret: hookcmd.SecretLookup{ID: id},
		prints: map[string]string{
			"secret-get --format=json -- " + id:                 `{"raw":"a\ufffdb"}`,
			"secret-get --format=json -- " + id + " raw#base64": `"Ye+/vWI="`,
		},
		want: map[string]hookcmd.SecretValue{"raw": hookcmd.NewSecretValue("a\ufffdb")},
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			runner := scriptedTable(test.prints)
			got, err := hookcmd.New(runner, nil).SecretGet(t.Context(), test.secret, test.mode)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			assert.ElementsMatch(t, slices.Collect(maps.Keys(test.prints)), runner.lines(), "commands, each once")
		})
	}
}

func TestSecretGetBytesFails(t *testing.T) {
	t.Parallel()
	const id = "secret:d000000000000000b000"
	lossy := recordedOutput(t, "secret/get-unicode-multiline", 0)
	tests := []struct {
		name   string
		secret hookcmd.SecretLookup
		prints map[string]string
		want   string
	}{{
		name:   "foreign, by label",
		secret: hookcmd.SecretLookup{Label: "foreign"},
		prints: map[string]string{"secret-get --format=json --label=foreign": lossy},
		want:   `the value of "raw" may not be text`,
	}, {
		name:   "not base64",
		secret: hookcmd.SecretLookup{ID: id},
		prints: map[string]string{
			"secret-get --format=json -- " + id:                 lossy,
			"secret-get --format=json -- " + id + " raw#base64": `"s3cret!"`,
		},
		want: "not base64",
	}, {
		name:   "cannot be asked for",
		secret: hookcmd.SecretLookup{ID: id},
		prints: map[string]string{"secret-get --format=json -- " + id: lossy},
		want:   "not in the script",
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := hookcmd.New(scriptedTable(test.prints), nil)
			got, err := client.SecretGet(t.Context(), test.secret, hookcmd.SecretTracked)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "s3cret")
			assert.Nil(t, got, "content beside the error")
		})
	}
}

// That the charm's time is up is not about text or labels.
func TestSecretGetBytesInterrupted(t *testing.T) {
	t.Parallel()
	lossy := recordedOutput(t, "secret/get-unicode-multiline", 0)
	runner := &scriptedRunner{run: func(call hookcmd.Call) (string, error) {
		if call.Command == "secret-get" {
			return lossy, nil
		}
		return "", &hookcmd.Error{Command: call.Command, Args: call.Args, Code: -1, Err: context.Canceled}
	}}
	_, err := hookcmd.New(runner, nil).SecretGet(t.Context(), hookcmd.SecretLookup{Label: "own"}, hookcmd.SecretTracked)
	assert.ErrorIs(t, err, context.Canceled)
}
