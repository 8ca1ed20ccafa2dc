// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// FuzzParse parses the lines of text, if withUnit followed by a good JUJU_UNIT_NAME.
func FuzzParse(f *testing.F) {
	for _, d := range golden.Dispatches() {
		own := map[string]string{}
		for key, value := range d.Env {
			if !general(key) {
				own[key] = value
			}
		}
		f.Add(strings.Join(list(own), "\n"), false)
	}
	for _, env := range [][]string{
		nil,
		unitHook("collect-metrics"),
		unitHook("-relation-joined"),
		unitHook("", "JUJU_DISPATCH_PATH=", "JUJU_ACTION_NAME=backup", "JUJU_ACTION_UUID=7"),
		unitHook("db-storage-attached", "JUJU_STORAGE_ID=", "JUJU_STORAGE_KIND=block"),
		relationHook("db", "-relation-departed", "JUJU_DEPARTING_UNIT=mysql/x"),
		relationHook("db", "-relation-joined", "JUJU_REMOTE_APP="),
		relationHook("my-relation-created", "-relation-broken", "JUJU_RELATION_ID=007"),
	} {
		f.Add(strings.Join(env, "\n"), true)
	}
	f.Fuzz(func(t *testing.T, text string, withUnit bool) {
		t.Parallel()
		env := strings.Split(text, "\n")
		if withUnit {
			env = append(env, "JUJU_UNIT_NAME=magpie/0")
		}
		ev, err := events.Parse(env)
		if err != nil {
			assert.Nil(t, ev, "beside the error %v", err)
			assert.ErrorContains(t, err, "JUJU_")
			return
		}
		require.NotNil(t, ev)
		unit := lastOf(env, "JUJU_UNIT_NAME")
		if dispatch := lastOf(env, "JUJU_DISPATCH_PATH"); dispatch != "" {
			assert.Equal(t, path.Base(dispatch), ev.Name())
		}
		if r, ok := ev.(events.RelationEvent); ok {
			assertRelation(t, r, unit)
		}

		own, err := events.Environ(ev, unit)
		if err != nil {
			// Parse believes Juju which units an event can be about, Environ does not.
			assert.Implements(t, (*events.RelationEvent)(nil), ev)
			assert.Regexp(t, "no events about itself|is no unit of|is neither of the two", err.Error())
			return
		}
		dict(t, own)
		back, err := events.Parse(own)
		require.NoError(t, err)
		assert.Equal(t, ev, back)
	})
}

// assertRelation asserts what is true of every relation event of the unit.
func assertRelation(t *testing.T, ev events.RelationEvent, unit string) {
	t.Helper()
	ref := ev.Ref()
	assert.NotEmpty(t, ref.Endpoint)
	assert.GreaterOrEqual(t, ref.ID, 0)
	assert.True(t, strings.HasPrefix(ev.Name(), ref.Endpoint+"-relation-"), "%#v", ev)

	app, _, _ := strings.Cut(unit, "/")
	if _, broken := ev.(events.RelationBroken); !broken {
		assert.NotEmpty(t, ref.App)
		_, isPeer := ev.(events.PeerEvent)
		assert.Equal(t, ref.App == app, isPeer, "%#v is a peer event of %q", ev, unit)
	}
	switch ev := ev.(type) {
	case events.PeerJoined:
		assert.NotEmpty(t, ev.Unit)
	case events.RelationJoined:
		assert.NotEmpty(t, ev.Unit)
	case events.PeerDeparted:
		assert.NotEmpty(t, ev.Unit)
		assert.Equal(t, ev.DepartingUnit == unit, ev.Self)
		assert.False(t, ev.Synthetic)
	case events.RelationDeparted:
		assert.NotEmpty(t, ev.Unit)
		assert.Equal(t, ev.DepartingUnit == unit, ev.Self)
	}
}

// lastOf returns the value that counts of the variable in env.
func lastOf(env []string, variable string) string {
	value := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, variable+"="); ok {
			value = v
		}
	}
	return value
}

// fields hold the values of any event's fields.
type fields struct {
	name, app, unit, departing, id, kind, key string
	number                                    int
	self, synthetic                           bool
}

