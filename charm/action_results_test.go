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
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// upper has MarshalText of its pointer.
type upper string

func (u *upper) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(*u))), nil }

type broken struct{}

func (broken) MarshalJSON() ([]byte, error) { return nil, errTest }

func TestActionResults(t *testing.T) {
	t.Parallel()
	type point struct {
		X int `json:"x"`
		Y int `json:"y"`
	}
	type embedded struct{ Name string }
	yes, shout := true, upper("b")
	type every struct {
		embedded
		Ignored  string `json:"-"`
		own      string
		Text     string
		Empty    string
		Omitted  string   `json:"omitted,omitempty"`
		Zero     point    `json:"zero,omitzero"`
		None     []string `json:"none,omitempty"`
		MaxTries int
		HTTPPort uint16
		Ratio    float64
		Big      uint64
		Flag     *bool
		Nil      *point
		Nested   *struct{ Point point }
		Dotted   string `json:"a.b-c.5"`
		List     []any
		NilList  []int
		Points   [1]point
		Bytes    []byte
		NilBytes []byte
		Map      map[string]any
		NilMap   map[string]int
		Any      any
		NilAny   any
		Address  netip.Addr
		At       time.Time
		Wait     time.Duration
		Upper    upper
		UpperPtr *upper
		Uppers   map[string]upper
		Raw      json.RawMessage
		NilRaw   json.RawMessage
		Number   json.Number
	}
	results, message := returned(t, every{
		embedded: embedded{"n"}, Ignored: "i", own: "o", Text: "<a> & b\n=\u2028é\ufffd", MaxTries: 3, HTTPPort: 80,
		Ratio: 1e21, Big: 1<<63 + 1, Flag: &yes, Nested: &struct{ Point point }{point{1, 2}}, Dotted: "d", List: []any{"<", 1.5, nil, "\ufffd"},
		Points: [1]point{{1, 2}}, Bytes: []byte("hi"), Map: map[string]any{"x": map[string]string{"y-1": "z"}, "n": nil, "l": []int{1}, "w": time.Minute},
		Any: point{3, 4}, Address: netip.MustParseAddr("10.0.0.1"), At: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
		Wait: 90 * time.Second, Upper: "a", UpperPtr: &shout, Uppers: map[string]upper{"c": "c"}, Raw: json.RawMessage(`{"Any": "key\ufffd"}`), Number: "1.50",
	})
	require.Empty(t, message)
	assert.Equal(t, map[string]string{
		"name": "n", "text": "<a> & b\n=\u2028é\ufffd", "empty": "", "max-tries": "3", "http-port": "80", "ratio": "1e+21",
		"big": "9223372036854775809", "flag": "true", "nested.point.x": "1", "nested.point.y": "2", "a.b-c.5": "d",
		"list": `["<",1.5,null,"` + "\ufffd" + `"]`, "nil-list": "[]", "points": `[{"x":1,"y":2}]`, "bytes": "aGk=", "nil-bytes": "",
		"map.x.y-1": "z", "map.l": "[1]", "map.w": "1m0s", "any.x": "3", "any.y": "4", "address": "10.0.0.1", "at": "2026-08-01T12:00:00Z",
		"wait": "1m30s", "upper": "A", "upper-ptr": "B", "uppers.c": "C", "raw": `{"Any":"key\ufffd"}`, "number": "1.50",
	}, results)
}

func TestNoActionResults(t *testing.T) {
	t.Parallel()
	for _, register := range []func(*charm.Charm){
		on[struct{}, struct{}]("free"), on[struct{}, map[string]string]("free"), on[struct{}, struct{ A *int }]("free"),
	} {
		agent := &actionAgent{}
		_, err := run(t, agent, freeAction, register)
		require.NoError(t, err)
		assert.Equal(t, []string{"action-get"}, agent.calls)
	}
}

func TestActionResultsAsMap(t *testing.T) {
	t.Parallel()
	type key string
	results, message := returned(t, map[key]any{"a": 1, "b.c": "d"})
	assert.Empty(t, message)
	assert.Equal(t, map[string]string{"a": "1", "b.c": "d"}, results)
}

