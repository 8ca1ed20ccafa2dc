// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"log/slog"
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// text has a field that is plain text.
type text[T any] struct {
	Field T `databag:"field,string"`
}

// isPlainText returns a test that a field of this value is saved as plain text,
// and loaded from it.
func isPlainText[T any](value T, plain string) func(t *testing.T) {
	return isKept(text[T]{value}, texts{"field": plain})
}

type mode string

func TestText(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("10.0.0.1")
	for name, test := range map[string]func(*testing.T){
		"string":                     isPlainText("v", `v`),
		"string with quotes":         isPlainText(`"v"`, `"v"`),
		"string with line breaks":    isPlainText(" a\nb ", " a\nb "),
		"string that is null":        isPlainText("null", `null`),
		"named string":               isPlainText(mode("ro"), `ro`),
		"bool":                       isPlainText(true, `true`),
		"false":                      isPlainText(false, `false`),
		"int":                        isPlainText(-42, `-42`),
		"zero":                       isPlainText(0, `0`),
		"int8":                       isPlainText(int8(-128), `-128`),
		"int64":                      isPlainText(int64(math.MinInt64), `-9223372036854775808`),
		"uint16":                     isPlainText(uint16(5432), `5432`),
		"uint64":                     isPlainText(uint64(math.MaxUint64), `18446744073709551615`),
		"float":                      isPlainText(0.1, `0.1`),
		"float32":                    isPlainText(float32(0.1), `0.1`),
		"large float":                isPlainText(1e21, `1e+21`),
		"text marshaler":             isPlainText(address, `10.0.0.1`),
		"text marshaler of a number": isPlainText(slog.LevelWarn, `WARN`),
		"text marshaler of ours":     isPlainText(hookcmd.RelationID{Endpoint: "db", ID: 3}, `db:3`),
		"time":                       isPlainText(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC), `2026-08-01T12:00:00Z`),
		"pointer to string":          isPlainText(new("v"), `v`),
		"pointer to zero":            isPlainText(new(0), `0`),
		"pointer to bool":            isPlainText(new(false), `false`),
		"pointer to text marshaler":  isPlainText(&address, `10.0.0.1`),
		"pointer with the method":    isPlainText(big.NewInt(1<<40), `1099511627776`),
		"pointer to pointer":         isPlainText(new(new(7)), `7`),
	} {
		t.Run(name, test)
	}
}

// Methods that only a pointer has count too: Load uses them, so Save must.
func TestTextWithPointerMethods(t *testing.T) {
	t.Parallel()
	t.Run("struct", isPlainText(level{2}, `two`))
	t.Run("big number", isPlainText(*big.NewInt(1 << 40), `1099511627776`))
}

type redacted string

func (redacted) String() string { return "REDACTED" }

// A String method is for people: it may not be what Load reads.
func TestTextWithStringMethod(t *testing.T) {
	t.Parallel()
	t.Run("duration", isPlainText(time.Minute, `60000000000`))
	t.Run("weekday", isPlainText(time.Sunday, `0`))
	t.Run("string", isPlainText(redacted("hunter2"), `hunter2`))
	t.Run("pointer", isPlainText(new(redacted("hunter2")), `hunter2`))
}

// An empty text is a key that is not there.
func TestTextEmpty(t *testing.T) {
	t.Parallel()
	type value struct {
		String    string      `databag:"string,string"`
		Optional  string      `databag:"optional,string,omitempty"`
		Pointer   *string     `databag:"pointer,string"`
		NoAddress netip.Addr  `databag:"no-address,string"`
		Address   *netip.Addr `databag:"address,string"`
		Zero      int         `databag:"zero,string,omitempty"`
	}
	empty := value{Pointer: new(""), Address: new(netip.Addr{})}
	assert.Empty(t, saved(t, empty))

	agent, store, rel := newDB()
	agent.Relations["db:3"].Bags["app/0"] = map[string]string{
		"string": "x", "optional": "x", "pointer": "x", "no-address": "x", "address": "x", "zero": "x", "other": "x",
	}
	require.NoError(t, relation.Save(t.Context(), rel.Local(), empty))
	require.NoError(t, store.Flush(t.Context()))
	assert.Equal(t, map[string]string{"other": "x"}, agent.Relations["db:3"].Bags["app/0"])

	_, err := relation.Load[value](t.Context(), texts{})
	require.ErrorIs(t, err, relation.ErrMissingKey)
	loaded, err := relation.Load[value](t.Context(), texts{"string": "s", "no-address": "::"})
	require.NoError(t, err)
	assert.Equal(t, value{String: "s", NoAddress: netip.IPv6Unspecified()}, loaded)
}

