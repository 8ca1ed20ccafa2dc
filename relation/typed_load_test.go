// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
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

type database struct {
	Name     string         `databag:"database"`
	Address  netip.Addr     `databag:"ingress-address,string"`
	Replicas []string       `databag:"replicas,omitempty"`
	TLS      *nested        `databag:"tls"`
	Limits   map[string]int `databag:"limits,omitempty"`
}

// Everything that has a databag can be loaded from, and each is read once.
func TestLoad(t *testing.T) {
	t.Parallel()
	agent, _, rel := newDB()
	bag := map[string]string{"database": `"d"`, "ingress-address": "10.0.0.9", "tls": `{"name": "t"}`, "limits": `{"a": 1}`}
	for _, member := range []string{"app/0", "app", "mysql/2", "mysql/10", "mysql"} {
		agent.Relations["db:3"].Bags[member] = bag
	}
	remotes, err := rel.RemoteAll(t.Context())
	require.NoError(t, err)
	for range 2 {
		for _, from := range []relation.Reader{rel.Local(), rel.LocalApp(), rel.Remote("mysql/2"), rel.RemoteApp(), remotes[1]} {
			loaded, err := relation.Load[database](t.Context(), from)
			require.NoError(t, err)
			assert.Equal(t, database{
				Name: "d", Address: netip.MustParseAddr("10.0.0.9"), TLS: &nested{Name: "t"}, Limits: map[string]int{"a": 1},
			}, loaded)
		}
	}
	assert.Equal(t, []string{listDB, getMySQL2, getMySQL10, getOwn, getOwnApp, getMySQL}, agent.Calls(), "hook commands")
}

// Load sees writes that are not flushed.
func TestLoadWritten(t *testing.T) {
	t.Parallel()
	_, _, rel := newDB()
	require.NoError(t, rel.Local().Set(t.Context(), "field", `"new"`))
	loaded, err := relation.Load[one[string]](t.Context(), rel.Local())
	require.NoError(t, err)
	assert.Equal(t, "new", loaded.Field)

	require.NoError(t, rel.Local().Delete(t.Context(), "field"))
	_, err = relation.Load[one[string]](t.Context(), rel.Local())
	require.ErrorIs(t, err, relation.ErrMissingKey)
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	type value struct {
		Pointer  *int           `databag:"pointer"`
		Optional map[string]int `databag:"optional,omitempty"`
		Required string         `databag:"the-key"`
	}
	full := texts{"pointer": `1`, "optional": `{"a":1}`, "the-key": `"x"`}
	loaded, err := relation.Load[value](t.Context(), full)
	require.NoError(t, err)
	assert.Equal(t, value{new(1), map[string]int{"a": 1}, "x"}, loaded)

	for name, bag := range map[string]texts{"missing": {"pointer": `1`, "optional": `{"a":1}`}, "empty": {"the-key": ""}, "nothing": nil} {
		loaded, err := relation.Load[value](t.Context(), bag)
		require.ErrorIs(t, err, relation.ErrMissingKey, name)
		var e *relation.FieldError
		require.ErrorAs(t, err, &e, name)
		assert.Equal(t, &relation.FieldError{Key: "the-key", Field: "Required", Err: relation.ErrMissingKey}, e, name)
		assert.Equal(t, `cannot load key "the-key" into field Required: the key is missing`, err.Error(), name)
		assert.Zero(t, loaded, "beside an error")
	}

	loaded, err = relation.Load[value](t.Context(), texts{"the-key": `"x"`})
	require.NoError(t, err)
	assert.Equal(t, value{Required: "x"}, loaded)
}

// Keys without a field are not looked at, such as Juju's, which are no JSON.
func TestLoadOtherKeys(t *testing.T) {
	t.Parallel()
	bag := texts{
		"ingress-address": "10.0.0.1", "egress-subnets": "10.0.0.1/32", "private-address": "10.0.0.1",
		"": "empty", "broken": `{"`, "FIELD": `"upper"`, "field": `"x"`, "Field": `"name of the field"`,
	}
	loaded, err := relation.Load[one[string]](t.Context(), bag)
	require.NoError(t, err)
	assert.Equal(t, "x", loaded.Field)
}

// null is a value, the zero one.
func TestLoadNull(t *testing.T) {
	t.Parallel()
	type value struct {
		String  string          `databag:"string"`
		Pointer *nested         `databag:"pointer"`
		Slice   []int           `databag:"slice"`
		Any     any             `databag:"any"`
		Raw     json.RawMessage `databag:"raw"`
	}
	loaded, err := relation.Load[value](t.Context(), texts{"string": "null", "pointer": "null", "slice": "null", "any": "null", "raw": "null"})
	require.NoError(t, err)
	assert.Equal(t, value{Raw: json.RawMessage("null")}, loaded)
}

// The error of reading the databag is the caller's.
func TestLoadUnreadable(t *testing.T) {
	t.Parallel()
	_, _, rel := newDB()
	loaded, err := relation.Load[database](t.Context(), rel.Remote("mysql/7"))
	require.ErrorIs(t, err, hookcmd.ErrUnitNotFound)
	var e *relation.FieldError
	require.NotErrorAs(t, err, &e)
	assert.Zero(t, loaded)
}

