// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"math"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const someActions = `
backup:
  description: x
  params:
    level: {type: integer, minimum: 1, default: 3}
    target: {type: string, enum: [disk, tape]}
    options:
      type: object
      properties:
        compress: {type: boolean, default: true}
        codec: {type: string}
  required: [target]
loose:
  additionalProperties: true
  params: {list: {type: array, items: {type: string}, default: []}}
strict:
  required: []
  params: {a: {type: string}}
`

func TestActionParameters(t *testing.T) {
	t.Parallel()
	type params = map[string]any
	for name, test := range map[string]struct {
		action  string
		version string
		given   params
		want    params // that the charm gets; nil: it does not run
		message string
	}{
		"defaults":         {"backup", "4.1.0", params{"target": "disk"}, params{"target": "disk", "level": 3.0, "options": params{"compress": true}}, ""},
		"all given":        {"backup", "4.1.0", params{"target": "tape", "level": 9, "options": params{"compress": false, "codec": "x"}}, params{"target": "tape", "level": 9.0, "options": params{"compress": false, "codec": "x"}}, ""},
		"inner default":    {"backup", "4.1.0", params{"target": "tape", "options": params{"codec": "x"}}, params{"target": "tape", "level": 3.0, "options": params{"compress": true, "codec": "x"}}, ""},
		"missing":          {"backup", "4.1.0", nil, nil, `validation failed: (root) : "target" property is missing and required, given {}`},
		"wrong type":       {"backup", "4.1.0", params{"target": "disk", "level": "high"}, nil, `validation failed: (root).level : must be of type integer, given "high"`},
		"inner wrong type": {"backup", "4.1.0", params{"target": "disk", "options": params{"compress": 1}}, nil, `validation failed: (root).options.compress : must be of type boolean, given 1`},
		"too small":        {"backup", "4.1.0", params{"target": "disk", "level": 0}, nil, `validation failed: (root).level : minimum: got 0, want 1, given 0`},
		"not of the enum":  {"backup", "4.1.0", params{"target": "cloud"}, nil, `validation failed: (root).target : value must be one of 'disk', 'tape', given "cloud"`},
		"extra":            {"backup", "4.1.0", params{"target": "disk", "x": 1}, nil, `validation failed: (root) : additional property "x" is not allowed, given {"target":"disk","x":1}`},
		"extra in 3.6":     {"backup", "3.6.26", params{"target": "disk", "x": 1}, params{"target": "disk", "level": 3.0, "options": params{"compress": true}, "x": 1.0}, ""},
		"extra, allowed":   {"loose", "4.1.0", params{"x": nil}, params{"x": nil, "list": []any{}}, ""},
		"in a list":        {"loose", "4.1.0", params{"list": []string{"a", "b"}}, params{"list": []any{"a", "b"}}, ""},
		"wrong in a list":  {"loose", "4.1.0", params{"list": []any{"a", 1}}, nil, `validation failed: (root).list.1 : must be of type string, given 1`},
		"empty required":   {"strict", "4.1.0", nil, params{}, ""},
		"undefined":        {"nosuch", "4.1.0", nil, nil, "not defined"},
		"undefined in 3.6": {"nosuch", "3.6.26", nil, nil, "not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, &juju.Options{Version: test.version})
			u := s.deploy("app", "", someActions, 1).Units()[0]
			s.settle()
			act, err := u.RunAction(test.action, test.given)
			require.NoError(t, err)
			assert.Equal(t, "pending", act.Status)
			hooks := s.settle()
			if test.want == nil {
				assert.Empty(t, hooks)
				status := map[string]string{"4.1.0": "error", "3.6.26": "failed"}[test.version]
				assert.Equal(t, status, act.Status)
				assert.Equal(t, `cannot run "`+test.action+`" action: `+test.message, act.Message)
				return
			}
			assert.Equal(t, []string{"app/0 " + test.action}, hooks)
			assert.Equal(t, test.want, act.Params)
			assert.Equal(t, "completed", act.Status)
			assert.Equal(t, map[string]any{"return-code": 0}, act.Results)
		})
	}
}

func TestActionNeedsAUnitAndJSON(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	u := s.deploy("app", "", someActions, 1).Units()[0]
	_, err := u.RunAction("loose", map[string]any{"x": math.Inf(1)})
	assert.ErrorContains(t, err, "parameters must be what JSON can hold")
	made, err := s.m.Deploy(juju.Deployment{Name: "made", Units: 1})
	require.NoError(t, err)
	_, err = made.Units()[0].RunAction("x", nil)
	assert.EqualError(t, err, `cannot run action "x" on unit made/0: it is made up`)
	waiting, err := u.RunAction("loose", nil) // comes after install
	require.NoError(t, err)
	require.NoError(t, u.Remove())
	assert.Empty(t, without(s.settle(), "app/0 install"))
	assert.Equal(t, "cancelled", waiting.Status)
	_, err = u.RunAction("loose", nil)
	assert.EqualError(t, err, `cannot run action "loose" on unit app/0: it is dead`)
}

// ending is an Executor of which actions end in a given way.
type ending struct {
	*stage
	exit juju.Exit
}

func (e *ending) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	exit := e.stage.Execute(ctx, h)
	if h.Action() != nil {
		return e.exit
	}
	return exit
}

func TestHowActionsEnd(t *testing.T) {
	t.Parallel()
	type results = map[string]any
	for name, test := range map[string]struct {
		exit   juju.Exit
		fail   bool // action-fail is called
		refuse bool // the flush is refused
		want   juju.Action
	}{
		"output":           {juju.Exit{Stdout: []byte("a\n"), Stderr: []byte("b")}, false, false, juju.Action{Status: "completed", Results: results{"return-code": 0, "stdout": "a\n", "stderr": "b"}}},
		"binary":           {juju.Exit{Stdout: []byte{0xff}}, false, false, juju.Action{Status: "completed", Results: results{"return-code": 0, "stdout": "/w==", "stdout-encoding": "base64"}}},
		"action-fail":      {juju.Exit{}, true, false, juju.Action{Status: "failed", Message: "no", Results: results{"return-code": 0}}},
		"exit 3":           {juju.Exit{Code: 3, Err: errors.New("x")}, true, false, juju.Action{Status: "failed", Message: "exit status 3", Results: results{"return-code": 3}}},
		"killed":           {juju.Exit{Signal: syscall.SIGKILL}, true, false, juju.Action{Status: "failed", Message: "terminated", Results: results{"return-code": -1}}},
		"crashed":          {juju.Exit{Signal: syscall.SIGSEGV}, false, false, juju.Action{Status: "failed", Message: "signal: segmentation fault", Results: results{"return-code": -1}}},
		"refused":          {juju.Exit{Stderr: []byte("b")}, false, true, juju.Action{Status: "failed", Message: "committing requested changes failed", Results: results{"return-code": 0, "stderr": "b\ncannot apply changes: the controller refused them (a fault of this model)"}}},
		"failed & refused": {juju.Exit{}, true, true, juju.Action{Status: "failed", Message: "no", Results: results{"return-code": 0, "stderr": "cannot apply changes: the controller refused them (a fault of this model)"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &ending{newStage(t, nil), test.exit}
			app, err := e.m.Deploy(juju.Deployment{Charm: parse(t, "app", "", someActions), Executor: e, Units: 1})
			require.NoError(t, err)
			u := app.Units()[0]
			e.settle()
			e.in("app/0 strict", func(h *juju.Hook, c *hookcmd.Client) error {
				assert.Equal(t, "running", h.Action().Status)
				ctx := context.Background()
				require.NoError(t, c.ActionSet(ctx, map[string]string{"return-code": "7", "a.b": "1"}))
				require.NoError(t, c.ActionLog(ctx, "half way"))
				require.NoError(t, c.StateSet(ctx, map[string]string{"k": "v"}))
				if test.fail {
					require.NoError(t, c.ActionFail(ctx, "no"))
				}
				return nil
			})
			if test.refuse {
				e.m.RefuseNextFlush()
			}
			act, err := u.RunAction("strict", nil)
			require.NoError(t, err)
			assert.Equal(t, []string{"app/0 strict"}, e.settle())
			test.want.Results["a"] = map[string]any{"b": "1"}
			assert.Equal(t, test.want.Status, act.Status)
			assert.Equal(t, test.want.Message, act.Message)
			assert.Equal(t, test.want.Results, act.Results)
			assert.Equal(t, []string{"half way"}, act.Log)
			flushed := test.exit.Code == 0 && test.exit.Signal == 0 && !test.refuse
			assert.Equal(t, flushed, u.State()["k"] == "v", "what the charm wrote")
		})
	}
}

func TestActionsWhileAHookIsInError(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{NoRetry: true})
	s.play = func(hook string, _ *juju.Hook, _ *hookcmd.Client) error {
		if hook == "app/0 config-changed" {
			return assert.AnError
		}
		return nil
	}
	u := s.deploy("app", "", someActions, 1).Units()[0]
	_, err := u.RunAction("loose", nil)
	require.NoError(t, err)
	_, err = u.RunCommands("true", -1, "")
	require.NoError(t, err)
	// Commands do not wait for anything; actions wait for install.
	assert.Equal(t, []string{"run-commands", "install", "leader-elected", "loose", "config-changed"}, of("app/0", s.settle()))
	second, err := u.RunAction("loose", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"loose"}, of("app/0", s.settle()))
	assert.Equal(t, "2", second.ID)
	assert.Equal(t, "completed", second.Status)
	assert.Equal(t, "error", u.Workload().Status)
	s.play = nil
	require.NoError(t, u.Resolve(false))
	_, err = u.RunAction("loose", nil)
	require.NoError(t, err)
	// The action comes before the retry, and does not come before a hook that is queued.
	assert.Equal(t, []string{"loose", "config-changed", "start"}, of("app/0", s.settle()))
}

func TestActionCommandsInAHook(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", "", someActions, 1)
	ran := false
	s.in("app/0 start", func(h *juju.Hook, c *hookcmd.Client) error {
		ran = true
		assert.Nil(t, h.Action())
		_, err := c.ActionGet(t.Context())
		assert.ErrorIs(t, err, hookcmd.ErrNotAction)
		assert.ErrorIs(t, c.ActionSet(t.Context(), map[string]string{"a": "b"}), hookcmd.ErrNotAction)
		assert.ErrorIs(t, c.ActionFail(t.Context(), ""), hookcmd.ErrNotAction)
		assert.ErrorIs(t, c.ActionLog(t.Context(), "x"), hookcmd.ErrNotAction)
		return nil
	})
	s.settle()
	assert.True(t, ran)
}
