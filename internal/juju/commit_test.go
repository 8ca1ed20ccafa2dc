// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// everything is what waits for the flush, of what a unit can do that does not
// lead. It changes what allOf has.
var everything = []string{
	"relation-set -r DB a=b old=", "relation-set -r PEERS a=b", "open-port 80", "close-port 79", "state-set a=b", "state-delete old",
	"secret-add --owner unit key=x", "secret-set UNITS key=x", "secret-grant UNITS -r DB", "secret-revoke LENT --app other",
	"secret-remove OLD", "storage-add data",
}

var allOf = []string{"peer databag", "ports", "secrets", "state", "storage", "unit databag"}

// refusal is what Juju refuses at the flush only.
type refusal struct {
	do     []string
	before func(r *room) // the hook
	during func(r *room, h *juju.Hook)
	k8s    bool

	want   string // why Juju 4 refuses it; empty: it does not
	want36 string // why 3.6 does; "same" is as 4
}

const same = "same"

func deposed(r *room, _ *juju.Hook) { require.NoError(r.t, r.m.Unit("app/1").SetLeader()) }

// fill writes what would take a second as text.
func (r *room) fill(h *juju.Hook, end *juju.End, app bool, value string) {
	client := hookcmd.New(h, nil)
	set := client.RelationSet
	if app {
		set = client.RelationSetApp
	}
	require.NoError(r.t, set(r.t.Context(), hookcmd.RelationID{Endpoint: end.Endpoint.Name, ID: end.ID()}, map[string]string{"k": value}))
}

var refusals = map[string]refusal{
	"nothing": {},
	"databag": {
		during: func(r *room, h *juju.Hook) { r.fill(h, r.peers, false, strings.Repeat("v", 16<<20)) },
		want:   "unit settings of relation peers:0: max allowed size (16777216): quota limit exceeded",
	},
	"application databag": {
		do:     []string{"relation-set -r DB --app k2=v"},
		during: func(r *room, h *juju.Hook) { r.fill(h, r.db, true, strings.Repeat("v", 16<<20-7)) }, // "old" is "app"
		want:   "application settings of relation db:1: max allowed size (16777216): quota limit exceeded",
	},
	"leadership lost, databag": {
		do: []string{"relation-set -r DB --app a=b"}, during: deposed,
		want: "cannot write application settings of relation db:1: this unit is not the leader", want36: same,
	},
	"leadership lost, new secret":     {do: []string{"secret-add key=x"}, during: deposed, want: "this unit is not the leader", want36: same},
	"leadership lost, secret":         {do: []string{"secret-set APPS key=x"}, during: deposed, want: "permission denied", want36: same},
	"leadership lost, removed secret": {do: []string{"secret-remove APPS"}, during: deposed, want: "permission denied", want36: same},
	"leadership lost, revoked secret": {do: []string{"secret-revoke APPS --unit other/0"}, during: deposed, want: "permission denied", want36: same},
	"leadership lost, granted secret": {do: []string{"secret-grant APPS -r DB"}, during: deposed, want: "permission denied", want36: same},
	"port of no endpoint":             {do: []string{"open-port 81 --endpoints web,nosuch"}, want: `application "app" has no endpoint "nosuch"`, want36: same},
	"close-port of no endpoint":       {do: []string{"close-port 79 --endpoints nosuch"}, want: `application "app" has no endpoint "nosuch"`, want36: same},
	"icmp on Kubernetes":              {do: []string{"open-port icmp"}, k8s: true, want: "protocol icmp on caas models not supported", want36: same},
	"unknown storage":                 {do: []string{"storage-add nosuch"}, want: `charm storage "nosuch" not found`, want36: same},
	"too much storage":                {do: []string{"storage-add data=2"}, want: "at most 2 instances supported, 3 specified", want36: same},
	"label of another secret":         {do: []string{"secret-add --owner unit --label units key=x"}, want: `secret with label "units" already exists`, want36: same},
	"label of the application's":      {do: []string{"secret-set UNITS --label apps"}, want: `secret with label "apps" already exists`, want36: same},
	"a peer relation":                 {do: []string{"secret-grant UNITS -r PEERS"}, want: "is a peer relation"},
	"other's secret, set":             {do: []string{"secret-set OTHERS key=x"}, want: "permission denied", want36: same},
	"other's secret, revoked":         {do: []string{"secret-revoke OTHERS --app app"}, want: "permission denied", want36: same},
	"other's secret, removed":         {do: []string{"secret-remove OTHERS"}, want: "permission denied", want36: same},
	"no such secret":                  {do: []string{"secret-set secret:9m4e2mr0ui3e8a215n4g key=x"}, want36: `secret "9m4e2mr0ui3e8a215n4g" not found`},
	"state":                           {before: muchState, do: []string{stdin("state-set", "more", strings.Repeat("v", 65536))}, want36: "max allowed size (2097152) exceeded"},
	"a fault":                         {before: func(r *room) { r.m.RefuseNextFlush() }, want: "the controller refused them (a fault of this model)", want36: same},
}

