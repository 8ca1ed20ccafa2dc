// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
)

func TestEnviron(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		ev   events.Event
		want map[string]string // beside those of any hook
	}{
		{"storage not provisioned", events.StorageAttached{StorageRef: events.StorageRef{Storage: "data"}}, nil},
		{"storage detaching", events.StorageDetaching{StorageRef: data}, map[string]string{
			"JUJU_STORAGE_ID": "data/0", "JUJU_STORAGE_KIND": "filesystem", "JUJU_STORAGE_LOCATION": "/srv/data"}},
		{"departing unit not known", events.PeerDeparted{RelationRef: peers, Unit: "magpie/1"}, map[string]string{
			"JUJU_RELATION": "magpie", "JUJU_RELATION_ID": "magpie:1",
			"JUJU_REMOTE_UNIT": "magpie/1", "JUJU_REMOTE_APP": "magpie"}},
		{"a peer's change of the application", events.PeerChanged{RelationRef: peers}, map[string]string{
			"JUJU_RELATION": "magpie", "JUJU_RELATION_ID": "magpie:1",
			"JUJU_REMOTE_UNIT": "", "JUJU_REMOTE_APP": "magpie"}},
		{"broken, application not known", events.RelationBroken{RelationRef: dbWith("")}, map[string]string{
			"JUJU_RELATION": "db", "JUJU_RELATION_ID": "db:3", "JUJU_REMOTE_UNIT": "", "JUJU_REMOTE_APP": ""}},
		{"relation 0", events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", App: "mysql"}}, map[string]string{
			"JUJU_RELATION": "db", "JUJU_RELATION_ID": "db:0", "JUJU_REMOTE_UNIT": "", "JUJU_REMOTE_APP": "mysql"}},
		{"revision 0", events.SecretRemove{SecretRef: events.SecretRef{ID: "secret:1"}}, map[string]string{
			"JUJU_SECRET_ID": "secret:1", "JUJU_SECRET_LABEL": "", "JUJU_SECRET_REVISION": "0"}},
		{"start", events.Start{}, nil},
		{"unknown", events.Unknown{Hook: "collect-metrics"}, nil},
		{"unknown and almost a relation's", events.Unknown{Hook: "-relation-joined"}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{
				"JUJU_UNIT_NAME":     "magpie/0",
				"JUJU_DISPATCH_PATH": "hooks/" + row.ev.Name(),
				"JUJU_HOOK_NAME":     row.ev.Name(),
			}
			for key, value := range row.want {
				want[key] = value
			}
			env, err := events.Environ(row.ev, "magpie/0")
			require.NoError(t, err)
			assert.Equal(t, want, dict(t, env))

			back, err := events.Parse(env)
			require.NoError(t, err)
			assert.Equal(t, row.ev, back)
		})
	}
}

type refusal struct {
	name     string
	ev       events.Event
	mentions string
}

func refuseAll(t *testing.T, unit string, rows []refusal) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			env, err := events.Environ(row.ev, unit)
			require.ErrorContains(t, err, row.mentions)
			assert.ErrorContains(t, err, "cannot describe ")
			assert.Nil(t, env)
		})
	}
}

