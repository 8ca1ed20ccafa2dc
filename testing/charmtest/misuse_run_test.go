// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

type bags = map[string]map[string]string

// States that cannot be name the field, and what to change.
func TestWrongStates(t *testing.T) {
	t.Parallel()
	relations := func(list ...charmtest.RelationState) charmtest.State {
		return charmtest.State{Metadata: magpie, Relations: list}
	}
	secret := func(s charmtest.SecretState) charmtest.State {
		return charmtest.State{Metadata: magpie, Secrets: []charmtest.SecretState{s}}
	}
	one := map[int]map[string]string{1: {"token": "t"}}
	for name, row := range map[string]struct {
		state charmtest.State
		want  string
	}{
		"no metadata":            {charmtest.State{Dir: "/nowhere"}, `cannot read charm: no /nowhere/charmcraft.yaml or /nowhere/metadata.yaml: file does not exist`},
		"unit":                   {charmtest.State{Metadata: magpie, Unit: "x"}, `State.Unit: "x" is no unit's name; those are like "db/0"`},
		"option":                 {charmtest.State{Metadata: magpie, Config: map[string]any{"prot": 1}}, `State.Config: the charm has no option "prot", but credentials, debug, motd, port, ratio`},
		"type of an option":      {charmtest.State{Metadata: magpie, Config: map[string]any{"port": true}}, `cannot deploy "magpie": cannot set config option "port": value must be an integer, not true`},
		"resource":               {charmtest.State{Metadata: magpie, Resources: map[string]string{"x": "/x"}}, `State.Resources: the charm has no resource "x", but software`},
		"endpoint":               {relations(charmtest.RelationState{Endpoint: "dbs", App: "x"}), `State.Relations[0]: the charm has no endpoint "dbs", but db, host, magpie, website`},
		"no app":                 {relations(charmtest.RelationState{Endpoint: "db"}), `State.Relations[0]: App is empty; name the remote application`},
		"own app":                {relations(charmtest.RelationState{Endpoint: "db", App: "magpie"}), `State.Relations[0]: App is our own application, but "db" is no peer endpoint; name another one`},
		"app of peers":           {relations(charmtest.RelationState{Endpoint: "magpie", App: "crow"}), `State.Relations[0]: it is a peer relation: App is "magpie", not "crow"`},
		"remote app of peers":    {relations(charmtest.RelationState{Endpoint: "magpie", RemoteApp: map[string]string{}}), `State.Relations[0]: it is a peer relation: what is in RemoteApp belongs in LocalApp`},
		"model of peers":         {relations(charmtest.RelationState{Endpoint: "magpie", Model: "x"}), `State.Relations[0]: it is a peer relation: Model is for those with applications of other models`},
		"negative ID":            {relations(charmtest.RelationState{Endpoint: "magpie", ID: -1}), `State.Relations[0]: ID is -1; those of relations begin with 0`},
		"the same ID":            {relations(charmtest.RelationState{Endpoint: "magpie", ID: 3}, charmtest.RelationState{Endpoint: "db", ID: 3, App: "x"}), `State.Relations[1]: ID 3 is that of State.Relations[0], too; give each its own`},
		"two relations of peers": {relations(charmtest.RelationState{Endpoint: "magpie", ID: 3}, charmtest.RelationState{Endpoint: "magpie", ID: 4}), `State.Relations[1]: peer endpoint "magpie" has one relation only, which is State.Relations[0]`},
		"the same relation":      {relations(charmtest.RelationState{Endpoint: "db", ID: 3, App: "x"}, charmtest.RelationState{Endpoint: "db", ID: 4, App: "x"}), `State.Relations[1]: cannot relate magpie:db to x: they are related already`},
		"own unit among peers":   {relations(charmtest.RelationState{Endpoint: "magpie", Units: bags{"magpie/0": nil}}), `State.Relations[0]: Units has magpie/0: it is the unit itself, which is never among its own peers; name another one`},
		"unit of another":        {relations(charmtest.RelationState{Endpoint: "db", App: "x", Units: bags{"y/0": nil}}), `State.Relations[0]: Units has y/0: the relation is with application "x"; name a unit of that`},
		"no unit":                {relations(charmtest.RelationState{Endpoint: "db", App: "x", Units: bags{"x": nil}}), `State.Relations[0]: Units has x: "x" is no unit's name; those are like "db/0"`},
		"status":                 {charmtest.State{Metadata: magpie, Status: charmtest.Status{Status: "fine"}}, `State.Status: there is no status "fine" to be set; there are active, blocked, maintenance, waiting, unknown`},
		"status of the app":      {charmtest.State{Metadata: magpie, AppStatus: charmtest.Status{Status: "error"}}, `State.AppStatus: there is no status "error" to be set; there are active, blocked, maintenance, waiting, unknown`},
		"binding":                {charmtest.State{Metadata: magpie, Networks: map[string]charmtest.Network{"lan": {}}}, `State.Networks: the charm has no binding "lan": neither an endpoint nor an extra binding has that name`},
		"leader settings of 4":   {charmtest.State{Metadata: magpie, LeaderSettings: map[string]string{"a": "b"}}, `there are State.LeaderSettings in Juju 3.6 only; set State.JujuVersion to "3.6.0"`},
		"version":                {charmtest.State{Metadata: magpie, JujuVersion: "x"}, `JujuVersion is "x", but the rules known are those of Juju 4 and 3.6: use "4.1.0" or "3.6.0"`},
		"storage":                {charmtest.State{Metadata: magpie, Storage: []charmtest.Storage{{ID: "logs/0"}}}, `State.Storage[0]: the charm has no storage "logs", but data, wal`},
		"no instance":            {charmtest.State{Metadata: magpie, Storage: []charmtest.Storage{{ID: "data"}}}, `State.Storage[0]: "data" is no storage instance; those are like "data/0"`},
		"kind of storage":        {charmtest.State{Metadata: magpie, Storage: []charmtest.Storage{{ID: "wal/0", Kind: "filesystem"}}}, `State.Storage[0]: the Kind of wal/0 is "block", not "filesystem"`},
		"the same instance":      {charmtest.State{Metadata: magpie, Storage: []charmtest.Storage{{ID: "wal/0", Kind: "block"}, {ID: "wal/0", Kind: "block"}}}, `State.Storage[1]: there is another "wal/0"`},
		"secret without content": {secret(charmtest.SecretState{Owner: "magpie"}), `State.Secrets[0]: cannot add secret "": it needs at least one revision, and numbers from 1`},
		"URI of a secret":        {secret(charmtest.SecretState{URI: "secret:x", Revisions: one}), `State.Secrets[0]: cannot add secret: secret URI "secret:x" not valid; those are like "secret:9m4e2mr0ui3e8a215n4g"`},
		"owner of a secret":      {secret(charmtest.SecretState{Owner: "crow", Revisions: one}), `State.Secrets[0]: cannot add secret "": there is no unit or application "crow"`},
		"unit that owns":         {secret(charmtest.SecretState{Owner: "crow/0", Revisions: one}), `State.Secrets[0]: the Owner is unit crow/0; of others it is an application`},
		"label without reading":  {secret(charmtest.SecretState{Label: "x", Revisions: one}), `State.Secrets[0]: it has a Label, by which only those know another's secret who have read it; set Tracked`},
		"tracked":                {secret(charmtest.SecretState{Revisions: one, Tracked: 4}), `State.Secrets[0]: cannot track secret "d0000000000000000010": it has no revision 4`},
		"granted to nobody":      {secret(charmtest.SecretState{Owner: "magpie", Revisions: one, GrantedTo: []string{"x"}}), `State.Secrets[0]: a secret of magpie is granted over a relation, and there is none with "x" in State.Relations`},
		"params of no action":    {charmtest.State{Metadata: magpie, Params: map[string]any{"host": "db"}}, `there are State.Params of an action, and it is none`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := charmtest.Run(nothing, events.UpdateStatus{}, row.state)
			require.Error(t, err)
			assert.Equal(t, "cannot run events.UpdateStatus (update-status) in this state: "+row.want, err.Error())
		})
	}
	_, err := charmtest.Run(nil, events.Start{}, charmtest.State{Metadata: magpie})
	assert.EqualError(t, err, "cannot run events.Start (start) in this state: register is nil; give what charm.Main is given")
}