func TestRefusedActionResults(t *testing.T) {
	t.Parallel()
	cycle := map[string]any{}
	cycle["a"] = cycle
	var pointers any
	pointers = &pointers
	long := strings.Repeat("a.", 100) + "a"
	refused := func(out any) string {
		t.Helper()
		results, message := returned(t, map[string]any{"r": out})
		assert.Empty(t, results)
		return message
	}
	for want, message := range map[string]string{
		`cannot set result "r.Host": "Host" is not of lower-case letters, digits and inner dashes, as "host" is`:    refused(map[string]int{"Host": 1}),
		`cannot set result "r.app/0": "app/0" is not of lower-case letters, digits and inner dashes, as "app-0" is`: refused(map[string]int{"app/0": 1}),
		`cannot set result "r.max_tries" (field T): "max_tries" is not`: refused(struct {
			T int `json:"max_tries"`
		}{}),
		`cannot set result "r.": "" is not`:                                             refused(map[string]int{"": 1}),
		`cannot set result "r.a-": "a-" is not`:                                         refused(map[string]int{"a-": 1}),
		`cannot set result "r.a..b": "" is not`:                                         refused(map[string]int{"a..b": 1}),
		`cannot set result "r.a=b": "a=b" is not`:                                       refused(map[string]int{"a=b": 1}),
		`cannot set result "r.ü": "ü" is not`:                                           refused(map[string]int{"ü": 1}),
		`cannot set result "r.stdout": "stdout" is reserved for what the charm prints`:  refused(map[string]int{"stdout": 1}),
		`cannot set result "r.stderr-encoding": "stderr-encoding" is reserved`:          refused(map[string]int{"stderr-encoding": 1}),
		`cannot set result "r.a.b": the result "r.a" is a value, and cannot contain it`: refused(map[string]any{"a": 1, "a-b": 2, "a.b": 3}),
		`cannot set result "r.a.b": it is there already`:                                refused(map[string]any{"a": map[string]int{"b": 1}, "a.b": 2}),
		`cannot set result "r": json: unsupported value: NaN`:                           refused(math.NaN()),
		`cannot set result "r": json: unsupported type: chan int`:                       refused(make(chan int)),
		`cannot set result "r": the keys of map[int]int are no strings`:                 refused(map[int]int{}),
		`cannot set result "r": it has a NUL byte`:                                      refused("a\x00"),
		`cannot set result "r": it has text that is not valid UTF-8`:                    refused("\xff"),
		`cannot set result "r.x": it has text that is not valid UTF-8`:                  refused(map[string]any{"x": []any{"a", map[string]struct{ A *string }{"b": {new(string)}}, []string{"\xff"}}}),
		`no room`: refused(broken{}),
		strings.Repeat(".a", 50) + `": it is in too many others; does one contain itself?`: refused(cycle),
		`cannot set result "r": it is in too many others`:                                  refused(pointers),
	} {
		assert.Contains(t, message, want)
	}
	_, message := returned(t, map[string]any{"": map[string]int{"a": 1}})
	assert.Contains(t, message, `cannot set results: "" is not of lower-case letters`)
	_, message = returned(t, map[string]any{long: 1})
	assert.Empty(t, message, "a long key is no deep result")
	_, message = returned(t, map[string]int{"return-code": 1})
	assert.Equal(t, `cannot set result "return-code": "return-code" is set by Juju`, message)
}

// An error names the field that a result is from.
func TestRefusedActionResultNamesField(t *testing.T) {
	t.Parallel()
	type reply struct{ Tags map[string]string }
	_, message := returned(t, struct{ Reply reply }{reply{map[string]string{"A": ""}}})
	assert.Equal(t, `cannot set result "reply.tags.A" (field Reply.Tags): "A" is not of lower-case letters, digits and inner dashes, as "a" is`, message)

	_, message = returned(t, struct {
		Reply string
		Host  string `json:"reply.host"`
	}{"a", "b"})
	assert.Equal(t, `cannot set result "reply.host" (field Host): the result "reply" (field Reply) is a value, and cannot contain it`, message)

	_, message = returned(t, struct {
		Reply struct{ Host string }
		Host  string `json:"reply.host"`
	}{})
	assert.Equal(t, `cannot set result "reply.host" (field Host): it is there already (field Reply.Host)`, message)
}

