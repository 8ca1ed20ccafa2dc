// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// requireFailure runs a test that has to fail, and asserts that it reports this
// and nothing else.
func requireFailure(t *testing.T, want string, test func(t testing.TB)) {
	t.Helper()
	errs, _ := record(func(t testing.TB) {
		test(t)
		t.Error("not reached")
	})
	assert.Equal(t, want, errs)
}

// Options that cannot be name the field, and what it can be.
func TestWrongOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, row := range map[string]struct {
		opts *charmtest.Options
		want string
	}{
		"no metadata":       {&charmtest.Options{Dir: dir}, `cannot read charm: no ` + dir + `/charmcraft.yaml or ` + dir + `/metadata.yaml: file does not exist`},
		"metadata and dir":  {&charmtest.Options{Metadata: magpie, Dir: dir}, `both Metadata and Dir are set; set one of them`},
		"broken metadata":   {&charmtest.Options{Metadata: "name: [x"}, `cannot read charmcraft.yaml: line 1: did not find expected ',' or ']'`},
		"wrong metadata":    {&charmtest.Options{Metadata: magpie + "  sync: 3\n"}, `cannot read charmcraft.yaml: action "sync" must be a map, not 3`},
		"unit":              {&charmtest.Options{Metadata: magpie, Unit: "magpie"}, `Options.Unit: "magpie" is no unit's name; those are like "db/0"`},
		"undeclared option": {&charmtest.Options{Metadata: magpie, Config: map[string]any{"prot": 80}}, `Options.Config: the charm has no option "prot", but credentials, debug, motd, port, ratio`},
		"type of an option": {&charmtest.Options{Metadata: magpie, Config: map[string]any{"port": "many"}}, `cannot deploy "magpie": cannot set config option "port": value must be an integer, not "many"`},
		"resource":          {&charmtest.Options{Metadata: magpie, Resources: map[string]string{"x": "/x"}}, `Options.Resources: the charm has no resource "x", but software`},
		"no resources":      {&charmtest.Options{Metadata: agentCharm, Resources: map[string]string{"x": "/x"}}, `Options.Resources: the charm has no resource "x": its charmcraft.yaml declares none`},
		"principal":         {&charmtest.Options{Metadata: magpie, Principal: "a/0"}, `Options.Principal is "a/0", but the charm is no subordinate: charmcraft.yaml lacks subordinate: true`},
		"no principal":      {&charmtest.Options{Metadata: agentCharm, Principal: "a"}, `Options.Principal: "a" is no unit's name; those are like "db/0"`},
		"machine":           {&charmtest.Options{Metadata: web, Zone: "a"}, `Options.Machine and Zone are for models on machines, and this one is on Kubernetes`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, "cannot make a harness: "+row.want, func(t testing.TB) { charmtest.New(t, nothing, row.opts) })
		})
	}
	requireFailure(t, `cannot make a model: JujuVersion is "2.9", but the rules known are those of Juju 4 and 3.6: use "4.1.0" or "3.6.0"`, func(t testing.TB) {
		charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie, JujuVersion: "2.9"})
	})
	requireFailure(t, "cannot make a harness: register is nil; give what charm.Main is given", func(t testing.TB) {
		charmtest.New(t, nil, &charmtest.Options{Metadata: magpie})
	})
}

