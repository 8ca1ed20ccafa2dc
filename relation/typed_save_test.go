// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// isSavedOver returns a test that saving a value to a databag that has been
// read, and is old, sends sent; nothing if that is empty.
func isSavedOver[T any](value T, old texts, sent string) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		agent, store, rel := newDB()
		agent.Relations["db:3"].Bags["app/0"] = maps.Clone(old)
		all(t, rel.Local())
		require.NoError(t, relation.Save(t.Context(), rel.Local(), value))
		require.NoError(t, store.Flush(t.Context()))
		want := []string{getOwn}
		if sent != "" {
			want = append(want, setOwn+sent)
		}
		assert.Equal(t, want, agent.Calls(), "hook commands")
	}
}

// One relation-set carries all keys, the others of the databag stay.
func TestSave(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	value := database{Name: "d", Address: netip.MustParseAddr("10.0.0.9"), TLS: &nested{Name: "<t>"}}
	require.NoError(t, relation.Save(t.Context(), rel.Local(), value))
	loaded, err := relation.Load[database](t.Context(), rel.Local())
	require.NoError(t, err)
	assert.Equal(t, value, loaded, "before Flush")
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{
		getOwn, // by Load
		setOwn + `{"database": "\"d\"", "ingress-address": "10.0.0.9", "tls": "{\"name\":\"<t>\"}"}`,
	}, agent.Calls(), "hook commands")
	assert.Equal(t, map[string]string{
		"database": `"d"`, "ingress-address": "10.0.0.9", "tls": `{"name":"<t>"}`, "mine": "zero",
	}, agent.Relations["db:3"].Bags["app/0"])
}

// Nothing is read to find out what changes.
func TestSaveReadsNothing(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	agent.Relations["db:3"].Bags["app/0"] = texts{"field": `"same"`}
	for range 2 { // the second time it is known
		require.NoError(t, relation.Save(t.Context(), rel.Local(), one[string]{"same"}))
		require.NoError(t, store.Flush(t.Context()))
	}
	assert.Equal(t, []string{setOwn + `{"field": "\"same\""}`}, agent.Calls(), "hook commands")
}

// The last of several values counts, and none is sent if that is as it was.
func TestSaveAgain(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	for _, text := range []string{"a", "b", "a", "c"} {
		require.NoError(t, relation.Save(t.Context(), rel.Local(), one[string]{text}))
	}
	require.NoError(t, store.Flush(t.Context()))
	for _, text := range []string{"d", "c"} {
		require.NoError(t, relation.Save(t.Context(), rel.Local(), one[string]{text}))
	}
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{setOwn + `{"field": "\"c\""}`}, agent.Calls(), "hook commands")
}

// A field that cannot be encoded keeps the others from being written.
func TestSaveUnencodable(t *testing.T) {
	t.Parallel()
	type value struct {
		Good string `databag:"good"`
		Bad  any    `databag:"the-bad"`
		Last int    `databag:"last"`
	}
	for name, bad := range map[string]any{
		"chan":        make(chan int),
		"func":        func() {},
		"complex":     1i,
		"NaN":         math.NaN(),
		"infinite":    math.Inf(1),
		"in a struct": struct{ C chan int }{},
		"in a slice":  []any{1, math.NaN()},
		"bad raw":     json.RawMessage(`{"a"`),
		"empty raw":   json.RawMessage{},
		"year":        time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"marshaler":   picky{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, store, rel := newDB()
			for _, bag := range []relation.Databag{rel.Local(), rel.LocalApp()} {
				err := relation.Save(t.Context(), bag, value{"g", bad, 1})
				require.ErrorContains(t, err, `cannot save field Bad as key "the-bad": `)
			}
			require.NoError(t, store.Flush(t.Context()))
			assert.Empty(t, agent.Calls(), "hook commands")
			assert.Empty(t, get(t, rel.Local(), "good"))
			assert.Empty(t, get(t, rel.LocalApp(), "last"))
		})
	}
}

