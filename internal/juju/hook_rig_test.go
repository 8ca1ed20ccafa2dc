// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// room is a model for one hook of app/0, which leads app, has the peer app/1, and
// is related to "other". It has something of everything that a hook can change.
type room struct {
	t       *testing.T
	m       *juju.Model
	app     *juju.Application
	unit    *juju.Unit // app/0
	db      *juju.End  // of app
	peers   *juju.End
	hooks   []string // that ran, "app/1 peers-relation-changed (app/0)"
	charm   func(ctx context.Context, h *juju.Hook) juju.Exit
	secrets map[string]string // URIs by what texts call them
}

const roomMetadata = `
provides: {db: database, web: http}
peers: {peers: app}
storage: {data: {type: filesystem, multiple: {range: 0-2}}}
payloads: {web: {type: docker}}
`

func newRoom(t *testing.T, opts juju.Options) *room {
	t.Helper()
	opts.NoRetry = true
	r := &room{t: t, m: juju.New(&opts), secrets: make(map[string]string)}
	charm, err := charmdir.Parse(charmdir.Files{
		Metadata: []byte("name: app\nsummary: x\ndescription: x\n" + roomMetadata),
		Config:   []byte("options: {color: {type: string, default: red}, size: {type: int}}"),
		Actions:  []byte("act: {}"),
	})
	require.NoError(t, err)
	r.app, err = r.m.Deploy(juju.Deployment{Charm: charm, Executor: r, Units: 2, Trust: true})
	require.NoError(t, err)
	_, err = r.m.Deploy(juju.Deployment{Charm: parse(t, "other", "requires: {db: database}", ""), Executor: r, Units: 2})
	require.NoError(t, err)
	rel, err := r.m.Relate("app", "db", "other", "db")
	require.NoError(t, err)
	r.unit, r.db, r.peers = r.m.Unit("app/0"), rel.End("app"), r.app.Ends()[0]
	r.settle()
	require.NoError(t, r.m.Unit("other/0").SetLeader())

	for _, s := range []struct{ name, owner string }{
		{"APPS", "app"}, {"UNITS", "app/0"}, {"LENT", "app/0"}, {"OLD", "app/0"}, {"OTHERS", "other"}, {"UNREAD", "other"},
	} {
		secret, err := r.m.AddSecret(juju.NewSecret{Owner: s.owner, Label: strings.ToLower(s.name), Content: map[string]string{"key": "one"}})
		require.NoError(t, err)
		r.secrets[s.name] = secret.Info().URI
		switch {
		case s.owner == "other":
			require.NoError(t, secret.Grant("app", rel))
		case s.name == "LENT":
			require.NoError(t, secret.Grant("other", rel))
		}
	}
	_, err = r.db.Write(r.unit, map[string]string{"old": "unit"})
	require.NoError(t, err)
	r.db.WriteApp(map[string]string{"old": "app"})
	r.does("state-set old=state", "open-port 79", "secret-get OTHERS", "secret-get UNITS", "juju-log before")
	require.NoError(t, r.m.Secret(r.secrets["OTHERS"]).SetContent(map[string]string{"key": "two"}))
	r.settle()
	return r
}

func (r *room) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	r.hooks = append(r.hooks, h.Unit().Name+" "+h.Name()+about(h))
	if r.charm == nil || h.Unit() != r.unit {
		return juju.Exit{}
	}
	do := r.charm
	r.charm = nil
	return do(ctx, h)
}

// settle returns the hooks that run until none is due.
func (r *room) settle() []string {
	r.t.Helper()
	r.hooks = nil
	_, err := r.m.Settle(r.t.Context(), nil)
	require.NoError(r.t, err)
	return r.hooks
}

// hook runs one hook of app/0.
func (r *room) hook(ev events.Event, do func(h *juju.Hook)) (juju.Outcome, error) {
	r.t.Helper()
	return r.run(ev, func(_ context.Context, h *juju.Hook) juju.Exit {
		do(h)
		return juju.Exit{}
	})
}