// Events that cannot be in a state say what to change in it.
func TestWrongEventsOfRun(t *testing.T) {
	t.Parallel()
	state := charmtest.State{Metadata: magpie, Relations: []charmtest.RelationState{
		{Endpoint: "magpie", ID: 4, Units: bags{"magpie/1": nil}},
		{Endpoint: "db", ID: 5, App: "postgresql", Units: bags{"postgresql/0": nil}},
	}}
	db := events.RelationRef{Endpoint: "db", ID: 5, App: "postgresql"}
	for name, row := range map[string]struct {
		ev   events.Event
		want string
	}{
		"nil":                  {nil, `an event in this state: it is nil`},
		"action":               {events.Action{Action: "pong"}, `events.Action (pong) in this state: the charm has no action "pong", but ping`},
		"no relation":          {events.PeerCreated{RelationRef: events.RelationRef{Endpoint: "magpie", ID: 9, App: "magpie"}}, `events.PeerCreated (magpie-relation-created) in this state: there is no relation magpie:9, or no more; State.Relations has which relations there are`},
		"joined of nobody":     {events.PeerJoined{RelationRef: peersRef, Unit: "magpie/2"}, `events.PeerJoined (magpie-relation-joined) in this state: unit "magpie/2" is not in relation magpie:4; a unit that joins is in Units of its relation in State.Relations`},
		"joined of no unit":    {events.PeerJoined{RelationRef: peersRef}, `events.PeerJoined (magpie-relation-joined) in this state: its Unit is empty; a unit that joins is in Units of its relation in State.Relations`},
		"changed of nobody":    {events.PeerChanged{RelationRef: peersRef, Unit: "magpie/2"}, `events.PeerChanged (magpie-relation-changed) in this state: unit "magpie/2" is not in relation magpie:4; State.Relations has who is in which relation, and what they have written`},
		"departed of nobody":   {events.PeerDeparted{RelationRef: peersRef, Unit: "magpie/2"}, `events.PeerDeparted (magpie-relation-departed) in this state: unit "magpie/2" is not in relation magpie:4; a unit that departs is still in Units of its relation in State.Relations`},
		"broken with units":    {events.RelationBroken{RelationRef: db}, `events.RelationBroken (db-relation-broken) in this state: relation db:5 has units, which depart before it breaks; State.Relations has the relation that breaks, without units`},
		"broken of a peer":     {events.RelationBroken{RelationRef: peersRef}, `events.RelationBroken (magpie-relation-broken) in this state: endpoint "magpie" has Peer events; State.Relations has the relation that breaks, without units`},
		"no leader":            {events.LeaderElected{}, `events.LeaderElected (leader-elected) in this state: the unit is not the leader; set State.Leader`},
		"hook of 3.6":          {events.PostSeriesUpgrade{}, `events.PostSeriesUpgrade (post-series-upgrade) in this state: an agent of Juju 4.1.0 does not send it; set State.JujuVersion to a version of Juju that does, "3.6.0"`},
		"storage":              {events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: "data/0"}}, `events.StorageAttached (data-storage-attached) in this state: the unit has no storage "data/0"; State.Storage has the unit's instances`},
		"container":            {events.PebbleReady{WorkloadRef: events.WorkloadRef{Container: "app"}}, `events.PebbleReady (app-pebble-ready) in this state: the charm has no container "app"; declare it in charmcraft.yaml`},
		"secret":               {events.SecretChanged{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g"}}, `events.SecretChanged (secret-changed) in this state: there is no secret "secret:9m4e2mr0ui3e8a215n4g"; State.Secrets has the secrets; one that the unit has read has Tracked`},
		"secret of the leader": {events.SecretExpired{SecretRef: events.SecretRef{ID: "secret:9m4e2mr0ui3e8a215n4g"}}, `events.SecretExpired (secret-expired) in this state: there is no secret "secret:9m4e2mr0ui3e8a215n4g"; State.Secrets has the secrets, with their Owner; those of an application are for State.Leader`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := charmtest.Run(nothing, row.ev, state)
			require.Error(t, err)
			assert.Equal(t, "cannot run "+row.want, err.Error())
		})
	}
}

