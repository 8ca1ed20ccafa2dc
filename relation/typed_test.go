// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// texts is a databag with this content.
type texts map[string]string

func (b texts) All(context.Context) (map[string]string, error) { return b, nil }

// saved returns the databag that Save and Flush make of an empty one.
func saved[T any](t *testing.T, value T) texts {
	t.Helper()
	agent, store, rel := newDB()
	agent.Relations["db:3"].Bags["app/0"] = map[string]string{}
	require.NoError(t, relation.Save(t.Context(), rel.Local(), value))
	require.NoError(t, store.Flush(t.Context()))
	return agent.Relations["db:3"].Bags["app/0"]
}

// one has a field that is one key.
type one[T any] struct {
	Field T `databag:"field"`
}

// isKept returns a test that a struct is saved as this content, and loaded from it.
func isKept[S any](value S, content texts) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		bag := saved(t, value)
		assert.Equal(t, content, bag)
		loaded, err := relation.Load[S](t.Context(), bag)
		require.NoError(t, err)
		assert.Equal(t, value, loaded)
	}
}

// isSavedAs returns a test that a field of this value is saved as text, and
// loaded from it.
func isSavedAs[T any](value T, text string) func(t *testing.T) {
	return isKept(one[T]{value}, texts{"field": text})
}

type nested struct {
	Name string            `json:"name"`
	Port int               `json:"port,omitempty"`
	Sub  map[string]nested `json:"sub,omitempty"`
}

func TestFieldTypes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"string":               isSavedAs("v", `"v"`),
		"empty string":         isSavedAs("", `""`),
		"string of JSON":       isSavedAs(`{"a": 1}`, `"{\"a\": 1}"`),
		"line breaks":          isSavedAs("a\nb\r\t", `"a\nb\r\t"`),
		"Unicode":              isSavedAs("h\u00e9 \U0001f600", "\"h\u00e9 \U0001f600\""),
		"HTML":                 isSavedAs("<a href='x'>&</a>", `"<a href='x'>&</a>"`),
		"int":                  isSavedAs(-42, `-42`),
		"zero":                 isSavedAs(0, `0`),
		"int64":                isSavedAs(int64(-1<<63), `-9223372036854775808`),
		"uint64":               isSavedAs(uint64(1<<64-1), `18446744073709551615`),
		"float":                isSavedAs(1.5, `1.5`),
		"large float":          isSavedAs(1e300, `1e+300`),
		"bool":                 isSavedAs(true, `true`),
		"false":                isSavedAs(false, `false`),
		"slice":                isSavedAs([]string{"a", "<b>"}, `["a","<b>"]`),
		"empty slice":          isSavedAs([]string{}, `[]`),
		"nil slice":            isSavedAs([]string(nil), `null`),
		"bytes":                isSavedAs([]byte("hello"), `"aGVsbG8="`),
		"array":                isSavedAs([2]int{1, 2}, `[1,2]`),
		"map":                  isSavedAs(map[string]int{"b": 2, "a": 1}, `{"a":1,"b":2}`),
		"nil map":              isSavedAs(map[string]int(nil), `null`),
		"any":                  isSavedAs[any](map[string]any{"a": []any{1.5, nil, "x"}}, `{"a":[1.5,null,"x"]}`),
		"nil any":              isSavedAs[any](nil, `null`),
		"struct":               isSavedAs(nested{Name: "a", Sub: map[string]nested{"b": {Name: "c", Port: 1}}}, `{"name":"a","sub":{"b":{"name":"c","port":1}}}`),
		"pointer":              isSavedAs(new(7), `7`),
		"pointer to zero":      isSavedAs(new(0), `0`),
		"pointer to struct":    isSavedAs(&nested{Name: "a"}, `{"name":"a"}`),
		"pointer to pointer":   isSavedAs(new(new("v")), `"v"`),
		"raw":                  isSavedAs(json.RawMessage(`{"a":[1,2]}`), `{"a":[1,2]}`),
		"time":                 isSavedAs(time.Date(2026, 8, 1, 12, 30, 0, 5e8, time.UTC), `"2026-08-01T12:30:00.5Z"`),
		"duration":             isSavedAs(time.Minute, `60000000000`),
		"address":              isSavedAs(netip.MustParseAddr("fd00::1"), `"fd00::1"`),
		"no address":           isSavedAs(netip.Addr{}, `""`),
		"text marshaler":       isSavedAs(hookcmd.RelationID{Endpoint: "db", ID: 3}, `"db:3"`),
		"pointer to marshaler": isSavedAs(big.NewInt(1<<40), `1099511627776`),
	} {
		t.Run(name, test)
	}
}

