// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// charmVariable makes the test binary the charm greet.
const charmVariable = "TEST_CHARM"

func TestMain(m *testing.M) {
	hookcmdtest.RunCommand()
	if os.Getenv(charmVariable) != "" {
		charm.Main(func(c *charm.Charm) { greet(c, nil) })
	}
	os.Exit(m.Run())
}

var errTest = errors.New("hunter2 is what the error says")

// unit is a charm of this process, one dispatch after the other.
type unit struct {
	t        testing.TB
	dir      string // the charm's
	agent    hookcmd.Runner
	env      []string // what is added to that of the event
	register func(*charm.Charm)
}

// greet is a charm that is traced, whose joined handler reads and writes databags.
func greet(c *charm.Charm, opts *charmotel.Options) {
	charmotel.Trace(c, opts)
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
		rel := c.Relation(ev)
		greeting, err := rel.Remote(ev.Unit).Get(ctx, "greeting")
		if err != nil {
			return err
		}
		c.Logger().Info("greeted")
		return rel.Local().Set(ctx, "heard", greeting)
	})
	charm.On(c, fails)
}

func fails(context.Context, events.Stop) error { return errTest }

// newUnit returns the unit app/0 of the charm greet, whose controller has a collector.
func newUnit(t testing.TB, agent hookcmd.Runner, to string, opts *charmotel.Options) *unit {
	return &unit{t: t, dir: t.TempDir(), agent: agent, register: func(c *charm.Charm) { greet(c, opts) },
		env: []string{"JUJU_CHARM_TRACE_CONFIG_HTTP=" + to}}
}

// run runs one dispatch, and returns its error.
func (u *unit) run(ev events.Event) error {
	u.t.Helper()
	return u.runIn(u.t.Context(), ev)
}

func (u *unit) runIn(ctx context.Context, ev events.Event) error {
	u.t.Helper()
	env, err := events.Environ(ev, "app/0")
	require.NoError(u.t, err)
	env = append(env, "JUJU_CONTEXT_ID=x", "JUJU_CHARM_DIR="+u.dir, "JUJU_MODEL_NAME=test-model", "JUJU_MODEL_UUID=deadbeef")
	var stderr bytes.Buffer
	err = charm.Run(ctx, u.register, &charm.Options{Env: append(env, u.env...), Runner: u.agent, Stderr: &stderr})
	require.Empty(u.t, stderr.String(), "what the log did not take")
	return err
}

var (
	peers  = events.RelationRef{Endpoint: "peers", ID: 1, App: "app"}
	joined = events.PeerJoined{RelationRef: peers, Unit: "app/1"}
)
