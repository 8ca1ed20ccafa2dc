// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// recordedConfig is the recorded configuration, without the option that is not
// set.
var recordedConfig = map[string]string{
	"a-string": `"hello"`, "big": `1234567`, "colon": `"a: b"`, "empty": `""`, "equals": `"a=b=c"`,
	"flag": `true`, "html": `"\u003ca\u0026b\u003e"`, "huge": `9007199254740992`, "json": `"{\"a\": [1, 2]}"`,
	"multi": `"line one\nline two\n"`, "negative": `-17`, "null-string": `"null"`, "num-string": `"0123"`,
	"number": `5`, "off": `false`, "quotes": `"say \"hi\" it's"`, "ratio": `1.5`,
	"spaces": `"  lead and trail  "`, "tab": `"a\tb"`, "unicode": `"héllo wörld ✓ 日本"`, "whole-float": `2`,
	"yes-string": `"yes"`,
}

func recordedValues(values map[string]string, more ...string) hookcmd.Values {
	all := hookcmd.Values{}
	for key, value := range values {
		all[key] = json.RawMessage(value)
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = json.RawMessage(more[i+1])
	}
	return all
}

func settingsMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	leaderSettings := map[string]string{
		"address": "10.1.0.4", "bool": "true", "empty-not-kept": "x", "eq": "k=v=w", "multi": "a\nb\n", "num": "42",
		"uni": "ü✓日本",
	}
	state := map[string]string{
		"empty": "", "json": `{"a":1}`, "k1": "v1", "multi": "a\nb", "num": "5", "uni": "ü",
	}
	configKey := func(key string) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ConfigGetKey(ctx, key) }
	}
	leaderKey := func(key string) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.LeaderGetKey(ctx, key))
		}
	}
	stateKey := func(key string) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.StateGetKey(ctx, key))
		}
	}
	return []scriptedMethod{{
		name:   "ConfigGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ConfigGet(ctx) },
		argv:   []string{"config-get", "--format=json"},
		prints: recordedOutput(tb, "config-get/all-json", 0),
		want:   recordedValues(recordedConfig),
	}, {
		name:   "ConfigGet none",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ConfigGet(ctx) },
		argv:   []string{"config-get", "--format=json"},
		prints: recordedOutput(tb, "config-get/empty-app-json", 0),
		want:   hookcmd.Values{},
	}, {
		name:   "ConfigGetAll",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ConfigGetAll(ctx) },
		argv:   []string{"config-get", "--format=json", "--all"},
		prints: recordedOutput(tb, "config-get/all-flag-json", 0),
		want:   recordedValues(recordedConfig, "unset", "null"),
	}, {
		name:   "ConfigGetKey number",
		call:   configKey("big"),
		argv:   []string{"config-get", "--format=json", "--", "big"},
		prints: recordedOutput(tb, "config-get/key-big-json", 0),
		want:   json.RawMessage("1234567"),
	}, {
		name:   "ConfigGetKey text",
		call:   configKey("html"),
		argv:   []string{"config-get", "--format=json", "--", "html"},
		prints: recordedOutput(tb, "config-get/key-html", 0),
		want:   json.RawMessage(`"\u003ca\u0026b\u003e"`),
	}, {
		name:   "ConfigGetKey empty",
		call:   configKey("empty"),
		argv:   []string{"config-get", "--format=json", "--", "empty"},
		prints: recordedOutput(tb, "config-get/key-empty-json", 0),
		want:   json.RawMessage(`""`),
	}, {
		name:   "ConfigGetKey missing",
		call:   configKey("nope"),
		argv:   []string{"config-get", "--format=json", "--", "nope"},
		prints: recordedOutput(tb, "config-get/key-nope-json", 0),
		want:   json.RawMessage("null"),
	}, {
		name:   "IsLeader",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.IsLeader(ctx) },
		argv:   []string{"is-leader", "--format=json"},
		prints: recordedOutput(tb, "is-leader/leader-json", 0),
		want:   true,
	}, {
		name:   "IsLeader not",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.IsLeader(ctx) },
		argv:   []string{"is-leader", "--format=json"},
		prints: "false\n",
		want:   false,
	}, {
		name:   "LeaderGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.LeaderGet(ctx) },
		argv:   []string{"leader-get", "--format=json", "--", "-"},
		prints: recordedOutputOf(tb, "3.6", "leader/get-dash-json", 0),
		want:   leaderSettings,
	}, {
		name:   "LeaderGetKey",
		call:   leaderKey("multi"),
		argv:   []string{"leader-get", "--format=json", "--", "multi"},
		prints: recordedOutputOf(tb, "3.6", "leader/get-multiline-json", 0),
		want:   scriptedKey{"a\nb\n", true},
		answer: new("a\nb\n"),
	}, {
		name:   "LeaderGetKey missing",
		call:   leaderKey("nope"),
		argv:   []string{"leader-get", "--format=json", "--", "nope"},
		prints: "null\n",
		want:   scriptedKey{},
		answer: (*string)(nil),
	}, {
		name: "LeaderSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.LeaderSet(ctx, map[string]string{"foo": "a=b", "address": "", "-x": "two words"})
		},
		argv: []string{"leader-set", "--", "-x=two words", "address=", "foo=a=b"},
		data: map[string]string{"foo": "a=b", "address": "", "-x": "two words"},
	}, {
		name:   "StateGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StateGet(ctx) },
		argv:   []string{"state-get", "--format=json"},
		prints: recordedOutput(tb, "state/get-all-json", 0),
		want:   state,
	}, {
		name:   "StateGet null",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StateGet(ctx) },
		argv:   []string{"state-get", "--format=json"},
		prints: recordedOutput(tb, "state/get-all-empty-json", 0),
		want:   map[string]string{},
	}, {
		name:   "StateGetKey",
		call:   stateKey("multi"),
		argv:   []string{"state-get", "--format=json", "--strict", "--", "multi"},
		prints: recordedOutput(tb, "state/get-multi", 0),
		want:   scriptedKey{"a\nb", true},
		answer: new("a\nb"),
	}, {
		name:   "StateGetKey empty",
		call:   stateKey("empty"),
		argv:   []string{"state-get", "--format=json", "--strict", "--", "empty"},
		prints: recordedOutput(tb, "state/get-empty-value", 0),
		want:   scriptedKey{"", true},
		answer: new(""),
	}, {
		name: "StateSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.StateSet(ctx, map[string]string{"k2": "\t\x00", "k1": ""})
		},
		argv:  []string{"state-set", "--file", "-"},
		stdin: `{"k1": "", "k2": "\t\u0000"}`,
		data:  map[string]string{"k2": "\t\x00", "k1": ""},
	}, {
		name: "StateDelete",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.StateDelete(ctx, "-k1") },
		argv: []string{"state-delete", "--", "-k1"},
	}}
}