func TestEnvironRefusesRelations(t *testing.T) {
	t.Parallel()
	ours := dbWith("magpie")
	noEndpoint := events.RelationRef{ID: 3, App: "mysql"}
	noPeerEndpoint := events.RelationRef{ID: 3, App: "magpie"}
	refuseAll(t, "magpie/0", []refusal{
		{"peer created of another application", events.PeerCreated{RelationRef: db}, "would mean events.RelationCreated{"},
		{"peer joined of another application", events.PeerJoined{RelationRef: db, Unit: "mysql/0"}, "would mean events.RelationJoined{"},
		{"peer changed of another application", events.PeerChanged{RelationRef: db}, "would mean events.RelationChanged{"},
		{"peer departed of another application", events.PeerDeparted{RelationRef: db, Unit: "mysql/0"}, "would mean events.RelationDeparted{"},
		{"created of our application", events.RelationCreated{RelationRef: ours}, "would mean events.PeerCreated{"},
		{"joined of our application", events.RelationJoined{RelationRef: ours, Unit: "magpie/1"}, "would mean events.PeerJoined{"},
		{"changed of our application", events.RelationChanged{RelationRef: ours}, "would mean events.PeerChanged{"},
		{"departed of our application", events.RelationDeparted{RelationRef: ours, Unit: "magpie/1"}, "would mean events.PeerDeparted{"},

		{"peer created without endpoint", events.PeerCreated{RelationRef: noPeerEndpoint}, `events.Unknown{Hook:"-relation-created"}`},
		{"peer joined without endpoint", events.PeerJoined{RelationRef: noPeerEndpoint, Unit: "magpie/1"}, `events.Unknown{Hook:"-relation-joined"}`},
		{"peer changed without endpoint", events.PeerChanged{RelationRef: noPeerEndpoint}, `events.Unknown{Hook:"-relation-changed"}`},
		{"peer departed without endpoint", events.PeerDeparted{RelationRef: noPeerEndpoint, Unit: "magpie/1"}, `events.Unknown{Hook:"-relation-departed"}`},
		{"created without endpoint", events.RelationCreated{RelationRef: noEndpoint}, `events.Unknown{Hook:"-relation-created"}`},
		{"joined without endpoint", events.RelationJoined{RelationRef: noEndpoint, Unit: "mysql/0"}, `events.Unknown{Hook:"-relation-joined"}`},
		{"changed without endpoint", events.RelationChanged{RelationRef: noEndpoint}, `events.Unknown{Hook:"-relation-changed"}`},
		{"departed without endpoint", events.RelationDeparted{RelationRef: noEndpoint, Unit: "mysql/0"}, `events.Unknown{Hook:"-relation-departed"}`},
		{"broken without endpoint", events.RelationBroken{RelationRef: noEndpoint}, `events.Unknown{Hook:"-relation-broken"}`},
		{"an endpoint that is a path", events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "a/b", App: "mysql"}},
			`JUJU_DISPATCH_PATH is "hooks/a/b-relation-created"`},

		{"a peer unit of another application", events.PeerJoined{RelationRef: ours, Unit: "mysql/0"}, `"mysql/0" is no unit of "magpie"`},
		{"a remote unit of a third application", events.RelationChanged{RelationRef: db, Unit: "haproxy/0"}, `"haproxy/0" is no unit of "mysql"`},
		{"ourselves as a peer", events.PeerChanged{RelationRef: ours, Unit: "magpie/0"}, "a unit has no events about itself"},
		{"the departure of a third unit", events.RelationDeparted{RelationRef: db, Unit: "mysql/0", DepartingUnit: "mysql/1"}, `the departing unit "mysql/1" is neither of the two`},

		{"a negative ID", events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: -1, App: "mysql"}}, `JUJU_RELATION_ID is "db:-1"`},
		{"created without application", events.RelationCreated{RelationRef: dbWith("")}, "JUJU_REMOTE_APP is not set"},
		{"changed without application", events.PeerChanged{RelationRef: dbWith("")}, "JUJU_REMOTE_APP is not set"},
		{"joined without application", events.RelationJoined{RelationRef: dbWith(""), Unit: "mysql/0"}, `App:"mysql"`},
		{"an application that is a unit", events.RelationCreated{RelationRef: dbWith("mysql/0")}, `JUJU_REMOTE_APP is "mysql/0"`},
		{"joined without unit", events.RelationJoined{RelationRef: db}, "JUJU_REMOTE_UNIT is not set"},
		{"departed without unit", events.RelationDeparted{RelationRef: db}, "JUJU_REMOTE_UNIT is not set"},
		{"peer joined without unit", events.PeerJoined{RelationRef: peers}, "JUJU_REMOTE_UNIT is not set"},
		{"peer departed without unit", events.PeerDeparted{RelationRef: peers}, "JUJU_REMOTE_UNIT is not set"},
		{"a unit that is an application", events.RelationChanged{RelationRef: db, Unit: "mysql"}, `JUJU_REMOTE_UNIT is "mysql"`},
	})
}