// builders make an event of each type.
var builders = []func(fields) events.Event{
	func(fields) events.Event { return events.Install{} },
	func(fields) events.Event { return events.Start{} },
	func(fields) events.Event { return events.Stop{} },
	func(fields) events.Event { return events.Remove{} },
	func(fields) events.Event { return events.ConfigChanged{} },
	func(fields) events.Event { return events.UpdateStatus{} },
	func(fields) events.Event { return events.UpgradeCharm{} },
	func(fields) events.Event { return events.LeaderElected{} },
	func(fields) events.Event { return events.LeaderSettingsChanged{} },
	func(x fields) events.Event { return events.PreSeriesUpgrade{TargetBase: x.kind, TargetSeries: x.key} },
	func(fields) events.Event { return events.PostSeriesUpgrade{} },
	func(x fields) events.Event { return events.Unknown{Hook: x.name} },
	func(x fields) events.Event { return events.Action{Action: x.name, ID: x.id} },
	func(x fields) events.Event { return events.PeerCreated{RelationRef: x.relation()} },
	func(x fields) events.Event { return events.PeerJoined{RelationRef: x.relation(), Unit: x.unit} },
	func(x fields) events.Event { return events.PeerChanged{RelationRef: x.relation(), Unit: x.unit} },
	func(x fields) events.Event {
		return events.PeerDeparted{RelationRef: x.relation(), Unit: x.unit,
			DepartingUnit: x.departing, Self: x.self, Synthetic: x.synthetic}
	},
	func(x fields) events.Event { return events.RelationCreated{RelationRef: x.relation()} },
	func(x fields) events.Event { return events.RelationJoined{RelationRef: x.relation(), Unit: x.unit} },
	func(x fields) events.Event { return events.RelationChanged{RelationRef: x.relation(), Unit: x.unit} },
	func(x fields) events.Event {
		return events.RelationDeparted{RelationRef: x.relation(), Unit: x.unit,
			DepartingUnit: x.departing, Self: x.self}
	},
	func(x fields) events.Event { return events.RelationBroken{RelationRef: x.relation()} },
	func(x fields) events.Event { return events.StorageAttached{StorageRef: x.storage()} },
	func(x fields) events.Event { return events.StorageDetaching{StorageRef: x.storage()} },
	func(x fields) events.Event { return events.SecretChanged{SecretRef: x.secret()} },
	func(x fields) events.Event { return events.SecretRotate{SecretRef: x.secret()} },
	func(x fields) events.Event {
		return events.SecretExpired{SecretRef: x.secret(), Revision: x.number}
	},
	func(x fields) events.Event {
		return events.SecretRemove{SecretRef: x.secret(), Revision: x.number}
	},
	func(x fields) events.Event { return events.PebbleReady{WorkloadRef: x.workload()} },
	func(x fields) events.Event {
		return events.PebbleCustomNotice{WorkloadRef: x.workload(), NoticeID: x.id, NoticeType: x.kind, NoticeKey: x.key}
	},
	func(x fields) events.Event {
		return events.PebbleCheckFailed{WorkloadRef: x.workload(), Check: x.key}
	},
	func(x fields) events.Event {
		return events.PebbleCheckRecovered{WorkloadRef: x.workload(), Check: x.key}
	},
}

func (x fields) relation() events.RelationRef {
	return events.RelationRef{Endpoint: x.name, ID: x.number, App: x.app}
}

func (x fields) storage() events.StorageRef {
	return events.StorageRef{Storage: x.name, ID: x.id, Kind: x.kind, Location: x.key}
}

func (x fields) secret() events.SecretRef { return events.SecretRef{ID: x.id, Label: x.key} }

func (x fields) workload() events.WorkloadRef { return events.WorkloadRef{Container: x.name} }

// FuzzRoundTrip describes an event of each type twice: with the fields as they
// come, which Environ may refuse, and with fields that are made valid, which it
// must not refuse.
func FuzzRoundTrip(f *testing.F) {
	for i := range builders {
		kind := uint8(i)
		f.Add(kind, "magpie/0", "db", "mysql", "mysql/0", "mysql/0", "db/0", "filesystem", "/srv/data", 3, false, false)
		f.Add(kind, "magpie/0", "magpie", "magpie", "magpie/1", "magpie/0", "secret:1", "custom", "a.b/c?d=e", 0, true, false)
		f.Add(kind, "magpie/0", "secret", "magpie", "magpie/1", "", "7", "", "", -1, false, true)
		f.Add(kind, "x/12", "a-relation-joined", "", "", "x", "", "", "", 1<<31-1, true, true)
		f.Add(kind, "", "", "", "", "", "", "", "", 0, false, false)
	}
	f.Fuzz(func(t *testing.T, kind uint8, own, name, app, unit, departing, id, typ, key string, number int, self, synthetic bool) {
		t.Parallel()
		build := builders[int(kind)%len(builders)]
		x := fields{name, app, unit, departing, id, typ, key, number, self, synthetic}

		if env, err := events.Environ(build(x), own); err == nil {
			assertBack(t, build(x), env)
			assert.Contains(t, env, "JUJU_UNIT_NAME="+own)
		} else {
			assert.Nil(t, env)
			assert.ErrorContains(t, err, "cannot describe ")
		}

		own, ev := valid(build, x, own)
		env, err := events.Environ(ev, own)
		require.NoError(t, err, "Environ of %#v to unit %q", ev, own)
		assertBack(t, ev, env)
	})
}

func assertBack(t *testing.T, ev events.Event, env []string) {
	t.Helper()
	for key := range dict(t, env) {
		assert.True(t, strings.HasPrefix(key, "JUJU_"), "variable %q", key)
	}
	back, err := events.Parse(env)
	require.NoError(t, err, "of %q", env)
	assert.Equal(t, ev, back, "of %q", env)
}

// valid returns a unit's name and an event that is valid for it, as near to x
// and own as possible.
func valid(build func(fields) events.Event, x fields, own string) (string, events.Event) {
	number := strconv.Itoa(x.number & 0xffff)
	app := word(own)
	own = app + "/" + number
	x.number &= 1<<31 - 1
	x.name, x.app, x.synthetic = word(x.name), word(x.app), false
	x.key += "k"

	switch build(x).(type) {
	case events.PeerEvent:
		x.app = app
	case events.RelationBroken:
	default:
		if x.app == app {
			x.app += "x"
		}
	}
	x.unit = x.app + "/1" + number // never ourselves
	switch {
	case x.self:
		x.departing = own
	case x.departing != "":
		x.departing = x.unit
	}

	switch build(x).(type) {
	case events.Unknown:
		x.name += "-resumed" // no hook of today
	case events.StorageEvent:
		if x.id == "" {
			x.kind, x.key = "", ""
		} else {
			x.id = x.name + "/" + number
		}
	default:
		x.id, x.kind = "i"+x.id, "t"+x.kind
	}
	return own, build(x)
}

// word makes s a name that Juju allows: letters, digits and dashes, of which
// the first is a letter and the last is none.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, s)
	return "a" + strings.TrimRight(s, "-")
}
