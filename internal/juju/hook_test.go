// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// effect is what a charm can do to its model, of contract 3.4.
type effect struct {
	do        []string
	changes   []string // what it changes, of room.photo
	immediate bool     // and at once: it stays, however the hook ends
	only36    bool
	k8s       bool
}

var effects = map[string]effect{
	"relation-set":              {do: []string{"relation-set -r DB a=b old="}, changes: []string{"unit databag"}},
	"relation-set, peers":       {do: []string{"relation-set -r PEERS a=b"}, changes: []string{"peer databag"}},
	"relation-set --app":        {do: []string{"relation-set -r DB --app a=b old="}, changes: []string{"application databag"}},
	"relation-set --app, peers": {do: []string{"relation-set -r PEERS --app a=b"}, changes: []string{"peer application databag"}},
	"open-port":                 {do: []string{"open-port 80"}, changes: []string{"ports"}},
	"close-port":                {do: []string{"close-port 79"}, changes: []string{"ports"}},
	"state-set":                 {do: []string{"state-set a="}, changes: []string{"state"}},
	"state-delete":              {do: []string{"state-delete old"}, changes: []string{"state"}},
	"secret-add":                {do: []string{"secret-add key=x"}, changes: []string{"secrets"}},
	"secret-add --owner unit":   {do: []string{"secret-add --owner unit key=x"}, changes: []string{"secrets"}},
	"secret-set":                {do: []string{"secret-set APPS key=x"}, changes: []string{"secrets"}},
	"secret-grant":              {do: []string{"secret-grant UNITS -r DB"}, changes: []string{"secrets"}},
	"secret-revoke":             {do: []string{"secret-revoke LENT --app other"}, changes: []string{"secrets"}},
	"secret-remove":             {do: []string{"secret-remove OLD"}, changes: []string{"secrets"}},
	"pending, --refresh":        {do: []string{"secret-set UNITS key=x", "secret-get UNITS --refresh"}, changes: []string{"readers", "secrets"}},
	"storage-add":               {do: []string{"storage-add data"}, changes: []string{"storage"}},
	"k8s-spec-set":              {do: []string{stdin("k8s-spec-set", "a", "b")}, changes: []string{"spec"}, only36: true, k8s: true},
	"k8s-raw-set":               {do: []string{stdin("k8s-raw-set", "a", "b")}, changes: []string{"raw spec"}, only36: true, k8s: true},

	"status-set":               {do: []string{"status-set active"}, changes: []string{"status"}, immediate: true},
	"status-set --application": {do: []string{"status-set --application active"}, changes: []string{"application status"}, immediate: true},
	"application-version-set":  {do: []string{"application-version-set 2"}, changes: []string{"version"}, immediate: true},
	"juju-log":                 {do: []string{"juju-log hello"}, changes: []string{"log"}, immediate: true},
	"secret-get, the first":    {do: []string{"secret-get UNREAD"}, changes: []string{"readers"}, immediate: true},
	"secret-get --refresh":     {do: []string{"secret-get OTHERS --refresh"}, changes: []string{"readers"}, immediate: true},
	"secret-get --label":       {do: []string{"secret-get OTHERS --label mine"}, changes: []string{"readers"}, immediate: true},
	"leader-set":               {do: []string{"leader-set a=b"}, changes: []string{"leader settings"}, immediate: true, only36: true},
	"payload-register":         {do: []string{"payload-register docker web one"}, changes: []string{"payloads"}, immediate: true, only36: true},

	"what only reads": {do: []string{"config-get", "relation-get -r DB - app/0", "relation-get -r DB --app - app", "relation-get -r DB - other/0",
		"relation-list -r DB", "relation-ids web", "is-leader", "state-get", "status-get", "opened-ports", "secret-ids", "secret-info-get UNITS",
		"secret-get OTHERS --peek", "secret-get OTHERS", "storage-list", "network-get db", "unit-get private-address", "goal-state"}},
}

