// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
)

// unitHook returns the variables of a hook of the unit magpie/0. Those in more
// are added and count if they are set already.
func unitHook(name string, more ...string) []string {
	return append([]string{
		"JUJU_UNIT_NAME=magpie/0", "JUJU_DISPATCH_PATH=hooks/" + name, "JUJU_HOOK_NAME=" + name,
	}, more...)
}

// relationHook returns the variables of a hook of relation 3 of the endpoint,
// which is with the application mysql and its unit mysql/0.
func relationHook(endpoint, suffix string, more ...string) []string {
	return append(unitHook(endpoint+suffix,
		"JUJU_RELATION="+endpoint, "JUJU_RELATION_ID="+endpoint+":3",
		"JUJU_REMOTE_UNIT=mysql/0", "JUJU_REMOTE_APP=mysql"), more...)
}

func dbWith(app string) events.RelationRef {
	return events.RelationRef{Endpoint: "db", ID: 3, App: app}
}

type parseRow struct {
	name string
	env  []string
	want events.Event
}

func parseAll(t *testing.T, rows []parseRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ev, err := events.Parse(row.env)
			require.NoError(t, err)
			assert.Equal(t, row.want, ev)
		})
	}
}

func TestParseDispatch(t *testing.T) {
	t.Parallel()
	parseAll(t, []parseRow{
		{"only the hook's name", []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_HOOK_NAME=install"},
			events.Install{}},
		{"only the action's name", []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_ACTION_NAME=install", "JUJU_ACTION_UUID=7"},
			events.Action{Action: "install", ID: "7"}},
		{"an action, the hook's name empty", []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_DISPATCH_PATH=", "JUJU_HOOK_NAME=",
			"JUJU_ACTION_NAME=backup", "JUJU_ACTION_UUID=7"},
			events.Action{Action: "backup", ID: "7"}},
		{"the hook's name before the action's", []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_HOOK_NAME=start",
			"JUJU_ACTION_NAME=backup", "JUJU_ACTION_UUID=7"},
			events.Start{}},
		{"the path before the hook's name", unitHook("start", "JUJU_HOOK_NAME=install"),
			events.Start{}},
		{"the path before the action's name", unitHook("stop", "JUJU_ACTION_NAME=backup", "JUJU_ACTION_UUID=7"),
			events.Stop{}},
		{"an action named as a hook", unitHook("install", "JUJU_DISPATCH_PATH=actions/install", "JUJU_ACTION_UUID=7"),
			events.Action{Action: "install", ID: "7"}},
		{"an action named as a relation's hook", unitHook("x", "JUJU_DISPATCH_PATH=actions/db-relation-joined", "JUJU_ACTION_UUID=7"),
			events.Action{Action: "db-relation-joined", ID: "7"}},
		{"an action's UUID of Juju before 2.8", unitHook("x", "JUJU_DISPATCH_PATH=actions/backup",
			"JUJU_ACTION_UUID=6dd16fac-7a10-4f9a-8a5e-1e3f9d9a4b01"),
			events.Action{Action: "backup", ID: "6dd16fac-7a10-4f9a-8a5e-1e3f9d9a4b01"}},
	})
}

