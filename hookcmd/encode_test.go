// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// encodedInput returns what relation-set reads from standard input. Module
// internal/yamltest holds it to the YAML readers that Juju uses.
func encodedInput(tb testing.TB, data map[string]string) string {
	tb.Helper()
	runner := scriptedPrinter("")
	require.NoError(tb, hookcmd.New(runner, nil).RelationSet(tb.Context(), scriptedDB, data))
	require.Len(tb, runner.calls, 1)
	require.NotNil(tb, runner.calls[0].Stdin)
	require.NoError(tb, hookcmd.New(runner, nil).StateSet(tb.Context(), data))
	require.Equal(tb, runner.calls[0].Stdin, runner.calls[1].Stdin, "inputs of relation-set and state-set")
	return string(runner.calls[0].Stdin)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		data map[string]string
		want string
	}{
		{"nil", nil, `{}`},
		{"empty", map[string]string{}, `{}`},
		{"empty texts", map[string]string{"": ""}, `{"": ""}`},
		{"sorted", map[string]string{"b": "2", "a": "1", "B": "3"}, `{"B": "3", "a": "1", "b": "2"}`},
		{"quotes", map[string]string{`"`: `\'`}, `{"\"": "\\'"}`},
		{"not escaped", map[string]string{"k": " ~/<&>é日\U0001f600\u00a0\ufffd"}, "{\"k\": \" ~/<&>é日\U0001f600\u00a0\ufffd\"}"},
		{"controls", map[string]string{"k": "\x00\t\n\r\x1f\x7f"}, `{"k": "\u0000\t\n\u000d\u001f\u007f"}`},
		{"C1", map[string]string{"k": "\u0080\u0085\u009f"}, `{"k": "\u0080\u0085\u009f"}`},
		{"breaks", map[string]string{"k": "\u2028\u2029"}, `{"k": "\u2028\u2029"}`},
		{"marks", map[string]string{"k": "\ufeff\ufffe\uffff"}, `{"k": "\ufeff\ufffe\uffff"}`},
		{
			"long key",
			map[string]string{strings.Repeat("k", 2000): "v", "z": "w"},
			`{? "` + strings.Repeat("k", 2000) + `" : "v", "z": "w"}`,
		},
		{
			"long when escaped",
			map[string]string{strings.Repeat("\x01", 500): "v"},
			`{? "` + strings.Repeat(`\u0001`, 500) + `" : "v"}`,
		},
		{"long value", map[string]string{"k": strings.Repeat("v", 5000)}, `{"k": "` + strings.Repeat("v", 5000) + `"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, encodedInput(t, test.data))
		})
	}
}

// Every character that can be in a text survives, and what a YAML reader would
// change is escaped.
func TestEncodeEveryCharacter(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			all.WriteRune(r)
		}
	}
	data := map[string]string{"all": all.String()}

	encoded := encodedInput(t, data)

	assert.Equal(t, -1, strings.IndexFunc(encoded, func(r rune) bool {
		return r < 0x20 || 0x7f <= r && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff
	}), "index of a character that YAML does not keep")
	var decoded map[string]string
	require.NoError(t, json.Unmarshal([]byte(encoded), &decoded))
	require.Len(t, decoded, 1)
	assert.True(t, decoded["all"] == data["all"], "the text is not the same")
}

func FuzzEncodeJSON(f *testing.F) {
	f.Add("k", "v", "k2", "line\nline")
	f.Add("", "\u0085\x7f", "<<", `"\`)
	f.Add(strings.Repeat("k", 990), "\ufeff", "?", ":")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		t.Parallel()
		data := map[string]string{key1: value1, key2: value2}
		for key, value := range data {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				t.Skip("the input is not valid UTF-8, which is refused; TestClientRefuses has that")
			}
			if len(key) > 150 { // can be long when escaped
				t.Skip("the key can be too long for plain JSON; internal/yamltest has that")
			}
		}
		var decoded map[string]string
		require.NoError(t, json.Unmarshal([]byte(encodedInput(t, data)), &decoded))
		assert.Equal(t, data, decoded)
	})
}
