// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/charm"
)

// hunter2 is what must not be seen anywhere.
const hunter2 = "hunter2 is my password"

func secretText(values ...string) map[string]charm.SecretValue {
	content := make(map[string]charm.SecretValue)
	for i := 0; i < len(values); i += 2 {
		content[values[i]] = charm.NewSecretValue(values[i+1])
	}
	return content
}

func TestSecretValuesAreRedacted(t *testing.T) {
	t.Parallel()
	type login struct {
		Name     string
		Password charm.SecretValue
	}
	content := secretText("password", hunter2)
	for name, value := range map[string]any{
		"value": content["password"], "content": content, "struct": login{"admin", content["password"]}, "pointer": &login{"admin", content["password"]},
		"slice": []charm.SecretValue{content["password"]},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "% X", "%10.3s", "%z"} {
			assert.NotContains(t, fmt.Sprintf(verb, value), "hunter2", "%s with %s", name, verb)
			assert.NotContains(t, fmt.Sprintf(verb, value), "68756e74", "%s with %s", name, verb)
		}
		asJSON, err := json.Marshal(value)
		require.NoError(t, err)
		asYAML, err := yaml.Marshal(value)
		require.NoError(t, err)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("JSON", "value", value)
		for _, shown := range []string{string(asJSON), string(asYAML), log.String()} {
			assert.NotContains(t, shown, "hunter2", name)
			assert.Contains(t, shown, "[redacted]", name)
		}
	}
	assert.Equal(t, hunter2, content["password"].Reveal())
	assert.Empty(t, content["none"].Reveal())
}
