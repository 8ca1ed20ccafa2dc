// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
)

var (
	_ = []events.PeerEvent{events.PeerCreated{}, events.PeerJoined{}, events.PeerChanged{}, events.PeerDeparted{}}
	_ = []events.RelationEvent{
		events.PeerEvent(nil),
		events.RelationCreated{}, events.RelationJoined{}, events.RelationChanged{},
		events.RelationDeparted{}, events.RelationBroken{},
	}
	_ = []events.StorageEvent{events.StorageAttached{}, events.StorageDetaching{}}
	_ = []events.SecretEvent{
		events.SecretChanged{}, events.SecretRotate{}, events.SecretExpired{}, events.SecretRemove{},
	}
	_ = []events.WorkloadEvent{
		events.PebbleReady{}, events.PebbleCustomNotice{},
		events.PebbleCheckFailed{}, events.PebbleCheckRecovered{},
	}
	_ = []events.Hook{
		events.RelationEvent(nil), events.StorageEvent(nil), events.SecretEvent(nil), events.WorkloadEvent(nil),
		events.Install{}, events.Start{}, events.Stop{}, events.Remove{}, events.ConfigChanged{},
		events.UpdateStatus{}, events.UpgradeCharm{}, events.LeaderElected{}, events.LeaderSettingsChanged{},
		events.PreSeriesUpgrade{}, events.PostSeriesUpgrade{}, events.Unknown{},
	}
	_ = []events.Event{events.Hook(nil), events.Action{}}
)

const (
	hook = 1 << iota
	relation
	peer
	storage
	secret
	workload
)

// every holds an event of each type, its name and the families it is in.
var every = []struct {
	ev       events.Event
	name     string
	families int
}{
	{events.Install{}, "install", hook},
	{events.Start{}, "start", hook},
	{events.Stop{}, "stop", hook},
	{events.Remove{}, "remove", hook},
	{events.ConfigChanged{}, "config-changed", hook},
	{events.UpdateStatus{}, "update-status", hook},
	{events.UpgradeCharm{}, "upgrade-charm", hook},
	{events.LeaderElected{}, "leader-elected", hook},
	{events.LeaderSettingsChanged{}, "leader-settings-changed", hook},
	{events.PreSeriesUpgrade{TargetBase: "ubuntu@24.04"}, "pre-series-upgrade", hook},
	{events.PostSeriesUpgrade{}, "post-series-upgrade", hook},
	{events.Unknown{Hook: "collect-metrics"}, "collect-metrics", hook},
	{events.Action{Action: "backup", ID: "12"}, "backup", 0},
	{events.PeerCreated{RelationRef: peers}, "magpie-relation-created", hook | relation | peer},
	{events.PeerJoined{RelationRef: peers}, "magpie-relation-joined", hook | relation | peer},
	{events.PeerChanged{RelationRef: peers}, "magpie-relation-changed", hook | relation | peer},
	{events.PeerDeparted{RelationRef: peers}, "magpie-relation-departed", hook | relation | peer},
	{events.RelationCreated{RelationRef: db}, "db-relation-created", hook | relation},
	{events.RelationJoined{RelationRef: db}, "db-relation-joined", hook | relation},
	{events.RelationChanged{RelationRef: db}, "db-relation-changed", hook | relation},
	{events.RelationDeparted{RelationRef: db}, "db-relation-departed", hook | relation},
	{events.RelationBroken{RelationRef: db}, "db-relation-broken", hook | relation},
	{events.StorageAttached{StorageRef: data}, "data-storage-attached", hook | storage},
	{events.StorageDetaching{StorageRef: data}, "data-storage-detaching", hook | storage},
	{events.SecretChanged{SecretRef: appOwned}, "secret-changed", hook | secret},
	{events.SecretRotate{SecretRef: appOwned}, "secret-rotate", hook | secret},
	{events.SecretExpired{SecretRef: appOwned}, "secret-expired", hook | secret},
	{events.SecretRemove{SecretRef: appOwned}, "secret-remove", hook | secret},
	{events.PebbleReady{WorkloadRef: web}, "web-pebble-ready", hook | workload},
	{events.PebbleCustomNotice{WorkloadRef: web}, "web-pebble-custom-notice", hook | workload},
	{events.PebbleCheckFailed{WorkloadRef: web}, "web-pebble-check-failed", hook | workload},
	{events.PebbleCheckRecovered{WorkloadRef: web}, "web-pebble-check-recovered", hook | workload},
}

var data = events.StorageRef{Storage: "data", ID: "data/0", Kind: "filesystem", Location: "/srv/data"}

func TestFamilies(t *testing.T) {
	t.Parallel()
	for _, e := range every {
		t.Run(reflect.TypeOf(e.ev).Name(), func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, e.name, e.ev.Name())

			_, isHook := e.ev.(events.Hook)
			assert.Equal(t, e.families&hook != 0, isHook, "is a Hook")
			_, isPeer := e.ev.(events.PeerEvent)
			assert.Equal(t, e.families&peer != 0, isPeer, "is a PeerEvent")

			r, isRelation := e.ev.(events.RelationEvent)
			if assert.Equal(t, e.families&relation != 0, isRelation, "is a RelationEvent") && isPeer {
				assert.Equal(t, peers, r.Ref())
			} else if isRelation {
				assert.Equal(t, db, r.Ref())
			}
			s, isStorage := e.ev.(events.StorageEvent)
			if assert.Equal(t, e.families&storage != 0, isStorage, "is a StorageEvent") && isStorage {
				assert.Equal(t, data, s.Ref())
			}
			c, isSecret := e.ev.(events.SecretEvent)
			if assert.Equal(t, e.families&secret != 0, isSecret, "is a SecretEvent") && isSecret {
				assert.Equal(t, appOwned, c.Ref())
			}
			w, isWorkload := e.ev.(events.WorkloadEvent)
			if assert.Equal(t, e.families&workload != 0, isWorkload, "is a WorkloadEvent") && isWorkload {
				assert.Equal(t, web, w.Ref())
			}
		})
	}
}

func TestEventsAreComparable(t *testing.T) {
	t.Parallel()
	names := map[events.Event]string{}
	for _, e := range every {
		require.True(t, reflect.TypeOf(e.ev).Comparable(), "%T cannot be a map's key", e.ev)
		names[e.ev] = e.name
	}
	assert.Len(t, names, len(every), "events of different types are different keys")
	assert.Equal(t, "magpie-relation-joined", names[events.PeerJoined{RelationRef: peers}])
	assert.NotContains(t, names, events.Event(events.PeerJoined{RelationRef: peers, Unit: "magpie/1"}))
}

// TestEveryTypeIsTested finds the types of the package by their method event,
// which only events have.
func TestEveryTypeIsTested(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var declared []string
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, 0)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "event" {
				declared = append(declared, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	var tested, fuzzed []string
	for _, e := range every {
		tested = append(tested, reflect.TypeOf(e.ev).Name())
	}
	for _, build := range builders {
		fuzzed = append(fuzzed, reflect.TypeOf(build(fields{})).Name())
	}
	assert.ElementsMatch(t, declared, tested, "types of the package and of the table every")
	assert.ElementsMatch(t, declared, fuzzed, "types of the package and those FuzzRoundTrip builds")
}