func TestStateGetKeyMissing(t *testing.T) {
	t.Parallel()
	recorded := recordedCall(t, "4", "state/get-strict-missing-json", 0)
	require.Equal(t, 1, recorded.Code)

	value, ok, err := scriptedFailure(t, recorded.Code, recorded.Stderr).StateGetKey(t.Context(), "nope")

	require.NoError(t, err)
	assert.False(t, ok)
	assert.Empty(t, value)
}

// Only the one failure means that there is no such key.
func TestStateGetKeyFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer hookcmdtest.Answer
	}{
		{"other failure", hookcmdtest.Failure(1, "connection is shut down")},
		{"not found in the middle", hookcmdtest.Failure(1, "unit not found: try again")},
		{"usage", hookcmdtest.Failure(2, "flag not found")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := scriptedFailure(t, test.answer.Code, test.answer.Stderr)
			_, ok, err := client.StateGetKey(t.Context(), "nope")
			require.Error(t, err)
			assert.False(t, ok)
		})
	}
}

func TestSettingsNull(t *testing.T) {
	t.Parallel()
	client := hookcmd.New(scriptedPrinter("null\n"), nil)

	config, err := client.ConfigGet(t.Context())
	require.NoError(t, err)
	assert.Empty(t, config)

	all, err := client.ConfigGetAll(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)

	leader, err := client.LeaderGet(t.Context())
	require.NoError(t, err)
	assert.Empty(t, leader)
}