func TestEnvironRefusesDepartures(t *testing.T) {
	t.Parallel()
	departed := func(departing string, self bool) events.Event {
		return events.RelationDeparted{RelationRef: db, Unit: "mysql/0", DepartingUnit: departing, Self: self}
	}
	peerDeparted := func(departing string, self bool) events.Event {
		return events.PeerDeparted{RelationRef: peers, Unit: "magpie/1", DepartingUnit: departing, Self: self}
	}
	refuseAll(t, "magpie/0", []refusal{
		{"self, but another departs", departed("mysql/0", true), "Self:false"},
		{"self, but nobody is known to depart", departed("", true), "Self:false"},
		{"not self, but we depart", departed("magpie/0", false), "Self:true"},
		{"no departing unit's name", departed("mysql", false), `JUJU_DEPARTING_UNIT is "mysql"`},
		{"peer, self, but another departs", peerDeparted("magpie/1", true), "Self:false"},
		{"peer, self, but nobody is known to depart", peerDeparted("", true), "Self:false"},
		{"peer, not self, but we depart", peerDeparted("magpie/0", false), "Self:true"},
		{"peer, no departing unit's name", peerDeparted("magpie", false), `JUJU_DEPARTING_UNIT is "magpie"`},
		{"synthetic", events.PeerDeparted{
			RelationRef: peers, Unit: "magpie/1", DepartingUnit: "magpie/1", Synthetic: true}, "Synthetic:true"},
	})
}

