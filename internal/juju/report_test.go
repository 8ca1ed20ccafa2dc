// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestReportsComeInOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		y := newYard(t, &juju.Options{Seed: seed})
		y.fails("app/1 config-changed", 1)
		app := y.deploy("app", "peers: {peers: app}", 3)
		y.start(3)
		require.NoError(t, app.Units()[2].Remove())
		y.settle()
		began, ended := make(map[int]juju.Report), make(map[int]bool)
		gone := make(map[string]bool)
		for i, r := range y.told(juju.Noted, juju.Began, juju.Ended, juju.Gone) {
			assert.False(t, gone[r.Unit], "nothing of a unit comes after its end")
			assert.NotZero(t, r.At)
			if i > 0 {
				assert.False(t, r.At.Before(y.reports[i-1].At))
			}
			switch r.Kind {
			case juju.Began:
				assert.Equal(t, len(began)+1, r.Run, "they are numbered from 1")
				began[r.Run] = r
			case juju.Ended:
				require.Contains(t, began, r.Run)
				assert.False(t, ended[r.Run], "once")
				ended[r.Run] = true
				b := began[r.Run]
				assert.Equal(t, []string{b.Unit, b.Hook, b.Relation, b.Remote}, []string{r.Unit, r.Hook, r.Relation, r.Remote})
			case juju.Gone:
				gone[r.Unit] = true
				assert.Equal(t, juju.Report{Kind: juju.Gone, At: r.At, Unit: "app/2"}, r)
			}
		}
		assert.Len(t, ended, len(began))
		assert.Len(t, gone, 1)
	}
}

func TestReportsOfWhatOperatorsDo(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	y.start(1)
	app := y.deploy("app", "requires: {db: mysql}", 1)
	y.deploy("mysql", mysqlCharm, 1)
	r, err := y.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	require.NoError(t, r.Remove())
	require.NoError(t, app.SetConfig(map[string]any{"n": 1}))
	_, err = app.AddUnits(2)
	require.NoError(t, err)
	app.UpdateStatus()
	require.NoError(t, app.Units()[1].Remove())
	require.NoError(t, app.Units()[2].SetLeader())
	require.NoError(t, app.Units()[0].KillAgent())
	y.m.Note("so %d", 1)
	y.settle()
	var notes []string
	for _, r := range y.told(juju.Noted) {
		notes = append(notes, r.Text)
		assert.Equal(t, juju.Report{At: r.At, Text: r.Text}, r)
	}
	assert.Equal(t, []string{
		"deploy app, units: 1", "deploy mysql, units: 1", "relate app:db mysql:server as relation 1", "remove relation app:db mysql:server",
		"set config of app: n", "add 2 units to app", "update-status of app", "remove unit app/1", "app/2 is the leader of app",
		"the agent of app/0 restarts", "so 1",
	}, notes)
}

// A report may be answered by a change of the model.
func TestReportsMayChangeTheModel(t *testing.T) {
	t.Parallel()
	y := newYard(t, nil)
	app := y.deploy("app", "", 1)
	var mu sync.Mutex
	installed := 0
	e := y.m.Start(juju.EngineOptions{Parallel: 2, Report: func(r juju.Report) {
		if r.Kind == juju.Ended && r.Hook == "install" {
			mu.Lock()
			defer mu.Unlock()
			if installed++; installed < 4 {
				_, err := app.AddUnits(1)
				assert.NoError(t, err)
			}
		}
	}})
	defer e.Stop()
	require.NoError(t, e.Settle(t.Context()))
	assert.Len(t, app.Units(), 4)
	assert.Equal(t, 4, installed)
}

// ended returns the report of the last hook of that name that has ended.
func (y *yard) ended(unit, hook string) juju.Report {
	y.t.Helper()
	all := y.told(juju.Ended)
	for i := len(all) - 1; i >= 0; i-- {
		if r := all[i]; r.Unit == unit && r.Hook == hook {
			return r
		}
	}
	require.Fail(y.t, "there is no such report", "%s %s", unit, hook)
	return juju.Report{}
}

// does has app/0 run hook commands in one juju-exec, and returns how that ended.
func (y *yard) does(end error, lines ...string) juju.Report {
	y.t.Helper()
	y.in("app/0 run-commands", func(_ context.Context, h *juju.Hook, _ *hookcmd.Client) error {
		for _, line := range lines {
			words := strings.Fields(line)
			if _, err := command(h, words[0], words[1:]...); err != nil {
				return err
			}
		}
		return end
	})
	_, err := y.m.Unit("app/0").RunCommands("x", -1, "")
	require.NoError(y.t, err)
	y.settle()
	return y.ended("app/0", "juju-exec")
}

// reporting is app/0, which leads, and mysql/0, which are related.
func reporting(t *testing.T, opts *juju.Options) (y *yard, relation int) {
	t.Helper()
	y = newYard(t, opts)
	y.deploy("app", "requires: {db: mysql}\nstorage: {data: {type: filesystem, multiple: {range: 0-3}}}", 1)
	y.deploy("mysql", mysqlCharm, 1)
	r, err := y.m.Relate("app", "db", "mysql", "server")
	require.NoError(t, err)
	y.start(2)
	y.settle()
	y.forget()
	return y, r.ID
}

