// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/relation"
)

// pathSeeds are how many runs are made twice.
const pathSeeds = 200

// Hook commands are answered by value or as text. What a charm sees, what it has
// run, and all that follows from it is the same, to the byte. This test is one of
// the package, since a run's hook commands are not told to others.
func TestAnswersByValueAndAsTextAreTheSame(t *testing.T) {
	t.Parallel()
	const parts = 4
	for part := range uint64(parts) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < pathSeeds; seed += parts {
				value, text := walk(t, seed, false), walk(t, seed, true)
				require.Equal(t, text.trace, value.trace, "seed %d", seed)
				require.Equal(t, text.seen, value.seen, "seed %d: what the charm sees", seed)
				require.Equal(t, text.calls, value.calls, "seed %d: what it has run", seed)
				if seed%8 == part {
					require.Equal(t, value, walk(t, seed, false), "seed %d: the same path twice", seed)
				}
			}
		})
	}
}

func TestThePathsSeeAllCommandsSucceedAndFail(t *testing.T) {
	t.Parallel()
	succeeded, failed := make(map[string]bool), make(map[string]bool)
	var ends []string
	for seed := range uint64(40) {
		p := walk(t, seed, false)
		for _, c := range p.calls {
			succeeded[c.command] = succeeded[c.command] || c.code == 0
			failed[c.command] = failed[c.command] || c.code != 0
		}
		ends = append(ends, p.trace)
	}
	for _, command := range []string{
		"config-get", "is-leader", "juju-log", "relation-get", "relation-ids", "relation-list", "relation-set", "state-get", "state-set", "status-set",
	} {
		assert.True(t, succeeded[command], command)
	}
	for _, command := range []string{"relation-get", "relation-list", "relation-set", "state-set", "status-set"} {
		assert.True(t, failed[command], command)
	}
	for _, end := range []string{"[killed]", "[flush refused]", "[failed]"} {
		assert.True(t, slices.ContainsFunc(ends, func(trace string) bool { return strings.Contains(trace, end) }), end)
	}
}

// walked is what is to be the same on all paths.
type walked struct {
	trace string
	seen  []string
	calls []pathCall
}

// pathCall is a hook command that has run, with what it was given to write.
type pathCall struct {
	hook, command string
	args          []string
	data          map[string]string
	code          int
}

// walker is one run of two applications whose charms run commands at random.
type walker struct {
	walked
	*executor
	random *rand.Rand
	budget int // of writes
}

// Execute implements juju.Executor.
func (w *walker) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	exit := w.executor.Execute(ctx, h)
	w.seen = append(w.seen, fmt.Sprintf("%s %s: exit %d: %v: %s", h.Unit().Name, h.Name(), exit.Code, exit.Err, exit.Stderr))
	for _, c := range h.Calls() {
		if c.Data == nil && len(c.Stdin) > 0 { // it ran as text
			_ = json.Unmarshal(c.Stdin, &c.Data) // all that these commands read is a map
		}
		w.calls = append(w.calls, pathCall{h.Name(), c.Command, c.Args, c.Data, c.Code})
	}
	return exit
}

const pathCharm = `
type: charm
name: app
summary: A charm for tests.
description: It runs every command.
provides: {site: {interface: http}}
requires: {upstream: {interface: http}}
peers: {peers: {interface: app}}
config:
  options:
    port: {type: int, default: 80}
    ratio: {type: float}
    motd: {type: string, default: "a\"<&\u2028\u0085é"}
    debug: {type: boolean}
`

