// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const otherModel = "0f5f2d6b-4d27-4a35-8d4b-3c5a8b1a9c11"

// The offering side knows the consuming application as "remote-" and 32 hex
// digits, in everything it is told; the consuming side by the offer's name.
func TestCrossModelRelations(t *testing.T) {
	t.Parallel()
	seeds(t, 10, func(c *cast) {
		c.deploy("app", "requires: {db: mysql}", 2)
		c.deployIn("mysql", "provides: {server: mysql}", 1, otherModel)
		r := c.relate("app", "mysql")
		alias := r.End("mysql").RemoteName()
		require.Regexp(t, regexp.MustCompile(`^remote-[0-9a-f]{32}$`), alias)
		env := make(map[string][]string)
		c.play = func(hook string, h *juju.Hook, _ *hookcmd.Client) error {
			env[strings.ReplaceAll(hook, alias, "remote")] = h.Environ()
			return nil
		}
		c.settle()
		joined := env["mysql/0 server-relation-joined (remote/1)"]
		assert.Contains(t, joined, "JUJU_REMOTE_APP="+alias, c)
		assert.Contains(t, joined, "JUJU_REMOTE_UNIT="+alias+"/1")
		assert.Contains(t, env["mysql/0 server-relation-created"], "JUJU_REMOTE_APP="+alias)
		assert.Contains(t, env["app/0 db-relation-joined (mysql/0)"], "JUJU_REMOTE_UNIT=mysql/0")

		c.set("app/1", "db", false, "k", "v")
		c.set("app/0", "db", true, "a", "b")
		assert.Contains(t, c.hooks, "mysql/0 server-relation-changed ("+alias+")")
		check := func(unit string, commands map[string]string) {
			t.Helper()
			c.do(unit, func(h *juju.Hook, _ *hookcmd.Client) error {
				for line, want := range commands {
					words := fields(line)
					out, err := command(h, words[0], append([]string{"-r", fmt.Sprint(r.ID)}, words[1:]...)...)
					require.NoError(t, err, line)
					assert.Equal(t, want, out, line)
				}
				return nil
			})
		}
		check("mysql/0", map[string]string{
			"relation-list":                      alias + "/0\n" + alias + "/1\n",
			"relation-list --app":                alias + "\n",
			"relation-get k " + alias + "/1":     "v\n",
			"relation-get a " + alias + " --app": "b\n",
			"relation-model-get --format=json":   `{"uuid":"` + c.m.Options().UUID + "\"}\n",
		})
		check("app/0", map[string]string{
			"relation-list":                    "mysql/0\n",
			"relation-list --app":              "mysql\n",
			"relation-model-get --format=json": `{"uuid":"` + otherModel + "\"}\n",
		})
		c.do("mysql/0", func(h *juju.Hook, _ *hookcmd.Client) error {
			_, err := command(h, "relation-get", "-r", fmt.Sprint(r.ID), "-", "app/1")
			assert.Error(t, err, "that is no name it knows")
			return nil
		})

		require.NoError(t, c.m.Unit("app/0").Remove())
		c.settle()
		departed := env["mysql/0 server-relation-departed (remote/0)"]
		assert.Contains(t, departed, "JUJU_REMOTE_UNIT="+alias+"/0")
		assert.Contains(t, departed, "JUJU_DEPARTING_UNIT="+alias+"/0")
		require.NoError(t, r.Remove())
		hooks := of("mysql/0", c.settle())
		assert.Equal(t, []string{"server-relation-departed (" + alias + "/1)", "server-relation-broken"}, hooks)
	})
}

func TestGoalStateAcrossModels(t *testing.T) {
	t.Parallel()
	c := newCast(t, nil)
	c.deploy("app", "requires: {db: mysql}", 1)
	c.deployIn("mysql", "provides: {server: mysql}", 1, otherModel)
	c.relate("app", "mysql")
	c.settle()
	for unit, want := range map[string]string{"app/0": "mysql", "mysql/0": ""} {
		c.do(unit, func(h *juju.Hook, client *hookcmd.Client) error {
			goal, err := client.GoalState(t.Context())
			require.NoError(t, err)
			var known []string
			for _, relation := range goal.Relations {
				for name := range relation {
					known = append(known, name)
				}
			}
			assert.Equal(t, want, strings.Join(known, " "), unit)
			return nil
		})
	}
}
