// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
)

// units that are none.
var noUnits = []string{
	"magpie", "magpie/", "/", "/0", "magpie/x", "magpie/-1", "magpie/+1", "magpie/00", "magpie/01",
	"magpie/1_0", "magpie/0x1", "magpie/0/1", "magpie//0", "magpie/0 ", "magpie/2147483648", `"`, "magpie/0\n",
}

// numbers that are none.
var noNumbers = []string{"x", "-1", "+1", "01", "00", "1.0", "1_0", " 1", "0x1", "2147483648", "99999999999999999999"}

func after(prefix string, values []string) []string {
	var all []string
	for _, value := range values {
		all = append(all, prefix+value)
	}
	return all
}

func notice() []string {
	return unitHook("web-pebble-custom-notice", "JUJU_WORKLOAD_NAME=web",
		"JUJU_NOTICE_ID=123", "JUJU_NOTICE_TYPE=custom", "JUJU_NOTICE_KEY=example.com/x")
}

func check(name string) []string {
	return unitHook(name, "JUJU_WORKLOAD_NAME=web", "JUJU_PEBBLE_CHECK_NAME=up")
}

func revision(name string) []string {
	return unitHook(name, "JUJU_SECRET_ID=secret:1", "JUJU_SECRET_REVISION=2")
}

func TestParseMissing(t *testing.T) {
	t.Parallel()
	action := []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_ACTION_NAME=backup", "JUJU_ACTION_UUID=7"}
	noUnit := "JUJU_REMOTE_UNIT=" // which the application could be taken from
	for _, row := range []struct {
		env      []string
		variable string
	}{
		{unitHook("install"), "JUJU_UNIT_NAME"},
		{unitHook("collect-metrics"), "JUJU_UNIT_NAME"},
		{action, "JUJU_UNIT_NAME"},
		{unitHook("install", "JUJU_HOOK_NAME="), "JUJU_DISPATCH_PATH"},
		{action, "JUJU_ACTION_UUID"},
		{unitHook("", "JUJU_DISPATCH_PATH=actions/backup", "JUJU_ACTION_UUID=7"), "JUJU_ACTION_UUID"},
		{relationHook("db", "-relation-created"), "JUJU_RELATION"},
		{relationHook("db", "-relation-joined"), "JUJU_RELATION"},
		{relationHook("db", "-relation-changed"), "JUJU_RELATION"},
		{relationHook("db", "-relation-departed"), "JUJU_RELATION"},
		{relationHook("db", "-relation-broken"), "JUJU_RELATION"},
		{relationHook("db", "-relation-created"), "JUJU_RELATION_ID"},
		{relationHook("db", "-relation-broken"), "JUJU_RELATION_ID"},
		{relationHook("db", "-relation-joined"), "JUJU_REMOTE_UNIT"},
		{relationHook("db", "-relation-departed"), "JUJU_REMOTE_UNIT"},
		{relationHook("db", "-relation-created", noUnit), "JUJU_REMOTE_APP"},
		{relationHook("db", "-relation-joined", noUnit), "JUJU_REMOTE_APP"},
		{relationHook("db", "-relation-changed", noUnit), "JUJU_REMOTE_APP"},
		{relationHook("db", "-relation-departed", noUnit), "JUJU_REMOTE_APP"},
		{unitHook("secret-changed", "JUJU_SECRET_ID=secret:1"), "JUJU_SECRET_ID"},
		{unitHook("secret-rotate", "JUJU_SECRET_ID=secret:1"), "JUJU_SECRET_ID"},
		{revision("secret-expired"), "JUJU_SECRET_ID"},
		{revision("secret-remove"), "JUJU_SECRET_ID"},
		{revision("secret-expired"), "JUJU_SECRET_REVISION"},
		{revision("secret-remove"), "JUJU_SECRET_REVISION"},
		{unitHook("web-pebble-ready", "JUJU_WORKLOAD_NAME=web"), "JUJU_WORKLOAD_NAME"},
		{notice(), "JUJU_WORKLOAD_NAME"},
		{notice(), "JUJU_NOTICE_ID"},
		{notice(), "JUJU_NOTICE_TYPE"},
		{notice(), "JUJU_NOTICE_KEY"},
		{check("web-pebble-check-failed"), "JUJU_WORKLOAD_NAME"},
		{check("web-pebble-check-failed"), "JUJU_PEBBLE_CHECK_NAME"},
		{check("web-pebble-check-recovered"), "JUJU_WORKLOAD_NAME"},
		{check("web-pebble-check-recovered"), "JUJU_PEBBLE_CHECK_NAME"},
	} {
		for how, env := range map[string][]string{
			"unset": without(row.env, row.variable),
			"empty": append(without(row.env, row.variable), row.variable+"="),
		} {
			t.Run(row.env[1]+"/"+row.variable+"/"+how, func(t *testing.T) {
				t.Parallel()
				ev, err := events.Parse(env)
				require.Error(t, err)
				assert.Nil(t, ev)
				assertNames(t, err, row.variable)
			})
		}
	}
}

func TestParseNothing(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{nil, {}, {""}, {"PATH=/bin"}, {"JUJU_UNIT_NAME"}} {
		ev, err := events.Parse(env)
		require.Error(t, err, "of %q", env)
		assert.Nil(t, ev)
		assertNames(t, err, "JUJU_UNIT_NAME")
	}
}