// Not only what Save writes is understood.
func TestTextOtherForms(t *testing.T) {
	t.Parallel()
	loaded, err := relation.Load[struct {
		True  bool        `databag:"true,string"`
		False *bool       `databag:"false,string"`
		Int   int         `databag:"int,string"`
		Float float64     `databag:"float,string"`
		IP    *netip.Addr `databag:"ip,string"`
	}](t.Context(), texts{"true": "True", "false": "False", "int": "010", "float": "1E3", "ip": "fd00:0:0::0001"})
	require.NoError(t, err)
	assert.True(t, loaded.True, "as Python prints it")
	assert.Equal(t, new(false), loaded.False, "as Python prints it")
	assert.Equal(t, 10, loaded.Int)
	assert.Equal(t, 1000.0, loaded.Float)
	assert.Equal(t, netip.MustParseAddr("fd00::1"), *loaded.IP)
}

// isNotText returns a test that a plain text does not load into a T.
func isNotText[T any](plain string, says ...string) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		loaded, err := relation.Load[text[T]](t.Context(), texts{"field": plain})
		var e *relation.FieldError
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "field", e.Key)
		assert.Equal(t, "Field", e.Field)
		for _, want := range says {
			require.ErrorContains(t, err, want)
		}
		assert.NotContains(t, err.Error(), plain, "values can be secret")
		assert.Zero(t, loaded)
	}
}

func TestTextMalformed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"int":               isNotText[int]("hunter2", "no int"),
		"int with rest":     isNotText[int]("5432 hunter2", "no int"),
		"int quoted":        isNotText[int](`"5432"`, "no int"),
		"int fraction":      isNotText[int]("54.32", "no int"),
		"int too large":     isNotText[int8]("5432", "no int8"),
		"uint negative":     isNotText[uint]("-5432", "no uint"),
		"bool":              isNotText[bool]("yes", "no bool"),
		"float":             isNotText[float64]("NaN", "no float64"),
		"float too large":   isNotText[float64]("1e999", "no float64"),
		"pointer":           isNotText[*int]("hunter2", "no int"),
		"text marshaler":    isNotText[level]("hunter2"),
		"int8 too large":    isNotText[int8]("128", "no int8"),
		"uint8 too large":   isNotText[uint8]("5432", "no uint8"),
		"float32 too large": isNotText[float32]("1e39", "no float32"),
		"infinite":          isNotText[float64]("-Inf", "no float64"),
		"hexadecimal":       isNotText[int]("0x1538", "no int"),
		"uintptr":           isNotText[uintptr]("5432", "uintptr has no plain text"),
		"no plain text":     isNotText[[]string]("hunter2", "[]string has no plain text"),
	} {
		t.Run(name, test)
	}
}

// null is JSON, and no number's plain text.
func TestTextNull(t *testing.T) {
	t.Parallel()
	t.Run("int", isNotText[int]("null"))
	t.Run("bool", isNotText[bool]("null"))
	t.Run("pointer", isNotText[*float64]("null"))
}

// hasNoText returns a test that a value cannot be saved as plain text.
func hasNoText[T any](value T) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		agent, store, rel := newDB()
		err := relation.Save(t.Context(), rel.Local(), text[T]{value})
		require.ErrorContains(t, err, `cannot save field Field as key "field": `)
		require.ErrorContains(t, err, "has no plain text")
		require.NoError(t, store.Flush(t.Context()))
		assert.Empty(t, agent.Calls(), "hook commands")
	}
}

func TestTextUnsupported(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"slice":             hasNoText([]string{"a"}),
		"nil slice":         hasNoText([]string(nil)),
		"bytes":             hasNoText([]byte("a")),
		"map":               hasNoText(map[string]string{}),
		"struct":            hasNoText(nested{}),
		"pointer to struct": hasNoText(&nested{}),
		"complex":           hasNoText(1i),
		"uintptr":           hasNoText(uintptr(1)),
		"any":               hasNoText[any]("a"),
		"func":              hasNoText(func() {}),
	} {
		t.Run(name, test)
	}
}

// A nil pointer deletes the key, also when another points to it; an error would
// do too.
func TestTextNilInPointer(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	require.NotPanics(t, func() {
		if err := relation.Save(t.Context(), rel.Local(), text[**int]{new((*int)(nil))}); err != nil {
			require.ErrorContains(t, err, `cannot save field Field as key "field": `)
		}
	})
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Relations["db:3"].Bags["app/0"]["field"])
}

// A number that is none could not be loaded again.
func TestTextNotANumber(t *testing.T) {
	t.Parallel()
	for name, number := range map[string]float64{"NaN": math.NaN(), "infinite": math.Inf(-1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, rel := newDB()
			require.ErrorContains(t, relation.Save(t.Context(), rel.Local(), text[float64]{number}), `cannot save field Field as key "field": `)
		})
	}
}

// Juju keeps valid UTF-8 only.
func TestTextNotUTF8(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	type value struct {
		Good string `databag:"good"`
		Bad  string `databag:"bad,string"`
	}
	err := relation.Save(t.Context(), rel.Local(), value{"g", "\xff"})
	require.ErrorContains(t, err, `value of "bad" is not valid UTF-8`)
	require.NoError(t, store.Flush(t.Context()))
	assert.Empty(t, agent.Calls(), "hook commands")
}