// doesNotLoad returns a test that a value cannot be decoded, and that the error
// does not quote it.
func doesNotLoad[T any](value, secret string) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		type pair struct {
			Before string `databag:"before"`
			Secret T      `databag:"the-secret"`
		}
		loaded, err := relation.Load[pair](t.Context(), texts{"before": `"b"`, "the-secret": value})
		var e *relation.FieldError
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "the-secret", e.Key)
		assert.Equal(t, "Secret", e.Field)
		require.NotErrorIs(t, err, relation.ErrMissingKey)
		assert.Contains(t, err.Error(), `cannot load key "the-secret" into field Secret: `)
		assert.NotContains(t, err.Error(), secret, "values can be secret")
		assert.Zero(t, loaded, "beside an error")
	}
}

func TestLoadMalformed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"plain text":                doesNotLoad[string](`hunter2`, "hunter2"),
		"number for string":         doesNotLoad[string](`5551234`, "5551234"),
		"number in a slice":         doesNotLoad[[]string](`["a", 5551234]`, "5551234"),
		"number in a struct":        doesNotLoad[nested](`{"name": 5551234}`, "5551234"),
		"number in a map":           doesNotLoad[map[string]string](`{"a": 5551234}`, "5551234"),
		"number too large":          doesNotLoad[int8](`5551234`, "5551234"),
		"number with fraction":      doesNotLoad[int](`555.1234`, "555"),
		"number too large for all":  doesNotLoad[any](`5551234e999`, "5551234"),
		"string for number":         doesNotLoad[int](`"hunter2"`, "hunter2"),
		"key of a map":              doesNotLoad[map[int]string](`{"hunter2": "a"}`, "hunter2"),
		"cut off":                   doesNotLoad[string](`"hunter2`, "hunter2"),
		"something after":           doesNotLoad[string](`"a" hunter2`, "hunter2"),
		"control character":         doesNotLoad[string]("\"hunter2\n\"", "hunter2"),
		"white space only":          doesNotLoad[string](" \n", " \n"),
		"array for struct":          doesNotLoad[nested](`["hunter2"]`, "hunter2"),
		"not base64":                doesNotLoad[[]byte](`"hunter2%"`, "hunter2"),
		"NaN of Python":             doesNotLoad[float64](`NaN`, "NaN"),
		"text marshaler":            doesNotLoad[level](`"hunter2"`, "hunter2"),
		"number for text marshaler": doesNotLoad[level](`5551234`, "5551234"),
	} {
		t.Run(name, test)
	}
}

// The error says what is wrong, as far as that is no secret.
func TestLoadMalformedSays(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`hunter2`:      "not JSON (the option \"string\" is for plain text): invalid character 'h' looking for beginning of value",
		`"hunter2`:     "not JSON (the option \"string\" is for plain text): unexpected end of JSON input",
		`{"name": 12}`: "JSON number where string is expected",
		`["hunter2"]`:  "JSON array where relation_test.nested is expected",
	} {
		_, err := relation.Load[one[nested]](t.Context(), texts{"field": value})
		require.ErrorContains(t, err, want, "of %s", value)
	}
}

// Not even the errors of a field's type quote the value: "FieldError … does not
// quote the value".
func TestLoadMalformedOfType(t *testing.T) {
	t.Parallel()
	t.Run("address", doesNotLoad[netip.Addr](`"hunter2"`, "hunter2"))
	t.Run("time", doesNotLoad[time.Time](`"hunter2"`, "hunter2"))
	t.Run("relation", doesNotLoad[hookcmd.RelationID](`"hunter2"`, "hunter2"))
	t.Run("json.Number", doesNotLoad[json.Number](`"hunter2"`, "hunter2"))
	t.Run("big number", doesNotLoad[*big.Int](`"hunter2"`, "hunter2"))
	t.Run("number in a string", doesNotLoad[struct {
		N int `json:",string"`
	}](`{"N": "hunter2"}`, "hunter2"))
	t.Run("plain text", isNotText[netip.Addr]("hunter2"))
	t.Run("time in plain text", isNotText[time.Time]("hunter2"))
}

// picky refuses everything, with an error of its own.
type picky struct{}

var errPicky = errors.New("not today")

func (picky) MarshalText() ([]byte, error) { return nil, errPicky }

func (*picky) UnmarshalText([]byte) error { return errPicky }

// The cause can be found by errors.Is, whatever the text says.
func TestLoadCause(t *testing.T) {
	t.Parallel()
	_, err := relation.Load[one[picky]](t.Context(), texts{"field": `"a"`})
	require.ErrorIs(t, err, errPicky)
	_, err = relation.Load[text[picky]](t.Context(), texts{"field": "a"})
	require.ErrorIs(t, err, errPicky)

	_, _, rel := newDB()
	require.ErrorIs(t, relation.Save(t.Context(), rel.Local(), one[picky]{}), errPicky)
	require.ErrorIs(t, relation.Save(t.Context(), rel.Local(), text[picky]{}), errPicky)
}