// Events that Juju would not send now name what is wrong, and what to do instead.
func TestWrongEvents(t *testing.T) {
	t.Parallel()
	peers := events.RelationRef{Endpoint: "magpie", ID: 0, App: "magpie"}
	db := events.RelationRef{Endpoint: "db", ID: 1, App: "postgresql"}
	gone := events.RelationRef{Endpoint: "db", ID: 2, App: "mysql"}
	of := func(r events.RelationRef, change func(*events.RelationRef)) events.RelationRef {
		change(&r)
		return r
	}
	const join, change, leave, broken, relate = "; Relation.Join has a unit join, and sends it",
		"; Relation.Join, Update and UpdateApp change what others have written, and send it",
		"; Relation.Depart and Relation.Break have others leave, Harness.Remove the unit itself, and send it",
		"; Relation.Break removes a relation, and sends it",
		"; Harness.Relate makes a relation, and sends it; those of peers exist"
	for name, row := range map[string]struct {
		ev   events.Event
		want string
	}{
		"nil":                               {nil, `an event to magpie/0: the event is nil`},
		"action":                            {events.Action{Action: "ping"}, `events.Action (ping) to magpie/0: actions are run by name, with parameters; use Harness.RunAction`},
		"unknown hook":                      {events.Unknown{Hook: "collect-metrics"}, `events.Unknown (collect-metrics) to magpie/0: an agent of Juju 4.1.0 does not send it`},
		"hook of 3.6":                       {events.LeaderSettingsChanged{}, `events.LeaderSettingsChanged (leader-settings-changed) to magpie/0: an agent of Juju 4.1.0 does not send it; set Options.JujuVersion to a version of Juju that does, "3.6.0"`},
		"not leader":                        {events.LeaderElected{}, `events.LeaderElected (leader-elected) to magpie/0: the unit is not the leader; Harness.SetLeader makes it the leader, and sends it`},
		"no endpoint":                       {events.PeerCreated{RelationRef: of(peers, func(r *events.RelationRef) { r.Endpoint, r.ID = "crows", 8 })}, `events.PeerCreated (crows-relation-created) to magpie/0: there is no relation crows:8, or no more` + relate},
		"relation is gone":                  {events.RelationChanged{RelationRef: gone, Unit: "mysql/0"}, `events.RelationChanged (db-relation-changed) to magpie/0: there is no relation db:2, or no more` + change},
		"other endpoint":                    {events.RelationCreated{RelationRef: of(db, func(r *events.RelationRef) { r.Endpoint = "website" })}, `events.RelationCreated (website-relation-created) to magpie/0: relation 1 is of endpoint "db", not "website"` + relate},
		"other app":                         {events.RelationCreated{RelationRef: of(db, func(r *events.RelationRef) { r.App = "mysql" })}, `events.RelationCreated (db-relation-created) to magpie/0: relation db:1 is with application "postgresql", not "mysql"` + relate},
		"relation event of a peer endpoint": {events.RelationJoined{RelationRef: peers, Unit: "magpie/1"}, `events.RelationJoined (magpie-relation-joined) to magpie/0: endpoint "magpie" has Peer events` + join},
		"peer event of another":             {events.PeerJoined{RelationRef: db, Unit: "postgresql/0"}, `events.PeerJoined (db-relation-joined) to magpie/0: endpoint "db" has Relation events` + join},
		"broken of a peer":                  {events.RelationBroken{RelationRef: peers}, `events.RelationBroken (magpie-relation-broken) to magpie/0: endpoint "magpie" has Peer events` + broken},
		"joined of ourselves":               {events.PeerJoined{RelationRef: peers, Unit: "magpie/0"}, `events.PeerJoined (magpie-relation-joined) to magpie/0: a unit has no events about itself` + join},
		"joined of nobody":                  {events.PeerJoined{RelationRef: peers, Unit: "magpie/5"}, `events.PeerJoined (magpie-relation-joined) to magpie/0: unit "magpie/5" is not in relation magpie:0` + join},
		"joined of another application":     {events.RelationJoined{RelationRef: db, Unit: "mysql/0"}, `events.RelationJoined (db-relation-joined) to magpie/0: unit "mysql/0" is not in relation db:1` + join},
		"joined twice":                      {events.PeerJoined{RelationRef: peers, Unit: "magpie/1"}, `events.PeerJoined (magpie-relation-joined) to magpie/0: unit "magpie/1" has joined relation magpie:0 already` + join},
		"joined without a unit":             {events.PeerJoined{RelationRef: peers}, `events.PeerJoined (magpie-relation-joined) to magpie/0: its Unit is empty` + join},
		"changed before joined":             {events.PeerChanged{RelationRef: peers, Unit: "magpie/3"}, `events.PeerChanged (magpie-relation-changed) to magpie/0: unit "magpie/3" is not in relation magpie:0` + change},
		"changed of a silent application":   {events.RelationChanged{RelationRef: db}, `events.RelationChanged (db-relation-changed) to magpie/0: application "postgresql" has never written its databag` + change},
		"departed before joined":            {events.PeerDeparted{RelationRef: peers, Unit: "magpie/3"}, `events.PeerDeparted (magpie-relation-departed) to magpie/0: unit "magpie/3" is not in relation magpie:0` + leave},
		"departed but there":                {events.PeerDeparted{RelationRef: peers, Unit: "magpie/1"}, `events.PeerDeparted (magpie-relation-departed) to magpie/0: unit "magpie/1" is still in the relation` + leave},
		"departed of ourselves":             {events.PeerDeparted{RelationRef: peers, Unit: "magpie/1", Self: true}, `events.PeerDeparted (magpie-relation-departed) to magpie/0: it has Self, but unit magpie/0 is not being removed` + leave},
		"departed of two":                   {events.RelationDeparted{RelationRef: db, Unit: "postgresql/0", DepartingUnit: "postgresql/1"}, `events.RelationDeparted (db-relation-departed) to magpie/0: its DepartingUnit is postgresql/1, but Unit is postgresql/0; they differ only with Self` + leave},
		"departed of the SDK":               {events.PeerDeparted{RelationRef: peers, Unit: "magpie/1", Synthetic: true}, `events.PeerDeparted (magpie-relation-departed) to magpie/0: it has Synthetic, which is for events that the SDK makes itself` + leave},
		"broken but there":                  {events.RelationBroken{RelationRef: db}, `events.RelationBroken (db-relation-broken) to magpie/0: relation db:1 is not being removed` + broken},
		"storage": {events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: "data/9"}},
			`events.StorageAttached (data-storage-attached) to magpie/0: the unit has no storage "data/9"; Harness.AddStorage, DetachStorage and AttachStorage send it; Harness.Storage tells what there is`},
		"instance of another storage": {events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: "wal/0"}},
			`events.StorageAttached (data-storage-attached) to magpie/0: "wal/0" is no instance of storage "data"; Harness.AddStorage, DetachStorage and AttachStorage send it; Harness.Storage tells what there is`},
		"container": {events.PebbleReady{WorkloadRef: events.WorkloadRef{Container: "app"}},
			`events.PebbleReady (app-pebble-ready) to magpie/0: the charm has no container "app"; declare it in charmcraft.yaml`},
		"no secret": {events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g"}},
			`events.SecretChanged (secret-changed) to magpie/0: there is no secret "secret:9m4e2mr0ui3e8a215n4g"; once the charm has read a secret, Secret.SetContent sends it`},
		"secret that nobody read": {events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:d0000000000000000010"}},
			`events.SecretChanged (secret-changed) to magpie/0: the unit has not read secret "secret:d0000000000000000010"; once the charm has read a secret, Secret.SetContent sends it`},
		"secret of another": {events.SecretRotate{SecretRef: events.SecretRef{ID: "secret:d0000000000000000010"}},
			`events.SecretRotate (secret-rotate) to magpie/0: secret "secret:d0000000000000000010" belongs neither to the unit nor to the application that it leads; Harness.Advance and Secret.ReadBy send what is due of the secrets that the charm has added`},
		"label of another": {events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:d0000000000000000010", Label: "x"}},
			`events.SecretChanged (secret-changed) to magpie/0: the unit knows secret "secret:d0000000000000000010" by the label "", not "x"; once the charm has read a secret, Secret.SetContent sends it`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, "cannot send "+row.want, func(t testing.TB) {
				h := charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie})
				h.Peers("magpie").Join("magpie/1", nil)
				h.Relate("db", "postgresql").Join("postgresql/0", nil)
				h.Relate("db", "mysql").Break()
				h.AddUserSecret("token", map[string]string{"token": "b"})
				h.Emit(row.ev)
			})
		})
	}
}

