// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// The agent answers in any order, yet everyone has their own databag.
func TestRemoteAllOverSocket(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(100)
	runner := newSocket(t, agent, nil)
	for range 3 { // dispatches, over one connection
		before := len(agent.Calls())
		rel := newStore(runner).Relation(peers1, "app")
		assert.Equal(t, "Hello from app/42", get(t, rel.Remote("app/42"), "greeting"))
		for range 2 {
			remotes, err := rel.RemoteAll(t.Context())
			require.NoError(t, err)
			require.Len(t, remotes, 100)
			for i, remote := range remotes {
				require.Equal(t, fmt.Sprintf("app/%d", i+1), remote.Unit, "units by number")
				require.Equal(t, agent.Relations["peers:1"].Bags[remote.Unit], all(t, remote), "databag of %s", remote.Unit)
			}
		}

		calls := agent.Calls()[before:]
		require.Len(t, calls, 101, "hook commands: one relation-list, one relation-get per unit")
		assert.Equal(t, listPeers, calls[1])
		slices.Sort(calls)
		assert.Len(t, slices.Compact(calls), 101, "hook commands, each of which runs once")
	}
}

// If one of many databags cannot be read, the others are not taken for it, and
// the connection goes on.
func TestRemoteAllFailsOverSocket(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(20)
	bags := agent.Relations["peers:1"].Bags
	gone := bags["app/7"]
	delete(bags, "app/7")
	rel := newStore(newSocket(t, agent, nil)).Relation(peers1, "app")

	remotes, err := rel.RemoteAll(t.Context())
	require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)
	require.ErrorContains(t, err, "app/7")
	assert.Nil(t, remotes)

	bags["app/7"] = gone
	remotes, err = rel.RemoteAll(t.Context())
	require.NoError(t, err)
	require.Len(t, remotes, 20)
	for _, remote := range remotes {
		assert.Equal(t, "Hello from "+remote.Unit, get(t, remote, "greeting"))
	}
}

// Values and keys that a command line, YAML or a terminal would change arrive
// byte for byte, and come back so.
func TestValuesArrive(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"plain":                  "v",
		"a=b":                    "=c=d=",
		"--app":                  "--file=/etc/passwd",
		"-":                      "-",
		"@k":                     "@/etc/passwd",
		" outer space ":          " \t v \n",
		"line\nbreak":            "\nfirst\r\nsecond\n\n",
		`"quotes"`:               `it's "q" \ \n $HOME %s`,
		"schlüssel":              "h\u00e9 日本 \U0001f600 e\u0301",
		"next\u0085line":         "a\u0085b\u2028c\u2029d\ufeff",
		"noncharacters":          "\ufffe\uffff\U0010ffff\ufffd",
		"control\x01\x7f":        "\x00\x1b[31m\x7f\u0080\u009f",
		"<html>&":                "<a href=\"x\">&amp;</a>",
		"1.50":                   "0x1F",
		"true":                   "null",
		"{json}":                 `{"a": [1, 2], "b": "h\u00e9"}`,
		"yaml: {":                "- x\n# no comment\n...\n---\n&a *a !!str",
		"long":                   strings.Repeat("0123456789abcdef", 1<<16), // 1 MiB
		"long, escaped":          strings.Repeat("\u0085\"\\\n", 1<<12),
		strings.Repeat("k", 900): "a long key",
	}
	onEachRunner(t, func(t *testing.T, agent *testagent.Agent, runner hookcmd.Runner) {
		agent.Relations["db:3"].Bags["app/0"] = map[string]string{}
		agent.Relations["db:3"].Bags["app"] = map[string]string{}
		store := newStore(runner)
		rel := store.Relation(db3, "mysql")
		require.NoError(t, rel.Local().Update(t.Context(), values))
		require.NoError(t, rel.LocalApp().Update(t.Context(), values))
		require.NoError(t, store.Flush(t.Context()))

		later := newStore(runner).Relation(db3, "mysql")
		for _, got := range []map[string]string{
			agent.Relations["db:3"].Bags["app/0"],
			agent.Relations["db:3"].Bags["app"],
			all(t, later.Local()),
			all(t, later.LocalApp()),
		} {
			for key, want := range values {
				// Not Equal: nobody can read a difference in 1 MiB.
				require.True(t, got[key] == want, "value of %.40q is %.80q, want %.80q", key, got[key], want)
			}
			assert.Len(t, got, len(values), "keys")
		}
		assert.Contains(t, agent.Calls(), isLeader)
	})
}

// Juju before 3.6.2 has no relation-model-get.
func TestModelNotSupported(t *testing.T) {
	t.Parallel()
	known := slices.DeleteFunc(slices.Clone(hookcmdtest.Commands), func(command string) bool {
		return command == "relation-model-get"
	})
	runner := newSocket(t, newAgent(), &hookcmdtest.ServerOptions{Known: known})
	_, err := newStore(runner).Relation(db3, "mysql").Model(t.Context())
	require.ErrorIs(t, err, hookcmd.ErrNotSupported)
}
