// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// actionCharm has an action that takes anything, and one of each kind of parameter.
const actionCharm = `
type: charm
name: acting
summary: A charm for tests.
description: It has actions.
peers:
  peers: {interface: acting}
provides:
  site: {interface: http}
actions:
  free:
    additionalProperties: true
  ping:
    params:
      host: {type: string}
      tries: {type: integer, default: 3}
      via: {type: object, properties: {port: {type: integer}}}
    required: [host]
`

// bothWays runs a test on a model that answers by value, and on one that answers
// as text.
func bothWays(t *testing.T, register func(*charm.Charm), test func(t *testing.T, h *charmtest.Harness)) {
	t.Helper()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, charmtest.New(t, register, &charmtest.Options{Metadata: actionCharm, Leader: true, TextOnly: textOnly}))
		})
	}
}

// commandsOf returns the names of the hook commands that have run.
func commandsOf(h *charmtest.Harness) []string {
	var names []string
	for _, call := range h.Calls() {
		names = append(names, call.Command)
	}
	return names
}

type pingParams struct {
	Host  string `json:"host"`
	Tries int
	Via   *struct{ Port uint16 }
}

type pingResult struct {
	Reply struct {
		Host  string
		Tries int
	}
	Open bool
}

func pingAction(c *charm.Charm) {
	charm.OnAction(c, "ping", func(ctx context.Context, in pingParams) (out pingResult, err error) {
		if err := c.ActionLog(ctx, "-v: pinging "+in.Host); err != nil {
			return out, err
		}
		out.Reply.Host, out.Reply.Tries, out.Open = in.Host, in.Tries, in.Via != nil && in.Via.Port == 443
		return out, nil
	})
}

func TestOnAction(t *testing.T) {
	t.Parallel()
	bothWays(t, pingAction, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, charmtest.ActionResult{
			Status:  "completed",
			Results: map[string]any{"reply": map[string]any{"host": "db", "tries": "3"}, "open": "true"},
			Log:     []string{"-v: pinging db"},
		}, h.RunAction("ping", map[string]any{"host": "db", "via": map[string]any{"port": 443}}))
		assert.Equal(t, []string{"action-get", "action-log", "action-set"}, commandsOf(h))
	})
}

// A handler's error is the operator's answer; the results that it has are kept.
func TestActionFailsWithPartialResults(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (pingResult, error) {
			return pingResult{Open: true}, errors.New("no route to\x00 \xff host")
		})
		charm.OnCollectStatus(c, func(context.Context, *charm.StatusSet) error { panic("a failed action has no status") })
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, charmtest.ActionResult{
			Status: "failed", Message: "no route to\ufffd \ufffd host",
			Results: map[string]any{"reply": map[string]any{"host": "", "tries": "0"}, "open": "true"},
		}, h.RunAction("free", nil))
		assert.Equal(t, []string{"action-get", "action-set", "action-fail"}, commandsOf(h))
	})
}

func TestFailedActionWithoutResults(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (pingResult, error) { return pingResult{}, errTest })
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, charmtest.ActionResult{Status: "failed", Message: errTest.Error(), Results: map[string]any{}}, h.RunAction("free", nil))
	})
}

// What is kept back is dropped, and the handlers that follow do not run.
func TestFailedActionDropsWrites(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		c.UseDispatch(func(next charm.Handler) charm.Handler { // what is dropped cannot be flushed later
			return func(ctx context.Context, ev events.Event) error { return errors.Join(next(ctx, ev), c.Flush(ctx)) }
		})
		seen := charm.NewStored[int](c, "seen")
		charm.OnAction(c, "free", func(ctx context.Context, in struct{ Fail *bool }) (struct{}, error) {
			rel, err := c.Peers(ctx, "peers")
			if err != nil {
				return struct{}{}, err
			}
			if err := errors.Join(rel.Local().Set(ctx, "a", "1"), rel.LocalApp().Set(ctx, "b", "2"), seen.Set(ctx, 1)); err != nil {
				return struct{}{}, err
			}
			if in.Fail != nil {
				return struct{}{}, errTest
			}
			return struct{}{}, nil
		})
		charm.OnDispatch(c, func(ctx context.Context, _ events.Event) error {
			return c.SetStatus(ctx, charm.Active("the handler that follows"))
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, "failed", h.RunAction("free", map[string]any{"fail": true}).Status)
		assert.Empty(t, h.Peers("peers").Local()["a"])
		assert.Empty(t, h.Peers("peers").LocalApp()["b"])
		assert.Empty(t, h.State())
		assert.Empty(t, h.Status().Message)
		assert.Empty(t, h.Logs(), "no warning: nothing was changed")

		assert.Equal(t, "completed", h.RunAction("free", nil).Status)
		assert.Equal(t, "1", h.Peers("peers").Local()["a"])
		assert.Equal(t, "2", h.Peers("peers").LocalApp()["b"])
		assert.Equal(t, map[string]string{"seen": "1"}, h.State())
		assert.Equal(t, "the handler that follows", h.Status().Message)
	})
}

