// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

func relationMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	peerBag := map[string]string{
		"egress-subnets": "10.1.0.4/32", "ingress-address": "10.1.0.4", "private-address": "10.1.0.4", "mine": "zero",
	}
	return []scriptedMethod{{
		name:   "RelationIDs",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.RelationIDs(ctx, "db") },
		argv:   []string{"relation-ids", "--format=json", "--", "db"},
		prints: recordedOutput(tb, "relation-ids/two-json", 0),
		want:   []hookcmd.RelationID{{Endpoint: "db", ID: 12}, {Endpoint: "db", ID: 3}},
	}, {
		name:   "RelationIDs none",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.RelationIDs(ctx, "nope") },
		argv:   []string{"relation-ids", "--format=json", "--", "nope"},
		prints: recordedOutput(tb, "relation-ids/none-json", 0),
		want:   []hookcmd.RelationID{},
	}, {
		name:   "RelationList",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.RelationList(ctx, scriptedPeers) },
		argv:   []string{"relation-list", "--format=json", "-r", "magpie:1"},
		prints: recordedOutput(tb, "relation-list/three-json", 0),
		want:   []string{"magpie/1", "magpie/10", "magpie/2"},
	}, {
		name:   "RelationList none",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.RelationList(ctx, scriptedDB) },
		argv:   []string{"relation-list", "--format=json", "-r", "db:3"},
		prints: recordedOutput(tb, "relation-list/broken-hook-app", 1),
		want:   []string{},
	}, {
		name:   "RelationApp",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.RelationApp(ctx, scriptedDB) },
		argv:   []string{"relation-list", "--format=json", "--app", "-r", "db:3"},
		prints: recordedOutput(tb, "relation-list/app-json", 0),
		want:   "mysql",
	}, {
		name: "RelationGet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.RelationGet(ctx, scriptedPeers, "magpie/1")
		},
		argv:   []string{"relation-get", "--format=json", "-r", "magpie:1", "--", "-", "magpie/1"},
		prints: recordedOutput(tb, "flow/joined-then-changed-data", 1),
		want: map[string]string{
			"bool": "true", "colon": "a: b", "dash": "- x", "egress-subnets": "10.1.0.5/32", "eq": "k=v=w",
			"float": "1.50", "ingress-address": "10.1.0.5", "json": `{"a":[1,2]}`, "multi": "a\nb\n", "null": "null",
			"num": "42", "private-address": "10.1.0.5", "quote": `it's "q"`, "space": " s ", "uni": "ü✓日本",
		},
	}, {
		name: "RelationGet empty",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.RelationGet(ctx, scriptedPeers, "magpie/10")
		},
		argv:   []string{"relation-get", "--format=json", "-r", "magpie:1", "--", "-", "magpie/10"},
		prints: recordedOutput(tb, "relation-get/empty-bag-json", 0),
		want:   map[string]string{},
	}, {
		name: "RelationGetApp",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.RelationGetApp(ctx, scriptedDB, "mysql")
		},
		argv:   []string{"relation-get", "--format=json", "-r", "db:3", "--app", "--", "-", "mysql"},
		prints: recordedOutput(tb, "flow/broken", 3),
		want:   map[string]string{"endpoints": "10.1.1.2:3306", "secret-user": "secret:d0000000000000009000"},
	}, {
		name: "RelationGetAll",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.RelationGetAll(ctx, scriptedPeers, []string{"magpie/0"})
		},
		argv:   []string{"relation-get", "--format=json", "-r", "magpie:1", "--", "-", "magpie/0"},
		prints: recordedOutput(tb, "relation-get/own-unit", 0),
		want:   []map[string]string{peerBag},
		answer: peerBag,
	}, {
		name: "RelationGetKey",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.RelationGetKey(ctx, scriptedPeers, "magpie/0", "mine"))
		},
		argv:   []string{"relation-get", "--format=json", "-r", "magpie:1", "--", "mine", "magpie/0"},
		prints: recordedOutput(tb, "relation-get/own-unit-key", 0),
		want:   scriptedKey{"zero", true},
		answer: new("zero"),
	}, {
		name: "RelationGetKey missing",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.RelationGetKey(ctx, scriptedPeers, "magpie/1", "nope"))
		},
		argv:   []string{"relation-get", "--format=json", "-r", "magpie:1", "--", "nope", "magpie/1"},
		prints: "null\n",
		want:   scriptedKey{},
		answer: (*string)(nil),
	}, {
		name: "RelationGetKey empty",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.RelationGetKey(ctx, scriptedPeers, "magpie/1", "k"))
		},
		argv:   []string{"relation-get", "--format=json", "-r", "magpie:1", "--", "k", "magpie/1"},
		prints: "\"\"\n",
		want:   scriptedKey{"", true},
		answer: new(""),
	}, {
		name: "RelationGetAppKey",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.RelationGetAppKey(ctx, scriptedDB, "mysql", "-x"))
		},
		argv:   []string{"relation-get", "--format=json", "-r", "db:3", "--app", "--", "-x", "mysql"},
		prints: "\"v\"\n",
		want:   scriptedKey{"v", true},
		answer: new("v"),
	}, {
		name: "RelationGetAppKey missing",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return scriptedLookup(c.RelationGetAppKey(ctx, scriptedDB, "mysql", "nope"))
		},
		argv:   []string{"relation-get", "--format=json", "-r", "db:3", "--app", "--", "nope", "mysql"},
		prints: "null\n",
		want:   scriptedKey{},
		answer: (*string)(nil),
	}, {
		name: "RelationSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.RelationSet(ctx, scriptedDB, map[string]string{"b": "x\ny \\", "a": "", "é": "\u0085"})
		},
		argv:  []string{"relation-set", "-r", "db:3", "--file", "-"},
		stdin: `{"a": "", "b": "x\ny \\", "é": "\u0085"}`,
		data:  map[string]string{"b": "x\ny \\", "a": "", "é": "\u0085"},
	}, {
		name: "RelationSet nothing",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.RelationSet(ctx, scriptedDB, nil)
		},
		argv:  []string{"relation-set", "-r", "db:3", "--file", "-"},
		stdin: `{}`,
	}, {
		name: "RelationSetApp",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.RelationSetApp(ctx, scriptedDB, map[string]string{"a": "1"})
		},
		argv:  []string{"relation-set", "-r", "db:3", "--app", "--file", "-"},
		stdin: `{"a": "1"}`,
		data:  map[string]string{"a": "1"},
	}, {
		name: "RelationModelGet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return c.RelationModelGet(ctx, scriptedDB)
		},
		argv:   []string{"relation-model-get", "--format=json", "-r", "db:3"},
		prints: recordedOutput(tb, "relation-model-get/cross-model", 0),
		want:   "cafecafe-0bad-400d-8000-4b1d0d06f00d",
	}}
}