// muchState leaves room for less than one more value.
func muchState(r *room) {
	state := map[string]string{"old": "state"}
	for i := range 31 {
		state[strings.Repeat("k", i+1)] = strings.Repeat("v", 65536)
	}
	state["nearly"] = strings.Repeat("v", 60000)
	r.unit.SetState(state)
}

// A part that is refused is the end of all of it; but Juju 3.6 applies secrets
// one by one before the rest.
func TestAllOrNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		for name, test := range refusals {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRoom(t, juju.Options{Version: version, CAAS: test.k8s})
				if test.before != nil {
					test.before(r)
				}
				before := r.photo()
				outcome, err := r.hook(events.UpdateStatus{}, func(h *juju.Hook) {
					r.lines(h, everything...)
					r.lines(h, test.do...)
					if test.during != nil {
						test.during(r, h)
					}
				})
				want := test.want
				if version == "3.6.26" && test.want36 != same {
					want = test.want36
				}
				if want == "" {
					require.NoError(t, err)
					assert.Subset(t, changed(before, r.photo()), allOf)
					return
				}
				assert.Equal(t, juju.FlushRefused, outcome)
				require.ErrorContains(t, err, "cannot apply changes: ")
				require.ErrorContains(t, err, want)
				assert.Equal(t, `hook failed: "update-status"`, r.unit.Workload().Message)
				r.recover()
				left := changed(before, r.photo())
				if version == "4.1.0" {
					assert.Empty(t, left)
				} else {
					assert.Equal(t, []string{"secrets"}, left)
				}
				r.settle()
			})
		}
	})
}

// The same hook, run again without what was refused, commits the rest. In 3.6 it
// meets the secrets that it has made.
func TestARefusedHookRunsAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		before := r.photo()
		outcome, _ := r.hook(events.UpdateStatus{}, func(h *juju.Hook) { r.lines(h, append(everything, "storage-add nosuch")...) })
		require.Equal(t, juju.FlushRefused, outcome)
		again := everything
		if version == "3.6.26" {
			again = slices.DeleteFunc(slices.Clone(again), func(line string) bool { return strings.HasPrefix(line, "secret-") })
		}
		r.charm = func(_ context.Context, h *juju.Hook) juju.Exit {
			r.lines(h, again...)
			return juju.Exit{}
		}
		_, outcome, err := r.m.Redo(t.Context(), r.unit)
		require.NoError(t, err)
		require.Equal(t, juju.Succeeded, outcome)
		assert.Subset(t, changed(before, r.photo()), allOf)
	})
}

func TestADatabagHoldsSixteenMiB(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		size := 0
		for key, value := range r.peers.UnitData(r.unit) {
			size += len(key) + len(value)
		}
		value := strings.Repeat("v", 16<<20-size-1)
		r.update(func(h *juju.Hook) { r.fill(h, r.peers, false, value) })
		assert.Equal(t, value, r.peers.UnitData(r.unit)["k"])
		outcome, _ := r.hook(events.UpdateStatus{}, func(h *juju.Hook) { r.lines(h, "relation-set -r PEERS l=") })
		assert.Equal(t, juju.Succeeded, outcome, "to delete what is not there is no write")
		outcome, _ = r.hook(events.UpdateStatus{}, func(h *juju.Hook) { r.fill(h, r.peers, false, value+"v") })
		assert.Equal(t, version == "4.1.0", outcome == juju.FlushRefused)
	})
}

// A unit that goes gets no storage any more, which is no error.
func TestStorageAddOfADyingUnit(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	r.update(func(h *juju.Hook) {
		r.lines(h, "storage-add data", "state-set a=b")
		require.NoError(t, r.unit.Remove())
	})
	assert.Empty(t, r.unit.Storage())
	assert.Equal(t, "b", r.unit.State()["a"])
}

// Equal values cause no event.
func TestWritesThatChangeNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		r.does("relation-set -r PEERS a=b", "relation-set -r PEERS --app a=b", "relation-set -r DB a=b")
		assert.ElementsMatch(t, []string{
			"app/1 peers-relation-changed (app/0)", "app/0 peers-relation-changed (app)", "app/1 peers-relation-changed (app)",
			"other/0 db-relation-changed (app/0)", "other/1 db-relation-changed (app/0)",
		}, r.settle())
		for name, lines := range map[string][]string{
			"the same":            {"relation-set -r PEERS a=b", "relation-set -r PEERS --app a=b", "relation-set -r DB a=b"},
			"back to what it was": {"relation-set -r PEERS a=c", "relation-set -r PEERS a=b", "relation-set -r DB --app n=o", "relation-set -r DB --app n="},
			"nothing there":       {"relation-set -r PEERS no=", "relation-set -r DB --app no="},
			"no arguments":        {"relation-set -r PEERS", "relation-set -r DB --app"},
			"only read":           {"relation-get -r PEERS - app/0", "relation-get -r DB --app - app"},
		} {
			before := r.photo()
			r.does(lines...)
			assert.Empty(t, r.settle(), name)
			assert.Empty(t, changed(before, r.photo()), name)
		}
	})
}