// What Juju keeps of a failed action is told in the log.
func TestFailedActionWarns(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(ctx context.Context, _ struct{}) (struct{}, error) {
			hook := c.HookCommands()
			if err := hook.StateSet(ctx, map[string]string{"a": "1"}); err != nil {
				return struct{}{}, err
			}
			if err := hook.OpenPort(ctx, hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}); err != nil {
				return struct{}{}, err
			}
			if err := hook.StorageAdd(ctx, "nowhere", 0); err == nil {
				return struct{}{}, errors.New("storage-add should have failed")
			}
			return struct{}{}, errTest
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, errTest.Error(), h.RunAction("free", nil).Message)
		require.Len(t, h.Logs(), 1)
		assert.Equal(t, "WARNING", h.Logs()[0].Level)
		assert.Equal(t, `the action has failed, but Juju keeps what these hook commands have changed commands="open-port state-set"`, h.Logs()[0].Message)
		assert.NotEmpty(t, h.OpenedPorts())
	})
}

// Secrets that the charm has added are removed again; of those that it has added
// by hook commands of its own the log tells.
func TestFailedActionWithdrawsSecrets(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(ctx context.Context, in struct{ Raw *bool }) (struct{}, error) {
			var err error
			if in.Raw != nil {
				_, err = c.HookCommands().SecretAdd(ctx, map[string]hookcmd.SecretValue{"password": hookcmd.NewSecretValue("x")}, nil)
			} else {
				_, err = c.AddSecret(ctx, map[string]charm.SecretValue{"password": hookcmd.NewSecretValue("x")}, nil)
			}
			return struct{}{}, errors.Join(err, errTest)
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, errTest.Error(), h.RunAction("free", nil).Message)
		assert.Equal(t, []string{"action-get", "secret-add", "secret-remove", "action-fail"}, commandsOf(h))
		assert.Empty(t, h.Secrets())
		assert.Empty(t, h.Logs())

		assert.Equal(t, errTest.Error(), h.RunAction("free", map[string]any{"raw": true}).Message)
		assert.Len(t, h.Secrets(), 1)
		require.Len(t, h.Logs(), 1)
		assert.Contains(t, h.Logs()[0].Message, "commands=secret-add")
	})
}

// What has become of secrets that were there before is told.
func TestFailedActionTellsOfOtherSecrets(t *testing.T) {
	t.Parallel()
	content := func(text string) map[string]charm.SecretValue {
		return map[string]charm.SecretValue{"password": hookcmd.NewSecretValue(text)}
	}
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(ctx context.Context, in struct{ Old *string }) (struct{}, error) {
			if in.Old != nil && *in.Old == "" {
				_, err := c.AddSecret(ctx, content("old"), &charm.SecretOptions{Label: "old"})
				return struct{}{}, err
			}
			uri, err := c.AddSecret(ctx, content("x"), nil)
			sites, relErr := c.Relations(ctx, "site")
			err = errors.Join(err, relErr, c.Secret(uri).Grant(ctx, sites[0], nil), c.Secret(uri).SetContent(ctx, content("y")))
			if in.Old != nil {
				err = errors.Join(err, c.SecretByLabel(*in.Old).Grant(ctx, sites[0], nil), c.SecretByLabel(*in.Old).SetContent(ctx, content("z")))
			}
			return struct{}{}, errors.Join(err, errTest)
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		h.Relate("site", "web")
		assert.Equal(t, "completed", h.RunAction("free", map[string]any{"old": ""}).Status)
		assert.Equal(t, errTest.Error(), h.RunAction("free", nil).Message)
		assert.Empty(t, h.Logs(), "of the new secret nothing is left")
		assert.Equal(t, errTest.Error(), h.RunAction("free", map[string]any{"old": "old"}).Message)
		require.Len(t, h.Logs(), 1)
		assert.Contains(t, h.Logs()[0].Message, `commands="secret-grant secret-set"`)
	})
}

