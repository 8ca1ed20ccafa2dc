// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/relation"
)

// digits is what a value's error must not quote.
var digits = regexp.MustCompile(`[0-9]{5,}`)

// loadsOrFails asserts what is true of loading any text: an error tells the
// field, and a value that was loaded is saved in a form that loads as it.
func loadsOrFails[S any](t *testing.T, text string) {
	t.Helper()
	loaded, err := relation.Load[S](t.Context(), texts{"field": text})
	if err != nil {
		var e *relation.FieldError
		require.ErrorAs(t, err, &e, "%T from %q", loaded, text)
		assert.Equal(t, "field", e.Key)
		assert.Equal(t, "Field", e.Field)
		assert.Equal(t, text == "", errors.Is(err, relation.ErrMissingKey), "%T from %q: the key is missing", loaded, text)
		assert.Zero(t, loaded, "%T from %q, beside an error", loaded, text)
		for _, secret := range digits.FindAllString(text, -1) {
			assert.NotContains(t, err.Error(), secret, "%T from %q", loaded, text)
		}
		return
	}
	if !utf8.ValidString(text) {
		return // what was loaded need not be valid either
	}
	bag := saved(t, loaded)
	again, err := relation.Load[S](t.Context(), bag)
	if len(bag) > 0 {
		require.NoError(t, err, "%T from %q, which is saved as %q", loaded, text, bag)
	}
	assert.Equal(t, bag, saved(t, again), "%T from %q, saved again", loaded, text)
}