func TestParseEnvironment(t *testing.T) {
	t.Parallel()
	parseAll(t, []parseRow{
		{"the last of duplicates counts", relationHook("db", "-relation-joined", "JUJU_REMOTE_UNIT=mysql/7"),
			events.RelationJoined{RelationRef: dbWith("mysql"), Unit: "mysql/7"}},
		{"the last of duplicates counts if empty", relationHook("db", "-relation-changed", "JUJU_REMOTE_UNIT="),
			events.RelationChanged{RelationRef: dbWith("mysql")}},
		{"the last unit counts", unitHook("install", "JUJU_UNIT_NAME=", "JUJU_UNIT_NAME=magpie/0"),
			events.Install{}},
		{"a value with =", unitHook("secret-changed", "JUJU_SECRET_ID=secret:1", "JUJU_SECRET_LABEL=a=b=c"),
			events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:1", Label: "a=b=c"}}},
		{"entries that are no variables", unitHook("install", "", "=", "=x", "JUJU_DISPATCH_PATH", "JUJU_", "JUJU_="),
			events.Install{}},
		{"keys are case-sensitive", unitHook("install", "juju_dispatch_path=hooks/stop", " JUJU_DISPATCH_PATH=hooks/stop"),
			events.Install{}},
		{"a version with a tag", unitHook("install", "JUJU_VERSION=4.1-beta2"), events.Install{}},
		{"a version with a build", unitHook("install", "JUJU_VERSION=3.6.26.1"), events.Install{}},
		{"no version", unitHook("install", "JUJU_VERSION=?"), events.Install{}},
		{"variables of other families", relationHook("db", "-relation-created", "JUJU_REMOTE_UNIT=", "JUJU_DEPARTING_UNIT=?",
			"JUJU_STORAGE_ID=?", "JUJU_SECRET_REVISION=?", "JUJU_WORKLOAD_NAME=?"),
			events.RelationCreated{RelationRef: dbWith("mysql")}},
		{"a base's upgrade without variables", unitHook("pre-series-upgrade"), events.PreSeriesUpgrade{}},
	})
}

func TestParseUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"collect-metrics", "meter-status-changed", "leader-deposed",
		"db-relation-resumed", "data-storage-resized", "web-pebble-paused", "secret-shared",
		"-relation-created", "-relation-joined", "-relation-changed", "-relation-departed", "-relation-broken",
		"-storage-attached", "-storage-detaching",
		"-pebble-ready", "-pebble-custom-notice", "-pebble-check-failed", "-pebble-check-recovered",
		"relation-joined", "storage-attached", "pebble-ready", "db-relation-joined-", "db-relation-joined2",
		"Install", "install ", "reinstall", "my-install", "config-changed-late",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := events.Parse(unitHook(name))
			require.NoError(t, err)
			assert.Equal(t, events.Unknown{Hook: name}, ev)
			assert.Equal(t, name, ev.Name())
		})
	}
}

func TestParseOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a", "secret", "install", "hooks", "relation", "x-relation", "pebble", "x_y-2",
		"my-relation-created", "a-relation-joined-b", "my-relation-relation-broken",
		"my-storage-attached", "my-pebble-ready", "secret-changed",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := events.RelationRef{Endpoint: name, ID: 3, App: "mysql"}
			parseAll(t, []parseRow{
				{"created", relationHook(name, "-relation-created"), events.RelationCreated{RelationRef: ref}},
				{"joined", relationHook(name, "-relation-joined"), events.RelationJoined{RelationRef: ref, Unit: "mysql/0"}},
				{"changed", relationHook(name, "-relation-changed"), events.RelationChanged{RelationRef: ref, Unit: "mysql/0"}},
				{"departed", relationHook(name, "-relation-departed", "JUJU_DEPARTING_UNIT=mysql/0"),
					events.RelationDeparted{RelationRef: ref, Unit: "mysql/0", DepartingUnit: "mysql/0"}},
				{"broken", relationHook(name, "-relation-broken"), events.RelationBroken{RelationRef: ref}},
				{"attached", unitHook(name+"-storage-attached", "JUJU_STORAGE_ID="+name+"/0"),
					events.StorageAttached{StorageRef: events.StorageRef{Storage: name, ID: name + "/0"}}},
				{"detaching", unitHook(name+"-storage-detaching", "JUJU_STORAGE_ID="+name+"/12"),
					events.StorageDetaching{StorageRef: events.StorageRef{Storage: name, ID: name + "/12"}}},
				{"ready", unitHook(name+"-pebble-ready", "JUJU_WORKLOAD_NAME="+name),
					events.PebbleReady{WorkloadRef: events.WorkloadRef{Container: name}}},
				{"failed", unitHook(name+"-pebble-check-failed", "JUJU_WORKLOAD_NAME="+name, "JUJU_PEBBLE_CHECK_NAME=up"),
					events.PebbleCheckFailed{WorkloadRef: events.WorkloadRef{Container: name}, Check: "up"}},
			})
		})
	}
}