// What cannot be sent is the action's failure, beside the handler's own.
func TestActionSetFails(t *testing.T) {
	t.Parallel()
	agent := &actionAgent{fail: map[string]error{"action-set": errors.New("no answer")}}
	_, err := run(t, agent, freeAction, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (map[string]int, error) { return map[string]int{"a": 1}, errTest })
	})
	require.NoError(t, err)
	assert.Equal(t, "no room; and cannot set results: no answer", agent.message)
}

// Hook commands that do not work are no answer to the operator.
func TestActionCommandsDoNotWork(t *testing.T) {
	t.Parallel()
	lost := func(command string) map[string]error {
		return map[string]error{command: &hookcmd.Error{Command: command, Code: -1, Err: errors.New("connection lost")}}
	}
	for name, row := range map[string]struct {
		agent *actionAgent
		want  string
	}{
		"action-get":      {&actionAgent{fail: lost("action-get")}, "connection lost"},
		"its answer":      {&actionAgent{params: "{"}, "action-get"},
		"action-set":      {&actionAgent{fail: lost("action-set")}, "cannot set results: "},
		"refused by Juju": {&actionAgent{fail: map[string]error{"action-set": &hookcmd.Error{Command: "action-set", Code: 1}}}, ""},
	} {
		stderr, err := run(t, row.agent, freeAction, func(c *charm.Charm) {
			charm.OnAction(c, "free", func(context.Context, struct{}) (map[string]int, error) { return map[string]int{"a": 1}, nil })
		})
		if row.want == "" {
			require.NoError(t, err, name)
			assert.Contains(t, row.agent.message, "cannot set results: ", name)
			continue
		}
		require.ErrorContains(t, err, row.want, name)
		assert.Contains(t, stderr, row.want, name)
		assert.Empty(t, row.agent.message, name)
	}
}

// A value that is too long for a process is sent over the socket.
func TestLongActionResult(t *testing.T) {
	t.Parallel()
	const size = 200_000
	register := func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (out struct{ Short, Log string }, err error) {
			out.Short, out.Log = "s", strings.Repeat("x", size)
			return out, nil
		})
	}
	for _, transport := range []string{"socket", "exec"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			agent := &actionAgent{}
			server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
				stdout, err := agent.Run(t.Context(), call) // one at a time
				assert.NoError(t, err)
				return hookcmdtest.Answer{Stdout: string(stdout)}
			}, nil)
			env := append(environ(t, freeAction), server.Agent().Env...)
			require.NoError(t, charm.Run(t.Context(), register, &charm.Options{Env: env, Transport: transport}))
			if transport == "socket" {
				assert.Empty(t, agent.message)
				assert.Len(t, agent.results["log"], size)
				return
			}
			assert.Contains(t, agent.message, `cannot set result "log" (field Log): it has 200000 bytes: cannot run "action-set`)
			assert.Contains(t, agent.message, "too long for a process")
			assert.NotContains(t, agent.message, "xxxx")
			assert.Nil(t, agent.results)
		})
	}
}

// Results that are each short enough, but too many for a process.
func TestManyActionResults(t *testing.T) {
	t.Parallel()
	const count, size = 70, 100_000 // 7 MB, of which Linux passes 6 at most
	register := func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (map[string]string, error) {
			out := make(map[string]string)
			for i := range count {
				out[fmt.Sprintf("r%02d", i)] = strings.Repeat("x", size)
			}
			return out, nil
		})
	}
	for _, transport := range []string{"socket", "exec"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			agent := &actionAgent{}
			server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
				stdout, err := agent.Run(t.Context(), call) // one at a time
				assert.NoError(t, err)
				return hookcmdtest.Answer{Stdout: string(stdout)}
			}, nil)
			env := append(environ(t, freeAction), server.Agent().Env...)
			require.NoError(t, charm.Run(t.Context(), register, &charm.Options{Env: env, Transport: transport}), "it is the operator's to know")
			if transport == "socket" {
				assert.Empty(t, agent.message)
				assert.Len(t, agent.results, count)
				return
			}
			assert.Equal(t, "cannot set results: 70 results of 7000280 bytes in all, keys included, are too much for the command line of a process; the agent's socket has no such limit: argument list too long", agent.message)
			assert.Nil(t, agent.results)
		})
	}
}