// FuzzLoad loads any text into fields of many types.
func FuzzLoad(f *testing.F) {
	for _, text := range opsBag() {
		f.Add(text)
	}
	for _, text := range []string{
		"", " ", `"`, `""`, `"\ud800"`, `"\xff"`, "\xff", `{`, `{"name": 123456}`, `{"name": "a", "port": 1.5, "sub": {"b": {}}}`, `[1, "a"]`, `[null]`,
		`123456789`, `-1`, `1e999`, `-0`, `9007199254740993`, `NaN`, `True`, `true`, `"2026-08-01T12:30:00.5+02:00"`, `2026-08-01T12:30:00Z`,
		`"fe80::1%eth0"`, `10.0.0.1`, `"aGVsbG8="`, `{"1": true, "x": false}`, `null`, ` null `, `nul`, `1 2`, `{"a":1,"a":2}`, "\u2028", `"db:3"`, `{"field": 1}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		t.Parallel()
		loadsOrFails[one[string]](t, s)
		loadsOrFails[one[int]](t, s)
		loadsOrFails[one[uint8]](t, s)
		loadsOrFails[one[float64]](t, s)
		loadsOrFails[one[float32]](t, s)
		loadsOrFails[one[bool]](t, s)
		loadsOrFails[one[[]byte]](t, s)
		loadsOrFails[one[[]string]](t, s)
		loadsOrFails[one[[2]int]](t, s)
		loadsOrFails[one[map[int]bool]](t, s)
		loadsOrFails[one[nested]](t, s)
		loadsOrFails[one[any]](t, s)
		loadsOrFails[one[json.RawMessage]](t, s)
		loadsOrFails[one[*nested]](t, s)
		loadsOrFails[one[**int]](t, s)
		loadsOrFails[one[big.Int]](t, s)
		loadsOrFails[one[time.Time]](t, s)
		loadsOrFails[one[netip.Addr]](t, s)
		loadsOrFails[text[time.Time]](t, s)
		loadsOrFails[text[*netip.Addr]](t, s)
		loadsOrFails[one[level]](t, `"`+s+`"`)
		loadsOrFails[text[string]](t, s)
		loadsOrFails[text[int]](t, s)
		loadsOrFails[text[int8]](t, s)
		loadsOrFails[text[float32]](t, s)
		loadsOrFails[text[bool]](t, s)
	})
}

type fuzzed struct {
	String       string         `databag:"string"`
	Plain        string         `databag:"plain,string,omitempty"`
	Int          int64          `databag:"int"`
	PlainInt     uint32         `databag:"plain-int,string"`
	Float        float64        `databag:"float"`
	PlainFloat   float32        `databag:"plain-float,string"`
	Bool         bool           `databag:"bool,string"`
	Bytes        []byte         `databag:"bytes"`
	List         []string       `databag:"list"`
	Map          map[string]any `databag:"map"`
	Empty        []int          `databag:"empty,omitempty"`
	Nil          *int           `databag:"nil"`
	Pointer      *nested        `databag:"pointer"`
	PlainPointer *int16         `databag:"plain-pointer,string"`
	Time         time.Time      `databag:"time"`
	Address      netip.Addr     `databag:"address"`
	PlainAddress *netip.Addr    `databag:"plain-address,string"`
	nested
}

// FuzzSaveLoad saves any value, and loads it in the next dispatch; there saving
// it again sends nothing.
func FuzzSaveLoad(f *testing.F) {
	f.Add("", "", int64(0), 0.0, []byte{}, false)
	f.Add("h\u00e9 \U0001f600\x7f", "plain", int64(-1), 1.5e-7, []byte{10, 0, 0, 1}, true)
	f.Add("<a href=\"x\">&</a>", " outer \n", int64(math.MaxInt64), 1e300, make([]byte, 16), false)
	f.Add("\u2028\u2029\ufeff\ufffe", "\u0085", int64(math.MinInt64), math.MaxFloat64, []byte("0123456789abcdef"), true)
	f.Add("a,b,,c", `{"a": 1}`, int64(1<<53+1), 1e21, []byte{255}, false)
	f.Add("\xff", "null", int64(-62135596800), math.Copysign(0, -1), []byte(nil), true)
	f.Add("\x00\x1b", "\"", int64(42), math.NaN(), []byte{0}, true)
	f.Fuzz(func(t *testing.T, s, plain string, i int64, number float64, b []byte, flag bool) {
		t.Parallel()
		// Juju keeps valid UTF-8 only; which is tested elsewhere.
		s, plain = strings.ToValidUTF8(s, "?"), strings.ToValidUTF8(plain, "?")
		value := fuzzed{
			String: s, Plain: plain, Int: i, PlainInt: uint32(i), Float: number, PlainFloat: float32(number), Bool: flag, Bytes: b,
			List: strings.Split(s, ","), Map: map[string]any{plain: s, "n": float64(int32(i))}, PlainPointer: new(int16(i)),
			Time:   time.Unix(i%(1<<35), i&0xffff).UTC(),
			nested: nested{Name: plain, Port: int(int32(i))},
		}
		if address, ok := netip.AddrFromSlice(b); ok {
			value.Address, value.PlainAddress = address, &address
		}
		if flag {
			value.Pointer = &nested{Name: s, Sub: map[string]nested{plain: {Port: 1}}}
			value.List = nil
		}
		if n := math.Abs(float64(value.PlainFloat)); !(n <= math.MaxFloat32) {
			value.PlainFloat = 1 // not finite; which is tested elsewhere
		}
		agent := &testagent.Agent{Unit: "app/0", Relations: map[string]*testagent.Relation{
			"db:3": {App: "mysql", Bags: map[string]map[string]string{"app/0": {"ingress-address": "10.0.0.1"}}},
		}}
		store := newStore(agent)
		bag := store.Relation(db3, "mysql").Local()
		err := relation.Save(t.Context(), bag, value)
		if math.IsNaN(number) || math.IsInf(number, 0) {
			require.ErrorContains(t, err, `cannot save field Float as key "float": `)
			require.NoError(t, store.Flush(t.Context()))
			assert.Empty(t, agent.Calls(), "hook commands")
			return
		}
		require.NoError(t, err)
		loaded, err := relation.Load[fuzzed](t.Context(), bag)
		require.NoError(t, err)
		assert.Equal(t, value, loaded, "before Flush")
		require.NoError(t, store.Flush(t.Context()))
		content := maps.Clone(agent.Relations["db:3"].Bags["app/0"])

		store = newStore(agent)
		bag = store.Relation(hookcmd.RelationID{Endpoint: "db", ID: 3}, "").Local()
		loaded, err = relation.Load[fuzzed](t.Context(), bag)
		require.NoError(t, err, "from %q", content)
		assert.Equal(t, value, loaded, "from %q", content)

		before := len(agent.Calls())
		require.NoError(t, relation.Save(t.Context(), bag, loaded))
		require.NoError(t, store.Flush(t.Context()))
		assert.Empty(t, agent.Calls()[before:], "hook commands for the same value, over %s", fmt.Sprintf("%q", content))
	})
}
