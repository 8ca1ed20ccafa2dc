// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// What a hook has written it reads, though nobody else does before it ends.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do       []string
		read     string
		was, now string
	}{
		"relation-set":                {[]string{"relation-set -r DB old=new"}, "relation-get -r DB old app/0", "unit", "new"},
		"relation-set, of all":        {[]string{"relation-set -r DB old=", "relation-set -r DB ingress-address= egress-subnets= private-address= a=b"}, "relation-get -r DB --format=json - app/0", "", `{"a":"b"}`},
		"relation-set, deleted":       {[]string{"relation-set -r DB old="}, "relation-get -r DB --format=json old app/0", `"unit"`, "null"},
		"relation-set, twice":         {[]string{"relation-set -r DB a=1 b=1", "relation-set -r DB a=2", "relation-set -r DB b="}, "relation-get -r DB a app/0", "", "2"},
		"relation-set --app":          {[]string{"relation-set -r DB --app old=new"}, "relation-get -r DB --app old app", "app", "new"},
		"relation-set --app, deleted": {[]string{"relation-set -r DB --app old="}, "relation-get -r DB --app --format=json - app", `{"old":"app"}`, "{}"},
		"relation-set, peers":         {[]string{"relation-set -r PEERS --app a=b"}, "relation-get -r PEERS --app a app", "", "b"},
		"another relation's":          {[]string{"relation-set -r PEERS old=new"}, "relation-get -r DB old app/0", "unit", "unit"},
		"state-set":                   {[]string{"state-set old=", "state-set a=b"}, "state-get --format=json", `{"old":"state"}`, `{"a":"b","old":""}`},
		"state-delete":                {[]string{"state-delete old"}, "state-get --format=json", `{"old":"state"}`, "null"},
		"state-delete, then set":      {[]string{"state-delete old", "state-set old=back"}, "state-get old", "state", "back"},
		"open-port":                   {[]string{"open-port 80", "open-port 81 --endpoints web"}, "opened-ports --endpoints", "79/tcp (*)", "79/tcp (*)\n80/tcp (*)\n81/tcp (web)"},
		"close-port":                  {[]string{"close-port 79"}, "opened-ports", "79/tcp", ""},
		"close-port, then open":       {[]string{"close-port 79", "open-port 79"}, "opened-ports", "79/tcp", "79/tcp"},
		"secret-set, peeked":          {[]string{"secret-set UNITS key=two"}, "secret-get UNITS --peek key", "one", "two"},
		"secret-set, tracked":         {[]string{"secret-set UNITS key=two"}, "secret-get UNITS key", "one", "one"},
		"secret-set, refreshed":       {[]string{"secret-set UNITS key=two", "secret-get UNITS --refresh"}, "secret-get UNITS --refresh key", "one", "two"},
		"secret-set, told of":         {[]string{"secret-set UNITS --description new"}, "secret-info-get UNITS", "", "*description: new*"},
		"secret-remove":               {[]string{"secret-remove UNITS", "secret-remove APPS", "secret-remove LENT"}, "secret-ids", "", "d0000000000000000040"},
		"storage-add":                 {[]string{"storage-add data"}, "storage-list", "", ""}, // not before it is there
		"application-version-set":     {[]string{"application-version-set 2"}, "status-get", "unknown", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, version string) {
				r := newRoom(t, juju.Options{Version: version})
				r.update(func(h *juju.Hook) {
					if test.was != "" {
						assert.Equal(t, test.was, r.prints(h, test.read), "before")
					}
					r.lines(h, test.do...)
					if now := r.prints(h, test.read); test.now != "" && test.now[0] == '*' {
						assert.Contains(t, now, test.now[1:len(test.now)-1])
					} else {
						assert.Equal(t, test.now, now, "after")
					}
				})
			})
		})
	}
}

// A new secret has its content in every mode, and its ID is listed.
func TestReadYourNewSecret(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		r.update(func(h *juju.Hook) {
			r.secrets["NEW"] = r.prints(h, "secret-add --label new key=one")
			r.lines(h, "secret-set NEW key=two")
			for _, mode := range []string{"", "--peek", "--refresh"} {
				assert.Equal(t, "two", r.prints(h, "secret-get NEW key "+mode))
			}
			assert.Equal(t, `{"key":"two"}`, r.prints(h, "secret-get --format=json --label new"))
			assert.Contains(t, r.prints(h, "secret-info-get NEW"), "revision: 1")
			assert.Contains(t, r.prints(h, "secret-ids"), r.secrets["NEW"][len("secret:"):])
			assert.Nil(t, r.m.Secret(r.secrets["NEW"]))
		})
		assert.NotNil(t, r.m.Secret(r.secrets["NEW"]))
	})
}