// finale is how a hook, action or juju-exec ends.
type finale struct {
	as       string // "" is a hook
	exit     juju.Exit
	also     string // a last hook command, which may fail
	kill     bool   // the fault, when the charm has ended
	refuse   bool   // the flush
	commits  bool
	outcome  juju.Outcome // of a hook
	machines bool         // on machines only
}

var finales = map[string]finale{
	"a hook":                      {commits: true},
	"exit 1":                      {exit: juju.Exit{Code: 1}, outcome: juju.Failed},
	"SIGTERM":                     {exit: juju.Exit{Signal: syscall.SIGTERM}, outcome: juju.Killed},
	"SIGKILL":                     {exit: juju.Exit{Code: -1, Signal: syscall.SIGKILL}, outcome: juju.Killed},
	"SIGSEGV":                     {exit: juju.Exit{Signal: syscall.SIGSEGV}, outcome: juju.Failed},
	"the kill of a fault":         {kill: true, outcome: juju.Killed},
	"refused":                     {refuse: true, outcome: juju.FlushRefused},
	"juju-reboot":                 {also: "juju-reboot", commits: true, machines: true},
	"juju-reboot, exit 1":         {also: "juju-reboot", exit: juju.Exit{Code: 1}, outcome: juju.Failed, machines: true},
	"juju-reboot --now":           {also: "juju-reboot --now", outcome: juju.RebootNow, machines: true},
	"an action":                   {as: "action", commits: true},
	"an action, action-fail":      {as: "action", also: "action-fail no", commits: true},
	"an action, exit 1":           {as: "action", exit: juju.Exit{Code: 1}},
	"an action, fail, exit 1":     {as: "action", also: "action-fail no", exit: juju.Exit{Code: 1}},
	"an action, SIGTERM":          {as: "action", exit: juju.Exit{Signal: syscall.SIGTERM}},
	"an action, refused":          {as: "action", refuse: true},
	"juju-exec":                   {as: "juju-exec", commits: true},
	"juju-exec, exit 1":           {as: "juju-exec", exit: juju.Exit{Code: 1}},
	"juju-exec, refused":          {as: "juju-exec", refuse: true},
	"juju-exec juju-reboot --now": {as: "juju-exec", also: "juju-reboot --now", machines: true},
}

// Contract 3.4: what is applied when, and what of it stays. Nothing else changes.
func TestEffects(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		for name, e := range effects {
			if e.only36 && version != "3.6.26" {
				continue
			}
			for ending, f := range finales {
				if e.k8s && f.machines {
					continue
				}
				t.Run(name+"; "+ending, func(t *testing.T) {
					t.Parallel()
					r := newRoom(t, juju.Options{Version: version, CAAS: e.k8s})
					before := r.photo()
					inside := r.play(e, f)
					if e.immediate {
						assert.Equal(t, e.changes, changed(before, inside), "at once")
					} else {
						assert.Empty(t, changed(before, inside), "not before the hook has ended")
					}
					r.recover()
					want := e.changes
					secrets := slices.Contains(e.changes, "secrets")
					if !f.commits && !e.immediate && !(f.refuse && secrets && version == "3.6.26") { // which applies them before
						want = nil
					}
					assert.ElementsMatch(t, want, changed(before, r.photo()), "in the end")
				})
			}
		}
	})
}

