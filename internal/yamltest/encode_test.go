// SPDX-License-Identifier: Apache-2.0

package yamltest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	yamlv2 "gopkg.in/yaml.v2"
	yamlv3 "gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// readers are those of Juju: yaml.v2 reads the input of hook commands, yaml.v3
// is where it moves to.
var readers = map[string]func([]byte, any) error{
	"yaml.v2": yamlv2.Unmarshal,
	"yaml.v3": yamlv3.Unmarshal,
}

// keeper is a Runner that keeps the last call, and the file it names.
type keeper struct {
	call hookcmd.Call
	file []byte
}

func (k *keeper) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	k.call = call
	for _, arg := range call.Args {
		if path, ok := strings.CutPrefix(arg, "--file="); ok {
			var err error
			if k.file, err = os.ReadFile(path); err != nil {
				return nil, err
			}
		}
	}
	return []byte("secret:x\n"), nil
}

// encode returns what relation-set reads from standard input.
func encode(tb testing.TB, data map[string]string) []byte {
	tb.Helper()
	runner := &keeper{}
	err := hookcmd.New(runner, nil).RelationSet(tb.Context(), hookcmd.RelationID{Endpoint: "db", ID: 3}, data)
	require.NoError(tb, err)
	return runner.call.Stdin
}

// requireSame checks that all readers give the data back, byte for byte.
func requireSame(tb testing.TB, data map[string]string, encoded []byte) {
	tb.Helper()
	for name, read := range readers {
		var decoded map[string]string
		require.NoError(tb, read(encoded, &decoded), "%s cannot read %.2000q", name, encoded)
		require.Len(tb, decoded, len(data), "%s read %.2000q", name, encoded)
		for key, value := range data {
			got, ok := decoded[key]
			require.True(tb, ok, "%s lost key %.1000q of %.2000q", name, key, encoded)
			require.True(tb, value == got, "%s read %.2000q: the value of %.1000q is %.1000q", name, encoded, key, got)
		}
	}
}

// requireJSON checks that the input is JSON too.
func requireJSON(tb testing.TB, data map[string]string, encoded []byte) {
	tb.Helper()
	var decoded map[string]string
	require.NoError(tb, json.Unmarshal(encoded, &decoded), "%.2000q", encoded)
	require.Len(tb, decoded, len(data))
	for key, value := range data {
		require.True(tb, value == decoded[key], "the value of %.1000q is %.1000q", key, decoded[key])
	}
}

