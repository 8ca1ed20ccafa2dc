// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// cast is a model in which every charm is played by the test. Hooks are noted
// with whom they are about: "app/0 db-relation-joined (mysql/0)", and
// "app/0 db-relation-changed (mysql)" about an application. A departed that names
// another unit as the one that leaves has that, too: "(mysql/0; app/0 leaves)".
type cast struct {
	t     *testing.T
	m     *juju.Model
	hooks []string
	play  func(hook string, h *juju.Hook, c *hookcmd.Client) error // nil: nothing
}

// errKilled, returned by a hook, ends it by a signal.
var errKilled = fmt.Errorf("killed")

func newCast(t *testing.T, opts *juju.Options) *cast {
	t.Helper()
	return &cast{t: t, m: juju.New(opts)}
}

// seeds calls f with a model of each seed, of Juju 4 and of 3.6.
func seeds(t *testing.T, n int, f func(c *cast)) {
	t.Helper()
	for seed := range uint64(n) {
		for _, version := range []string{"4.1.0", "3.6.26"} {
			f(newCast(t, &juju.Options{Seed: seed, Version: version}))
		}
	}
}

// String is for the messages of assertions.
func (c *cast) String() string {
	return fmt.Sprintf("Juju %s, seed %d: %q", c.m.Options().Version, c.m.Options().Seed, c.hooks)
}

func (c *cast) is36() bool { return c.m.Options().Version == "3.6.26" }

func (c *cast) Execute(_ context.Context, h *juju.Hook) juju.Exit {
	hook := h.Unit().Name + " " + h.Name() + about(h)
	c.hooks = append(c.hooks, hook)
	if c.play == nil {
		return juju.Exit{}
	}
	switch err := c.play(hook, h, hookcmd.New(h, nil)); err {
	case nil:
		return juju.Exit{}
	case errKilled:
		return juju.Exit{Signal: syscall.SIGKILL}
	default:
		return juju.Exit{Code: 1, Err: err}
	}
}

// about is what a hook is about, in parentheses, or empty.
func about(h *juju.Hook) string {
	remote, leaves := "", ""
	switch ev := h.Event().(type) {
	case events.PeerJoined:
		remote = ev.Unit
	case events.RelationJoined:
		remote = ev.Unit
	case events.PeerChanged:
		if remote = ev.Unit; remote == "" {
			remote = ev.App
		}
	case events.RelationChanged:
		if remote = ev.Unit; remote == "" {
			remote = ev.App
		}
	case events.PeerDeparted:
		remote, leaves = ev.Unit, ev.DepartingUnit
	case events.RelationDeparted:
		remote, leaves = ev.Unit, ev.DepartingUnit
	}
	switch {
	case remote == "":
		return ""
	case leaves != "" && leaves != remote:
		return " (" + remote + "; " + leaves + " leaves)"
	}
	return " (" + remote + ")"
}

// deploy deploys a charm, of which name, summary and description are added.
func (c *cast) deploy(name, metadata string, units int) *juju.Application {
	c.t.Helper()
	return c.deployIn(name, metadata, units, "")
}

func (c *cast) deployIn(name, metadata string, units int, model string) *juju.Application {
	c.t.Helper()
	charm := parse(c.t, name, metadata, "")
	app, err := c.m.Deploy(juju.Deployment{Charm: charm, Executor: c, Units: units, ModelUUID: model})
	require.NoError(c.t, err)
	return app
}

// relate relates "app:db" or "app" with another application.
func (c *cast) relate(app, other string) *juju.Relation {
	c.t.Helper()
	name, endpoint, _ := strings.Cut(app, ":")
	r, err := c.m.Relate(name, endpoint, other, "")
	require.NoError(c.t, err)
	return r
}

// settle returns the hooks that run until none is due.
func (c *cast) settle() []string {
	c.t.Helper()
	c.hooks = nil
	_, err := c.m.Settle(c.t.Context(), nil)
	require.NoError(c.t, err, c)
	return c.hooks
}

// do settles the model after one hook that runs now, of juju-exec.
func (c *cast) do(unit string, f func(h *juju.Hook, client *hookcmd.Client) error) []string {
	c.t.Helper()
	before := c.play
	defer func() { c.play = before }()
	c.in(unit+" run-commands", f)
	_, err := c.m.Unit(unit).RunCommands("x", -1, "")
	require.NoError(c.t, err)
	return without(c.settle(), unit+" run-commands")
}

// in has one hook do something, each time it runs.
func (c *cast) in(hook string, f func(h *juju.Hook, client *hookcmd.Client) error) {
	before := c.play
	c.play = func(running string, h *juju.Hook, client *hookcmd.Client) error {
		if running == hook {
			return f(h, client)
		}
		if before != nil {
			return before(running, h, client)
		}
		return nil
	}
}

// fails has a hook fail the first n times.
func (c *cast) fails(hook string, n int) {
	c.in(hook, func(*juju.Hook, *hookcmd.Client) error {
		if n--; n >= 0 {
			return fmt.Errorf("%s does not like it", hook)
		}
		return nil
	})
}

// set writes a key of the unit's databag, or with app the application's, in the
// relation of an endpoint.
func (c *cast) set(unit, endpoint string, app bool, key, value string) []string {
	c.t.Helper()
	return c.do(unit, func(h *juju.Hook, client *hookcmd.Client) error {
		return set(h, endpoint, app, key, value)
	})
}

// set writes a key in the first relation of an endpoint.
func set(h *juju.Hook, endpoint string, app bool, key, value string) error {
	args := []string{"-r", fmt.Sprint(endOf(h.Unit(), endpoint).ID())}
	if app {
		args = append(args, "--app")
	}
	_, err := command(h, "relation-set", append(args, "--", key+"="+value)...)
	return err
}

func endOf(u *juju.Unit, endpoint string) *juju.End {
	ends := u.Application().Ends()
	return ends[slices.IndexFunc(ends, func(e *juju.End) bool { return e.Endpoint.Name == endpoint })]
}

// members returns whom relation-list would tell the unit.
func members(u *juju.Unit, endpoint string) []string { return endOf(u, endpoint).Members(u) }

// ofEndpoint returns the hooks of a relation's endpoint among those of a unit.
func ofEndpoint(endpoint string, hooks []string) []string {
	var own []string
	for _, hook := range hooks {
		if strings.HasPrefix(hook, endpoint+"-relation-") {
			own = append(own, strings.TrimPrefix(hook, endpoint+"-relation-"))
		}
	}
	return own
}

// before reports whether one hook ran before another, and both did.
func before(hooks []string, first, second string) bool {
	i, j := slices.Index(hooks, first), slices.Index(hooks, second)
	return i >= 0 && j >= 0 && i < j
}

func fields(line string) []string { return strings.Fields(line) }