// play runs a hook or its like, and returns a photo of before its end.
func (r *room) play(e effect, f finale) (inside map[string]string) {
	r.t.Helper()
	charm := func(_ context.Context, h *juju.Hook) juju.Exit {
		r.lines(h, e.do...)
		if f.refuse { // there must be something to refuse
			r.lines(h, "state-set refused=yes")
		}
		if f.also != "" {
			_, _ = r.line(h, f.also)
		}
		inside = r.photo()
		return f.exit
	}
	if f.kill {
		r.m.KillNext(1000)
	}
	if f.refuse {
		r.m.RefuseNextFlush()
	}
	switch f.as {
	case "action":
		act, err := r.unit.RunAction("act", nil)
		require.NoError(r.t, err)
		r.charm = charm
		_, err = r.m.DispatchAction(r.t.Context(), r.unit, act)
		require.NoError(r.t, err)
		assert.Equal(r.t, f.commits && f.also == "", act.Status == "completed", act.Status)
	case "juju-exec":
		commands, err := r.unit.RunCommands("x", -1, "")
		require.NoError(r.t, err)
		r.charm = charm
		require.True(r.t, r.m.Step(r.t.Context()))
		assert.True(r.t, commands.Done)
		assert.Equal(r.t, f.commits, commands.Code == 0 && commands.Err == nil)
	default:
		outcome, err := r.run(events.UpdateStatus{}, charm)
		assert.Equal(r.t, f.outcome, outcome, "%v", err)
	}
	require.NotNil(r.t, inside)
	return inside
}

// Every run has a context of its own, also one of the same hook again.
func TestContextIDs(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	ids := make(map[string]bool)
	note := func(exit juju.Exit) func(context.Context, *juju.Hook) juju.Exit {
		return func(_ context.Context, h *juju.Hook) juju.Exit {
			assert.Regexp(t, `^app/0-(update-status|act|run-commands)-[0-9a-f]{32}$`, h.ContextID())
			assert.Equal(t, h.ContextID(), h.ContextID())
			assert.Contains(t, h.Environ(), "JUJU_CONTEXT_ID="+h.ContextID())
			ids[h.ContextID()] = true
			return exit
		}
	}
	redo := func(exit juju.Exit) {
		r.charm = note(exit)
		_, _, _ = r.m.Redo(t.Context(), r.unit)
	}
	_, _ = r.run(events.UpdateStatus{}, note(juju.Exit{Code: 1}))
	redo(juju.Exit{Signal: syscall.SIGKILL})
	redo(juju.Exit{})
	_, _ = r.run(events.UpdateStatus{}, note(juju.Exit{}))
	_, err := r.unit.RunAction("act", nil)
	require.NoError(t, err)
	r.charm = note(juju.Exit{})
	r.settle()
	_, err = r.unit.RunCommands("x", -1, "")
	require.NoError(t, err)
	r.charm = note(juju.Exit{})
	r.settle()
	assert.Len(t, ids, 6)
}

// What a goroutine of the charm runs after its hook fails, changes nothing, and
// is noted.
func TestHookCommandsAfterTheEnd(t *testing.T) {
	t.Parallel()
	for _, exit := range []juju.Exit{{}, {Code: 1}, {Signal: syscall.SIGKILL}} {
		r := newRoom(t, juju.Options{})
		var late *juju.Hook
		_, _ = r.run(events.UpdateStatus{}, func(_ context.Context, h *juju.Hook) juju.Exit {
			late = h
			return exit
		})
		assert.Empty(t, r.m.Late())
		r.recover()
		before := r.photo()
		client := hookcmd.New(late, nil)
		for _, err := range []error{
			client.StatusSet(t.Context(), "active", ""), // by value
			client.StateSet(t.Context(), map[string]string{"a": "b"}),
			client.OpenPort(t.Context(), hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}), // as text
		} {
			require.ErrorContains(t, err, "the hook has ended")
			assert.Equal(t, -1, err.(*hookcmd.Error).Code)
		}
		assert.Empty(t, changed(before, r.photo()))
		after := " was run after update-status of unit app/0 had ended"
		assert.Equal(t, []string{"status-set" + after, "state-set" + after, "open-port" + after}, r.m.Late())
	}
}