func TestConfigIsReadOncePerHook(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	paint := func(color string) { require.NoError(t, r.app.SetConfig(map[string]any{"color": color})) }
	paint("green")
	r.update(func(h *juju.Hook) {
		paint("blue") // before it is read
		assert.Equal(t, "blue", r.prints(h, "config-get color"))
		paint("black")
		require.NoError(t, r.app.SetConfig(map[string]any{"size": 3}))
		assert.Equal(t, "blue", r.prints(h, "config-get color"))
		assert.Equal(t, `{"color":"blue"}`, r.prints(h, "config-get --format=json"))
		assert.Equal(t, `{"color":"blue","size":null}`, r.prints(h, "config-get --format=json --all"))
	})
	r.update(func(h *juju.Hook) {
		assert.Equal(t, `{"color":"black","size":3}`, r.prints(h, "config-get --format=json"))
	})
}

func TestUnitStatusIsReadOncePerHook(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	r.update(func(h *juju.Hook) {
		r.lines(h, "status-set waiting one") // before it is read
		assert.Equal(t, "waiting", r.prints(h, "status-get"))
		r.lines(h, "status-set active two")
		assert.Equal(t, `{"message":"one","status":"waiting","status-data":{}}`, r.prints(h, "status-get --format=json --include-data"))
		assert.Equal(t, "active", r.unit.Workload().Status, "for others")
		assert.Contains(t, r.prints(h, "status-get --application --format=json"), `"app/0":{"status":"active"}`)
		r.lines(h, "status-set --application blocked")
		assert.Equal(t, "blocked", r.prints(h, "status-get --application"))
		r.lines(h, "status-set --application active")
		assert.Equal(t, "active", r.prints(h, "status-get --application"), "an application's is not kept")
	})
	r.update(func(h *juju.Hook) { assert.Equal(t, "active", r.prints(h, "status-get")) })
}

// False holds until the hook ends, for all that asks for leadership; true is
// asked for again.
func TestLeadershipIsAskedForUntilItIsFalse(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		for _, first := range []string{"is-leader", "relation-set -r PEERS --app a=b", "relation-get -r PEERS --app - app", "status-set --application active", "secret-add key=x"} {
			r := newRoom(t, juju.Options{Version: version})
			r.peers.WriteApp(map[string]string{"k": "v"})
			r.update(func(h *juju.Hook) {
				assert.Equal(t, "True", r.prints(h, "is-leader"))
				r.lines(h, "relation-set -r DB --app a=b")
				deposed(r, h)
				_, _ = r.line(h, first)
				require.NoError(t, r.unit.SetLeader())
				assert.Equal(t, "False", r.prints(h, "is-leader"), first)
				for line, stderr := range map[string]string{
					"relation-set -r PEERS --app a=b": "cannot write relation settings",
					"status-set --application active": "this unit is not the leader",
					"status-get --application":        "this unit is not the leader",
					"secret-add key=x":                "this unit is not the leader",
				} {
					_, err := r.line(h, line)
					assert.ErrorContains(t, err, stderr, first)
				}
				assert.Equal(t, "v", r.prints(h, "relation-get -r PEERS --app k app"), "as the controller has it")
				if version == "3.6.26" {
					_, err := r.line(h, "relation-get -r DB --app - app")
					assert.ErrorContains(t, err, "permission denied")
				}
			})
			assert.Equal(t, "b", r.db.AppData()["a"], "what was written before is committed: the unit leads at the flush")
			r.update(func(h *juju.Hook) { assert.Equal(t, "True", r.prints(h, "is-leader")) })
		}
	})
}

