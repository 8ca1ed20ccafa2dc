// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/internal/golden"
)

type mode int

func (m *mode) UnmarshalText(text []byte) error {
	if string(text) != "fast" {
		return errors.New(`must be "fast"`)
	}
	*m = 1
	return nil
}

type embedded struct {
	Name   string
	Hidden int
}

type everyParam struct {
	embedded
	Hidden   string   `json:"hidden"`
	Ignored  chan int `json:"-"`
	Func     func()   `json:"-"`
	Text     string   `json:"text,omitempty"`
	Flag     bool
	Int8     int8
	Int      int
	Uint8    uint8
	Uint64   uint64
	Float32  float32
	Ratio    float64
	MaxTries *int
	HTTPPort *uint16
	Mode     mode
	Modes    []*mode
	Address  netip.Addr
	At       time.Time
	Wait     time.Duration
	Any      any
	Raw      json.RawMessage
	Bytes    []byte
	Pair     [2]int
	Sizes    map[string]int
	Deep     []struct{ A map[string][]int }
}

const everyParamJSON = `{
	"name": "n", "hidden": "h", "text": "a\n\u00fc\u2713", "flag": true, "int8": -128, "int": 9007199254740992,
	"uint8": 255, "uint64": 1e3, "float32": 1.5, "ratio": -1e-7, "max-tries": 3, "http-port": null, "mode": "fast",
	"modes": ["fast", null], "address": "10.0.0.1", "at": "2026-08-01T12:00:00Z", "wait": "1m30s", "any": {"a": [1, null]},
	"raw": [1,  2], "bytes": "aGk=", "pair": [1, 2], "sizes": {"b": 2, "a": 1}, "deep": [{"a": {"x": [1]}}, {"a": {}}]
}`

func TestActionParams(t *testing.T) {
	t.Parallel()
	in, message := given[everyParam](t, everyParamJSON)
	require.Empty(t, message)
	three, fast := 3, mode(1)
	assert.Equal(t, everyParam{
		embedded: embedded{Name: "n"}, Hidden: "h", Text: "a\nü✓", Flag: true, Int8: -128, Int: 1 << 53,
		Uint8: 255, Uint64: 1000, Float32: 1.5, Ratio: -1e-7, MaxTries: &three, Mode: 1,
		Modes: []*mode{&fast, nil}, Address: netip.MustParseAddr("10.0.0.1"), At: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
		Wait: 90 * time.Second, Any: map[string]any{"a": []any{1.0, nil}}, Raw: json.RawMessage("[1,  2]"), Bytes: []byte("hi"),
		Pair: [2]int{1, 2}, Sizes: map[string]int{"a": 1, "b": 2},
		Deep: []struct{ A map[string][]int }{{map[string][]int{"x": {1}}}, {map[string][]int{}}},
	}, in)
}

// wrong is what an operator is told of the value of a parameter of type T.
func wrong[T any](t *testing.T, value string) string {
	t.Helper()
	_, message := given[struct{ A T }](t, `{"a": `+value+`}`)
	return message
}