// Methods that cannot do what they say.
func TestWrongUses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		use  func(h *charmtest.Harness)
		want string
	}{
		"peers of another endpoint": {func(h *charmtest.Harness) { h.Peers("db") }, `endpoint "db" is no peer endpoint; use Relate to add a relation of it`},
		"relate a peer endpoint":    {func(h *charmtest.Harness) { h.Relate("magpie", "x") }, `endpoint "magpie" is a peer endpoint, whose relation exists from the start; use Peers`},
		"undeclared endpoint":       {func(h *charmtest.Harness) { h.Relate("dbs", "x") }, `the charm has no endpoint "dbs", but db, host, magpie, website`},
		"related twice":             {func(h *charmtest.Harness) { h.Relate("db", "x"); h.Relate("db", "x") }, `cannot relate magpie:db to x: they are related already`},
		"related to itself":         {func(h *charmtest.Harness) { h.Relate("db", "magpie") }, `cannot relate endpoint "db" to magpie, which is the unit's own application; name another one`},
		"bad application":           {func(h *charmtest.Harness) { h.Relate("db", "x/0") }, `cannot deploy "x/0": an application's name is made of lower-case letters, digits and dashes, and no part of it is a number`},
		"join ourselves":            {func(h *charmtest.Harness) { h.Peers("magpie").Join("magpie/0", nil) }, `cannot have magpie/0 join relation magpie:0: it is the unit itself, which is never among its own peers; name another one`},
		"join of another":           {func(h *charmtest.Harness) { h.Peers("magpie").Join("crow/1", nil) }, `cannot have crow/1 join relation magpie:0: the relation is with application "magpie"; name a unit of that`},
		"join of no unit":           {func(h *charmtest.Harness) { h.Peers("magpie").Join("magpie", nil) }, `cannot have magpie join relation magpie:0: "magpie" is no unit's name; those are like "db/0"`},
		"join twice": {func(h *charmtest.Harness) {
			h.Peers("magpie").Join("magpie/1", nil)
			h.Peers("magpie").Join("magpie/1", nil)
		}, `cannot have magpie/1 join relation magpie:0: it is in it already; Update changes its databag, and Depart has it leave`},
		"update before join":            {func(h *charmtest.Harness) { h.Peers("magpie").Update("magpie/1", nil) }, `unit magpie/1 is not in relation magpie:0; use Join, which adds it`},
		"depart before join":            {func(h *charmtest.Harness) { h.Peers("magpie").Depart("magpie/1") }, `unit magpie/1 is not in relation magpie:0; use Join, which adds it`},
		"break of a peer":               {func(h *charmtest.Harness) { h.Peers("magpie").Break() }, `a peer relation never breaks: it goes with the application`},
		"secret of a peer":              {func(h *charmtest.Harness) { h.Peers("magpie").AddSecret(nil) }, `in a peer relation the charm adds secrets itself`},
		"relation is gone":              {func(h *charmtest.Harness) { r := h.Relate("db", "x"); r.Break(); r.Join("x/0", nil) }, `relation db:1 is gone; Relate makes another`},
		"undeclared option":             {func(h *charmtest.Harness) { h.SetConfig(map[string]any{"prot": 1}) }, `cannot set config: the charm has no option "prot", but credentials, debug, motd, port, ratio`},
		"option of another type":        {func(h *charmtest.Harness) { h.SetConfig(map[string]any{"debug": 1}) }, `cannot set config of "magpie": cannot set config option "debug": value must be true or false, not 1`},
		"secret option":                 {func(h *charmtest.Harness) { h.SetConfig(map[string]any{"credentials": "hunter2"}) }, `cannot set config of "magpie": cannot set config option "credentials": value must be a secret's URI, such as "secret:9m4e2mr0ui3e8a215n4g", or "", not "hunter2"`},
		"undeclared action":             {func(h *charmtest.Harness) { h.RunAction("pong", nil) }, `cannot run action "pong": the charm has no action "pong", but ping`},
		"undeclared storage":            {func(h *charmtest.Harness) { h.AddStorage("logs") }, `cannot add storage: the charm has no storage "logs", but data, wal`},
		"too much storage":              {func(h *charmtest.Harness) { h.AddStorage("wal"); h.AddStorage("wal") }, `cannot add storage to unit magpie/0: storage "wal": at most 1 instances supported, 2 specified`},
		"detach":                        {func(h *charmtest.Harness) { h.DetachStorage("data/3") }, `cannot detach storage "data/3" from unit magpie/0: the unit does not have it`},
		"attach":                        {func(h *charmtest.Harness) { h.AttachStorage("data/3") }, `cannot attach storage "data/3" to unit magpie/0: there is no such storage, or it is attached`},
		"undeclared resource":           {func(h *charmtest.Harness) { h.SetResource("x", "/x") }, `cannot set a resource: the charm has no resource "x", but software`},
		"undeclared binding":            {func(h *charmtest.Harness) { h.SetNetwork("backup", charmtest.Network{}) }, `cannot set a network: the charm has no binding "backup": neither an endpoint nor an extra binding has that name`},
		"binding of a relation":         {func(h *charmtest.Harness) { h.SetNetwork("db:3", charmtest.Network{}) }, `cannot set a network: there is no relation "db:3"; without a number it is the network of all relations of an endpoint`},
		"status":                        {func(h *charmtest.Harness) { h.SetAppStatus("great", "") }, `cannot set the application's status: there is no status "great" to be set; there are active, blocked, maintenance, waiting, unknown`},
		"no secret":                     {func(h *charmtest.Harness) { h.Secret("root") }, `there is no secret with label or URI "root"; there are none`},
		"empty secret":                  {func(h *charmtest.Harness) { h.AddUserSecret("a", nil) }, `cannot add secret: its content is empty`},
		"read by nobody":                {func(h *charmtest.Harness) { h.AddUserSecret("a", map[string]string{"token": "b"}).ReadBy("x/0") }, `there is no unit "x/0" to read a secret; Join makes one`},
		"again":                         {func(h *charmtest.Harness) { h.Again() }, `cannot run a hook of magpie/0 again: none has failed`},
		"back in time":                  {func(h *charmtest.Harness) { h.Advance(-time.Second) }, `cannot advance the time by -1s: it does not go back`},
		"kill at 0":                     {func(h *charmtest.Harness) { h.KillNext(0) }, `cannot kill the charm at hook command 0: the first is 1`},
		"upgrade to nothing":            {func(h *charmtest.Harness) { h.Upgrade(nil) }, `cannot upgrade: register is nil; give what charm.Main is given`},
		"leader settings of 4":          {func(h *charmtest.Harness) { h.SetLeaderSettings(map[string]string{"a": "b"}) }, `cannot send events.LeaderSettingsChanged (leader-settings-changed) to magpie/0: an agent of Juju 4.1.0 does not send it; set Options.JujuVersion to a version of Juju that does, "3.6.0"`},
		"leader settings by the leader": {func(h *charmtest.Harness) { h.SetLeader(true); h.SetLeaderSettings(nil) }, `cannot set leader settings: the unit is the leader, whose charm writes them; it is another's after SetLeader(false)`},
		"no script":                     {func(h *charmtest.Harness) { _ = h.Exec(nil) }, `cannot exec: the script is nil`},
		"exec about nobody": {func(h *charmtest.Harness) {
			_ = h.Peers("magpie").Exec("", func(context.Context, *hookcmd.Client) error { return nil })
		}, `cannot run commands on unit magpie/0: no remote unit found, override to execute commands`},
		"emit after the end": {func(h *charmtest.Harness) { h.Remove(); h.Emit(events.UpdateStatus{}) }, `cannot send events.UpdateStatus (update-status) to magpie/0: the unit has no agent`},
		"remove twice":       {func(h *charmtest.Harness) { h.Remove(); h.Remove() }, `cannot remove unit magpie/0: it is dead`},
		"intercept nothing":  {func(h *charmtest.Harness) { h.Intercept(nil) }, `cannot intercept hook commands: the function is nil`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, row.want, func(t testing.TB) { row.use(charmtest.New(t, nothing, &charmtest.Options{Metadata: magpie})) })
		})
	}
}

// The principal of a subordinate is the only unit it sees in its own relation.
func TestOtherPrincipal(t *testing.T) {
	t.Parallel()
	requireFailure(t, `cannot have ubuntu/4 join relation host:0: in a relation with scope container a subordinate sees its principal only, which is ubuntu/3; name that, or set Principal`, func(t testing.TB) {
		h := charmtest.New(t, nothing, &charmtest.Options{Metadata: agentCharm, Principal: "ubuntu/3"})
		h.Relate("host", "ubuntu").Join("ubuntu/4", nil)
	})
}

// Handlers only handle: they do not drive the test.
func TestHandlerDrivesTheHarness(t *testing.T) {
	t.Parallel()
	requireFailure(t, "the model is running hooks: a handler must not drive it", func(t testing.TB) {
		var h *charmtest.Harness
		h = charmtest.New(t, func(c *charm.Charm) {
			charm.On(c, func(context.Context, events.Install) error {
				h.Emit(events.Start{})
				return nil
			})
		}, &charmtest.Options{Metadata: magpie})
		h.Emit(events.Install{})
	})
}