func (r *room) run(ev events.Event, charm func(ctx context.Context, h *juju.Hook) juju.Exit) (juju.Outcome, error) {
	r.t.Helper()
	r.charm = charm
	_, outcome, err := r.m.Dispatch(r.t.Context(), r.unit, ev)
	return outcome, err
}

// update runs update-status of app/0, which succeeds.
func (r *room) update(do func(h *juju.Hook)) {
	r.t.Helper()
	outcome, err := r.hook(events.UpdateStatus{}, do)
	require.NoError(r.t, err)
	require.Equal(r.t, juju.Succeeded, outcome)
}

// does runs hook commands in update-status of app/0, which succeeds.
func (r *room) does(lines ...string) {
	r.t.Helper()
	r.update(func(h *juju.Hook) { r.lines(h, lines...) })
}

// lines runs hook commands that succeed.
func (r *room) lines(h *juju.Hook, lines ...string) {
	r.t.Helper()
	for _, line := range lines {
		_, err := r.line(h, line)
		require.NoError(r.t, err, line)
	}
}

// line runs a hook command, in which DB and PEERS are relations, and the names of
// secrets their URIs; what follows " < " is its standard input.
func (r *room) line(h *juju.Hook, line string) (string, error) {
	line, stdin, _ := strings.Cut(line, " < ")
	words := strings.Fields(line)
	for i, word := range words {
		switch word {
		case "DB":
			words[i] = "db:" + strconv.Itoa(r.db.ID())
		case "PEERS":
			words[i] = "peers:" + strconv.Itoa(r.peers.ID())
		default:
			if uri, ok := r.secrets[word]; ok {
				words[i] = uri
			}
		}
	}
	call := hookcmd.Call{Command: words[0], Args: words[1:]}
	if stdin != "" {
		call.Stdin = []byte(stdin)
	}
	out, err := h.Run(context.Background(), call)
	return strings.TrimSuffix(string(out), "\n"), err
}

// prints returns what a hook command prints.
func (r *room) prints(h *juju.Hook, line string) string {
	r.t.Helper()
	out, err := r.line(h, line)
	require.NoError(r.t, err, line)
	return out
}

// photo is what there is to see of all that app/0 can change.
func (r *room) photo() map[string]string {
	spec, raw := r.app.PodSpec()
	photo := map[string]any{
		"unit databag": r.db.UnitData(r.unit), "application databag": r.db.AppData(),
		"peer databag": r.peers.UnitData(r.unit), "peer application databag": r.peers.AppData(),
		"ports": r.unit.OpenedPorts(), "state": r.unit.State(), "storage": len(r.unit.Storage()),
		"status": r.unit.Workload().Status, "application status": r.app.Status().Status, "version": r.unit.WorkloadVersion(),
		"log": len(r.m.Logs()), "leader settings": r.app.LeaderSettings(), "payloads": r.unit.Payloads(), "spec": spec, "raw spec": raw,
	}
	for _, s := range r.m.Secrets() {
		info := s.Info()
		for _, c := range info.Consumers {
			photo["readers"] = fmt.Sprint(photo["readers"], info.ID, c)
		}
		info.Consumers = nil
		for i := range info.Revisions {
			info.Revisions[i].Obsolete = false // which comes of who reads it
		}
		photo["secrets"] = fmt.Sprint(photo["secrets"], info)
	}
	text := make(map[string]string, len(photo))
	for name, value := range photo {
		text[name] = fmt.Sprint(value)
	}
	return text
}

// changed returns the names of what differs in two photos, sorted.
func changed(before, after map[string]string) []string {
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			names = append(names, name)
		}
	}
	return names
}

// recover has the unit forget a hook that failed.
func (r *room) recover() {
	r.t.Helper()
	if r.unit.Workload().Status == "error" {
		require.NoError(r.t, r.unit.Resolve(true))
	}
	r.settle()
}

// stdin returns a line that gives a command a map as its --file.
func stdin(line, key, value string) string {
	return line + " --file - < " + strconv.Quote(key) + ": " + strconv.Quote(value)
}

func TestRoom(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRoom(t, juju.Options{Version: version})
		assert.True(t, r.unit.IsLeader())
		before := r.photo()
		assert.Empty(t, r.settle())
		assert.Empty(t, changed(before, r.photo()))
	})
}
