// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// requireMisprint checks an error about the output of a command that succeeded.
func requireMisprint(t *testing.T, err error, command string) {
	t.Helper()
	var failure *hookcmd.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, command, failure.Command)
	assert.Zero(t, failure.Code, "exit code")
	assert.Empty(t, failure.Stderr)
	require.Less(t, len(err.Error()), 2048, "the length of the text, which begins with %.300s", err)
	assert.Contains(t, err.Error(), `cannot run "`+command)
	assert.Contains(t, err.Error(), "it printed")
	assert.NotContains(t, err.Error(), "5ecret", "the output")
	assert.NotContains(t, err.Error(), "77345112", "the output")
}

func TestBadOutput(t *testing.T) {
	t.Parallel()
	outputs := map[string]string{
		"nothing":    "",
		"line end":   " \n",
		"no JSON":    "5ecret",
		"cut off":    `{"5ecret": "5ecret`,
		"two values": `"5ecret" "5ecret"`,
		"10 MB":      strings.Repeat("5ecret", 10<<20/6),
		"wrong type": "77345112",
	}
	for _, m := range scriptedMethods(t) {
		if m.text || m.want == nil {
			continue
		}
		for name, output := range outputs {
			if _, isRaw := m.want.(json.RawMessage); isRaw && name == "wrong type" {
				continue // it can hold anything
			}
			t.Run(m.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				got, err := m.call(t.Context(), hookcmd.New(scriptedPrinter(output), nil))
				requireMisprint(t, err, m.argv[0])
				if got != nil {
					assert.True(t, scriptedEmpty(got), "returned %+v beside the error", got)
				}
			})
		}
	}
}

// Values that read themselves put what they cannot read into their errors.
func TestBadOutputInside(t *testing.T) {
	t.Parallel()
	long := `"5ecret-` + strings.Repeat("77345112", 1<<20/8) + `"`
	tests := []struct {
		method string
		output string // in which VALUE stands for a bad one
	}{
		{"RelationIDs", `["db:3",VALUE]`},
		{"RelationList", `[VALUE,77345112]`},
		{"RelationGet", `{"k":[VALUE]}`},
		{"ConfigGet", `[VALUE]`},
		{"IsLeader", `VALUE`},
		{"NetworkGet", `{"bind-addresses":VALUE}`},
		{"OpenedPorts", `["80/tcp",VALUE]`},
		{"OpenedPortsByEndpoint", `["80/tcp (*)",VALUE]`},
		{"SecretGet", `{"k":{"k":VALUE}}`},
		{"SecretInfoGet", `{"x":{"revision":1,"expiry":VALUE}}`},
		{"SecretIDs", `{"k":VALUE}`},
		{"StatusGet", `{"status":{"k":VALUE}}`},
		{"GoalState", `{"units":{"magpie/0":{"status":"active","since":VALUE}}}`},
		{"CredentialGet", `{"credential":{"attrs":{"k":[VALUE]}}}`},
		{"StorageGet", `{"kind":[VALUE]}`},
		{"ActionGet", `[VALUE]`},
	}
	methods := map[string]scriptedMethod{}
	for _, m := range scriptedMethods(t) {
		methods[m.name] = m
	}
	for _, test := range tests {
		for size, value := range map[string]string{"short": `"5ecret-77345112"`, "long": long} {
			t.Run(test.method+"/"+size, func(t *testing.T) {
				t.Parallel()
				m := methods[test.method]
				require.NotNil(t, m.call, "no row for method %s", test.method)
				output := strings.ReplaceAll(test.output, "VALUE", value)
				require.True(t, json.Valid([]byte(output)))
				_, err := m.call(t.Context(), hookcmd.New(scriptedPrinter(output), nil))
				requireMisprint(t, err, m.argv[0])
			})
		}
	}
}

func TestBadOutputOfText(t *testing.T) {
	t.Parallel()
	for _, m := range scriptedMethods(t) {
		if !m.text {
			continue
		}
		for _, output := range []string{"", "\n"} {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				got, err := m.call(t.Context(), hookcmd.New(scriptedPrinter(output), nil))
				requireMisprint(t, err, m.argv[0])
				assert.Empty(t, got)
			})
		}
	}
}

func TestClientRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	set := func(key, value string) map[string]string { return map[string]string{"good": "x", key: value} }
	tests := []struct {
		name string
		call func(c *hookcmd.Client) error
		want string
	}{
		{"RelationGet without unit", func(c *hookcmd.Client) error {
			_, err := c.RelationGet(ctx, scriptedDB, "")
			return err
		}, "name of the unit or application is empty"},
		{"RelationGetApp without application", func(c *hookcmd.Client) error {
			_, err := c.RelationGetApp(ctx, scriptedDB, "")
			return err
		}, "name of the unit or application is empty"},
		{"RelationGetAll without unit", func(c *hookcmd.Client) error {
			_, err := c.RelationGetAll(ctx, scriptedDB, []string{"mysql/0", ""})
			return err
		}, "name of the unit or application is empty"},
		{"RelationGetKey without unit", func(c *hookcmd.Client) error {
			_, _, err := c.RelationGetKey(ctx, scriptedDB, "", "k")
			return err
		}, "name of the unit or application is empty"},
		{"RelationGetKey without key", func(c *hookcmd.Client) error {
			_, _, err := c.RelationGetKey(ctx, scriptedDB, "mysql/0", "")
			return err
		}, "key is empty"},
		{"RelationGetAppKey without key", func(c *hookcmd.Client) error {
			_, _, err := c.RelationGetAppKey(ctx, scriptedDB, "mysql", "")
			return err
		}, "key is empty"},
		{"RelationSet of bytes", func(c *hookcmd.Client) error {
			return c.RelationSet(ctx, scriptedDB, set("k", "\xff"))
		}, `"k" is not valid UTF-8`},
		{"RelationSet of a surrogate", func(c *hookcmd.Client) error {
			return c.RelationSet(ctx, scriptedDB, set("k", "\xed\xa0\x80"))
		}, `"k" is not valid UTF-8`},
		{"RelationSetApp with bytes as key", func(c *hookcmd.Client) error {
			return c.RelationSetApp(ctx, scriptedDB, set("k\xff", "v"))
		}, `"k\xff" is not valid UTF-8`},
		{"StateSet of bytes", func(c *hookcmd.Client) error {
			return c.StateSet(ctx, set("k", "\xc3"))
		}, `"k" is not valid UTF-8`},
		{"StateGetKey without key", func(c *hookcmd.Client) error {
			_, _, err := c.StateGetKey(ctx, "")
			return err
		}, "key is empty"},
		{"StateGetKey of all", func(c *hookcmd.Client) error {
			_, _, err := c.StateGetKey(ctx, "-")
			return err
		}, `"-" is not a key`},
		{"RelationGetKey of all", func(c *hookcmd.Client) error {
			_, _, err := c.RelationGetKey(ctx, scriptedDB, "mysql/0", "-")
			return err
		}, `"-" is not a key`},
		{"LeaderGetKey of all", func(c *hookcmd.Client) error {
			_, _, err := c.LeaderGetKey(ctx, "-")
			return err
		}, `"-" is not a key`},
		{"ConfigGetKey without key", func(c *hookcmd.Client) error {
			_, err := c.ConfigGetKey(ctx, "")
			return err
		}, "key is empty"},
		{"ActionGetKey without key", func(c *hookcmd.Client) error {
			_, err := c.ActionGetKey(ctx, "")
			return err
		}, "key is empty"},
		{"ActionSet with = in the key", func(c *hookcmd.Client) error {
			return c.ActionSet(ctx, set("a=b", "v"))
		}, `key "a=b" has a "="`},
		{"ActionSet of bytes", func(c *hookcmd.Client) error {
			return c.ActionSet(ctx, set("k", "\xff"))
		}, `"k" is not valid UTF-8`},
		{"LeaderSet without key", func(c *hookcmd.Client) error {
			return c.LeaderSet(ctx, set("", "v"))
		}, `key "" or its value cannot be passed`},
		{"LeaderSet with = in the key", func(c *hookcmd.Client) error {
			return c.LeaderSet(ctx, set("a=b", "v"))
		}, `key "a=b" or its value cannot be passed`},
		{"LeaderSet with space around the key", func(c *hookcmd.Client) error {
			return c.LeaderSet(ctx, set(" k", "v"))
		}, `key " k" or its value cannot be passed`},
		{"LeaderSet with a line end", func(c *hookcmd.Client) error {
			return c.LeaderSet(ctx, set("k", "hunter2\n"))
		}, `key "k" or its value cannot be passed`},
		{"LeaderSet with a wide space", func(c *hookcmd.Client) error {
			return c.LeaderSet(ctx, set("k", "\u3000hunter2"))
		}, `key "k" or its value cannot be passed`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			runner := scriptedPrinter("null")
			err := test.call(hookcmd.New(runner, nil))
			var failure *hookcmd.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, -1, failure.Code)
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Empty(t, runner.calls, "commands that were run")
		})
	}
}