func TestParseMalformed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		hook     string
		env      []string
		variable string
		values   []string
	}{
		{"install", unitHook("install"), "JUJU_UNIT_NAME", noUnits},
		{"old hook", []string{"JUJU_UNIT_NAME=magpie/0"}, "JUJU_HOOK_NAME", []string{"hooks/install", "/", "a/b"}},
		{"old action", []string{"JUJU_UNIT_NAME=magpie/0"}, "JUJU_ACTION_NAME", []string{"actions/backup", "a/b"}},
		{"action", unitHook("", "JUJU_DISPATCH_PATH=actions/backup", "JUJU_ACTION_UUID=7"), "JUJU_UNIT_NAME", noUnits},
		{"joined", relationHook("db", "-relation-joined"), "JUJU_UNIT_NAME", noUnits},
		{"install", unitHook("install"), "JUJU_DISPATCH_PATH", []string{
			"install", "hooks", "/", "hooks/", "actions/", "/hooks/install", "./hooks/install", "hooks//install",
			"hooks/a/b", "actions/a/b", "scripts/install", "Hooks/install", "dispatch", "\n",
		}},
		{"created", relationHook("db", "-relation-created"), "JUJU_RELATION", []string{"web", "DB", "db2", "db:3", " db"}},
		{"broken", relationHook("db", "-relation-broken"), "JUJU_RELATION", []string{"web"}},
		{"created", relationHook("db", "-relation-created"), "JUJU_RELATION_ID", append(after("db:", noNumbers), "db", "db:", ":", "3:", "db:3:")},
		{"broken", relationHook("db", "-relation-broken"), "JUJU_RELATION_ID", noNumbers},
		{"created", relationHook("db", "-relation-created"), "JUJU_REMOTE_UNIT", noUnits},
		{"joined", relationHook("db", "-relation-joined"), "JUJU_REMOTE_UNIT", noUnits},
		{"changed", relationHook("db", "-relation-changed"), "JUJU_REMOTE_UNIT", noUnits},
		{"departed", relationHook("db", "-relation-departed"), "JUJU_REMOTE_UNIT", noUnits},
		{"broken", relationHook("db", "-relation-broken"), "JUJU_REMOTE_UNIT", noUnits},
		{"joined without an application", relationHook("db", "-relation-joined", "JUJU_REMOTE_APP="), "JUJU_REMOTE_UNIT", noUnits},
		{"joined", relationHook("db", "-relation-joined"), "JUJU_REMOTE_APP", []string{"mysql/0", "/", "mysql/"}},
		{"broken", relationHook("db", "-relation-broken"), "JUJU_REMOTE_APP", []string{"mysql/0"}},
		{"departed", relationHook("db", "-relation-departed"), "JUJU_DEPARTING_UNIT", noUnits},
		{"departed of a peer", relationHook("db", "-relation-departed", "JUJU_REMOTE_APP=magpie", "JUJU_REMOTE_UNIT=magpie/1"),
			"JUJU_DEPARTING_UNIT", noUnits},
		{"attached", unitHook("data-storage-attached"), "JUJU_STORAGE_ID", append(after("data/", noNumbers), "data", "data/", "0", "/0", "disk/0", "data/0/1", "data/data/0")},
		{"detaching", unitHook("data-storage-detaching"), "JUJU_STORAGE_ID", []string{"disk/0", "data"}},
		{"expired", revision("secret-expired"), "JUJU_SECRET_REVISION", noNumbers},
		{"remove", revision("secret-remove"), "JUJU_SECRET_REVISION", noNumbers},
		{"ready", unitHook("web-pebble-ready"), "JUJU_WORKLOAD_NAME", []string{"db", "WEB", "web2", "web "}},
		{"notice", notice(), "JUJU_WORKLOAD_NAME", []string{"db"}},
		{"failed", check("web-pebble-check-failed"), "JUJU_WORKLOAD_NAME", []string{"db"}},
		{"recovered", check("web-pebble-check-recovered"), "JUJU_WORKLOAD_NAME", []string{"db"}},
	} {
		for _, value := range row.values {
			t.Run(row.hook+"/"+row.variable+"/"+value, func(t *testing.T) {
				t.Parallel()
				ev, err := events.Parse(append(without(row.env, row.variable), row.variable+"="+value))
				require.Error(t, err)
				assert.Nil(t, ev)
				assertNames(t, err, row.variable)
				assert.ErrorContains(t, err, strconv.Quote(value))
			})
		}
	}
}

// assertNames asserts that err is about the variable and about no other.
func assertNames(t *testing.T, err error, variable string) {
	t.Helper()
	assert.ErrorContains(t, err, "cannot parse event: ")
	assert.Equal(t, []string{variable}, regexp.MustCompile(`JUJU_[A-Z_]+`).FindAllString(err.Error(), -1),
		"variables that the error %v names", err)
}

// without returns env without the variable.
func without(env []string, variable string) []string {
	var rest []string
	for _, kv := range env {
		if !strings.HasPrefix(kv, variable+"=") {
			rest = append(rest, kv)
		}
	}
	return rest
}
