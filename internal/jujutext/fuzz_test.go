// SPDX-License-Identifier: Apache-2.0

package jujutext_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v2"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func FuzzFormat(f *testing.F) {
	for _, text := range []string{"", "a", "q", "08", "1e3", "-1.", "a\nb", "a\n\n", " a", "a: b", "\xff", "\ufeffq", "\u0085", "qq 08", "a09", "a9e", "\r\n", "'\"", "words words"} {
		f.Add(text, "1e3 q", 1e6)
		f.Add("k"+strings.Repeat("9", 60), strings.Repeat(text+" ", 40), 0.5)
	}
	f.Fuzz(func(t *testing.T, key, text string, number float64) {
		values := []any{
			text, []string{key, text, "end"}, []any{text, nil, true, key, "end"}, number,
			map[string]string{key: text, "~end": "q"},
			map[string]any{key: map[string]any{text: []any{key, number}}, "~end": 1},
			map[string]any{key: 1, text: 2},
		}
		for _, value := range values {
			if utf8.ValidString(key) && utf8.ValidString(text) { // yaml.v2 sorts other keys at random
				checkYAML(t, value)
			}
			checkJSON(t, value)
		}
		printed, err := jujutext.Format("json", jujutext.Map{{Key: key, Value: text}, {Key: "!", Value: key}})
		require.NoError(t, err)
		first, err := json.Marshal(map[string]string{key: text})
		require.NoError(t, err)
		second, err := json.Marshal(map[string]string{"!": key})
		require.NoError(t, err)
		require.Equal(t, string(first[:len(first)-1])+","+string(second[1:])+"\n", string(printed))
	})
}

// checkYAML compares with what yaml.v2 itself prints, cut at the end: that reads
// the same, and is the same but for quotes and what they do to folding.
func checkYAML(t *testing.T, value any) {
	own, err := yaml.Marshal(value)
	require.NoError(t, err)
	own = append(bytes.TrimRight(own, "\n"), '\n')
	printed, err := jujutext.Format("yaml", value)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(printed), "\n") && !strings.HasSuffix(string(printed), "\n\n"), "%q", printed)

	var want, got any
	switch v := value.(type) {
	case string:
		want, got = new(string), new(string)
	case []string:
		want, got = new([]string), new([]string)
	case map[string]string:
		want, got = new(map[string]string), new(map[string]string)
	case map[string]any:
		if _, ok := v["~end"]; !ok {
			want, got = new(order), new(order)
			break
		}
		want, got = new(map[string]map[string][]string), new(map[string]map[string][]string)
	default:
		want, got = new([]*string), new([]*string)
	}
	wantErr := yaml.Unmarshal(own, want)
	gotErr := yaml.Unmarshal(printed, got)
	if wantErr == nil {
		require.NoError(t, gotErr, "%q", printed)
	}
	require.Equal(t, want, got, "%q", printed)
}

// order are the values of a map in the order in which they stand there.
type order []int

func (o *order) UnmarshalYAML(unmarshal func(any) error) error {
	var items yaml.MapSlice
	err := unmarshal(&items)
	for _, item := range items {
		if n, ok := item.Value.(int); ok {
			*o = append(*o, n)
		}
	}
	return err
}

func checkJSON(t *testing.T, value any) {
	printed, err := jujutext.Format("json", value)
	if err != nil {
		require.ErrorContains(t, err, "unsupported value") // not a finite number
		return
	}
	switch v := value.(type) {
	case string:
		readsBack(t, printed, string([]rune(v)))
	case float64:
		readsBack(t, printed, v)
	}
	require.True(t, json.Valid(printed), "%q", printed)
}

func readsBack[T any](t *testing.T, printed []byte, want T) {
	var got T
	require.NoError(t, json.Unmarshal(printed, &got), "%q", printed)
	require.Equal(t, want, got)
}

func FuzzReadStrings(f *testing.F) {
	for _, text := range []string{
		"a: 1\nb: true\n", `{"a":"b","c":"d"}`, `{"<<":"x","a" :"\/"}`, "a: [1]\n", "{\"a\":\"\\u0085\"}\n", "{\"a\": \"b\",}", "a: &x 1\nb: *x\n<<: {c: d}\n",
		"? |\n  a\n: b\n", "!!binary /w==: 1\n", "{\"a\":null}", "{ \"\":\"\"}", `{"a":"b"} `, `{"a":"b"}{}`, `{"` + strings.Repeat(`\n`, 600) + `":""}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := jujutext.ReadStrings(data)
		want := make(map[string]string)
		if yaml.Unmarshal(data, want) != nil {
			require.Error(t, err, "%q", data)
			require.Nil(t, got)
			return
		}
		require.NoError(t, err, "%q", data)
		require.Equal(t, want, got, "%q", data)
	})
}
