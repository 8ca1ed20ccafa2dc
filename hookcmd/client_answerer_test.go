// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// scriptedAnswerer is asked first, and answers with answer.
type scriptedAnswerer struct {
	*scriptedBatcher
	answer func(call hookcmd.Call, result any) (answered bool, err error)
	asked  []hookcmd.Call
}

func (a *scriptedAnswerer) Answer(_ context.Context, call hookcmd.Call, result any) (bool, error) {
	a.asked = append(a.asked, call)
	return a.answer(call, result)
}

// Post makes a scriptedAnswerer all that a Runner can be.
func (a *scriptedAnswerer) Post(context.Context, hookcmd.Call, func(error)) error {
	panic("an Answerer was posted to")
}

func newScriptedAnswerer(stdout string, answer func(call hookcmd.Call, result any) (bool, error)) *scriptedAnswerer {
	return &scriptedAnswerer{scriptedBatcher: &scriptedBatcher{scriptedRunner: scriptedPrinter(stdout)}, answer: answer}
}

// scriptedQuestion is the call that an Answerer is asked, which names no file.
func scriptedQuestion(t *testing.T, m scriptedMethod, call hookcmd.Call) {
	t.Helper()
	argv := slices.DeleteFunc(slices.Clone(m.argv), func(arg string) bool { return arg == "--file=PATH" })
	assert.Equal(t, argv, scriptedArgv(call), "command line")
	if len(m.data) == 0 {
		assert.Empty(t, call.Data)
	} else {
		assert.Equal(t, m.data, call.Data)
	}
}

func TestAnswererAnswers(t *testing.T) {
	t.Parallel()
	for _, m := range scriptedMethods(t) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			answer := m.answer
			if answer == nil {
				answer = m.want
			}
			runner := newScriptedAnswerer("", func(_ hookcmd.Call, result any) (bool, error) {
				if answer == nil {
					assert.Nil(t, result)
				} else if assert.Equal(t, reflect.PointerTo(reflect.TypeOf(answer)), reflect.TypeOf(result), "result") {
					reflect.ValueOf(result).Elem().Set(reflect.ValueOf(answer))
				}
				entries, err := os.ReadDir(dir)
				assert.NoError(t, err)
				assert.Empty(t, entries, "temporary files")
				return true, nil
			})

			got, err := m.call(t.Context(), hookcmd.New(runner, &hookcmd.Options{TempDir: dir}))

			require.NoError(t, err)
			require.Len(t, runner.asked, 1)
			scriptedQuestion(t, m, runner.asked[0])
			assert.Empty(t, runner.calls, "commands run as text")
			assert.Empty(t, runner.batches, "batches run as text")
			assert.Equal(t, m.want, got)
		})
	}
}

func TestAnswererDeclines(t *testing.T) {
	t.Parallel()
	for _, m := range scriptedMethods(t) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			runner := newScriptedAnswerer(m.prints, func(hookcmd.Call, any) (bool, error) { return false, nil })

			got, err := m.call(t.Context(), hookcmd.New(runner, &hookcmd.Options{TempDir: t.TempDir()}))

			require.NoError(t, err)
			require.Len(t, runner.asked, 1)
			scriptedQuestion(t, m, runner.asked[0])
			require.Len(t, runner.calls, 1)
			assert.Equal(t, m.argv, scriptedArgv(runner.calls[0]))
			assert.Equal(t, m.stdin, string(runner.calls[0].Stdin))
			assert.Equal(t, m.want, got)
		})
	}
}

// An error needs no answered beside it.
func TestAnswererFails(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{true, false} {
		failure := &hookcmd.Error{Command: "x", Code: 1, Stderr: "no"}
		for _, m := range scriptedMethods(t) {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				runner := newScriptedAnswerer(m.prints, func(hookcmd.Call, any) (bool, error) { return answered, failure })
				_, err := m.call(t.Context(), hookcmd.New(runner, &hookcmd.Options{TempDir: t.TempDir()}))
				assert.Equal(t, failure, err)
				assert.Empty(t, runner.calls, "commands run as text")
			})
		}
	}
}

func TestAnswererStateGetKeyMissing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(hookcmd.Call, any) (bool, error){
		"null": func(_ hookcmd.Call, result any) (bool, error) {
			assert.IsType(t, (**string)(nil), result)
			return true, nil // it is nil
		},
		"failure": func(hookcmd.Call, any) (bool, error) {
			return true, &hookcmd.Error{Command: "state-get", Code: 1, Stderr: `"k" not found`}
		},
	} {
		value, ok, err := hookcmd.New(newScriptedAnswerer("", answer), nil).StateGetKey(t.Context(), "k")
		require.NoError(t, err, name)
		assert.False(t, ok, name)
		assert.Empty(t, value, name)
	}
}