func TestEnvironRefuses(t *testing.T) {
	t.Parallel()
	refuseAll(t, "magpie/0", []refusal{
		{"nil", nil, "nil"},
		{"a pointer", &events.Install{}, "&events.Install{}"},

		{"unknown without name", events.Unknown{}, `JUJU_DISPATCH_PATH is "hooks/"`},
		{"unknown, a path", events.Unknown{Hook: "a/b"}, `JUJU_DISPATCH_PATH is "hooks/a/b"`},
		{"unknown, but install", events.Unknown{Hook: "install"}, "would mean events.Install{}"},
		{"unknown, but a relation's", events.Unknown{Hook: "db-relation-joined"}, "JUJU_RELATION is not set"},
		{"unknown, but a storage's", events.Unknown{Hook: "data-storage-attached"}, "would mean events.StorageAttached{"},
		{"unknown, but a secret's", events.Unknown{Hook: "secret-changed"}, "JUJU_SECRET_ID is not set"},
		{"unknown, but a container's", events.Unknown{Hook: "web-pebble-ready"}, "JUJU_WORKLOAD_NAME is not set"},

		{"action without ID", events.Action{Action: "backup"}, "JUJU_ACTION_UUID is not set"},
		{"action without name", events.Action{ID: "7"}, `JUJU_DISPATCH_PATH is "actions/"`},
		{"action, a path", events.Action{Action: "a/b", ID: "7"}, `JUJU_DISPATCH_PATH is "actions/a/b"`},

		{"storage without name", events.StorageAttached{StorageRef: events.StorageRef{}}, `events.Unknown{Hook:"-storage-attached"}`},
		{"detaching without name", events.StorageDetaching{StorageRef: events.StorageRef{}}, `events.Unknown{Hook:"-storage-detaching"}`},
		{"ID of another storage", events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: "disk/2"}}, `JUJU_STORAGE_ID is "disk/2"`},
		{"storage ID without number", events.StorageDetaching{StorageRef: events.StorageRef{Storage: "data", ID: "data"}}, `JUJU_STORAGE_ID is "data"`},
		{"storage kind without ID", events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", Kind: "block"}}, `Kind:"block"`},
		{"storage location without ID", events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", Location: "/srv"}}, `Location:"/srv"`},

		{"changed without secret", events.SecretChanged{SecretRef: events.SecretRef{Label: "x"}}, "JUJU_SECRET_ID is not set"},
		{"rotate without secret", events.SecretRotate{}, "JUJU_SECRET_ID is not set"},
		{"expired without secret", events.SecretExpired{Revision: 1}, "JUJU_SECRET_ID is not set"},
		{"remove without secret", events.SecretRemove{Revision: 1}, "JUJU_SECRET_ID is not set"},
		{"expired of a negative revision", events.SecretExpired{SecretRef: appOwned, Revision: -1}, `JUJU_SECRET_REVISION is "-1"`},
		{"remove of a negative revision", events.SecretRemove{SecretRef: appOwned, Revision: -1}, `JUJU_SECRET_REVISION is "-1"`},

		{"ready without container", events.PebbleReady{}, `events.Unknown{Hook:"-pebble-ready"}`},
		{"notice without container", events.PebbleCustomNotice{NoticeID: "1", NoticeType: "custom", NoticeKey: "x/y"},
			`events.Unknown{Hook:"-pebble-custom-notice"}`},
		{"notice without ID", events.PebbleCustomNotice{WorkloadRef: web, NoticeType: "custom", NoticeKey: "x/y"}, "JUJU_NOTICE_ID is not set"},
		{"notice without type", events.PebbleCustomNotice{WorkloadRef: web, NoticeID: "1", NoticeKey: "x/y"}, "JUJU_NOTICE_TYPE is not set"},
		{"notice without key", events.PebbleCustomNotice{WorkloadRef: web, NoticeID: "1", NoticeType: "custom"}, "JUJU_NOTICE_KEY is not set"},
		{"failed without container", events.PebbleCheckFailed{Check: "up"}, `events.Unknown{Hook:"-pebble-check-failed"}`},
		{"failed without check", events.PebbleCheckFailed{WorkloadRef: web}, "JUJU_PEBBLE_CHECK_NAME is not set"},
		{"recovered without container", events.PebbleCheckRecovered{Check: "up"}, `events.Unknown{Hook:"-pebble-check-recovered"}`},
		{"recovered without check", events.PebbleCheckRecovered{WorkloadRef: web}, "JUJU_PEBBLE_CHECK_NAME is not set"},
	})
}

func TestEnvironRefusesUnits(t *testing.T) {
	t.Parallel()
	for unit, mentions := range map[string]string{
		"":          "JUJU_UNIT_NAME is not set",
		"magpie":    `JUJU_UNIT_NAME is "magpie"`,
		"magpie/-1": `JUJU_UNIT_NAME is "magpie/-1"`,
	} {
		for _, e := range every {
			env, err := events.Environ(e.ev, unit)
			require.ErrorContains(t, err, mentions, "%T", e.ev)
			assert.Nil(t, env, "%T", e.ev)
		}
	}
	t.Run("peers of another application", func(t *testing.T) {
		t.Parallel()
		refuseAll(t, "sub/3", []refusal{
			{"created", events.PeerCreated{RelationRef: peers}, `to unit "sub/3"`},
			{"joined", events.PeerJoined{RelationRef: peers, Unit: "magpie/1"}, `to unit "sub/3"`},
			{"changed", events.PeerChanged{RelationRef: peers, Unit: "magpie/1"}, `to unit "sub/3"`},
			{"departed", events.PeerDeparted{RelationRef: peers, Unit: "magpie/1"}, `to unit "sub/3"`},
		})
	})
	t.Run("another unit of the application departs", func(t *testing.T) {
		t.Parallel()
		refuseAll(t, "magpie/1", []refusal{
			{"self", recorded["relation-departed-self-db"], "Self:false"},
			{"other", events.PeerDeparted{RelationRef: peers, Unit: "magpie/0", DepartingUnit: "magpie/1"}, "Self:true"},
		})
	})
}