// Methods that only a pointer has count too: Load uses them, so Save must.
func TestFieldTypesWithPointerMethods(t *testing.T) {
	t.Parallel()
	t.Run("JSON", isSavedAs(*big.NewInt(1 << 40), `1099511627776`))
	t.Run("JSON in a struct", isSavedAs(struct{ N big.Int }{*big.NewInt(1 << 40)}, `{"N":1099511627776}`))
	t.Run("text", isSavedAs(level{2}, `"two"`))
}

// level has methods on the pointer only.
type level struct{ n int }

var levels = []string{"zero", "one", "two"}

func (l *level) MarshalText() ([]byte, error) { return []byte(levels[l.n]), nil }

func (l *level) UnmarshalText(text []byte) error {
	for n, name := range levels {
		if name == string(text) {
			l.n = n
			return nil
		}
	}
	return errors.New("no such level")
}

func TestTags(t *testing.T) {
	t.Parallel()
	type tagged struct {
		Untagged string
		Named    int               `databag:"the-name"`
		Options  string            `databag:",string"`
		Both     []int             `databag:"both,omitempty"`
		All      int               `databag:"all,omitempty,string"`
		Empty    string            `databag:""`
		Skipped  map[string]string `databag:"-"`
		Chan     chan int          `databag:"-"`
		Odd      string            `databag:"a b=c"`
		OtherTag string            `json:"other"`
		hidden   chan int
	}
	value := tagged{
		Untagged: "u", Named: 1, Options: "o", Both: []int{2}, All: 3, Empty: "e",
		Skipped: map[string]string{"s": "s"}, Odd: "x", OtherTag: "j", hidden: make(chan int),
	}
	bag := saved(t, value)
	assert.Equal(t, texts{
		"Untagged": `"u"`, "the-name": `1`, "Options": `o`, "both": `[2]`, "all": `3`, "Empty": `"e"`,
		"a b=c": `"x"`, "OtherTag": `"j"`,
	}, bag)

	bag["Skipped"], bag["Chan"], bag["hidden"], bag["-"] = `{"a":"b"}`, `1`, `1`, `1`
	loaded, err := relation.Load[tagged](t.Context(), bag)
	require.NoError(t, err)
	value.Skipped, value.hidden = nil, nil
	assert.Equal(t, value, loaded)
}

// A struct without keys is saved as nothing, and loads from anything.
func TestNoFields(t *testing.T) {
	t.Parallel()
	type none struct{ hidden int }
	agent, store, rel := newDB()
	require.NoError(t, relation.Save(t.Context(), rel.Local(), none{1}))
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Calls(), "hook commands")
	loaded, err := relation.Load[none](t.Context(), rel.Local())
	require.NoError(t, err)
	assert.Zero(t, loaded)
}

// mistake returns a test that T cannot be mapped to a databag.
func mistake[T any](says ...string) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		agent, _, rel := newDB()
		var value T
		_, err := relation.Load[T](t.Context(), rel.Remote("mysql/2"))
		for _, text := range append(says, "cannot map ", " to a databag: ") {
			require.ErrorContains(t, err, text)
			require.ErrorContains(t, relation.Save(t.Context(), rel.Local(), value), text)
		}
		var fieldError *relation.FieldError
		assert.NotErrorAs(t, err, &fieldError, "a mistake in the charm is none in the databag")
		assert.Empty(t, agent.Calls(), "hook commands")
	}
}

func TestStructMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"no struct":         mistake[map[string]string]("map[string]string", "no struct"),
		"pointer to struct": mistake[*one[int]]("one[int]", "no struct"),
		"interface":         mistake[any]("no struct"),
		"unknown option": mistake[struct {
			A int `databag:"a,omitzero"`
		}]("A", `unknown option "omitzero"`),
		"unknown option in embedded struct": mistake[struct{ optioned }]("field A", `unknown option "text"`),
		"option with space": mistake[struct {
			A int `databag:"a, omitempty"`
		}]("A", `unknown option " omitempty"`),
		"minus with option": mistake[struct {
			A int `databag:"a,-"`
		}]("A", `unknown option "-"`),
		"duplicate key": mistake[struct {
			A int `databag:"k"`
			B int `databag:"k,omitempty"`
		}]("fields A and B", `key "k"`),
		"duplicate of untagged": mistake[struct {
			A int `databag:"B"`
			B int
		}]("fields A and B", `key "B"`),
		"embedded pointer":                    mistake[struct{ *nested }]("field nested is an embedded pointer"),
		"embedded pointer in embedded struct": mistake[struct{ pointing }]("field nested is an embedded pointer"),
		"duplicate in embedded struct": mistake[struct {
			nested
			A int `databag:"Port"`
		}]("fields A and Port", `key "Port"`),
	} {
		t.Run(name, test)
	}
}

type pointing struct{ *nested }

type optioned struct {
	A int `databag:"a,text"`
}
