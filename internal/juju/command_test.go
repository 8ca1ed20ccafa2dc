// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// All commands that ran are on record, as text or by value, and those that
// failed with their exit codes.
func TestRecordCalls(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		r := newRoom(t, juju.Options{RecordCalls: true, TextOnly: text})
		var hook *juju.Hook
		data := map[string]string{"a": "b"}
		r.update(func(h *juju.Hook) {
			hook = h
			client := hookcmd.New(h, nil)
			require.NoError(t, client.StateSet(t.Context(), data))
			data["a"] = "changed by the charm"
			_, err := client.RelationGet(t.Context(), hookcmd.RelationID{Endpoint: "db", ID: 99}, "app/0")
			require.Error(t, err)
			_, err = client.ResourceGet(t.Context(), "nosuch")
			require.Error(t, err)
			_, err = client.SecretAdd(t.Context(), map[string]hookcmd.SecretValue{"key": hookcmd.NewSecretValue("x")}, nil)
			require.NoError(t, err)
			_, err = r.line(h, "nosuch-command")
			require.ErrorIs(t, err, hookcmd.ErrNotSupported)
		})
		calls := hook.Calls()
		require.Len(t, calls, 4)
		var lines []string
		var codes []int
		for _, c := range calls {
			lines, codes = append(lines, c.Command), append(codes, c.Code)
		}
		assert.Equal(t, []string{"state-set", "relation-get", "resource-get", "secret-add"}, lines)
		assert.Equal(t, []int{0, 2, 1, 0}, codes)
		assert.Equal(t, []string{"--file", "-"}, calls[0].Args)
		if text {
			assert.JSONEq(t, `{"a":"b"}`, string(calls[0].Stdin))
		} else {
			assert.Equal(t, map[string]string{"a": "b"}, calls[0].Data)
		}
		assert.Equal(t, "relation-get --format=json -r db:99 -- - app/0", calls[1].String())
		calls[0] = juju.Recorded{}
		assert.Equal(t, "state-set", hook.Calls()[0].Command)
	}
	r := newRoom(t, juju.Options{})
	r.update(func(h *juju.Hook) {
		r.lines(h, "is-leader")
		assert.Empty(t, h.Calls(), "nobody wants them")
	})
}

func TestRecordedIsACommandLine(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"relation-set": nil,
		"relation-set -r db:1 --app a=b_c.d/e,f@g%h+i": {"-r", "db:1", "--app", "a=b_c.d/e,f@g%h+i"},
		"relation-set '' 'a=b c' '~' 'a=$HOME' '#'":    {"", "a=b c", "~", "a=$HOME", "#"},
		`relation-set 'a=it'\''s' ''\''' 'x"y' 'ü'`:    {"a=it's", "'", `x"y`, "ü"},
		"relation-set 'a=1\n2'":                        {"a=1\n2"},
	} {
		assert.Equal(t, want, juju.Recorded{Command: "relation-set", Args: args}.String())
	}

	args := []string{`%s\0`, "", "'", "''", "a'b", `\`, `\'`, "$(exit)", "`exit`", "*", "~root", "-n", "a\n\tb", "!!", "{a,b}", "[redacted]"}
	for c := 1; c < 256; c++ {
		args = append(args, string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'}))
	}
	out, err := exec.Command("sh", "-c", juju.Recorded{Command: "printf", Args: args}.String()).Output()
	require.NoError(t, err)
	assert.Equal(t, args[1:], strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), "what a shell makes of it")
}

// An interceptor answers what it wants to, and leaves the rest to the model.
func TestIntercept(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{RecordCalls: true})
	var asked []string
	r.m.Intercept(func(unit string, request juju.Request) *juju.Response {
		asked = append(asked, unit+" "+request.Command)
		switch request.Command {
		case "is-leader":
			return &juju.Response{Stdout: []byte("false\n")}
		case "state-set":
			return &juju.Response{Stderr: []byte("ERROR no such luck\n"), Code: 1}
		}
		return nil
	})
	r.update(func(h *juju.Hook) {
		client := hookcmd.New(h, nil)
		leader, err := client.IsLeader(t.Context())
		require.NoError(t, err)
		assert.False(t, leader)
		assert.EqualError(t, client.StateSet(t.Context(), map[string]string{"a": "b"}), `cannot run "state-set --file -": no such luck (exit code 1)`)
		require.NoError(t, client.RelationSetApp(t.Context(), hookcmd.RelationID{Endpoint: "db", ID: r.db.ID()}, map[string]string{"a": "b"}))
		codes := []int{}
		for _, c := range h.Calls() {
			codes = append(codes, c.Code)
		}
		assert.Equal(t, []int{0, 1, 0}, codes)
	})
	assert.Equal(t, []string{"app/0 is-leader", "app/0 state-set", "app/0 relation-set"}, asked)
	assert.NotContains(t, r.unit.State(), "a")
	assert.Equal(t, "b", r.db.AppData()["a"])

	r.m.Intercept(nil)
	r.update(func(h *juju.Hook) { assert.Equal(t, "True", r.prints(h, "is-leader")) })
	assert.Len(t, asked, 3)
}

