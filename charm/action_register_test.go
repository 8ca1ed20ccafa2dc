// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

type (
	takes   struct{ Next *takes }
	gives   struct{ Next *gives }
	decides struct{ A int }
)

func (*decides) UnmarshalText([]byte) error  { return nil }
func (decides) MarshalText() ([]byte, error) { return nil, nil }

// on registers a handler that takes In and returns Out.
func on[In, Out any](name string) func(*charm.Charm) {
	return func(c *charm.Charm) {
		charm.OnAction(c, name, func(context.Context, In) (out Out, err error) { return out, nil })
	}
}

func TestOnActionPanics(t *testing.T) {
	t.Parallel()
	type none = struct{}
	type inner struct{ A, B int }
	for want, register := range map[string]func(*charm.Charm){
		`no action can have the name ""`:          on[none, none](""),
		`no action can have the name "Free"`:      on[none, none]("Free"),
		`no action can have the name "juju-free"`: on[none, none]("juju-free"),
		`action "free" has two handlers`:          func(c *charm.Charm) { on[none, none]("free")(c); on[none, none]("free")(c) },
		`the handler is nil`: func(c *charm.Charm) {
			charm.OnAction[none, none](c, "free", nil)
		},

		`the handler of action "free" cannot take *charm_test.pingParams: take charm_test.pingParams`:     on[*pingParams, none]("free"),
		`the handler of action "free" cannot return *charm_test.pingResult: return charm_test.pingResult`: on[none, *pingResult]("free"),

		`the handler of action "free" takes a struct of parameters, not an event`: on[events.Action, none]("free"),
		`cannot take string: take a struct, struct{} for none, or map[string]any`: on[string, none]("free"),
		`cannot take interface {}: take a struct`:                                 on[any, none]("free"),
		`cannot take map[int]string: map[int]string is nothing that Juju has`:     on[map[int]string, none]("free"),
		`cannot take charm_test.decides: it has UnmarshalJSON or UnmarshalText`:   on[decides, none]("free"),
		`field In.C is of type chan int, which is nothing that Juju has`:          on[struct{ In struct{ C []chan int } }, none]("free"),
		`field E is of type error, which is nothing that Juju has`:                on[struct{ E *error }, none]("free"),
		`fields A and B have the name "a"`: on[struct {
			A int
			B int `json:"a"`
		}, none]("free"),
		`field inner is an embedded pointer`: on[struct{ *inner }, none]("free"),
		`field A has the option "string" in its json tag`: on[struct {
			A int `json:",string"`
		}, none]("free"),

		`cannot return []string: return a struct, struct{} for none, or a map such as map[string]string`: on[none, []string]("free"),
		`cannot return charm_test.decides: it has MarshalJSON or MarshalText`:                            on[none, decides]("free"),
		`field Next contains itself`:     on[none, gives]("free"),
		`field C is of type chan int`:    on[none, struct{ C chan int }]("free"),
		`field M is of type map[int]int`: on[none, struct{ M map[int]int }]("free"),
		`field In.MaxTries cannot have the key "max_tries": "max_tries" is not of lower-case letters, digits and inner dashes`: on[none, struct {
			In struct {
				MaxTries int `json:"max_tries"`
			}
		}]("free"),
		`field In.Stdout cannot have the key "stdout": "stdout" is reserved`: on[none, struct{ In struct{ Stdout string } }]("free"),
		`field ReturnCode cannot have the key "return-code"`:                 on[none, struct{ ReturnCode int }]("free"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			defer func() {
				text, _ := recover().(string)
				assert.Contains(t, text, "charm.OnAction: ")
				assert.Contains(t, text, want)
			}()
			_, _ = run(t, &actionAgent{}, events.Start{}, register)
		})
	}
	for name, register := range map[string]func(*charm.Charm){
		"a list of itself": on[takes, none]("free"),
		"a return code":    on[none, struct{ In struct{ ReturnCode int } }]("free"),
		"a hidden field": on[struct {
			inner
			A string
		}, none]("free"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := run(t, &actionAgent{}, events.Start{}, register)
			require.NoError(t, err)
		})
	}
}
