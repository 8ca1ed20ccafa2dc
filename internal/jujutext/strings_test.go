// SPDX-License-Identifier: Apache-2.0

package jujutext_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func TestReadStrings(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text string
		want map[string]string
	}{
		{"", map[string]string{}},
		{"# nothing\n", map[string]string{}},
		{"null\n", map[string]string{}},
		{"{}", map[string]string{}},
		{"a: 1\nb: true\nc: 1.50\nd: null\n", map[string]string{"a": "1", "b": "true", "c": "1.50", "d": ""}},
		{"a: 0x1F\nb: 1e3\nc: 2026-01-02\nd: ~\ne:\nf: 08\n", map[string]string{"a": "0x1F", "b": "1e3", "c": "2026-01-02", "d": "", "e": "", "f": "08"}},
		{"1: a\ntrue: b\n1.50: c\n", map[string]string{"1": "a", "true": "b", "1.50": "c"}},
		{"a: |\n  x\n  y\nb: >\n  x\n  y\n", map[string]string{"a": "x\ny\n", "b": "x y\n"}},
		{"a: !!binary /w==\n", map[string]string{"a": "\xff"}},
		{"a: x\na: y\n", map[string]string{"a": "y"}},
		{"a: &x text\nb: *x\n", map[string]string{"a": "text", "b": "text"}},
		{"a: b\n---\nc: d\n", map[string]string{"a": "b"}},
		{`{"a":"1","b": "2" , "a":"3"}` + "\n", map[string]string{"a": "3", "b": "2"}},
		{`{"a":1.50,"b":null,"c":true}`, map[string]string{"a": "1.50", "b": "", "c": "true"}},
		{`{"a":null,"<<":"x"}`, map[string]string{"a": "", "<<": "x"}},
		{`{"a":"\"\\\n\t\b\f\r<"}`, map[string]string{"a": "\"\\\n\t\b\f\r<"}},
		{`{"a":"\u00fc ü"}`, map[string]string{"a": "ü ü"}},
		{"{\"a\":\"x\u0085y\"}", map[string]string{"a": "x y"}},
		{"{\n \"a\": \"b\"\n}\n", map[string]string{"a": "b"}},
	}
	for _, row := range rows {
		got, err := jujutext.ReadStrings([]byte(row.text))
		assert.NoError(t, err, "%q", row.text)
		assert.Equal(t, row.want, got, "%q", row.text)
	}
}

func TestReadStringsFails(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x]\n"
	for c := '1'; c <= '9'; c++ {
		before := string(c - 1)
		bomb += "a" + string(c) + ": &a" + string(c) + " [" + strings.Repeat("*a"+before+",", 30) + "]\n"
	}
	rows := []struct{ name, text, want string }{
		{"list", "a: [1]\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string"},
		{"map", "\na: {b: c}\n", "yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map into string"},
		{"JSON map", `{"a":"b","c":{}}`, "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string"},
		{"two", "a: []\nb: c\nd: []\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string\n  line 3: cannot unmarshal !!seq into string"},
		{"no map", "text\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `text` into map[string]string"},
		{"no YAML", "a: b: c\n", "yaml: mapping values are not allowed in this context"},
		{"surrogates", `{"a":"\ud83d\ude00"}`, "yaml: found invalid Unicode character escape code"},
		{"slash", `{"a":"\/"}`, "yaml: found unknown escape character"},
		{"no UTF-8", "a: \xff\n", "yaml: invalid leading UTF-8 octet"},
		{"NUL", "a: \x00\n", "yaml: control characters are not allowed"},
		{"long JSON key", `{"` + strings.Repeat("k", 1100) + `":"v"}`, "yaml: did not find expected ',' or '}'"},
		{"deep", strings.Repeat("[", 1e6), "yaml: exceeded max depth of 10000"},
		{"aliases", bomb, "cannot unmarshal !!seq into string"},
		{"itself", "a: &a {b: *a}\n", "cannot unmarshal !!map into string"},
	}
	for _, row := range rows {
		got, err := jujutext.ReadStrings([]byte(row.text))
		assert.ErrorContains(t, err, row.want, row.name)
		assert.Nil(t, got, row.name)
	}
}

func TestReadStringsIsJujus(t *testing.T) {
	t.Parallel()
	failed, read := 0, 0
	evidence(func(c golden.Case, call golden.Call) {
		if call.Stdin == nil || !slices.Contains([]string{"relation-set", "state-set"}, call.Argv[0]) {
			return
		}
		_, err := jujutext.ReadStrings([]byte(*call.Stdin))
		if call.Code == 0 {
			assert.NoError(t, err, c.Name)
			read++
		} else if assert.Error(t, err, c.Name) {
			assert.Equal(t, call.Stderr, "ERROR "+err.Error()+"\n", c.Name)
			failed++
		}
	})
	assert.GreaterOrEqual(t, failed, 4, "recordings compared")
	assert.GreaterOrEqual(t, read, 4, "recordings compared")
}
