// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestPayloads(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{Version: "3.6.26"})
	u := s.deploy("app", "payloads: {web: {type: docker}}", "", 1).Units()[0]
	ran := false
	s.in("app/0 start", func(h *juju.Hook, _ *hookcmd.Client) error {
		ran = true
		for _, test := range []struct{ command, stderr string }{
			{"payload-register docker web one a b", ""},
			{"payload-register docker web two", ""},
			{"payload-register docker db one", `payload "db" not found in metadata.yaml (exit code 1)`},
			{"payload-status-set web one stopping", ""},
			{"payload-status-set web one asleep", `status "asleep" not supported; expected one of [running starting stopped stopping] (exit code 1)`},
			{"payload-status-set web one running x", `unrecognized args: ["x"] (exit code 2)`},
			{"payload-status-set web three running", `payload "web/three" not found (exit code 1)`},
			{"payload-unregister web two", ""},
			{"payload-unregister web two", `payload "web/two" not found (exit code 1)`},
			{"payload-unregister web two x", `unrecognized args: ["x"] (exit code 2)`},
		} {
			words := strings.Fields(test.command)
			_, err := command(h, words[0], words[1:]...)
			if test.stderr == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.stderr)
			}
		}
		return nil
	})
	s.settle()
	assert.True(t, ran)
	assert.Equal(t, []juju.Payload{{Class: "web", Type: "docker", ID: "one", Status: "stopping", Labels: []string{"a", "b"}}}, u.Payloads())
}

func TestPodSpecs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		caas      bool
		commands  []string // with the spec on standard input
		spec, raw string
		refused   string
	}{
		"spec":            {true, []string{"k8s-spec-set"}, "a: 1\n", "", ""},
		"by its old name": {true, []string{"pod-spec-set"}, "a: 1\n", "", ""},
		"raw":             {true, []string{"k8s-raw-set"}, "", "a: 1\n", ""},
		"both":            {true, []string{"k8s-spec-set", "k8s-raw-set"}, "", "", "but not both"},
		"on a machine":    {false, []string{"k8s-spec-set"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, &juju.Options{Version: "3.6.26", CAAS: test.caas, NoRetry: true})
			app := s.deploy("app", "", "", 1)
			s.in("app/0 start", func(h *juju.Hook, _ *hookcmd.Client) error {
				for _, c := range test.commands {
					_, err := h.Run(t.Context(), hookcmd.Call{Command: c, Stdin: []byte("a: 1\n")})
					require.NoError(t, err)
				}
				_, err := command(h, "k8s-raw-set")
				assert.ErrorContains(t, err, "no k8s raw spec specified: pipe k8s raw spec to command, or specify a file with --file")
				return nil
			})
			s.settle()
			spec, raw := app.PodSpec()
			assert.Equal(t, test.spec, spec)
			assert.Equal(t, test.raw, raw)
			assert.Equal(t, test.refused != "", app.Units()[0].Workload().Status == "error")
			var trace traceText
			require.NoError(t, s.m.WriteTrace(&trace, 0))
			assert.Contains(t, string(trace), test.refused)
			if test.refused == "" {
				_, err := app.Units()[0].RunCommands("", -1, "")
				require.NoError(t, err)
				s.in("app/0 run-commands", func(h *juju.Hook, _ *hookcmd.Client) error {
					text, err := command(h, "k8s-spec-get")
					assert.Equal(t, test.spec, text)
					return err
				})
				s.settle()
			}
		})
	}
}
