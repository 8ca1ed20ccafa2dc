// SPDX-License-Identifier: Apache-2.0

package jujutext_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/jujutext"
)

// evidence calls f for every recorded hook command that Juju itself answered.
func evidence(f func(c golden.Case, call golden.Call)) {
	for _, c := range golden.Cases() {
		if !c.FromFake && !c.Unordered {
			for _, call := range c.Calls {
				f(c, call)
			}
		}
	}
}

// split takes the format out of the arguments of a recorded command.
func split(argv []string) (query, format string) {
	format = "smart"
	if slices.Contains([]string{"goal-state", "secret-get", "secret-info-get"}, argv[0]) {
		format = "yaml"
	}
	var rest []string
	for _, arg := range argv {
		if given, ok := strings.CutPrefix(arg, "--format="); ok {
			format = given
		} else {
			rest = append(rest, arg)
		}
	}
	return strings.Join(rest, "\x00"), format
}

// decoded returns the value that a command printed as JSON.
func decoded(t *testing.T, text string) any {
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value), text)
	if list, ok := value.([]any); ok {
		texts := make([]string, 0, len(list))
		for _, element := range list {
			text, ok := element.(string)
			if !ok {
				return value
			}
			texts = append(texts, text)
		}
		return texts
	}
	return value
}

func TestFormatIsJujus(t *testing.T) {
	t.Parallel()
	suffixes := strings.NewReplacer("-json", "", "-yaml", "", "-smart", "", "-default", "")
	// Each query's value, by the name of the case and the arguments but the format.
	values := make(map[string]any)
	key := func(c golden.Case, query string) string { return suffixes.Replace(c.Name) + "\x00" + query }
	evidence(func(c golden.Case, call golden.Call) {
		query, format := split(call.Argv)
		if format == "json" && call.Code == 0 && strings.HasSuffix(call.Stdout, "\n") {
			values[key(c, query)] = decoded(t, call.Stdout)
		}
	})
	checked := make(map[string]int)
	evidence(func(c golden.Case, call golden.Call) {
		query, format := split(call.Argv)
		value, ok := values[key(c, query)]
		if !ok || call.Code != 0 {
			return
		}
		switch {
		case slices.Contains([]string{"network-get", "goal-state", "credential-get", "secret-info-get"}, call.Argv[0]):
			// Structs in their own order; see TestFormatOfMaps.
			switch value.(type) {
			case string, []string, nil:
			default:
				return
			}
		case call.Argv[0] == "status-get" && format == "smart" && !slices.Contains(call.Argv, "--include-data"):
			return // prints only the status
		case call.Argv[0] == "state-get" && value == nil:
			value = map[string]string(nil)
		case call.Argv[0] == "relation-set", call.Argv[0] == "open-port", call.Argv[0] == "juju-log", call.Stdout == "" && format == "json":
			return // print nothing
		case strings.Contains(call.Stdout, `\ufffd`):
			return // was no text; see TestFormat
		}
		text, err := jujutext.Format(format, value)
		if assert.NoError(t, err, "%s %q", c.Name, call.Argv) {
			assert.Equal(t, call.Stdout, string(text), "%s %q", c.Name, call.Argv)
			checked[format]++
		}
	})
	t.Logf("recordings per format: %v", checked)
	assert.Greater(t, checked["json"], 100, "recordings compared")
	assert.Greater(t, checked["yaml"], 30, "recordings compared")
	assert.Greater(t, checked["smart"], 50, "recordings compared")
}