func walk(t *testing.T, seed uint64, textOnly bool) walked {
	t.Helper()
	w := &walker{random: rand.New(rand.NewPCG(seed, 2))}
	opts := &juju.Options{Seed: seed, TextOnly: textOnly, RecordCalls: true}
	if seed%3 == 0 {
		opts.Version = "3.6.26"
	}
	m := juju.New(opts)
	m.SetFaults(juju.Faults{Kill: 3, RefuseFlush: 2, LoseLeadership: 2, Restart: 1, Repeat: 2, MissDeparted: 1})
	meta, err := charmdir.Parse(charmdir.Files{Charmcraft: []byte(pathCharm)})
	require.NoError(t, err)
	w.executor = newExecutor(w.register, meta)
	apps := make([]*juju.Application, 2)
	for i, name := range []string{"web", "proxy"} {
		apps[i], err = m.Deploy(juju.Deployment{Name: name, Charm: meta, Executor: w, Units: 2 - i})
		require.NoError(t, err)
	}
	w.budget = 60
	settle := func() {
		t.Helper()
		_, err := m.Settle(t.Context(), &juju.SettleOptions{Attempts: 30})
		require.NoError(t, err, "seed %d", seed)
	}
	_, err = m.Relate("proxy", "upstream", "web", "site")
	require.NoError(t, err)
	settle()
	w.budget = 60
	_, err = apps[seed%2].AddUnits(1)
	require.NoError(t, err)
	ratio := []float64{0.1, 1e21, 1e-7, 3, 123456789.5}[w.random.IntN(5)]
	require.NoError(t, apps[0].SetConfig(map[string]any{"port": 1 << 53, "ratio": ratio, "debug": true}))
	settle()
	require.NoError(t, apps[0].Units()[0].Remove())
	settle()
	require.NoError(t, m.Relations()[2].Remove())
	settle()
	var trace bytes.Buffer
	require.NoError(t, m.WriteTrace(&trace, 0))
	w.trace = trace.String()
	return w.walked
}

// register registers a charm that does something at random in each event.
func (w *walker) register(c *charm.Charm) {
	charm.OnDispatch(c, func(ctx context.Context, ev events.Event) error {
		for range w.random.IntN(5) {
			if err := w.step(ctx, c, ev); err != nil {
				return err
			}
		}
		if w.random.IntN(40) == 0 {
			return errors.New("it fails at random")
		}
		return nil
	})
}

// note keeps what a call has returned.
func (w *walker) note(call string, result any, err error) {
	w.seen = append(w.seen, fmt.Sprintf("%s: %#v: %v", call, result, err))
}

// step does something that may fail; it returns errors that a charm would.
func (w *walker) step(ctx context.Context, c *charm.Charm, ev events.Event) error {
	if w.random.IntN(2) == 0 {
		w.command(ctx, c.HookCommands(), c)
		return nil
	}
	endpoint := w.one("site", "upstream", "peers")
	relations, err := c.Relations(ctx, endpoint)
	w.note("relations "+endpoint, len(relations), err)
	if r, ok := ev.(events.RelationEvent); ok && w.random.IntN(2) == 0 {
		relations = []*relation.Relation{c.Relation(r)}
	}
	if len(relations) == 0 {
		return err
	}
	return w.databags(ctx, c, relations[0])
}

func (w *walker) one(of ...string) string { return of[w.random.IntN(len(of))] }

// databags reads and writes by package relation.
func (w *walker) databags(ctx context.Context, c *charm.Charm, rel *relation.Relation) error {
	all, err := rel.RemoteAll(ctx)
	if err != nil {
		return err
	}
	for _, unit := range all {
		data, err := unit.All(ctx)
		w.note("remote "+unit.Unit, data, err)
	}
	app, err := rel.RemoteApp().All(ctx)
	w.note("remote app", app, err)
	own, err := rel.Local().All(ctx)
	w.note("local", own, err)
	if w.budget == 0 {
		return nil
	}
	w.budget--
	key, value := w.one("a", "b", "c"), w.one("", "1", "true", "é\x7f\u0085\u2028", strings.Repeat("x", 60))
	leader, err := c.IsLeader(ctx)
	if err != nil {
		return err
	}
	if leader && w.random.IntN(2) == 0 {
		return rel.LocalApp().Set(ctx, key, value)
	}
	return rel.Local().Set(ctx, key, value)
}