// What an agent has read of a unit that has joined it keeps until that unit's
// next hook.
func TestDatabagsOfMembersAreKeptAcrossHooks(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	other := r.db.Other()
	write := func(unit, value string) {
		_, err := other.Write(r.m.Unit(unit), map[string]string{"k": value})
		require.NoError(t, err)
	}
	reads := func(h *juju.Hook, unit, want, why string) {
		t.Helper()
		assert.Equal(t, want, r.prints(h, "relation-get -r DB k "+unit), why)
	}
	write("other/0", "1")
	write("other/1", "1")
	r.update(func(h *juju.Hook) {
		write("other/0", "2") // before it is read
		reads(h, "other/0", "2", "")
		write("other/0", "3")
		write("other/1", "3")
		reads(h, "other/0", "2", "within the hook")
		reads(h, "other/1", "3", "the first read")
	})
	write("other/1", "4")
	r.update(func(h *juju.Hook) {
		reads(h, "other/0", "2", "in the next hook")
		reads(h, "other/1", "3", "in the next hook")
	})
	ref := events.RelationRef{Endpoint: "db", ID: r.db.ID(), App: "other"}
	changed := func(do func(h *juju.Hook)) juju.Outcome {
		outcome, _ := r.hook(events.RelationChanged{RelationRef: ref, Unit: "other/0"}, do)
		return outcome
	}
	assert.Equal(t, juju.Succeeded, changed(func(h *juju.Hook) {
		reads(h, "other/0", "3", "in its own hook")
		reads(h, "other/1", "3", "in the hook of another")
		write("other/0", "5")
		reads(h, "other/0", "3", "which keeps it, too")
	}))
	r.settle() // the changed of other/0 and of other/1
	r.update(func(h *juju.Hook) {
		reads(h, "other/0", "5", "")
		reads(h, "other/1", "4", "")
	})
	_, err := r.hook(events.RelationChanged{RelationRef: ref}, func(h *juju.Hook) {})
	require.Error(t, err, "the application has written nothing")
	write("other/0", "6")
	other.WriteApp(map[string]string{"a": "b"})
	_, err = r.hook(events.RelationChanged{RelationRef: ref}, func(h *juju.Hook) { reads(h, "other/0", "5", "in the application's hook") })
	require.NoError(t, err)
	r.m.KillNext(2) // a hook that is run again reads again
	assert.Equal(t, juju.Killed, changed(func(h *juju.Hook) {
		reads(h, "other/0", "6", "")
		write("other/0", "7")
	}))
	assert.Equal(t, juju.Succeeded, changed(func(h *juju.Hook) { reads(h, "other/0", "7", "") }))
}

// Databags of applications, and of units that have not joined, are read once per
// hook.
func TestOtherDatabagsAreReadOncePerHook(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		other := r.db.Other()
		gone := r.m.Unit("other/1")
		require.NoError(t, gone.Remove())
		r.settle()
		assert.Equal(t, []string{"other/0"}, r.db.Members(r.unit))
		deposed(r, nil) // who does not lead reads its own application's databag in the controller
		write := func(value string) {
			data := map[string]string{"k": value}
			other.WriteApp(data)
			r.peers.WriteApp(data)
			_, err := other.Write(gone, data)
			require.NoError(t, err)
		}
		bags := []string{"relation-get -r DB --app k other", "relation-get -r PEERS --app k app", "relation-get -r DB k other/1"}
		for _, value := range []string{"1", "2"} {
			write(value)
			r.update(func(h *juju.Hook) {
				for _, bag := range bags {
					assert.Equal(t, value, r.prints(h, bag))
				}
				write(value + " again")
				for _, bag := range bags {
					assert.Equal(t, value, r.prints(h, bag), bag)
				}
			})
		}
	})
}

// Whatever happens to a relation, a hook sees the units of its beginning.
func TestRelationListIsFixedForTheHook(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		other := r.m.Application("other")
		list := func(h *juju.Hook, relation, want string) {
			t.Helper()
			assert.Equal(t, want, r.prints(h, "relation-list -r "+relation))
		}
		r.update(func(h *juju.Hook) {
			list(h, "DB", "other/0\nother/1")
			_, err := other.AddUnits(2)
			require.NoError(t, err)
			_, err = r.app.AddUnits(1)
			require.NoError(t, err)
			require.NoError(t, other.Units()[0].Remove())
			require.NoError(t, r.m.Unit("app/1").Remove())
			list(h, "DB", "other/0\nother/1")
			list(h, "PEERS", "app/1")
			require.NoError(t, r.db.Relation().Remove())
			list(h, "DB", "other/0\nother/1")
			assert.Equal(t, "db:1", r.prints(h, "relation-ids db"))
			_, err = r.m.Relate("app", "web", "other", "db")
			require.Error(t, err)
			_, err = r.m.Deploy(juju.Deployment{Charm: parse(t, "late", "requires: {web: http}", ""), Executor: r, Units: 1})
			require.NoError(t, err)
			_, err = r.m.Relate("app", "web", "late", "web")
			require.NoError(t, err)
			assert.Empty(t, r.prints(h, "relation-ids web"), "a relation that was made meanwhile")
		})
		r.settle()
		r.update(func(h *juju.Hook) {
			list(h, "PEERS", "app/2")
			assert.Equal(t, "web:2", r.prints(h, "relation-ids web"))
			assert.Empty(t, r.prints(h, "relation-ids db"))
		})
	})
}

// Leader settings are kept until the unit writes them.
func TestLeaderSettingsAreReadOnceUntilWritten(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{Version: "3.6.26"})
	r.app.SetLeaderSettings(map[string]string{"k": "1"})
	r.update(func(h *juju.Hook) {
		assert.Equal(t, "1", r.prints(h, "leader-get k"))
		r.app.SetLeaderSettings(map[string]string{"k": "2"})
		assert.Equal(t, "1", r.prints(h, "leader-get k"))
		r.lines(h, "leader-set a=b")
		assert.Equal(t, `{"a":"b","k":"2"}`, r.prints(h, "leader-get --format=json"))
	})
}