func TestParseRelation(t *testing.T) {
	t.Parallel()
	parseAll(t, []parseRow{
		{"an ID without endpoint", relationHook("db", "-relation-joined", "JUJU_RELATION_ID=3"),
			events.RelationJoined{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
		{"the ID 0", relationHook("db", "-relation-created", "JUJU_RELATION_ID=db:0"),
			events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", App: "mysql"}}},
		{"the largest ID", relationHook("db", "-relation-created", "JUJU_RELATION_ID=db:2147483647"),
			events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 1<<31 - 1, App: "mysql"}}},
		{"an application of a longer name", relationHook("db", "-relation-joined", "JUJU_REMOTE_APP=magpie2", "JUJU_REMOTE_UNIT=magpie2/0"),
			events.RelationJoined{RelationRef: dbWith("magpie2"), Unit: "magpie2/0"}},
		{"an application of a shorter name", relationHook("db", "-relation-joined", "JUJU_REMOTE_APP=mag", "JUJU_REMOTE_UNIT=mag/0"),
			events.RelationJoined{RelationRef: dbWith("mag"), Unit: "mag/0"}},
		{"a peer's change of the application", relationHook("db", "-relation-changed", "JUJU_REMOTE_APP=magpie", "JUJU_REMOTE_UNIT="),
			events.PeerChanged{RelationRef: dbWith("magpie")}},
		{"our own change of the application", relationHook("db", "-relation-changed", "JUJU_UNIT_NAME=mysql/1"),
			events.PeerChanged{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
	})
}

func TestParseRelationWithoutApp(t *testing.T) {
	t.Parallel()
	// juju-exec gives a relation and a unit, and an empty application; a user
	// who runs ./dispatch there sets the path. Juju before 2.7 has no application.
	exec := func(path, unit string) []string {
		return []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_HOOK_NAME=", "JUJU_DISPATCH_PATH=" + path,
			"JUJU_RELATION=db", "JUJU_RELATION_ID=db:3", "JUJU_REMOTE_UNIT=" + unit, "JUJU_REMOTE_APP="}
	}
	old := func(name, unit string) []string {
		return []string{"JUJU_UNIT_NAME=magpie/0", "JUJU_HOOK_NAME=" + name,
			"JUJU_RELATION=db", "JUJU_RELATION_ID=db:3", "JUJU_REMOTE_UNIT=" + unit}
	}
	parseAll(t, []parseRow{
		{"exec created", exec("hooks/db-relation-created", "mysql/0"), events.RelationCreated{RelationRef: dbWith("mysql")}},
		{"exec changed", exec("hooks/db-relation-changed", "mysql/0"), events.RelationChanged{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
		{"exec changed by a peer", exec("hooks/db-relation-changed", "magpie/1"), events.PeerChanged{RelationRef: dbWith("magpie"), Unit: "magpie/1"}},
		{"exec broken", exec("hooks/db-relation-broken", ""), events.RelationBroken{RelationRef: dbWith("")}},
		{"exec broken with a unit", exec("hooks/db-relation-broken", "mysql/0"), events.RelationBroken{RelationRef: dbWith("mysql")}},
		{"old joined", old("db-relation-joined", "mysql/0"), events.RelationJoined{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
		{"old joined by a peer", old("db-relation-joined", "magpie/1"), events.PeerJoined{RelationRef: dbWith("magpie"), Unit: "magpie/1"}},
		{"old departed", old("db-relation-departed", "mysql/0"), events.RelationDeparted{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
		{"old departed by a peer", old("db-relation-departed", "magpie/1"), events.PeerDeparted{RelationRef: dbWith("magpie"), Unit: "magpie/1"}},
		{"old broken", old("db-relation-broken", ""), events.RelationBroken{RelationRef: dbWith("")}},
		{"broken of a peer", old("db-relation-broken", "magpie/1"), events.RelationBroken{RelationRef: dbWith("magpie")}},
	})
}

func TestParseDeparted(t *testing.T) {
	t.Parallel()
	departed := func(more ...string) []string { return relationHook("db", "-relation-departed", more...) }
	parseAll(t, []parseRow{
		{"no departing unit", departed(),
			events.RelationDeparted{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
		{"an empty departing unit", departed("JUJU_DEPARTING_UNIT="),
			events.RelationDeparted{RelationRef: dbWith("mysql"), Unit: "mysql/0"}},
		{"no departing unit of a peer", departed("JUJU_REMOTE_APP=magpie", "JUJU_REMOTE_UNIT=magpie/1"),
			events.PeerDeparted{RelationRef: dbWith("magpie"), Unit: "magpie/1"}},
		{"a unit with a longer number is not we", departed("JUJU_UNIT_NAME=magpie/1", "JUJU_DEPARTING_UNIT=magpie/10"),
			events.RelationDeparted{RelationRef: dbWith("mysql"), Unit: "mysql/0", DepartingUnit: "magpie/10"}},
		{"the same number of another application is not we", departed("JUJU_DEPARTING_UNIT=mysql/0"),
			events.RelationDeparted{RelationRef: dbWith("mysql"), Unit: "mysql/0", DepartingUnit: "mysql/0"}},
		{"a third unit departs", departed("JUJU_REMOTE_APP=magpie", "JUJU_REMOTE_UNIT=magpie/1", "JUJU_DEPARTING_UNIT=magpie/2"),
			events.PeerDeparted{RelationRef: dbWith("magpie"), Unit: "magpie/1", DepartingUnit: "magpie/2"}},
	})
}

func TestParseStorageNotProvisioned(t *testing.T) {
	t.Parallel()
	data := events.StorageRef{Storage: "data"}
	parseAll(t, []parseRow{
		{"attached", unitHook("data-storage-attached"), events.StorageAttached{StorageRef: data}},
		{"detaching", unitHook("data-storage-detaching"), events.StorageDetaching{StorageRef: data}},
		{"detaching, empty", unitHook("data-storage-detaching", "JUJU_STORAGE_ID=", "JUJU_STORAGE_KIND=", "JUJU_STORAGE_LOCATION="),
			events.StorageDetaching{StorageRef: data}},
	})
}

func TestLinkPath(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ argv0, path string }{
		{"hooks/install", "hooks/install"},
		{"./hooks/install", "hooks/install"},
		{"/hooks/install", "hooks/install"},
		{"../charm/hooks/start", "hooks/start"},
		{"/var/lib/x/charm/hooks/db-relation-joined", "hooks/db-relation-joined"},
		{"/var/lib/hooks/charm/hooks/stop", "hooks/stop"},
		{"hooks/hooks/stop", "hooks/stop"},
		{"hooks/hooks", "hooks/hooks"},
		{"", ""},
		{"/", ""},
		{"install", ""},
		{"hooks", ""},
		{"./dispatch", ""},
		{"/var/lib/x/charm/dispatch", ""},
		{"hooks/", ""},
		{"/hooks/", ""},
		{"myhooks/install", ""},
		{"/x/myhooks/install", ""},
		{"hooks/lib/install", ""},
		{"actions/backup", ""},
		{"Hooks/install", ""},
	} {
		t.Run(row.argv0, func(t *testing.T) {
			t.Parallel()
			path, ok := events.LinkPath(row.argv0)
			assert.Equal(t, row.path, path)
			assert.Equal(t, row.path != "", ok)
		})
	}
}

func TestParseLink(t *testing.T) {
	t.Parallel()
	path, ok := events.LinkPath("/var/lib/x/charm/hooks/config-changed")
	require.True(t, ok)
	ev, err := events.Parse([]string{"JUJU_UNIT_NAME=magpie/0", "JUJU_DISPATCH_PATH=" + path})
	require.NoError(t, err)
	assert.Equal(t, events.ConfigChanged{}, ev)
}