// A nil map can be read, so null needs no error.
func TestRelationGetNull(t *testing.T) {
	t.Parallel()
	client := hookcmd.New(scriptedPrinter("null\n"), nil)

	unit, err := client.RelationGet(t.Context(), scriptedDB, "mysql/0")
	require.NoError(t, err)
	assert.Empty(t, unit)

	app, err := client.RelationGetApp(t.Context(), scriptedDB, "mysql")
	require.NoError(t, err)
	assert.Empty(t, app)
}

func TestRelationGetAll(t *testing.T) {
	t.Parallel()
	units := []string{"magpie/0", "magpie/10"}
	own := recordedOutput(t, "relation-get/own-unit", 0)
	other := recordedOutput(t, "relation-get/empty-bag-json", 0)
	table := map[string]string{
		"relation-get --format=json -r magpie:1 -- - magpie/0":  own,
		"relation-get --format=json -r magpie:1 -- - magpie/10": other,
	}

	t.Run("one by one", func(t *testing.T) {
		t.Parallel()
		runner := scriptedTable(table)
		bags, err := hookcmd.New(runner, nil).RelationGetAll(t.Context(), scriptedPeers, units)
		require.NoError(t, err)
		require.Len(t, bags, 2)
		assert.Equal(t, "zero", bags[0]["mine"])
		assert.Empty(t, bags[1])
		assert.Len(t, runner.calls, 2)
	})
	t.Run("batch", func(t *testing.T) {
		t.Parallel()
		runner := &scriptedBatcher{scriptedRunner: scriptedTable(table)}
		bags, err := hookcmd.New(runner, nil).RelationGetAll(t.Context(), scriptedPeers, units)
		require.NoError(t, err)
		require.Len(t, bags, 2)
		assert.Equal(t, "zero", bags[0]["mine"])
		assert.Empty(t, bags[1])
		assert.Equal(t, []int{2}, runner.batches, "sizes of the batches")
	})
	t.Run("no units", func(t *testing.T) {
		t.Parallel()
		runner := &scriptedBatcher{scriptedRunner: scriptedTable(table)}
		bags, err := hookcmd.New(runner, nil).RelationGetAll(t.Context(), scriptedPeers, nil)
		require.NoError(t, err)
		assert.Empty(t, bags)
		assert.Empty(t, runner.calls)
		assert.Empty(t, runner.batches)
	})
	t.Run("failure", func(t *testing.T) {
		t.Parallel()
		for _, runner := range []hookcmd.Runner{
			scriptedTable(nil),
			&scriptedBatcher{scriptedRunner: scriptedTable(nil)},
		} {
			bags, err := hookcmd.New(runner, nil).RelationGetAll(t.Context(), scriptedPeers, units)
			require.ErrorContains(t, err, "not in the script", "with a %T", runner)
			assert.Nil(t, bags, "with a %T", runner)
		}
	})
	t.Run("bad output", func(t *testing.T) {
		t.Parallel()
		bad := map[string]string{
			"relation-get --format=json -r magpie:1 -- - magpie/0":  own,
			"relation-get --format=json -r magpie:1 -- - magpie/10": "",
		}
		for _, runner := range []hookcmd.Runner{
			scriptedTable(bad),
			&scriptedBatcher{scriptedRunner: scriptedTable(bad)},
		} {
			bags, err := hookcmd.New(runner, nil).RelationGetAll(t.Context(), scriptedPeers, units)
			require.ErrorContains(t, err, "magpie/10", "with a %T", runner)
			assert.Nil(t, bags, "with a %T", runner)
		}
	})
}

// scriptedBatcher also runs batches, and keeps their sizes.
type scriptedBatcher struct {
	*scriptedRunner
	batches []int
}

func (b *scriptedBatcher) RunBatch(ctx context.Context, calls []hookcmd.Call) ([][]byte, error) {
	b.batches = append(b.batches, len(calls))
	var stdouts [][]byte
	for _, call := range calls {
		stdout, err := b.Run(ctx, call)
		if err != nil {
			return nil, err
		}
		stdouts = append(stdouts, stdout)
	}
	return stdouts, nil
}
