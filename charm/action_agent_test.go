// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// actionAgent is a hookcmd.Runner that runs the commands of one action.
type actionAgent struct {
	params string // what action-get prints; empty: {}
	fail   map[string]error

	calls   []string // the commands' names
	results map[string]string
	message string
}

func (a *actionAgent) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	a.calls = append(a.calls, call.Command)
	if err := a.fail[call.Command]; err != nil {
		return nil, err
	}
	switch call.Command {
	case "action-get":
		if a.params == "" {
			return []byte("{}\n"), nil
		}
		return []byte(a.params + "\n"), nil
	case "action-set":
		a.results = make(map[string]string)
		for _, arg := range call.Args[1:] {
			key, value, _ := strings.Cut(arg, "=")
			a.results[key] = value
		}
	case "action-fail":
		a.message = call.Args[1]
	}
	return nil, nil
}

// freeAction is the event of the action that the functions below run.
var freeAction = events.Action{Action: "free", ID: "1"}

// given runs an action that is given the JSON, and returns what its handler gets
// and what the operator is told.
func given[In any](t testing.TB, params string) (in In, message string) {
	t.Helper()
	agent := &actionAgent{params: params}
	called := false
	_, err := run(t, agent, freeAction, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(_ context.Context, got In) (struct{}, error) {
			in, called = got, true
			return struct{}{}, nil
		})
	})
	require.NoError(t, err)
	require.Equal(t, called, agent.message == "", "the handler is called if the parameters are right: %s", agent.message)
	return in, agent.message
}

// returned runs an action that returns out, and returns what Juju gets and what
// the operator is told.
func returned[Out any](t testing.TB, out Out) (results map[string]string, message string) {
	t.Helper()
	agent := &actionAgent{}
	_, err := run(t, agent, freeAction, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (Out, error) { return out, nil })
	})
	require.NoError(t, err)
	return agent.results, agent.message
}
