// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/golden"
)

var (
	website  = events.RelationRef{Endpoint: "website", ID: 5, App: "haproxy"} // of another model
	db       = events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}
	peers    = events.RelationRef{Endpoint: "magpie", ID: 1, App: "magpie"}
	web      = events.WorkloadRef{Container: "web"}
	appOwned = events.SecretRef{ID: "secret:d0000000000000002000", Label: "appsec"}
)

// recorded holds the event of each recording that started the charm. The
// recordings of one name describe the same event in every version of Juju.
var recorded = map[string]events.Event{
	"install":                          events.Install{},
	"install-fresh":                    events.Install{},
	"stop":                             events.Stop{},
	"remove":                           events.Remove{},
	"config-changed":                   events.ConfigChanged{},
	"upgrade-charm":                    events.UpgradeCharm{},
	"leader-elected":                   events.LeaderElected{},
	"leader-settings-changed":          events.LeaderSettingsChanged{},
	"pre-series-upgrade":               events.PreSeriesUpgrade{TargetBase: "ubuntu@24.04/stable", TargetSeries: "noble"},
	"pre-series-upgrade-no-channel":    events.PreSeriesUpgrade{TargetBase: "ubuntu@22.04", TargetSeries: "jammy"},
	"post-series-upgrade":              events.PostSeriesUpgrade{},
	"update-status":                    events.UpdateStatus{},
	"update-status-host-centos":        events.UpdateStatus{},
	"update-status-host-generic-linux": events.UpdateStatus{},
	"update-status-k8s-host-env":       events.UpdateStatus{},
	"update-status-leader-settings":    events.UpdateStatus{},
	"update-status-minion":             events.UpdateStatus{},
	"update-status-proxy-juju":         events.UpdateStatus{},
	"update-status-proxy-tracing":      events.UpdateStatus{},
	"update-status-subordinate":        events.UpdateStatus{},

	"relation-created-peer": events.PeerCreated{RelationRef: peers},
	"relation-joined-peer":  events.PeerJoined{RelationRef: peers, Unit: "magpie/1"},
	"relation-changed-unit-peer": events.PeerChanged{
		RelationRef: peers, Unit: "magpie/1"},
	"relation-departed-other-peer": events.PeerDeparted{
		RelationRef: peers, Unit: "magpie/1", DepartingUnit: "magpie/1"},
	"relation-departed-self-peer": events.PeerDeparted{
		RelationRef: peers, Unit: "magpie/1", DepartingUnit: "magpie/0", Self: true},
	"relation-broken-peer": events.RelationBroken{RelationRef: peers},

	"relation-joined-db":       events.RelationJoined{RelationRef: db, Unit: "mysql/0"},
	"relation-changed-unit-db": events.RelationChanged{RelationRef: db, Unit: "mysql/0"},
	"relation-departed-other-db": events.RelationDeparted{
		RelationRef: db, Unit: "mysql/0", DepartingUnit: "mysql/0"},
	"relation-departed-self-db": events.RelationDeparted{
		RelationRef: db, Unit: "mysql/0", DepartingUnit: "magpie/0", Self: true},
	"relation-broken-db": events.RelationBroken{RelationRef: db},

	"relation-created-cmr":      events.RelationCreated{RelationRef: website},
	"relation-joined-cmr":       events.RelationJoined{RelationRef: website, Unit: "haproxy/0"},
	"relation-changed-unit-cmr": events.RelationChanged{RelationRef: website, Unit: "haproxy/0"},
	"relation-changed-app-cmr":  events.RelationChanged{RelationRef: website},
	"relation-departed-other-cmr": events.RelationDeparted{
		RelationRef: website, Unit: "haproxy/0", DepartingUnit: "haproxy/0"},
	"relation-departed-self-cmr": events.RelationDeparted{
		RelationRef: website, Unit: "haproxy/0", DepartingUnit: "magpie/0", Self: true},
	"relation-broken-cmr": events.RelationBroken{RelationRef: website},

	"relation-created-subordinate": events.RelationCreated{
		RelationRef: events.RelationRef{Endpoint: "juju-info", ID: 8, App: "wordpress"}},

	"storage-attached-block": events.StorageAttached{StorageRef: events.StorageRef{
		Storage: "disk", ID: "disk/2", Kind: "block", Location: "/dev/vdb"}},
	"storage-attached-filesystem": events.StorageAttached{StorageRef: events.StorageRef{
		Storage: "data", ID: "data/0", Kind: "filesystem", Location: "/srv/data"}},

	"secret-changed-label": events.SecretChanged{
		SecretRef: events.SecretRef{ID: "secret:d0000000000000009000", Label: "db-creds"}},
	"secret-changed-no-label": events.SecretChanged{
		SecretRef: events.SecretRef{ID: "secret:d000000000000000b000"}},
	"secret-rotate": events.SecretRotate{SecretRef: appOwned},
	"secret-rotate-unit-owned": events.SecretRotate{
		SecretRef: events.SecretRef{ID: "secret:d0000000000000001000", Label: "mine"}},
	"secret-expired": events.SecretExpired{SecretRef: appOwned, Revision: 2},
	"secret-remove":  events.SecretRemove{SecretRef: appOwned, Revision: 1},

	"pebble-ready": events.PebbleReady{WorkloadRef: web},
	"pebble-custom-notice": events.PebbleCustomNotice{
		WorkloadRef: web, NoticeID: "123", NoticeType: "custom", NoticeKey: "example.com/foo?a=b"},
	"pebble-check-failed":    events.PebbleCheckFailed{WorkloadRef: web, Check: "http-up"},
	"pebble-check-recovered": events.PebbleCheckRecovered{WorkloadRef: web, Check: "http-up"},

	"action-dashed": events.Action{Action: "get-primary-node", ID: "42"},
	"action-k8s":    events.Action{Action: "plain", ID: "2"},
}

