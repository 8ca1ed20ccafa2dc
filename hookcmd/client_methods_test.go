// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// scriptedMethod is one use of a method of Client: what it must send, and what
// it must return for what Juju prints.
type scriptedMethod struct {
	name   string // of the method; words that follow tell its rows apart
	call   func(ctx context.Context, c *hookcmd.Client) (any, error)
	argv   []string
	stdin  string            // empty: there must be none
	data   map[string]string // that an Answerer is given
	prints string            // what Juju prints
	want   any               // nil if the method returns nothing but an error
	answer any               // a value as an Answerer gives it; nil: that is want
	text   bool              // it prints no JSON
}

// scriptedKey is what a method returns that looks up one key.
type scriptedKey struct {
	value string
	ok    bool
}

func scriptedLookup(value string, ok bool, err error) (any, error) {
	return scriptedKey{value, ok}, err
}

func scriptedMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	return slices.Concat(relationMethods(tb), settingsMethods(tb), networkMethods(tb), secretMethods(tb),
		statusMethods(tb), actionMethods(tb))
}

func TestEveryClientMethodIsScripted(t *testing.T) {
	t.Parallel()
	scripted := map[string]bool{}
	rows := map[string]bool{}
	for _, m := range scriptedMethods(t) {
		name, _, _ := strings.Cut(m.name, " ")
		scripted[name] = true
		assert.False(t, rows[m.name], "two rows are called %q", m.name)
		rows[m.name] = true
	}
	client := reflect.TypeFor[*hookcmd.Client]()
	require.Positive(t, client.NumMethod())
	for i := range client.NumMethod() {
		assert.True(t, scripted[client.Method(i).Name], "no row for method %s", client.Method(i).Name)
	}
}

func TestClientMethods(t *testing.T) {
	t.Parallel()
	for _, m := range scriptedMethods(t) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			runner := scriptedPrinter(m.prints)

			got, err := m.call(t.Context(), hookcmd.New(runner, nil))

			require.Len(t, runner.calls, 1)
			call := runner.calls[0]
			assert.Equal(t, m.argv, scriptedArgv(call), "command line")
			if m.stdin == "" {
				assert.Nil(t, call.Stdin, "standard input")
			} else {
				assert.Equal(t, m.stdin, string(call.Stdin), "standard input")
			}
			require.NoError(t, err, "for the output %q", m.prints)
			assert.Equal(t, m.want, got, "for the output %q", m.prints)
		})
	}
}

func TestClientMethodsFail(t *testing.T) {
	t.Parallel()
	socket := scriptedSocket(t, func(hookcmd.Call) hookcmdtest.Answer {
		return hookcmdtest.Failure(2, "this unit is not the leader")
	}, nil)
	for _, m := range scriptedMethods(t) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			// Without its other methods PostJujuLog waits.
			client := hookcmd.New(struct{ hookcmd.Runner }{socket}, nil)

			got, err := m.call(t.Context(), client)

			var failure *hookcmd.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, m.argv[0], failure.Command)
			assert.Equal(t, 2, failure.Code)
			assert.Equal(t, "this unit is not the leader", failure.Stderr)
			assert.ErrorIs(t, err, hookcmd.ErrNotLeader)
			if m.want != nil {
				assert.True(t, scriptedEmpty(got), "returned %+v beside the error", got)
			}
		})
	}
}

// scriptedEmpty tells whether a result holds nothing.
func scriptedEmpty(result any) bool {
	value := reflect.ValueOf(result)
	switch value.Kind() {
	case reflect.Map, reflect.Slice:
		return value.Len() == 0
	}
	return value.IsZero()
}