// A kill at a hook command is before its effect; all that follow fail.
func TestKillAtACommand(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		r := newRoom(t, juju.Options{TextOnly: text})
		before := r.photo()
		r.m.KillNext(3)
		commands := 0
		outcome, _ := r.run(events.UpdateStatus{}, func(ctx context.Context, h *juju.Hook) juju.Exit {
			client := hookcmd.New(h, nil)
			for _, do := range []func() error{
				func() error { return client.StateSet(ctx, map[string]string{"a": "b"}) },
				func() error { _, err := client.RelationIDs(ctx, "db"); return err },
				func() error { return client.StatusSet(ctx, "active", "") },
				func() error { return client.JujuLog(ctx, hookcmd.LogInfo, "x") },
				func() error { return client.JujuReboot(ctx, false) },
			} {
				if err := do(); err == nil {
					commands++
				} else {
					assert.ErrorContains(t, err, "the charm was killed")
				}
			}
			assert.ErrorContains(t, context.Cause(ctx), "the charm was killed")
			return juju.Exit{} // which is of no interest
		})
		assert.Equal(t, juju.Killed, outcome)
		assert.Equal(t, 2, commands)
		assert.Empty(t, changed(before, r.photo()))
		assert.Equal(t, []string{"app/0 update-status"}, r.settle(), "it runs again, once")
		assert.Empty(t, r.m.Late())
	}
}

// The first --file without standard input is not a hook command of its own:
// clients come again with it.
func TestKillCountsCommandsNotTries(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	r.m.KillNext(2)
	outcome, _ := r.hook(events.UpdateStatus{}, func(h *juju.Hook) {
		_, err := r.line(h, "state-set --file -")
		require.ErrorContains(t, err, "requires stdin")
		_, err = r.line(h, stdin("state-set", "a", "b"))
		require.NoError(t, err)
		_, err = r.line(h, "is-leader")
		require.ErrorContains(t, err, "killed")
	})
	assert.Equal(t, juju.Killed, outcome)
}

func TestJujuReboot(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	r.does("state-set a=b", "juju-reboot")
	assert.Equal(t, "b", r.unit.State()["a"])
	assert.Equal(t, []string{"app/0 start"}, r.settle(), "of the machine that is up again")

	outcome, _ := r.hook(events.UpdateStatus{}, func(h *juju.Hook) {
		r.lines(h, "state-set a=c")
		err := hookcmd.New(h, nil).JujuReboot(t.Context(), true)
		require.ErrorContains(t, err, "the charm was killed", "it does not return")
		_, err = r.line(h, "status-set active")
		require.ErrorContains(t, err, "the charm was killed")
	})
	assert.Equal(t, juju.RebootNow, outcome)
	assert.Equal(t, []string{"app/0 update-status", "app/0 start"}, r.settle())
	assert.Equal(t, "b", r.unit.State()["a"])

	act, err := r.unit.RunAction("act", nil)
	require.NoError(t, err)
	r.charm = func(_ context.Context, h *juju.Hook) juju.Exit {
		for _, line := range []string{"juju-reboot", "juju-reboot --now"} {
			_, err := r.line(h, line)
			assert.ErrorContains(t, err, "not supported when running an action")
		}
		return juju.Exit{}
	}
	assert.Equal(t, []string{"app/0 act"}, r.settle())
	assert.Equal(t, "completed", act.Status)
}

// A unit's status names the hook that failed: of relations with its endpoint, of
// storage without its name.
func TestStatusOfAFailedStorageHook(t *testing.T) {
	t.Parallel()
	r := newRoom(t, juju.Options{})
	added, err := r.unit.AddStorage("data", 1)
	require.NoError(t, err)
	outcome, _ := r.run(events.StorageAttached{StorageRef: events.StorageRef{Storage: "data", ID: added[0].ID}}, func(context.Context, *juju.Hook) juju.Exit {
		return juju.Exit{Code: 1}
	})
	require.Equal(t, juju.Failed, outcome)
	assert.Equal(t, `hook failed: "storage-attached"`, r.unit.Workload().Message)
	assert.Equal(t, map[string]any{"hook": "storage-attached"}, r.unit.Workload().Data)
}