func TestSaveDeletes(t *testing.T) {
	t.Parallel()
	type value struct {
		Pointer *nested        `databag:"pointer"`
		String  string         `databag:"string,omitempty"`
		Int     int            `databag:"int,omitempty"`
		Bool    bool           `databag:"bool,omitempty"`
		Slice   []string       `databag:"slice,omitempty"`
		Map     map[string]int `databag:"map,omitempty"`
		Struct  nested         `databag:"struct,omitempty"`
		Array   [2]int         `databag:"array,omitempty"`
		Time    time.Time      `databag:"time,omitempty"`
		Address netip.Addr     `databag:"address,omitempty"`
		Any     any            `databag:"any,omitempty"`
		Zero    int            `databag:"zero"`
	}
	const deletions = `{"address": "", "any": "", "array": "", "bool": "", "int": "", "map": "", "pointer": "", "slice": "", "string": "", "struct": "", "time": "", "zero": "0"}`
	full := texts{
		"pointer": `{}`, "string": `"s"`, "int": `1`, "bool": `true`, "slice": `["a"]`, "map": `{"a":1}`, "struct": `{"name":"a"}`,
		"array": `[1,2]`, "time": `"2026-08-01T00:00:00Z"`, "address": `"::"`, "any": `1`, "zero": `1`,
	}
	t.Run("zero", isSavedOver(value{}, full, deletions))
	t.Run("empty", isSavedOver(value{Slice: []string{}, Map: map[string]int{}}, full, deletions))
	t.Run("absent", isSavedOver(value{}, texts{"zero": `0`}, ""))
	t.Run("not empty", isSavedOver(value{
		Pointer: &nested{}, String: "s", Int: 1, Bool: true, Slice: []string{"a"}, Map: map[string]int{"a": 1}, Struct: nested{Name: "a"},
		Array: [2]int{1, 2}, Time: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Address: netip.IPv6Unspecified(), Any: 1.0, Zero: 1,
	}, full, ""))
}

// A pointer's own value is what omitempty looks at, not what it points to.
func TestSaveOmitEmptyPointer(t *testing.T) {
	t.Parallel()
	type value struct {
		Int *int `databag:"int,omitempty"`
	}
	assert.Equal(t, texts{"int": `0`}, saved(t, value{new(0)}))
	assert.Empty(t, saved(t, value{}))
}

// What means the same is left as it is, however it was written.
func TestSaveSame(t *testing.T) {
	t.Parallel()
	value := one[map[string]any]{map[string]any{"a": 1, "b": "h\u00e9"}}
	type point struct {
		A int    `json:"a"`
		B string `json:"b"`
	}
	python := texts{"field": `{"a": 1, "b": "h\u00e9"}`}
	for name, test := range map[string]func(*testing.T){
		"map as of Python":    isSavedOver(value, python, ""),
		"map as of Go":        isSavedOver(value, texts{"field": `{"a":1,"b":"hé"}`}, ""),
		"struct as of Python": isSavedOver(one[point]{point{1, "hé"}}, python, ""),
		"other order":         isSavedOver(one[point]{point{1, "hé"}}, texts{"field": "{\"b\":\"hé\",\n\"a\":1}\n"}, ""),
		"pointer":             isSavedOver(one[*point]{&point{1, "hé"}}, python, ""),
		"slice":               isSavedOver(one[[]string]{[]string{"<a>", "b"}}, texts{"field": `["\u003ca\u003e", "b"]`}, ""),
		"string":              isSavedOver(one[string]{"\U0001f600\x7f"}, texts{"field": `"\ud83d\ude00\u007f"`}, ""),
		"float":               isSavedOver(one[float64]{2}, texts{"field": `2.0`}, ""),
		"large float":         isSavedOver(one[float64]{1e16}, texts{"field": `1e+16`}, ""),
		"small float":         isSavedOver(one[float64]{1.5e-7}, texts{"field": `1.5e-07`}, ""),
		"plain text":          isSavedOver(text[int]{7}, texts{"field": `7`}, ""),

		"other value":              isSavedOver(one[point]{point{2, "hé"}}, python, `{"field": "{\"a\":2,\"b\":\"hé\"}"}`),
		"other value in a map":     isSavedOver(one[map[string]any]{map[string]any{"a": 1}}, python, `{"field": "{\"a\":1}"}`),
		"other order of a slice":   isSavedOver(one[[]int]{[]int{1, 2}}, texts{"field": `[2, 1]`}, `{"field": "[1,2]"}`),
		"zero is not missing":      isSavedOver(one[int]{}, texts{}, `{"field": "0"}`),
		"empty is not null":        isSavedOver(one[[]int]{[]int{}}, texts{"field": `null`}, `{"field": "[]"}`),
		"no JSON before":           isSavedOver(one[string]{"v"}, texts{"field": `v`}, `{"field": "\"v\""}`),
		"more than JSON before":    isSavedOver(one[[]int]{[]int{1}}, texts{"field": `[1]]`}, `{"field": "[1]"}`),
		"two values before":        isSavedOver(one[[]int]{[]int{1}}, texts{"field": `[1] [1]`}, `{"field": "[1]"}`),
		"plain JSON in other form": isSavedOver(text[string]{"[1]"}, texts{"field": `[ 1 ]`}, `{"field": "[1]"}`),
		"plain null":               isSavedOver(text[*string]{}, texts{"field": `null`}, `{"field": ""}`),
		"other type before":        isSavedOver(one[string]{"1"}, texts{"field": `1`}, `{"field": "\"1\""}`),
		"other plain text":         isSavedOver(text[string]{"7"}, texts{"field": `7.0`}, `{"field": "7"}`),
		"large integers":           isSavedOver(one[int64]{1<<53 + 1}, texts{"field": `9007199254740992`}, `{"field": "9007199254740993"}`),
	} {
		t.Run(name, test)
	}
}

