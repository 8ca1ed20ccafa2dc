// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Of a hook that fails stays what Juju does at once.
func TestReportsOfHooksThatDoNotSucceed(t *testing.T) {
	t.Parallel()
	y, id := reporting(t, nil)
	db, failure := fmt.Sprint("db:", id), errors.New("no such thing")
	lines := []string{
		"status-set blocked none", "status-set --application blocked none", "application-version-set 1",
		"relation-set -r " + db + " k=v", "relation-set --app -r " + db + " k=v", "open-port 80", "state-set k=v", "storage-add data", "secret-add key=value",
	}
	want := []juju.Change{
		{Kind: "status", Owner: "app/0", Old: "active", New: "blocked: none"},
		{Kind: "application status", Owner: "app", Old: "active", New: "blocked: none"},
		{Kind: "version", Owner: "app/0", New: "1"},
	}
	reset := func() {
		y.does(nil, "status-set active", "status-set --application active")
		y.m.Unit("app/0").SetWorkloadVersion("")
	}
	reset()
	r := y.does(failure, lines...)
	assert.Equal(t, juju.Failed, r.Outcome)
	assert.Equal(t, failure, r.Err)
	assert.Equal(t, failure.Error(), string(r.Stderr))
	assert.Equal(t, want, r.Changes)

	reset()
	r = y.does(errKilled, lines...)
	assert.Equal(t, juju.Killed, r.Outcome)
	assert.Equal(t, want, r.Changes)

	reset()
	y.m.RefuseNextFlush()
	r = y.does(nil, lines...)
	assert.Equal(t, juju.FlushRefused, r.Outcome)
	assert.ErrorContains(t, r.Err, "the controller refused them")
	assert.Equal(t, want, r.Changes)

	r = y.does(nil, lines...)
	assert.Equal(t, juju.Succeeded, r.Outcome)
	assert.NoError(t, r.Err)
	var kinds []string
	for _, c := range r.Changes {
		kinds = append(kinds, c.Kind)
	}
	assert.Equal(t, []string{"port", "state", "storage", "secret", "databag", "databag"}, kinds)
}

func TestReportsTellWhatARelationHookIsAbout(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	y.deploy("app", "requires: {db: mysql}", 1)
	mysql := y.deploy("mysql", mysqlCharm, 1)
	y.start(1)
	y.settle()
	y.forget()
	r, err := y.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	y.settle()
	r.End("mysql").WriteApp(map[string]string{"k": "v"})
	y.settle()
	_, err = y.m.Unit("app/0").RunCommands("x", r.ID, "mysql/0")
	require.NoError(t, err)
	y.settle()
	require.NoError(t, mysql.Units()[0].Remove())
	y.settle()
	require.NoError(t, r.Remove())
	y.settle()
	var about []string
	for _, r := range y.told(juju.Began) {
		if r.Unit == "app/0" {
			about = append(about, fmt.Sprintf("%s %s %s", r.Hook, r.Relation, r.Remote))
		}
	}
	db := fmt.Sprint("db:", r.ID)
	assert.Equal(t, []string{
		"db-relation-created " + db + " mysql", "db-relation-joined " + db + " mysql/0", "db-relation-changed " + db + " mysql/0",
		"db-relation-changed " + db + " mysql", "juju-exec " + db + " mysql/0", "db-relation-departed " + db + " mysql/0", "db-relation-broken " + db + " mysql",
	}, about)
	assert.Empty(t, y.told(juju.Began)[0].Changes)
}

func TestReportsHaveTheCallsThatWereRecorded(t *testing.T) {
	t.Parallel()
	y, _ := reporting(t, &juju.Options{RecordCalls: true})
	r := y.does(nil, "is-leader", "secret-add key=hidden")
	var calls []string
	for _, c := range r.Calls {
		calls = append(calls, c.String())
	}
	require.Len(t, calls, 2)
	assert.Equal(t, "is-leader", calls[0])
	assert.NotContains(t, calls[1], "hidden")
}

// program is a charm of one program, as far as it goes.
type program struct{ exit juju.Exit }

func (p *program) Execute(_ context.Context, h *juju.Hook) juju.Exit {
	if h.Name() == "install" {
		return juju.Exit{Stderr: []byte("installed\n")}
	}
	return p.exit
}

func TestReportsOfWhatTheCharmHasNoProgramFor(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	charm := parse(t, "app", "", "act: {}")
	_, err := y.m.Deploy(juju.Deployment{Charm: charm, Executor: &program{juju.Exit{Missing: true}}, Units: 1})
	require.NoError(t, err)
	y.start(1)
	y.settle()
	r := y.ended("app/0", "install")
	assert.False(t, r.Missing)
	assert.Equal(t, "installed\n", string(r.Stderr), "of hooks that succeed, too")
	r = y.ended("app/0", "start")
	assert.True(t, r.Missing)
	assert.Equal(t, juju.Succeeded, r.Outcome)
	assert.Equal(t, "unknown", y.m.Unit("app/0").Workload().Status)
}

func TestAnActionThatTheCharmHasNoProgramFor(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	charm := parse(t, "app", "", "act: {}")
	_, err := y.m.Deploy(juju.Deployment{Charm: charm, Executor: &program{juju.Exit{Missing: true, Code: 1}}, Units: 1})
	require.NoError(t, err)
	y.start(1)
	y.m.Unit("app/0").SkipToStarted()
	act, err := y.m.Unit("app/0").RunAction("act", nil)
	require.NoError(t, err)
	y.settle()
	assert.Equal(t, "failed", act.Status)
	assert.Equal(t, `action not implemented on unit "app/0"`, act.Message)
	assert.True(t, y.ended("app/0", "action act").Missing)
}

// A hook that asks for a reboot at once is told of as such.
func TestReportsOfAReboot(t *testing.T) {
	t.Parallel()
	y, _ := reporting(t, nil)
	y.in("app/0 config-changed", func(_ context.Context, h *juju.Hook, _ *hookcmd.Client) error {
		_, _ = command(h, "juju-reboot", "--now") // which does not return
		return nil
	})
	require.NoError(t, y.m.Application("app").SetConfig(map[string]any{"n": 1}))
	y.settle()
	assert.Equal(t, []string{"app/0 config-changed reboot", "app/0 config-changed", "app/0 start"}, y.hooks())
}