// There is nothing to refuse in a hook that has written nothing. The unit's own
// databag is sent even if the charm has only read it.
func TestAHookThatWritesNothingIsNotFlushed(t *testing.T) {
	t.Parallel()
	for line, flushed := range map[string]bool{
		"config-get": false, "status-set active": false, "relation-get -r DB - other/0": false, "relation-get -r PEERS --app - app": false,
		"state-set old=state": false, "open-port 79": false, "relation-get -r PEERS - app/0": true, "relation-set -r PEERS": true,
	} {
		r := newRoom(t, juju.Options{})
		r.m.RefuseNextFlush()
		outcome, _ := r.hook(events.UpdateStatus{}, func(h *juju.Hook) { r.lines(h, line) })
		assert.Equal(t, flushed, outcome == juju.FlushRefused, line)
	}
}

func TestEmptyValues(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		r.does("relation-set -r DB old=", "relation-set -r DB --app old=", "state-set old= new=")
		assert.NotContains(t, r.db.UnitData(r.unit), "old")
		assert.Empty(t, r.db.AppData())
		assert.Equal(t, map[string]string{"old": "", "new": ""}, r.unit.State())
	})
}

// The agent's own keys: Juju 4 drops what a charm writes to them, 3.6 keeps it
// until the next config-changed.
func TestAgentOwnedKeys(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		own := r.db.UnitData(r.unit)
		r.update(func(h *juju.Hook) {
			r.lines(h, "relation-set -r DB ingress-address=1.2.3.4 egress-subnets= private-address=p a=b")
			assert.Equal(t, "1.2.3.4", r.prints(h, "relation-get -r DB ingress-address app/0"), "until the hook ends")
		})
		want := maps.Clone(own)
		want["a"], want["private-address"] = "b", "p" // which Juju 4 does not write
		if version == "3.6.26" {
			want["ingress-address"] = "1.2.3.4"
			delete(want, "egress-subnets")
		}
		assert.Equal(t, want, r.db.UnitData(r.unit))
		assert.Len(t, r.settle(), 2, "of which other's units are told")

		r.m.RefuseNextFlush()
		outcome, _ := r.hook(events.ConfigChanged{}, func(*juju.Hook) {})
		assert.Equal(t, juju.FlushRefused, outcome, "the addresses are part of the flush")
		assert.Equal(t, want, r.db.UnitData(r.unit))
		r.recover()

		_, err := r.hook(events.ConfigChanged{}, func(*juju.Hook) {})
		require.NoError(t, err)
		maps.Copy(want, map[string]string{"ingress-address": own["ingress-address"], "egress-subnets": own["egress-subnets"]})
		if version == "3.6.26" {
			want["private-address"] = own["private-address"]
		}
		assert.Equal(t, want, r.db.UnitData(r.unit))
	})
}

// config-changed tells all relations of an address that has changed.
func TestConfigChangedRefreshesAddresses(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		r.unit.SetNetwork("", juju.Network{IngressAddresses: []string{"10.9.9.9"}, EgressSubnets: []string{"10.9.0.0/16", "10.8.0.0/16"}})
		before := r.db.UnitData(r.unit)
		r.does("relation-set -r DB a=b")
		assert.Equal(t, before["ingress-address"], r.db.UnitData(r.unit)["ingress-address"], "not by other hooks")
		_, err := r.hook(events.ConfigChanged{}, func(h *juju.Hook) { r.lines(h, "relation-set -r DB c=d") })
		require.NoError(t, err)
		for _, end := range []*juju.End{r.db, r.peers} {
			data := end.UnitData(r.unit)
			assert.Equal(t, "10.9.9.9", data["ingress-address"])
			assert.Equal(t, "10.9.0.0/16,10.8.0.0/16", data["egress-subnets"])
			assert.Equal(t, version == "3.6.26", data["private-address"] == "10.9.9.9")
		}
		assert.Equal(t, "d", r.db.UnitData(r.unit)["c"])
		assert.Contains(t, r.settle(), "app/1 peers-relation-changed (app/0)")
		_, err = r.hook(events.ConfigChanged{}, func(*juju.Hook) {})
		require.NoError(t, err)
		assert.Empty(t, r.settle(), "it is the same address")
	})
}

// The leader that asks is told that it is, and is not when its hook is flushed.
func TestDeposeNext(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		for _, asks := range []string{"is-leader", "relation-set -r DB --app x=y", "status-set --application active", "secret-add key=x"} {
			r := newRoom(t, juju.Options{Version: version})
			r.m.DeposeNext()
			outcome, err := r.hook(events.UpdateStatus{}, func(h *juju.Hook) {
				r.lines(h, asks, "relation-set -r PEERS --app a=b", "state-set a=b")
				assert.Equal(t, "True", r.prints(h, "is-leader"), asks)
				assert.True(t, r.unit.IsLeader(), "so far")
			})
			assert.Equal(t, juju.FlushRefused, outcome, asks)
			require.ErrorContains(t, err, "this unit is not the leader")
			assert.True(t, r.m.Unit("app/1").IsLeader())
			r.recover()
			assert.Empty(t, r.peers.AppData())
			assert.NotContains(t, r.unit.State(), "a")
		}
	})
}