// family has what encoding/json does not look at: a cycle, and text that is none.
type family struct {
	Name   string
	parent *family
	Secret *family `json:"-"`
}

// Only what is sent has to be text.
func TestActionResultsThatAreNotSent(t *testing.T) {
	t.Parallel()
	child := family{Name: `\ufffd`} // by which encoding/json replaces what is no text
	child.parent, child.Secret = &child, &family{Name: "\xff"}
	results, message := returned(t, map[string]any{"r": []family{child}})
	assert.Empty(t, message)
	assert.Equal(t, map[string]string{"r": `[{"Name":"\\ufffd"}]`}, results)
	_, message = returned(t, map[string]any{"r": []struct{ family }{{family{Name: "\xff"}}}})
	assert.Equal(t, `cannot set result "r": it has text that is not valid UTF-8`, message, "of an embedded struct")
}

// The keys that Juju's own action-set was recorded to refuse are refused here,
// and the others are not.
func TestRecordedActionResults(t *testing.T) {
	t.Parallel()
	taken, refused := 0, 0
	for _, c := range golden.Cases() {
		for _, call := range c.Calls {
			if c.FromFake || c.Event.Kind != "action" || len(call.Argv) != 2 || call.Argv[0] != "action-set" {
				continue
			}
			key, value, ok := strings.Cut(call.Argv[1], "=")
			if !ok || key == "return-code" {
				continue
			}
			results, message := returned(t, map[string]string{key: value})
			if call.Code == 0 {
				taken++
				assert.Equal(t, map[string]string{key: value}, results, call.Argv)
				assert.Empty(t, message, call.Argv)
			} else {
				refused++
				assert.Contains(t, message, "cannot set result", "%v: Juju says %s", call.Argv, call.Stderr)
			}
		}
	}
	assert.NotZero(t, taken, "recordings of results that are taken")
	assert.NotZero(t, refused, "recordings of results that are refused")
}

// What is sent, Juju takes, and shows as it was returned; what it would refuse
// is not sent.
func FuzzActionResults(f *testing.F) {
	f.Add("a", "b", "c.d", 1.5)
	f.Add("a", "b", "a.d", -2.0)
	f.Add("0", "0", "", 0.0)
	f.Add("Host", "\x00", "stdout", 1e300)
	f.Add("x-1", "\xff=", "return-code", math.Inf(1))
	f.Fuzz(func(t *testing.T, key, value, other string, number float64) {
		out := map[string]any{key: value, other: map[string]any{"n": number, "l": []string{value}}}
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.OnAction(c, "free", func(context.Context, struct{}) (map[string]any, error) { return out, nil })
		}, &charmtest.Options{Metadata: actionCharm})
		result := h.RunAction("free", nil)
		if result.Status == "failed" {
			require.Contains(t, result.Message, "cannot set result")
			require.Empty(t, result.Results)
			require.Equal(t, []string{"action-get", "action-fail"}, commandsOf(h), "it is refused before it is sent")
			return
		}
		require.Equal(t, "completed", result.Status, result.Message)
		require.True(t, utf8.ValidString(value))
		at := func(path string) any {
			var now any = result.Results
			for part := range strings.SplitSeq(path, ".") {
				now = now.(map[string]any)[part]
			}
			return now
		}
		if key != other {
			require.Equal(t, value, at(key))
		}
		var list []string
		require.NoError(t, json.Unmarshal([]byte(at(other+".l").(string)), &list))
		require.Equal(t, []string{value}, list)
		var n float64
		require.NoError(t, json.Unmarshal([]byte(at(other+".n").(string)), &n))
		require.Equal(t, number, n)
	})
}