// texts are each tried as key, as value and as both.
var texts = map[string]string{
	"empty": "", "letter": "a", "words": "two words", "line end": "a\n", "lines": "a\nb\n\nc", "only line end": "\n",
	"CRLF": "a\r\nb\r", "indented lines": "a\n  b\n\tc\n d", "trailing spaces in lines": "a  \nb\t\n", "tab": "\t", "tabs": "\ta\tb\t",
	"outer spaces": "  a  ", "space": " ", "spaces": "   ", "equals": "=", "key=value": "a=b=c", "dash": "-", "dash text": "- a",
	"dashes": "---", "document": "--- a", "end": "...", "flag": "--file", "question": "?", "question text": "? a", "colon": ":",
	"colon text": "a: b", "trailing colon": "a:", "colon in the middle": "a:b", "comma": ",", "list": "[a, b]", "map": "{a: b}",
	"brace": "}", "bracket": "]", "hash": "#", "comment": "a # b", "percent": "%", "directive": "%YAML 1.1", "at": "@", "backtick": "`",
	"anchor": "&a", "alias": "*a", "tag": "!!int", "binary tag": "!!binary aGk=", "literal": "|", "folded": ">-\n a", "single quote": "'",
	"double quote": `"`, "quoted": `"a"`, "both quotes": `'"'"`, "backslash": `\`, "backslashes": `\\`, "escape": `\n`, "unicode escape": `\u0041`,
	"backslash and line end": "\\\n", "backslash at the end": `a\`, "tilde": "~", "null": "null", "Null": "Null", "yes": "yes", "no": "No",
	"on": "on", "true": "true", "False": "False", "merge": "<<", "value": "=", "hex": "0x1", "octal": "0o17", "old octal": "017",
	"binary": "0b1", "int": "42", "float": "1.50", "exponent": "1e3", "infinity": ".inf", "not a number": ".nan", "sexagesimal": "1:30",
	"underscores": "1_000", "date": "2001-01-01", "time": "2001-12-14t21:59:43.10-05:00", "plus": "+1",
	"NUL": "\x00", "NULs": "a\x00\x00b", "bell": "\a", "escape character": "\x1b[0m", "unit separator": "\x1f", "DEL": "\x7f",
	"U+0080": "\u0080", "U+0084": "\u0084", "U+0085": "\u0085", "U+0085 between": "a\u0085b", "U+0086": "\u0086", "U+009F": "\u009f",
	"U+00A0": "\u00a0", "U+2028": "\u2028", "U+2029": "a\u2029b", "U+200B": "\u200b", "U+202E": "\u202e", "U+D7FF": "\ud7ff",
	"U+E000": "\ue000", "U+FEFF": "\ufeff", "U+FEFF inside": "a\ufeffb", "U+FFFD": "\ufffd", "U+FFFE": "\ufffe", "U+FFFF": "\uffff",
	"astral": "\U0001f600", "first astral": "\U00010000", "astral noncharacter": "\U0001ffff", "last": "\U0010ffff", "accents": "héllo e\u0301",
	"right to left": "שלום", "CJK": "日本語", "PEM": "-----BEGIN CERTIFICATE-----\nMIIB==\n-----END CERTIFICATE-----\n",
	"JSON": `{"a": [1, "b", null], "c": "\u00e9\n"}`, "YAML": "a:\n  - b: |\n      c\n",
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for name, text := range texts {
		for use, data := range map[string]map[string]string{
			"value":       {"k": text},
			"key":         {text: "v"},
			"both":        {text: text},
			"among":       {"": "empty", "a": "1", text: text, "zz": "2"},
			"within":      {"a" + text + "z": "a" + text + "z"},
			"many times":  {"k": strings.Repeat(text, 100)},
			"in long key": {strings.Repeat("k", 1100) + text: text, text + strings.Repeat("k", 1100): text},
		} {
			t.Run(name+" as "+use, func(t *testing.T) {
				t.Parallel()
				encoded := encode(t, data)
				requireSame(t, data, encoded)
				if use != "in long key" {
					requireJSON(t, data, encoded)
				}
			})
		}
	}
}

func TestEncodeNothing(t *testing.T) {
	t.Parallel()
	for _, data := range []map[string]string{nil, {}} {
		encoded := encode(t, data)
		assert.Equal(t, "{}", string(encoded))
		requireSame(t, data, encoded)
		requireJSON(t, data, encoded)
	}
}

func TestEncodeAllTexts(t *testing.T) {
	t.Parallel()
	data := map[string]string{}
	for _, text := range texts {
		data[text] = text
	}
	encoded := encode(t, data)
	requireSame(t, data, encoded)
	requireJSON(t, data, encoded)
}

// Every character of the basic plane on its own, so that none hides behind
// another, and the others, which no reader treats specially, in rows.
func TestEncodeEveryCharacter(t *testing.T) {
	t.Parallel()
	const part = 1 << 12
	for from := rune(0); from <= utf8.MaxRune; from += part {
		t.Run(fmt.Sprintf("U+%04X", from), func(t *testing.T) {
			t.Parallel()
			step := rune(1)
			if from > 0xffff {
				step = 256
			}
			data := map[string]string{}
			for r := from; r < from+part; r += step {
				if !utf8.ValidRune(r) {
					continue
				}
				row := string(r)
				for next := r + 1; next < r+step; next++ {
					row += string(next)
				}
				data["k"+string(r)] = row + "v" + row
			}
			encoded := encode(t, data)
			requireSame(t, data, encoded)
			requireJSON(t, data, encoded)
		})
	}
}

// A reader finds a key only if its colon follows soon, unless it is marked.
func TestEncodeLongKeys(t *testing.T) {
	t.Parallel()
	lengths := []int{1, 500, 5000, 1 << 16}
	for length := 960; length <= 1100; length++ {
		lengths = append(lengths, length)
	}
	for _, text := range []string{"k", "\x01", "\"", "é", "\U0001f600", "a b ", ": ", "\n"} {
		for _, length := range lengths {
			t.Run(fmt.Sprintf("%d of %q", length, text), func(t *testing.T) {
				t.Parallel()
				key := strings.Repeat(text, length/len(text)+1)
				one := map[string]string{key: "v"}
				requireSame(t, one, encode(t, one))
				among := map[string]string{"": "x", "b": "y", key: key, key + "z": "", "~": "z"}
				requireSame(t, among, encode(t, among))
			})
		}
	}
}

func TestEncodeLongValues(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"v", "\n", "\x00", "\u0085", "日", " ", ": ", `"`} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			t.Parallel()
			data := map[string]string{"k": strings.Repeat(text, 1<<20/len(text)), "l": "w"}
			encoded := encode(t, data)
			requireSame(t, data, encoded)
			requireJSON(t, data, encoded)
		})
	}
}

// The content of a secret is bytes, which are passed in base64 in a file.
func TestEncodeSecret(t *testing.T) {
	t.Parallel()
	runner := &keeper{}
	client := hookcmd.New(runner, &hookcmd.Options{TempDir: t.TempDir()})
	_, err := client.SecretAdd(t.Context(), map[string]hookcmd.SecretValue{"bytes": hookcmd.NewSecretValue("\x00\xff"), "empty": hookcmd.NewSecretValue("")}, nil)
	require.NoError(t, err)
	want := map[string]string{"bytes#base64": "AP8=", "empty#base64": ""}
	requireSame(t, want, runner.file)
	requireJSON(t, want, runner.file)
}

// What the escapes and marks are for: without them a reader fails or loses data.
func TestReadersNeedEscapes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 1100)
	for name, data := range map[string]map[string]string{
		"U+0085": {"k": "a\u0085b"}, "U+007F": {"k": "\x7f"}, "U+FFFE": {"k": "\ufffe"}, "long key": {long: "v"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, err := json.Marshal(data)
			require.NoError(t, err)
			for name, read := range readers {
				var decoded map[string]string
				if err := read(plain, &decoded); err == nil {
					assert.NotEqual(t, data, decoded, "%s needs no help", name)
				}
			}
		})
	}
}

func FuzzEncode(f *testing.F) {
	for _, text := range texts {
		f.Add(text, "v", "k", text)
		f.Add(text, text, "", "")
	}
	f.Add(strings.Repeat("k", 1000), "v", strings.Repeat("\x01", 200), "w")
	f.Add(strings.Repeat("é", 600), "v", strings.Repeat("\n", 600), "w")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		t.Parallel()
		data := map[string]string{key1: value1, key2: value2}
		escaped := 0
		for key, value := range data {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				t.Skip("the input is not valid UTF-8, which is refused; TestClientRefuses of hookcmd has that")
			}
			escaped = max(escaped, 6*len(key))
		}
		encoded := encode(t, data)
		requireSame(t, data, encoded)
		if escaped < 900 {
			requireJSON(t, data, encoded)
		}
	})
}