// After a panic nothing is kept, and what happened is on standard error, which
// Juju shows the operator.
func TestActionPanics(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(ctx context.Context, _ struct{}) (struct{}, error) {
			if err := c.HookCommands().StateSet(ctx, map[string]string{"a": "1"}); err != nil {
				return struct{}{}, err
			}
			panic("oh no")
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		result := h.RunAction("free", nil)
		assert.Equal(t, "exit status 1", result.Message)
		assert.Contains(t, result.Results["stderr"], "panic: oh no")
		assert.NotContains(t, commandsOf(h), "action-fail")
		assert.Empty(t, h.State())
	})
}

func TestUnhandledActionAmongOthers(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		pingAction(c)
		charm.OnDispatch(c, func(context.Context, events.Event) error { return nil })
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, `action "free" not implemented`, h.RunAction("free", nil).Message)
		assert.Equal(t, []string{"action-fail"}, commandsOf(h))
	})
}

// Other handlers of the action's event run alongside.
func TestHandlersOfActionsRunInOrder(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnDispatch(c, func(ctx context.Context, ev events.Event) error { return c.ActionLog(ctx, "dispatch "+ev.Name()) })
		charm.OnAction(c, "free", func(ctx context.Context, _ struct{}) (struct{}, error) {
			return struct{}{}, c.ActionLog(ctx, "action")
		})
		pingAction(c)
		charm.On(c, func(ctx context.Context, ev events.Action) error { return c.ActionLog(ctx, "event "+ev.Action) })
		charm.On(c, func(context.Context, events.Hook) error { return errTest })
	}, func(t *testing.T, h *charmtest.Harness) {
		result := h.RunAction("free", nil)
		assert.Equal(t, "completed", result.Status)
		assert.Equal(t, []string{"dispatch free", "action", "event free"}, result.Log)
	})
}

// An action whose first handler fails in another way fails with its exit code.
func TestOtherHandlersOfActionsFail(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
		charm.On(c, func(context.Context, events.Action) error { return errTest })
	}, func(t *testing.T, h *charmtest.Harness) {
		result := h.RunAction("free", nil)
		assert.Equal(t, "exit status 1", result.Message)
		require.ErrorIs(t, result.Err, errTest)
	})
}

func TestMiddlewareSeesAnActionsError(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		c.Use(func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) error {
				err := next(ctx, ev)
				if !errors.Is(err, errTest) {
					return errors.New("the error is not the handler's")
				}
				return errors.Join(err, c.ActionLog(ctx, "seen"))
			}
		})
		charm.OnAction(c, "free", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, errTest })
	}, func(t *testing.T, h *charmtest.Harness) {
		result := h.RunAction("free", nil)
		assert.Equal(t, errTest.Error(), result.Message)
		assert.Equal(t, []string{"seen"}, result.Log)
	})
}

func TestActionsCannotBeDeferred(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.OnAction(c, "free", func(context.Context, struct{}) (struct{}, error) {
			return struct{}{}, charm.Defer("waiting")
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		assert.Equal(t, "cannot defer an action: the operator waits for it", h.RunAction("free", nil).Message)
	})
}

// The error of an action is shown to its end only as far as a process can be told.
func TestLongErrorOfAction(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (struct{}, error) {
			return struct{}{}, errors.New(strings.Repeat("é", 100_000))
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		message := h.RunAction("free", nil).Message
		assert.Equal(t, strings.Repeat("é", 32<<10)+"… (200000 bytes)", message)
	})
}

// An agent that cannot be told of the failure is what else has gone wrong.
func TestActionFailFails(t *testing.T) {
	t.Parallel()
	runner := &actionAgent{fail: map[string]error{"action-fail": errors.New("no answer")}}
	stderr, err := run(t, runner, events.Action{Action: "free", ID: "1"}, func(c *charm.Charm) {
		charm.OnAction(c, "free", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, errTest })
	})
	require.EqualError(t, err, "cannot tell that the action failed (no room): no answer")
	assert.Contains(t, stderr, err.Error())
}

// Outside of an action there is nothing to be told.
func TestActionLogInHook(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			if err := c.ActionLog(ctx, "x"); !errors.Is(err, hookcmd.ErrNotAction) {
				return errors.New("hookcmd.ErrNotAction is expected")
			}
			return nil
		})
	}, func(t *testing.T, h *charmtest.Harness) {
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, []string{"action-log"}, commandsOf(h))
	})
}