// An interceptor may use the model and the hook: it is called without the lock.
func TestInterceptorUsesTheModel(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	r.update(func(h *juju.Hook) {
		var once atomic.Bool
		r.m.Intercept(func(_ string, request juju.Request) *juju.Response {
			if !once.Swap(true) {
				deposed(r, h) // between the charm's wish and the agent
				assert.Equal(t, "red", r.prints(h, "config-get color"))
			}
			return nil
		})
		assert.Equal(t, "False", r.prints(h, "is-leader"))
		r.m.Intercept(nil)
	})
}

// The caller of a command that hangs goes on when its context ends. What comes
// after the hook's end is not run any more.
func TestInterceptedCommandHangs(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	hangs, release, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r.m.Intercept(func(_ string, request juju.Request) *juju.Response {
		if request.Command == "status-set" {
			hangs <- struct{}{}
			<-release
		}
		return nil
	})
	before := r.photo()
	cause := errors.New("enough")
	r.update(func(h *juju.Hook) {
		client := hookcmd.New(h, nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-hangs
			cancel(cause)
		}()
		err := client.StatusSet(ctx, "active", "")
		require.ErrorIs(t, err, cause)
		assert.Equal(t, -1, err.(*hookcmd.Error).Code)
		_, err = client.IsLeader(ctx)
		require.ErrorIs(t, err, cause, "one that begins later")
		go func() {
			defer close(released)
			err := client.StatusSet(context.Background(), "active", "")
			assert.ErrorContains(t, err, "the hook has ended")
		}()
		<-hangs
		_, err = client.IsLeader(t.Context())
		require.NoError(t, err, "the others do not wait for it")
	})
	close(release)
	<-released
	assert.Empty(t, changed(before, r.photo()))
	assert.Empty(t, r.m.Late(), "they were not run late")
}

// A kill reaches a command that hangs, too.
func TestKillWhileACommandHangs(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	hangs, release := make(chan struct{}), make(chan struct{})
	r.m.Intercept(func(_ string, request juju.Request) *juju.Response {
		if request.Command == "status-set" {
			close(hangs)
			<-release
		}
		return nil
	})
	before := r.photo()
	r.m.KillNext(2)
	outcome, _ := r.run(events.UpdateStatus{}, func(ctx context.Context, h *juju.Hook) juju.Exit {
		client := hookcmd.New(h, nil)
		go func() {
			<-hangs
			_, _ = client.IsLeader(context.Background()) // the second
			close(release)
		}()
		assert.ErrorContains(t, client.StatusSet(ctx, "active", ""), "the charm was killed")
		return juju.Exit{Code: 1}
	})
	assert.Equal(t, juju.Killed, outcome)
	assert.Empty(t, changed(before, r.photo()))
}

// Arguments "key=value" as Juju's own parser takes them.
func TestSettingsArguments(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	r.update(func(h *juju.Hook) {
		for _, command := range []string{"state-set", "relation-set"} {
			set := func(args ...string) error {
				if command == "relation-set" {
					args = append([]string{"-r", r.db.Endpoint.Name + ":1"}, args...)
				}
				_, err := h.Run(t.Context(), hookcmd.Call{Command: command, Args: args})
				return err
			}
			for arg, stderr := range map[string]string{
				"x": `expected "key=value", got "x"`, "=x": `expected "key=value", got "=x"`,
				" = x ": `expected "key=value", got "=x"`, "=": `expected "key=value", got "="`,
			} {
				var e *hookcmd.Error
				require.ErrorAs(t, set(arg), &e, arg)
				assert.Equal(t, stderr, e.Stderr)
				assert.Equal(t, 2, e.Code)
			}
			assert.ErrorContains(t, set("a=1", " a =2"), `key "a" specified more than once`)
			require.NoError(t, set("", "  a\t=  b=c \n", ""))
		}
	})
	assert.Equal(t, "b=c", r.unit.State()["a"])
	assert.Equal(t, "b=c", r.db.UnitData(r.unit)["a"])
}