// Raw JSON and plain text have a meaning too, beside their bytes.
func TestSaveSameOtherForms(t *testing.T) {
	t.Parallel()
	type raw = json.RawMessage
	t.Run("raw", isSavedOver(one[raw]{raw(`{"a":1,"b":"hé"}`)}, texts{"field": `{"a": 1, "b": "h\u00e9"}`}, ""))
	t.Run("raw in a map", isSavedOver(one[map[string]raw]{map[string]raw{"a": raw(`[1,2]`)}}, texts{"field": `{"a": [1, 2]}`}, ""))
	t.Run("plain number", isSavedOver(text[float64]{7}, texts{"field": `7.0`}, ""))
	t.Run("plain address", isSavedOver(text[netip.Addr]{netip.MustParseAddr("fd00::1")}, texts{"field": `fd00:0:0::0001`}, ""))
}

// To ops a key that is null is there, and one that is missing is an error: a
// nil pointer that was loaded from null leaves it.
func TestSaveSameNull(t *testing.T) {
	t.Parallel()
	t.Run("int", isSavedOver(one[*int]{}, texts{"field": `null`}, ""))
	t.Run("struct", isSavedOver(one[*nested]{}, texts{"field": " null "}, ""))
}

// Of several keys those that changed are sent.
func TestSaveChanged(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	agent.Relations["db:3"].Bags["app/0"] = texts{"database": `"d"`, "ingress-address": `10.0.0.1`, "replicas": `["a", "b"]`, "limits": `{"x": 1}`}
	value, err := relation.Load[database](t.Context(), rel.Local())
	require.NoError(t, err)
	require.NoError(t, relation.Save(t.Context(), rel.Local(), value))
	require.NoError(t, store.Flush(t.Context()))
	require.Equal(t, []string{getOwn}, agent.Calls(), "hook commands of a value that did not change")

	value.Replicas = append(value.Replicas, "c")
	value.Limits = nil
	require.NoError(t, relation.Save(t.Context(), rel.Local(), value))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, []string{getOwn, setOwn + `{"limits": "", "replicas": "[\"a\",\"b\",\"c\"]"}`}, agent.Calls(), "hook commands")
}

func TestSaveToLocalApp(t *testing.T) {
	t.Parallel()
	t.Run("leader", func(t *testing.T) {
		t.Parallel()
		agent, store, rel := newDB()
		require.NoError(t, relation.Save(t.Context(), rel.LocalApp(), one[int]{1}))
		require.NoError(t, store.Flush(t.Context()))
		assert.Equal(t, []string{isLeader, setOwnApp + `{"field": "1"}`}, agent.Calls(), "hook commands")
	})
	t.Run("unchanged", func(t *testing.T) { // nobody is asked about what is not written
		t.Parallel()
		agent, store, rel := newDB()
		agent.Relations["db:3"].Bags["app"] = texts{"field": `1`}
		all(t, rel.LocalApp())
		require.NoError(t, relation.Save(t.Context(), rel.LocalApp(), one[int]{1}))
		require.NoError(t, store.Flush(t.Context()))
		assert.Equal(t, []string{getOwnApp}, agent.Calls(), "hook commands")
	})
	t.Run("no leader", func(t *testing.T) {
		t.Parallel()
		agent := newAgent()
		agent.Leader = false
		agent.Relations["peers:1"].Bags["app"] = texts{"field": `1`}
		store := newStore(agent)
		rel := store.Relation(peers1, "app")
		loaded, err := relation.Load[one[int]](t.Context(), rel.LocalApp())
		require.NoError(t, err)
		loaded.Field++

		err = relation.Save(t.Context(), rel.LocalApp(), loaded)
		require.ErrorIs(t, err, hookcmd.ErrNotLeader)
		var e *relation.FieldError
		require.False(t, errors.As(err, &e), "a FieldError is about a databag's content: %v", err)
		require.NoError(t, store.Flush(t.Context()))
		assert.Equal(t, []string{getPeersApp, isLeader}, agent.Calls(), "hook commands")
		assert.Equal(t, "1", get(t, rel.LocalApp(), "field"))
	})
}
