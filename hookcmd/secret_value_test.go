// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

var hunter2 = hookcmd.NewSecretValue("hunter2")

// hunter2Holders are values that contain a secret.
var hunter2Holders = map[string]any{
	"value":   hunter2,
	"pointer": new(hunter2),
	"slice":   []hookcmd.SecretValue{hunter2},
	"array":   [1]hookcmd.SecretValue{hunter2},
	"map":     map[string]hookcmd.SecretValue{"password": hunter2},
	"struct":  struct{ Password hookcmd.SecretValue }{hunter2},
	"nested": map[string]any{"list": []any{struct{ Password *hookcmd.SecretValue }{new(hunter2)},
		map[string]hookcmd.SecretValue{"password": hunter2}}},
	"cloud": hookcmd.CloudSpec{Type: "lxd", Credential: hookcmd.CloudCredential{
		AuthType: "userpass", Attributes: map[string]hookcmd.SecretValue{"password": hunter2}}},
}

func TestSecretValueVerbs(t *testing.T) {
	t.Parallel()
	for _, format := range []string{
		"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%t", "%c", "%U", "%b", "%o", "%e", "%g", "%z",
		"%20s", "%-20v", "%.3s", "%+q", "%#q",
	} {
		assert.Equal(t, "[redacted]", fmt.Sprintf(format, hunter2), "with %s", format)
		for name, holder := range hunter2Holders {
			assert.NotContains(t, fmt.Sprintf(format, holder), "hunter2", "%s with %s", name, format)
			assert.NotContains(t, fmt.Sprintf(format, holder), "68756e74657232", "%s with %s", name, format)
		}
	}
	assert.Equal(t, "[redacted]", fmt.Sprint(hunter2))
	assert.Equal(t, "[redacted]\n", fmt.Sprintln(hunter2))
	assert.Equal(t, "[redacted]", hunter2.String())
	assert.EqualError(t, fmt.Errorf("cannot log in with %v", hunter2), "cannot log in with [redacted]")
	for _, misuse := range []string{"", "%[2]s", "%d %d", "%*d"} {
		assert.NotContains(t, fmt.Sprintf(misuse, hunter2), "hunter2", "with %q", misuse)
	}
}

func TestSecretValueInSettings(t *testing.T) {
	t.Parallel()
	settings := hookcmd.SecretSettings{Label: "db", Expire: time.Date(2031, 2, 3, 0, 0, 0, 0, time.UTC)}
	text := fmt.Sprintf("%v %v", settings, map[string]hookcmd.SecretValue{"password": hunter2})
	assert.Contains(t, text, "db")
	assert.Contains(t, text, "map[password:[redacted]]")
	assert.NotContains(t, text, "hunter2")
}

func TestSecretValueInLog(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for holder, value := range hunter2Holders {
				var log bytes.Buffer
				logger := slog.New(handler(&log))
				logger.With("with", value).WithGroup("group").Info("hello", "attr", value, slog.Any("any", value))
				assert.NotContains(t, log.String(), "hunter2", holder)
				assert.NotContains(t, log.String(), "ERROR", holder)
				if holder != "pointer" && holder != "nested" || name == "JSON" { // a text shows the address
					assert.Contains(t, log.String(), "[redacted]", holder)
				}
			}
		})
	}
}

func TestSecretValueAsJSON(t *testing.T) {
	t.Parallel()
	for holder, value := range hunter2Holders {
		encoded, err := json.Marshal(value)
		require.NoError(t, err, holder)
		assert.NotContains(t, string(encoded), "hunter2", holder)
		assert.Contains(t, string(encoded), "[redacted]", holder)
	}
	encoded, err := json.Marshal(map[string]any{
		"map": map[string]hookcmd.SecretValue{"password": hunter2}, "struct": struct{ Password hookcmd.SecretValue }{hunter2},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"map": {"password": "[redacted]"}, "struct": {"Password": "[redacted]"}}`, string(encoded))
	text, err := hunter2.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "[redacted]", string(text))
}

func TestSecretValueRevealed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "hunter2", hunter2.Reveal())
	assert.Empty(t, hookcmd.SecretValue{}.Reveal())

	var decoded struct {
		Password hookcmd.SecretValue
		All      map[string]hookcmd.SecretValue
	}
	require.NoError(t, json.Unmarshal([]byte(`{"Password": "hunter2", "All": {"k": "a\nb", "empty": ""}}`), &decoded))
	assert.Equal(t, "hunter2", decoded.Password.Reveal())
	assert.Equal(t, map[string]hookcmd.SecretValue{"k": hookcmd.NewSecretValue("a\nb"), "empty": hookcmd.NewSecretValue("")}, decoded.All)
}

// A field that is not exported has no methods as far as fmt and json can see.
func TestSecretValueInUnexportedField(t *testing.T) {
	t.Parallel()
	type credentials struct{ password hookcmd.SecretValue }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
		assert.NotContains(t, fmt.Sprintf(verb, credentials{hunter2}), "hunter2", verb)
		assert.NotContains(t, fmt.Sprintf(verb, hunter2), "hunter2", verb)
	}
	text, err := json.Marshal(map[string]any{"c": credentials{hunter2}, "key": map[hookcmd.SecretValue]int{hunter2: 1}})
	require.NoError(t, err)
	assert.NotContains(t, string(text), "hunter2")
}