func TestReportsTellWhatAHookChanged(t *testing.T) {
	t.Parallel()
	y, id := reporting(t, nil)
	const unit = "app/0"
	db := fmt.Sprint("db:", id)
	type step struct {
		lines []string
		want  []juju.Change
	}
	for _, s := range []step{
		{[]string{"relation-set -r " + db + " b=1 a=2"}, []juju.Change{
			{Kind: "databag", Owner: unit, Relation: db, Key: "a", New: "2"}, {Kind: "databag", Owner: unit, Relation: db, Key: "b", New: "1"},
		}},
		{[]string{"relation-set -r " + db + " a=3 b= c="}, []juju.Change{
			{Kind: "databag", Owner: unit, Relation: db, Key: "a", Old: "2", New: "3"}, {Kind: "databag", Owner: unit, Relation: db, Key: "b", Old: "1"},
		}},
		{[]string{"relation-set -r " + db + " a=3"}, nil},
		{[]string{"relation-set --app -r " + db + " k=v"}, []juju.Change{{Kind: "databag", Owner: "app", Relation: db, Key: "k", New: "v"}}},
		{[]string{"status-set blocked none", "status-set active"}, []juju.Change{
			{Kind: "status", Owner: unit, Old: "unknown", New: "blocked: none"}, {Kind: "status", Owner: unit, Old: "blocked: none", New: "active"},
		}},
		{[]string{"status-set active"}, nil},
		{[]string{"status-set --application active ok"}, []juju.Change{{Kind: "application status", Owner: "app", Old: "unknown", New: "active: ok"}}},
		{[]string{"application-version-set 1.2"}, []juju.Change{{Kind: "version", Owner: unit, New: "1.2"}}},
		{[]string{"application-version-set 1.2"}, nil},
		{[]string{"application-version-set 1.3"}, []juju.Change{{Kind: "version", Owner: unit, Old: "1.2", New: "1.3"}}},
		{[]string{"open-port 80", "open-port --endpoints db 70-75/udp"}, []juju.Change{
			{Kind: "port", Owner: unit, Key: "70-75/udp", New: "open for [db]"}, {Kind: "port", Owner: unit, Key: "80/tcp", New: "open"},
		}},
		{[]string{"close-port 80", "open-port 70-75/udp"}, []juju.Change{
			{Kind: "port", Owner: unit, Key: "70-75/udp", Old: "open for [db]", New: "open"}, {Kind: "port", Owner: unit, Key: "80/tcp", Old: "open"},
		}},
		{[]string{"open-port 70-75/udp", "close-port 80"}, nil},
		{[]string{"state-set s=hidden t=hidden"}, []juju.Change{
			{Kind: "state", Owner: unit, Key: "s", New: "6 bytes"}, {Kind: "state", Owner: unit, Key: "t", New: "6 bytes"},
		}},
		{[]string{"state-set s=HIDDEN t=hidden"}, []juju.Change{{Kind: "state", Owner: unit, Key: "s", New: "6 bytes"}}},
		{[]string{"state-delete t"}, []juju.Change{{Kind: "state", Owner: unit, Key: "t", Old: "6 bytes"}}},
		{[]string{"storage-add data=2"}, []juju.Change{
			{Kind: "storage", Owner: unit, Key: "data/0", New: "added"}, {Kind: "storage", Owner: unit, Key: "data/1", New: "added"},
		}},
		{[]string{"is-leader", "relation-get -r " + db + " - app/0", "juju-log x"}, nil},
	} {
		r := y.does(nil, s.lines...)
		require.NoError(t, r.Err, s.lines)
		assert.Equal(t, s.want, r.Changes, "%q", s.lines)
		assert.Empty(t, r.Calls)
	}
}

func TestReportsOfSecretsDoNotTellThem(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.1.0", "3.6.26"} {
		y, id := reporting(t, &juju.Options{Version: version})
		r := y.does(nil, "secret-add --owner unit --label mine password=hidden", "secret-add password=hidden")
		require.Len(t, r.Changes, 2)
		var uris []string
		for i, c := range r.Changes {
			uris = append(uris, c.Key)
			assert.Equal(t, juju.Change{Kind: "secret", Owner: "app/0", Key: c.Key, New: []string{`added as "mine"`, "added"}[i]}, c)
			assert.True(t, strings.HasPrefix(c.Key, "secret:"))
		}
		for _, step := range [][2]string{
			{"secret-set " + uris[1] + " password=hidden2", "revision 2"},
			{"secret-remove --revision 1 " + uris[1], "removed revisions [1]"},
			{"secret-set --description d " + uris[1], "changed"},
			{fmt.Sprintf("secret-grant -r %d %s", id, uris[0]), "granted to mysql"},
			{fmt.Sprintf("secret-grant -r %d --unit mysql/0 %s", id, uris[1]), "granted to mysql/0"},
			{"secret-get --peek " + uris[0], ""},
			{"secret-revoke --app mysql " + uris[0], "revoked from mysql"},
			{"secret-revoke --unit mysql/0 " + uris[1], "revoked from mysql/0"},
			{"secret-remove " + uris[0], "removed"},
		} {
			r := y.does(nil, step[0])
			require.NoError(t, r.Err, step[0])
			if step[1] == "" {
				assert.Empty(t, r.Changes, step[0])
				continue
			}
			require.Len(t, r.Changes, 1, step[0])
			c := r.Changes[0]
			assert.Equal(t, juju.Change{Kind: "secret", Owner: "app/0", Key: c.Key, New: step[1]}, c)
			assert.Contains(t, step[0], c.Key)
		}
		assert.NotContains(t, fmt.Sprint(y.told(juju.Ended)), "hidden")
	}
}