func TestRecordingsAreAllExpected(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, d := range golden.Dispatches() {
		if d.Env == nil {
			assert.NotEqual(t, "ok", d.Result, "recording %s of Juju %s has no environment", d.Name, d.Version)
			continue
		}
		assert.Equal(t, "ok", d.Result, "recording %s of Juju %s has an environment", d.Name, d.Version)
		assert.Contains(t, recorded, d.Name, "recording of Juju %s without an expected event", d.Version)
		found[d.Name] = true
	}
	for name := range recorded {
		assert.Contains(t, found, name, "expected event without a recording")
	}
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, d := range golden.Dispatches() {
		if d.Env == nil {
			continue
		}
		t.Run(d.Version+"/"+d.Name, func(t *testing.T) {
			t.Parallel()
			want := recorded[d.Name]
			require.NotNil(t, want, "no expected event")

			ev, err := events.Parse(list(d.Env))
			require.NoError(t, err)
			assert.Equal(t, want, ev)

			name := d.Env["JUJU_HOOK_NAME"]
			if _, ok := want.(events.Action); ok {
				name = d.Env["JUJU_ACTION_NAME"]
			}
			assert.Equal(t, name, ev.Name())

			env, err := events.Environ(want, d.Env["JUJU_UNIT_NAME"])
			require.NoError(t, err)
			own := map[string]string{}
			for key, value := range d.Env {
				if !general(key) {
					own[key] = value
				}
			}
			assert.Equal(t, own, dict(t, env))
		})
	}
}

// general tells whether a variable describes the unit, the model or the host
// and not the event.
func general(key string) bool {
	for _, prefix := range []string{
		"APT_", "KUBERNETES_",
		"JUJU_AGENT_", "JUJU_CHARM_", "JUJU_MODEL_", // JUJU_CHARM_DIR, …_HTTP_PROXY, …_TRACE_CONFIG_HTTP
	} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"CHARM_DIR", "CLOUD_API_VERSION", "DEBIAN_FRONTEND", "LANG", "PATH", "TERM",
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
		"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
		"JUJU_API_ADDRESSES", "JUJU_AVAILABILITY_ZONE", "JUJU_CONTEXT_ID", "JUJU_MACHINE_ID",
		"JUJU_PRINCIPAL_UNIT", "JUJU_SLA", "JUJU_VERSION",
	}, key)
}

// list returns vars in the form of [os.Environ], sorted.
func list(vars map[string]string) []string {
	var env []string
	for key, value := range vars {
		env = append(env, key+"="+value)
	}
	slices.Sort(env)
	return env
}

// dict is the inverse of list. No variable may be set twice.
func dict(t *testing.T, env []string) map[string]string {
	t.Helper()
	vars := map[string]string{}
	for _, kv := range env {
		key, value, ok := strings.Cut(kv, "=")
		require.True(t, ok, "%q is no variable", kv)
		require.NotContains(t, vars, key, "set twice")
		vars[key] = value
	}
	return vars
}