func TestWrongActionParams(t *testing.T) {
	t.Parallel()
	type object struct{ B int }
	for want, message := range map[string]string{
		`parameter "a": must be an integer, not 1.5`:                                               wrong[int](t, "1.5"),
		`parameter "a": must be an integer, not "1"`:                                               wrong[int](t, `"1"`),
		`parameter "a": must be an integer, not null`:                                              wrong[uint8](t, "null"),
		`parameter "a": must be from -128 to 127, not 128`:                                         wrong[int8](t, "128"),
		`parameter "a": must be from -2147483648 to 2147483647, not 1e10`:                          wrong[int32](t, "1e10"),
		`parameter "a": must be from 0 to 255, not -1`:                                             wrong[uint8](t, "-1"),
		`parameter "a": must be from 0 to 9007199254740992, not 9007199254740993`:                  wrong[uint64](t, "9007199254740993"),
		`parameter "a": must be from -9007199254740992 to 9007199254740992, not 1e300`:             wrong[int](t, "1e300"),
		`parameter "a": must be from -9007199254740992 to 9007199254740992, not 1e999`:             wrong[int64](t, "1e999"),
		`parameter "a": must be from -9007199254740992 to 9007199254740992, not -9007199254740993`: wrong[int64](t, "-9007199254740993"),
		`parameter "a": must be a number that a float64 can hold, not 1e999`:                       wrong[float64](t, "1e999"),
		`parameter "a": must be a number that a float32 can hold, not 1e39`:                        wrong[float32](t, "1e39"),
		`parameter "a": must be a number, not true`:                                                wrong[float64](t, "true"),
		`parameter "a": must be a string, not 5`:                                                   wrong[string](t, "5"),
		`parameter "a": must be true or false, not "true"`:                                         wrong[bool](t, `"true"`),
		`parameter "a": must be true or false, not 0`:                                              wrong[*bool](t, "0"),
		`parameter "a": must be an object, not a list`:                                             wrong[object](t, "[]"),
		`parameter "a": must be an object, not null`:                                               wrong[map[string]int](t, "null"),
		`parameter "a": must be a list, not an object`:                                             wrong[[]int](t, "{}"),
		`parameter "a": must be a list of 2, not of 3`:                                             wrong[[2]int](t, "[1,2,3]"),
		`parameter "a": must be base64 text, not "?"`:                                              wrong[[]byte](t, `"?"`),
		`parameter "a": must be a string, not 1`:                                                   wrong[mode](t, "1"),
		`parameter "a": must be "fast"`:                                                            wrong[mode](t, `"slow"`),
		`parameter "a": must be a duration, such as "90s" or "1h30m", not "1"`:                     wrong[time.Duration](t, `"1"`),
		`parameter "a": must be a string, not 30`:                                                  wrong[time.Duration](t, "30"),
		`parameter "a[1].b": must be an integer, not "x"`:                                          wrong[[]object](t, `[{"b": 1}, {"b": "x"}]`),
		`parameter "a.x[0].b": it is missing`:                                                      wrong[map[string][]object](t, `{"x": [{}]}`),
		`parameter "a.c": it is unknown: there are "b"`:                                            wrong[*object](t, `{"b": 1, "c": 2}`),
		`parameter "a": must be an integer, not "` + strings.Repeat("x", 59) + "…":                 wrong[int](t, `"`+strings.Repeat("x", 100)+`"`),
	} {
		assert.Equal(t, want, message)
	}
}

func TestMissingAndUnknownActionParams(t *testing.T) {
	t.Parallel()
	type params struct {
		Host  string
		Tries *int
		Via   *struct{ Port int }
	}
	in, message := given[params](t, `{"host": "db"}`)
	assert.Empty(t, message)
	assert.Equal(t, params{Host: "db"}, in)

	for json, want := range map[string]string{
		`{}`:                          `parameter "host": it is missing`,
		`{"tries": 1}`:                `parameter "host": it is missing`,
		`{"host": "db", "via": {}}`:   `parameter "via.port": it is missing`,
		`{"trie": 1}`:                 `parameter "trie": it is unknown: there are "host", "tries", "via"`,
		`{"Host": "db"}`:              `parameter "Host": it is unknown: there are "host", "tries", "via"`,
		`{"host": "db", "via": null}`: "",
	} {
		_, message := given[params](t, json)
		assert.Equal(t, want, message, json)
	}
	_, message = given[struct{}](t, `{"a": 1}`)
	assert.Equal(t, `parameter "a": it is unknown: there are none`, message)
}

func TestActionParamsAsMap(t *testing.T) {
	t.Parallel()
	in, message := given[map[string]any](t, `{"a": 1, "b": {"c": "d"}}`)
	assert.Empty(t, message)
	assert.Equal(t, map[string]any{"a": 1.0, "b": map[string]any{"c": "d"}}, in)

	none, message := given[map[string]any](t, `{}`)
	assert.Empty(t, message)
	assert.NotNil(t, none)

	_, message = given[map[string]int](t, `{"a": 1, "b": "c"}`)
	assert.Equal(t, `parameter "b": must be an integer, not "c"`, message)
}

