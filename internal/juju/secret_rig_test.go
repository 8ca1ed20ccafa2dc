// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// rig is a model of "db", which provides "db" and has peers, and of "web", which
// requires it. Both run the same charm, which the test writes as it goes.
type rig struct {
	t     *testing.T
	m     *juju.Model
	hooks []string                       // secret hooks that ran, "web/0 secret-changed LABEL"
	on    func(unit, hook string) script // what hooks do; nil: nothing
	do    script                         // what the next hook does instead
}

type script func(h *juju.Hook) error

func newRig(t *testing.T, version string, dbs, webs int) *rig {
	t.Helper()
	return seededRig(t, version, dbs, webs, 0)
}

func seededRig(t *testing.T, version string, dbs, webs int, seed uint64) *rig {
	t.Helper()
	r := &rig{t: t}
	r.m = juju.New(&juju.Options{Version: version, Seed: seed, RecordCalls: true})
	r.deploy("db", "provides: {db: database}\npeers: {peers: peers}", dbs, "")
	r.deploy("web", "requires: {db: database, spare: database}\npeers: {peers: peers}", webs, "")
	_, err := r.m.Relate("web", "db", "db", "")
	require.NoError(t, err)
	r.settle()
	return r
}

func (r *rig) deploy(name, endpoints string, units int, uuid string) *juju.Application {
	r.t.Helper()
	charm, err := charmdir.Parse(charmdir.Files{Metadata: []byte("name: " + name + "\nsummary: x\ndescription: x\n" + endpoints + "\n")})
	require.NoError(r.t, err)
	app, err := r.m.Deploy(juju.Deployment{Charm: charm, Executor: r, Units: units, ModelUUID: uuid})
	require.NoError(r.t, err)
	return app
}

func (r *rig) Execute(_ context.Context, h *juju.Hook) juju.Exit {
	line := h.Unit().Name + " " + h.Name()
	if ev, ok := h.Event().(events.SecretEvent); ok {
		if label := ev.Ref().Label; label != "" {
			line += " " + label
		}
		switch ev := ev.(type) {
		case events.SecretExpired:
			line += fmt.Sprintf(" %d", ev.Revision)
		case events.SecretRemove:
			line += fmt.Sprintf(" %d", ev.Revision)
		}
		r.hooks = append(r.hooks, line)
	}
	do := r.do
	r.do = nil
	if do == nil && r.on != nil {
		do = r.on(h.Unit().Name, line[len(h.Unit().Name)+1:])
	}
	if do == nil {
		return juju.Exit{}
	}
	if err := do(h); err != nil {
		return juju.Exit{Code: 1, Err: err}
	}
	return juju.Exit{}
}

func (r *rig) settle() {
	r.t.Helper()
	_, err := r.m.Settle(r.t.Context(), nil)
	require.NoError(r.t, err)
}

// advance moves the time, and returns the secret hooks that ran meanwhile.
func (r *rig) advance(d time.Duration) []string {
	r.t.Helper()
	r.hooks = nil
	_, err := r.m.Advance(r.t.Context(), d, nil)
	require.NoError(r.t, err)
	return r.ran()
}

// ran returns the secret hooks that ran since it was last called.
func (r *rig) ran() []string {
	r.t.Helper()
	r.settle()
	ran := r.hooks
	r.hooks = nil
	return ran
}

// try runs hook commands in a hook of the unit, and returns the charm's error or
// that of the commit. A hook that fails is not run again.
func (r *rig) try(unit string, do script) error {
	r.t.Helper()
	u := r.m.Unit(unit)
	require.NotNil(r.t, u, unit)
	r.do = do
	_, outcome, err := r.m.Dispatch(r.t.Context(), u, events.UpdateStatus{})
	if outcome != juju.Succeeded {
		require.Error(r.t, err)
		require.NoError(r.t, u.Resolve(true))
	}
	return err
}

func (r *rig) in(unit string, do script) {
	r.t.Helper()
	require.NoError(r.t, r.try(unit, do))
}

// command runs one hook command in a hook of the unit, and returns what it
// prints without the line break. An error is the command's.
func (r *rig) command(unit, line string, args ...string) (string, error) {
	r.t.Helper()
	words := append(strings.Fields(line), args...)
	var out []byte
	var failed error
	r.in(unit, func(h *juju.Hook) error {
		out, failed = run(h, words...)
		return nil
	})
	return strings.TrimSuffix(string(out), "\n"), failed
}

// commands has hook commands succeed in one hook of the unit.
func (r *rig) commands(unit string, lines ...string) {
	r.t.Helper()
	r.in(unit, lined(lines...))
}

func lined(lines ...string) script {
	return func(h *juju.Hook) error {
		for _, line := range lines {
			if _, err := run(h, strings.Fields(line)...); err != nil {
				return err
			}
		}
		return nil
	}
}

func run(h *juju.Hook, words ...string) ([]byte, error) {
	return h.Run(context.Background(), hookcmd.Call{Command: words[0], Args: words[1:]})
}

// read returns the value of "key" that secret-get prints, or its error.
func (r *rig) read(unit, args string) string {
	r.t.Helper()
	out, err := r.command(unit, "secret-get --format=json "+args)
	if err != nil {
		return stderrOf(err)
	}
	var content map[string]string
	require.NoError(r.t, json.Unmarshal([]byte(out), &content))
	return content["key"]
}

func stderrOf(err error) string {
	var e *hookcmd.Error
	if errors.As(err, &e) {
		return e.Stderr
	}
	return err.Error()
}

// add adds a secret of "key=one" in a hook of the unit, and returns its URI.
func (r *rig) add(unit, flags string) string {
	r.t.Helper()
	uri, err := r.command(unit, "secret-add key=one "+flags)
	require.NoError(r.t, err)
	return uri
}

func (r *rig) relation() *juju.Relation {
	for _, rel := range r.m.Relations() {
		if rel.String() == "web:db db:db" {
			return rel
		}
	}
	r.t.Fatal("no relation")
	return nil
}

// relationFlag is "-r ID" of the relation of db and web.
func (r *rig) relationFlag() string { return fmt.Sprintf("-r %d", r.relation().ID) }

func both(t *testing.T, f func(t *testing.T, version string)) {
	for _, version := range []string{"4.1.0", "3.6.26"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f(t, version)
		})
	}
}