func TestFormatOfMaps(t *testing.T) {
	t.Parallel()
	type m = jujutext.Map
	status := func(status, since string) m { return m{{"status", status}, {"since", since}} }
	goal := func(last string) m {
		return m{
			{"units", m{
				{"magpie/0", status("active", "2026-01-02 03:04:05Z")},
				{"magpie/1", status("waiting", "2026-01-02 03:04:06Z")},
				{"magpie/2", status("dying", last)},
			}},
			{"relations", m{
				{"db", m{
					{"mysql", status("joined", "2026-01-02 03:04:07Z")},
					{"mysql/0", status("active", "2026-01-02 03:04:08Z")},
				}},
				{"website", m{{"haproxy", status("joining", "2026-01-02 03:04:09Z")}}},
			}},
		}
	}
	cloud := m{
		{"type", "lxd"}, {"name", "localhost"}, {"region", "default"}, {"endpoint", "https://10.0.0.1:8443"},
		{"identityendpoint", ""}, {"storageendpoint", ""},
		{"credential", m{
			{"authtype", "certificate"},
			{"attributes", map[string]string{"client-key": "KEY", "client-cert": "CERT"}},
			{"redacted", []string(nil)},
		}},
		{"cacertificates", []string{}}, {"skiptlsverify", false}, {"iscontrollercloud", true},
	}
	rows := []struct {
		name, format string
		value        any
	}{
		{"goal-state/full-default", "yaml", goal("1970-01-01 00:00:00Z")},
		{"only36/goal-state-dying-with-since", "yaml", goal("2026-01-02 03:04:10Z")},
		{"only36/goal-state-dying-with-since", "json", goal("2026-01-02 03:04:10Z")},
		{"misc/credential-default", "smart", cloud},
		{"misc/credential-json", "json", m{
			{"type", "lxd"}, {"name", "localhost"}, {"region", "default"}, {"endpoint", "https://10.0.0.1:8443"},
			{"credential", m{
				{"auth-type", "certificate"},
				{"attrs", map[string]string{"client-cert": "CERT", "client-key": "KEY"}},
			}},
			{"is-controller-cloud", true},
		}},
		{"network-get/hostname-json", "json", m{{"bind-addresses", []any{m{
			{"mac-address", "00:16:3e:00:00:04"}, {"interface-name", "eth0"},
			{"addresses", []any{m{{"hostname", "magpie-0.example.com"}, {"value", "10.1.0.4"}, {"cidr", "10.1.0.0/24"}}}},
		}}}}},
		{"network-get/hostname-yaml", "yaml", m{{"bind-addresses", []any{m{
			{"mac-address", "00:16:3e:00:00:04"}, {"interface-name", "eth0"},
			{"addresses", []any{m{{"hostname", "magpie-0.example.com"}, {"value", "10.1.0.4"}, {"cidr", "10.1.0.0/24"}, {"address", "10.1.0.4"}}}},
			{"macaddress", "00:16:3e:00:00:04"}, {"interfacename", "eth0"},
		}}}}},
		{"secret/info-default", "yaml", m{{"d0000000000000002000", m{
			{"revision", 2}, {"label", "appsec"}, {"owner", "application"}, {"description", "an app secret"}, {"rotation", "monthly"},
			{"expiry", time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}, {"rotates", time.Date(2029, 1, 2, 3, 4, 5, 0, time.UTC)},
		}}}},
		{"secret/info-json", "json", m{{"d0000000000000002000", m{
			{"revision", 2}, {"label", "appsec"}, {"owner", "application"}, {"description", "an app secret"}, {"rotation", "monthly"},
			{"expiry", time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}, {"rotates", time.Date(2029, 1, 2, 3, 4, 5, 0, time.UTC)},
		}}}},
	}
	for _, row := range rows {
		found := false
		evidence(func(c golden.Case, call golden.Call) {
			if _, format := split(call.Argv); c.Name != row.name || format != row.format || found {
				return
			}
			found = true
			text, err := jujutext.Format(row.format, row.value)
			assert.NoError(t, err, row.name)
			assert.Equal(t, call.Stdout, string(text), "%s as %s", row.name, row.format)
		})
		assert.True(t, found, "recording of %s as %s", row.name, row.format)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	rows := []struct {
		value             any
		smart, yaml, json string
	}{
		{nil, "", "", "null\n"},
		{"", "", "\"\"\n", "\"\"\n"},
		{"a\n", "a\n\n", "|\n  a\n", "\"a\\n\"\n"},
		{"a\n\n", "a\n\n\n", "|+\n  a\n", "\"a\\n\\n\"\n"}, // cut, as in Juju
		{"\xff\xf0", "\xff\xf0\n", "!!binary //A=\n", "\"\\ufffd\\ufffd\"\n"},
		{"2026-01-02", "2026-01-02\n", "\"2026-01-02\"\n", "\"2026-01-02\"\n"},
		{true, "True\n", "true\n", "true\n"},
		{7, "7\n", "7\n", "7\n"},
		{int64(-1000000), "-1000000\n", "-1000000\n", "-1000000\n"},
		{uint64(math.MaxUint64), "18446744073709551615\n", "18446744073709551615\n", "18446744073709551615\n"},
		{1e6, "1e+06\n", "1e+06\n", "1000000\n"},
		{12345678.0, "1.2345678e+07\n", "1.2345678e+07\n", "12345678\n"},
		{[]string(nil), "", "[]\n", "null\n"},
		{[]string{}, "", "[]\n", "[]\n"},
		{[]string{""}, "", "- \"\"\n", "[\"\"]\n"},
		{[]string{"a", "b"}, "a\nb\n", "- a\n- b\n", "[\"a\",\"b\"]\n"},
		{[]any{"a", "b"}, "- a\n- b\n", "- a\n- b\n", "[\"a\",\"b\"]\n"},
		{[]any(nil), "[]\n", "[]\n", "null\n"},
		{map[string]string(nil), "{}\n", "{}\n", "null\n"},
		{map[string]any{}, "{}\n", "{}\n", "{}\n"},
		{jujutext.Map(nil), "{}\n", "{}\n", "{}\n"},
		{jujutext.Map{{"b", "<"}, {"a", nil}}, "b: <\na: null\n", "b: <\na: null\n", "{\"b\":\"\\u003c\",\"a\":null}\n"},
		{map[string]any{"k": nil, "l": []string{}, "m": map[string]string(nil)}, "k: null\nl: []\nm: {}\n", "k: null\nl: []\nm: {}\n", "{\"k\":null,\"l\":[],\"m\":null}\n"},
		{map[string]string{"k10": "a", "k9": "b", "K": "c"}, "K: c\nk9: b\nk10: a\n", "K: c\nk9: b\nk10: a\n", "{\"K\":\"c\",\"k10\":\"a\",\"k9\":\"b\"}\n"},
	}
	for _, row := range rows {
		for format, want := range map[string]string{"smart": row.smart, "yaml": row.yaml, "json": row.json} {
			text, err := jujutext.Format(format, row.value)
			assert.NoError(t, err, "%#v as %s", row.value, format)
			assert.Equal(t, want, string(text), "%#v as %s", row.value, format)
		}
	}
}

func TestFormatFails(t *testing.T) {
	t.Parallel()
	_, err := jujutext.Format("xml", "a")
	assert.EqualError(t, err, `unknown format "xml"`)
	for _, value := range []any{struct{}{}, []any{json.Number("1")}, map[string]any{"a": int8(1)}, jujutext.Map{{"a", errors.New("b")}}} {
		for _, format := range []string{"smart", "yaml"} {
			_, err := jujutext.Format(format, value)
			assert.ErrorContains(t, err, "cannot print ", "%#v as %s", value, format)
		}
	}
	for _, value := range []any{math.Inf(1), jujutext.Map{{"a", math.NaN()}}} {
		_, err := jujutext.Format("json", value)
		assert.ErrorContains(t, err, "unsupported value", "%#v", value)
	}
}