// Uses of a model that cannot be.
func TestWrongUsesOfAModel(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		use  func(m *charmtest.Model, app *charmtest.Application)
		want string
	}{
		"application":     {func(m *charmtest.Model, _ *charmtest.Application) { m.Application("crow") }, `there is no application "crow"; there are db, magpie`},
		"unit":            {func(m *charmtest.Model, _ *charmtest.Application) { m.Unit("magpie/9") }, `there is no unit "magpie/9"; applications are db, magpie`},
		"unit of it":      {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/9") }, `application "magpie" has no unit "magpie/9", or no more; it has magpie/0`},
		"deployed twice":  {func(m *charmtest.Model, _ *charmtest.Application) { m.DeployCharm("magpie", nothing, 1, ofMagpie) }, `cannot deploy "magpie": there is an application of that name`},
		"nothing":         {func(m *charmtest.Model, _ *charmtest.Application) { m.Deploy("x", nil, 1) }, `cannot deploy "x": register is nil; give what charm.Main is given`},
		"units":           {func(m *charmtest.Model, _ *charmtest.Application) { m.DeployCharm("x", nothing, -1, ofMagpie) }, `cannot deploy "x": it cannot have -1 units`},
		"no units to add": {func(_ *charmtest.Model, app *charmtest.Application) { app.AddUnits(0) }, `cannot add 0 units to "magpie"; RemoveUnit removes one`},
		"containers": {func(m *charmtest.Model, _ *charmtest.Application) {
			m.DeployCharm("x", nothing, 1, &charmtest.DeployOptions{Metadata: web})
		}, `cannot deploy "x": a charm with containers needs a model on Kubernetes; set ModelOptions.Kubernetes`},
		"option": {func(_ *charmtest.Model, app *charmtest.Application) { app.SetConfig(map[string]any{"x": 1}) }, `cannot set config of "magpie": the charm has no option "x", but credentials, debug, motd, port, ratio`},
		"option at the start": {func(m *charmtest.Model, _ *charmtest.Application) {
			m.DeployCharm("x", nothing, 1, &charmtest.DeployOptions{Metadata: magpie, Config: map[string]any{"x": 1}})
		}, `cannot deploy "x": DeployOptions.Config: the charm has no option "x", but credentials, debug, motd, port, ratio`},
		"resource": {func(m *charmtest.Model, _ *charmtest.Application) {
			m.DeployCharm("x", nothing, 1, &charmtest.DeployOptions{Metadata: magpie, Resources: map[string]string{"y": ""}})
		}, `cannot deploy "x": DeployOptions.Resources: the charm has no resource "y", but software`},
		"action":  {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/0").RunAction("pong", nil) }, `cannot run action "pong": the charm has no action "pong", but ping`},
		"storage": {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/0").AddStorage("logs") }, `cannot add storage to magpie/0: the charm has no storage "logs", but data, wal`},
		"refresh": {func(_ *charmtest.Model, app *charmtest.Application) { app.Refresh(nil, nil) }, `cannot refresh "magpie": register is nil; give what charm.Main is given`},
		"refresh metadata": {func(_ *charmtest.Model, app *charmtest.Application) {
			app.Refresh(nothing, &charmtest.DeployOptions{Metadata: "x"})
		}, `cannot refresh "magpie": cannot read charmcraft.yaml: it must be a map`},
		"endpoints":         {func(m *charmtest.Model, _ *charmtest.Application) { m.Relate("magpie:website", "db") }, `cannot relate magpie:website to db: no endpoints fit: "magpie" has db (requirer of sql), host (requirer of juju-info), magpie (peer of magpie), website (provider of http); "db" has server (provider of sql)`},
		"peers":             {func(m *charmtest.Model, app *charmtest.Application) { m.Relate("magpie", "db"); app.Peers("db") }, `endpoint "db" of application "magpie" is no peer endpoint`},
		"databag":           {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/0").Databag("db") }, `application "magpie" has 0 relations of endpoint "db", not one`},
		"other application": {func(_ *charmtest.Model, app *charmtest.Application) { app.Peers("magpie").App("db") }, `application "db" is not in relation magpie:magpie`},
		"resolve":           {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/0").Resolve() }, `cannot resolve unit magpie/0: it is not in error`},
		"no pods":           {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/0").Restart() }, `cannot replace the pod of unit magpie/0: the model is not on Kubernetes`},
		"no containers":     {func(_ *charmtest.Model, app *charmtest.Application) { app.Unit("magpie/0").RestartWorkload("x") }, `cannot have container "x" of unit magpie/0 send pebble-ready: its charm has no such container but []`},
		"back in time":      {func(m *charmtest.Model, _ *charmtest.Application) { m.Advance(-time.Hour) }, `cannot advance the time by -1h0m0s: it does not go back`},
		"pick":              {func(m *charmtest.Model, _ *charmtest.Application) { m.Pick(0) }, `cannot pick a number below 0`},
		"kill":              {func(m *charmtest.Model, _ *charmtest.Application) { m.KillNext(-1) }, `cannot kill the charm at hook command -1: the first is 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, row.want, func(t testing.TB) {
				m := charmtest.NewModel(t, nil)
				m.DeployCharm("db", nothing, 1, &charmtest.DeployOptions{Metadata: database})
				row.use(m, m.DeployCharm("magpie", nothing, 1, ofMagpie))
			})
		})
	}
}