// Parameters that cannot be read are no failure of the action's, but of the dispatch.
func TestActionParamsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	agent := &actionAgent{params: `[1]`}
	_, err := run(t, agent, freeAction, on[struct{}, struct{}]("free"))
	require.ErrorContains(t, err, `cannot run "action-get --format=json"`)
	assert.Empty(t, agent.message)

	agent = &actionAgent{fail: map[string]error{"action-get": errTest}}
	_, err = run(t, agent, freeAction, on[struct{}, struct{}]("free"))
	require.ErrorIs(t, err, errTest)
	assert.Empty(t, agent.message)
}

// The parameters that Juju's own action-get was recorded to print.
func TestRecordedActionParams(t *testing.T) {
	t.Parallel()
	type params struct {
		Big    int
		Empty  string
		Flag   bool
		Float  float64
		List   []any
		Multi  string
		Nested struct {
			Deep struct {
				N int
				X string
			}
		}
		Nil *int
		Num uint8
		Str string
		Uni string
	}
	found := 0
	for _, c := range golden.Cases() {
		for _, call := range c.Calls {
			if c.FromFake || len(call.Argv) != 2 || call.Argv[0] != "action-get" || call.Argv[1] != "--format=json" || call.Code != 0 || len(c.Event.Params) < 10 {
				continue
			}
			found++
			in, message := given[params](t, call.Stdout)
			require.Empty(t, message, c.Name)
			assert.Equal(t, 1234567, in.Big, c.Name)
			assert.Equal(t, []any{"a", 1.0, nil}, in.List, c.Name)
			assert.Equal(t, "y", in.Nested.Deep.X, c.Name)
			assert.Nil(t, in.Nil, c.Name)
			assert.Equal(t, uint8(5), in.Num, c.Name)
			assert.Equal(t, "ü✓", in.Uni, c.Name)
		}
	}
	assert.NotZero(t, found, "recordings of action-get")
}

// Whatever action-get prints, the handler gets it as it is, or the action fails
// and names the parameter; what is no object fails the program.
func FuzzActionParams(f *testing.F) {
	f.Add(everyParamJSON)
	f.Add(`{"int": 1.5}`)
	f.Add(`{"deep": [{"a": {"x": [1, "2"]}}]}`)
	f.Add(`null`)
	f.Add(`0`)
	type params struct {
		Int   *int
		Uint8 *uint8
		Float *float32
		Text  *string
		Wait  *time.Duration
		Bytes []byte
		Deep  *[]struct{ A map[string][]int }
		More  map[string]any
	}
	f.Fuzz(func(t *testing.T, text string) {
		var object map[string]json.RawMessage
		if text != "" && json.Unmarshal([]byte(text), &object) != nil { // which Juju does not print
			_, err := run(t, &actionAgent{params: text}, freeAction, func(c *charm.Charm) {
				charm.OnAction(c, "free", func(context.Context, params) (struct{}, error) { panic("not reached") })
			})
			require.ErrorContains(t, err, "action-get")
			return
		}
		in, message := given[params](t, text)
		if message != "" {
			require.Contains(t, message, `parameter "`)
			return
		}
		if in.Int != nil {
			var number float64
			require.NoError(t, json.Unmarshal(object["int"], &number))
			require.Equal(t, number, float64(*in.Int))
			require.LessOrEqual(t, math.Abs(number), float64(1<<53))
		}
		if in.Text != nil {
			var want string
			require.NoError(t, json.Unmarshal(object["text"], &want))
			require.Equal(t, want, *in.Text)
		}
		if in.Wait != nil {
			require.NotContains(t, fmt.Sprint(*in.Wait), " ")
		}
		// What was read is read again from its JSON.
		if in.Deep != nil {
			again, err := json.Marshal(map[string]any{"bytes": in.Bytes, "deep": lower(*in.Deep), "more": in.More})
			require.NoError(t, err)
			second, message := given[params](t, string(again))
			require.Empty(t, message)
			require.Equal(t, in.Deep, second.Deep)
			require.Equal(t, in.More, second.More)
		}
	})
}

// lower is a list with the parameters' names.
func lower(list []struct{ A map[string][]int }) []map[string]any {
	out := []map[string]any{}
	for _, e := range list {
		a := map[string][]int{}
		for k, v := range e.A {
			a[k] = v
		}
		out = append(out, map[string]any{"a": a})
	}
	return out
}