// Values that are refused are not shown to an Answerer either, and bytes reach
// it as they are.
func TestAnswererData(t *testing.T) {
	t.Parallel()
	runner := newScriptedAnswerer("", func(_ hookcmd.Call, result any) (bool, error) {
		if uri, ok := result.(*string); ok {
			*uri = "secret:x"
		}
		return true, nil
	})
	client := hookcmd.New(runner, nil)
	bytes := map[string]hookcmd.SecretValue{"bytes": hookcmd.NewSecretValue("\x00\xff\ufffd")}

	uri, err := client.SecretAdd(t.Context(), bytes, nil)
	require.NoError(t, err)
	assert.Equal(t, "secret:x", uri)
	require.NoError(t, client.SecretSet(t.Context(), "secret:x", bytes, nil))
	require.Len(t, runner.asked, 2)
	for _, call := range runner.asked {
		assert.Equal(t, map[string]string{"bytes": "\x00\xff\ufffd"}, call.Data)
		assert.False(t, slices.ContainsFunc(call.Args, func(arg string) bool { return strings.Contains(arg, "file") }))
	}

	require.Error(t, client.RelationSet(t.Context(), scriptedDB, map[string]string{"k": "\xff"}))
	require.Error(t, client.StateSet(t.Context(), map[string]string{"\xff": "v"}))
	_, err = client.SecretAdd(t.Context(), nil, nil)
	require.Error(t, err)
	assert.Len(t, runner.asked, 2, "calls that were refused")
}

// Each unit is asked for on its own: an Answerer has nothing to gain by a batch.
func TestAnswererRelationGetAll(t *testing.T) {
	t.Parallel()
	runner := newScriptedAnswerer("", func(call hookcmd.Call, result any) (bool, error) {
		*result.(*map[string]string) = map[string]string{"unit": call.Args[len(call.Args)-1]}
		return true, nil
	})
	bags, err := hookcmd.New(runner, nil).RelationGetAll(t.Context(), scriptedDB, []string{"mysql/1", "mysql/0"})
	require.NoError(t, err)
	assert.Equal(t, []map[string]string{{"unit": "mysql/1"}, {"unit": "mysql/0"}}, bags)
	assert.Empty(t, runner.batches)
}

// The secret's bytes are exact when they come as a value: U+FFFD means itself.
func TestAnswererSecretGet(t *testing.T) {
	t.Parallel()
	want := map[string]hookcmd.SecretValue{"k": hookcmd.NewSecretValue("\ufffd"), "bytes": hookcmd.NewSecretValue("\xff")}
	runner := newScriptedAnswerer("", func(_ hookcmd.Call, result any) (bool, error) {
		*result.(*map[string]hookcmd.SecretValue) = want
		return true, nil
	})
	got, err := hookcmd.New(runner, nil).SecretGet(t.Context(), hookcmd.SecretLookup{ID: "x"}, hookcmd.SecretTracked)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Len(t, runner.asked, 1)
}

// The map that an Answerer shares is copied for the caller, unless that does not
// change it.
func TestAnswererSharesMaps(t *testing.T) {
	t.Parallel()
	rel := hookcmd.RelationID{Endpoint: "db", ID: 1}
	for name, get := range map[string]func(c *hookcmd.Client) (map[string]string, error){
		"RelationGet":    func(c *hookcmd.Client) (map[string]string, error) { return c.RelationGet(t.Context(), rel, "app/0") },
		"RelationGetApp": func(c *hookcmd.Client) (map[string]string, error) { return c.RelationGetApp(t.Context(), rel, "app") },
		"RelationGetAll": func(c *hookcmd.Client) (map[string]string, error) {
			all, err := c.RelationGetAll(t.Context(), rel, []string{"app/0", "app/1"})
			return all[1], err
		},
		"StateGet":  func(c *hookcmd.Client) (map[string]string, error) { return c.StateGet(t.Context()) },
		"LeaderGet": func(c *hookcmd.Client) (map[string]string, error) { return c.LeaderGet(t.Context()) },
	} {
		for _, shared := range []bool{false, true} {
			own := map[string]string{"a": "b"}
			runner := newScriptedAnswerer("", func(_ hookcmd.Call, result any) (bool, error) {
				*result.(*map[string]string) = own
				return true, nil
			})
			values, err := get(hookcmd.New(runner, &hookcmd.Options{SharedMaps: shared}))
			require.NoError(t, err, name)
			assert.Equal(t, own, values, name)
			values["a"] = "c"
			assert.Equal(t, shared, own["a"] == "c", name)
		}
	}
}
