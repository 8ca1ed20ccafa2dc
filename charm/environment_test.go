// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// environment is what a charm sees in a recorded dispatch.
func environment(t *testing.T, version, name string, extra ...string) charm.Environment {
	t.Helper()
	for _, d := range golden.Dispatches() {
		if d.Version != version || d.Name != name {
			continue
		}
		var env []string
		for key, value := range d.Env {
			env = append(env, key+"="+value)
		}
		var got charm.Environment
		require.NoError(t, charm.Run(t.Context(), func(c *charm.Charm) {
			got = c.Environment()
			assert.Equal(t, got.Unit, c.Unit())
			assert.Equal(t, got.Application, c.Application())
		}, &charm.Options{Env: append(env, extra...), Runner: &testagent.Agent{}}))
		return got
	}
	t.Fatalf("there is no recording %s of Juju %s", name, version)
	return charm.Environment{}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		version, name string
		want          charm.Environment
	}{
		{"4", "update-status", charm.Environment{
			Unit: "magpie/0", Application: "magpie", Dir: "${CHARM_DIR}",
			ModelName: "testmodel", ModelUUID: "deadbeef-0bad-400d-8000-4b1d0d06f00d",
			JujuVersion: charm.ParseJujuVersion("4.1-beta2"), Machine: "0", Zone: "zone1",
			APIAddresses: []string{"10.0.0.1:17070", "10.0.0.2:17070"},
		}},
		{"3.6", "update-status-proxy-juju", charm.Environment{
			Unit: "magpie/0", Application: "magpie", Dir: "${CHARM_DIR}",
			ModelName: "testmodel", ModelUUID: "deadbeef-0bad-400d-8000-4b1d0d06f00d",
			JujuVersion: charm.ParseJujuVersion("3.6.9"), Machine: "0", Zone: "zone1",
			APIAddresses: []string{"10.0.0.1:17070", "10.0.0.2:17070"},
			Proxies:      charm.Proxies{HTTP: "http://jp:1", HTTPS: "http://jp:2", FTP: "ftp://jp:3", NoProxy: "127.0.0.1"},
		}},
		{"4", "update-status-subordinate", charm.Environment{
			Unit: "sub/3", Application: "sub", Dir: "${CHARM_DIR}",
			ModelName: "testmodel", ModelUUID: "deadbeef-0bad-400d-8000-4b1d0d06f00d",
			JujuVersion: charm.ParseJujuVersion("4.1-beta2"), Machine: "0", Zone: "zone1",
			APIAddresses: []string{"10.0.0.1:17070", "10.0.0.2:17070"}, Principal: "wordpress/7",
		}},
	} {
		t.Run(row.version+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, environment(t, row.version, row.name))
		})
	}
}

// On Kubernetes Juju tells no machine; where it says nothing of machines nothing
// is known.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		env  []string
		want bool
	}{
		{[]string{"JUJU_MACHINE_ID="}, true},
		{[]string{"JUJU_MACHINE_ID=0"}, false},
		{[]string{"JUJU_MACHINE_ID=", "JUJU_MACHINE_ID=1"}, false},
		{nil, false},
	} {
		require.NoError(t, charm.Run(t.Context(), func(c *charm.Charm) {
			assert.Equal(t, row.want, c.Environment().Kubernetes, "%q", row.env)
		}, &charm.Options{Env: append(row.env, environ(t, events.Install{})...), Runner: &testagent.Agent{}}))
	}
	for _, kubernetes := range []bool{true, false} {
		_, err := charmtest.Run(func(c *charm.Charm) {
			assert.Equal(t, kubernetes, c.Environment().Kubernetes)
		}, events.Install{}, charmtest.State{Metadata: factsCharm, Kubernetes: kubernetes})
		require.NoError(t, err)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	got := environment(t, "4", "update-status", "JUJU_TRACE_ID=abc", "JUJU_SPAN_ID=def", "JUJU_TRACE_FLAGS=1")
	assert.Equal(t, charm.Trace{TraceID: "abc", SpanID: "def", Flags: "1"}, got.Trace)
}

func TestJujuVersion(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text                string
		major, minor, patch int
		tag                 string
	}{
		{"3.6.26", 3, 6, 26, ""},
		{"3.6.26.1", 3, 6, 26, ""},
		{"4.1-beta2", 4, 1, 2, "beta"},
		{"4.1-beta2.7", 4, 1, 2, "beta"},
		{"4.0-rc1", 4, 0, 1, "rc"},
		{"3.6-beta", 3, 6, 0, "beta"},
		{"4.2", 4, 2, 0, ""},
		{"10.11.12", 10, 11, 12, ""},
		{"4", 4, 0, 0, ""},
		{"", 0, 0, 0, ""},
		{"devel", 0, 0, 0, ""},
		{"3.x.1", 3, 0, 0, ""},
		{"99999999999999999999.1.1", 0, 1, 1, ""},
	} {
		v := charm.ParseJujuVersion(row.text)
		assert.Equal(t, []any{row.major, row.minor, row.patch, row.tag}, []any{v.Major, v.Minor, v.Patch, v.Tag}, "of %q", row.text)
		assert.Equal(t, row.text, v.String())
	}
}

func TestJujuVersionAtLeast(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text                string
		major, minor, patch int
		want                bool
	}{
		{"3.6.2", 3, 6, 2, true},
		{"3.6.2", 3, 6, 3, false},
		{"3.6.10", 3, 6, 9, true},
		{"3.6.26.1", 3, 6, 26, true},
		{"4.0.0", 3, 6, 99, true},
		{"3.5.99", 3, 6, 0, false},
		{"4.1-beta2", 4, 1, 0, false},
		{"4.1-beta2", 4, 0, 99, true},
		{"4.1.0", 4, 1, 0, true},
		{"", 0, 0, 1, false},
	} {
		assert.Equal(t, row.want, charm.ParseJujuVersion(row.text).AtLeast(row.major, row.minor, row.patch),
			"%q at least %d.%d.%d", row.text, row.major, row.minor, row.patch)
	}
}

func FuzzParseJujuVersion(f *testing.F) {
	for _, text := range []string{"3.6.26", "4.1-beta2", "4.1-beta2.1", "-.", "1.-", "1.2-3.4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := charm.ParseJujuVersion(text)
		assert.Equal(t, text, v.String())
		assert.GreaterOrEqual(t, min(v.Major, v.Minor, v.Patch), 0)
		assert.False(t, v.AtLeast(v.Major, v.Minor, v.Patch+1))
		assert.Equal(t, v.Tag == "", v.AtLeast(v.Major, v.Minor, v.Patch))
	})
}
