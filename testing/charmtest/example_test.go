// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// example stands for the *testing.T that a test has and an Example has not.
type example struct{ testing.TB }

func (example) Helper()                           {}
func (example) Cleanup(func())                    {}
func (example) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (example) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }

// register is what charm.Main is given.
func register(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
		addr, err := c.Relation(ev).Remote(ev.Unit).Get(ctx, "ingress-address")
		if err != nil {
			return err
		}
		if err := c.Relation(ev).Local().Set(ctx, "reached", ev.Unit); err != nil {
			return err
		}
		return c.SetStatus(ctx, charm.Active(ev.Unit+" is at "+addr))
	})
}

// A Harness is one unit; the test says what others do.
func ExampleHarness() {
	t := example{} // in a test, its *testing.T
	h := charmtest.New(t, register, &charmtest.Options{Metadata: magpie})
	peers := h.Peers("magpie")

	peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.2"}) // joined, then changed
	fmt.Println(h.Status().Status, h.Status().Message)
	fmt.Println(peers.Local()["reached"])

	h.RefuseNextFlush()
	err := h.Try(func() { peers.Join("magpie/2", nil) })
	fmt.Println(err)
	fmt.Println(peers.Local()["reached"]) // nothing of what the hook wrote

	h.Again() // Juju retries
	fmt.Println(peers.Local()["reached"])
	// Output:
	// active magpie/1 is at 10.0.0.2
	// magpie/1
	// magpie-relation-joined: flush refused: cannot apply changes: the controller refused them (a fault of this model)
	// magpie/1
	// magpie/2
}

// Run is one event: a state goes in, another comes out.
func ExampleRun() {
	peers := charmtest.RelationState{Endpoint: "magpie", ID: 4, Units: map[string]map[string]string{
		"magpie/1": {"ingress-address": "10.0.0.2"},
	}}
	state := charmtest.State{Metadata: magpie, Relations: []charmtest.RelationState{peers}}
	ref := events.RelationRef{Endpoint: "magpie", ID: 4, App: "magpie"}

	state, err := charmtest.Run(register, events.PeerJoined{RelationRef: ref, Unit: "magpie/1"}, state)
	fmt.Println(err)
	fmt.Println(state.Status.Message)
	fmt.Println(state.Relations[0].Local["reached"])
	for _, call := range state.Calls {
		fmt.Println(call)
	}
	// Output:
	// <nil>
	// magpie/1 is at 10.0.0.2
	// magpie/1
	// relation-get --format=json -r magpie:4 -- - magpie/1
	// status-set -- active 'magpie/1 is at 10.0.0.2'
	// relation-set -r magpie:4 --file -
}

// A Model is as many units as there are, whose charms tell each other.
func ExampleModel() {
	t := example{} // in a test, its *testing.T
	m := charmtest.NewModel(t, &charmtest.ModelOptions{Seed: 7})
	app := m.DeployCharm("magpie", register, 2, &charmtest.DeployOptions{Metadata: magpie})
	m.Settle()
	for _, unit := range app.Units() {
		fmt.Println(unit.Name(), "at", unit.Address(), "reached", unit.Databag("magpie")["reached"])
	}

	app.RemoveUnit("magpie/0")
	m.Settle()
	fmt.Println(len(app.Units()), "left, led by", app.Leader().Name())
	// Output:
	// magpie/0 at 10.1.0.4 reached magpie/1
	// magpie/1 at 10.1.0.5 reached magpie/0
	// 1 left, led by magpie/1
}

// Explore has the same happen in other orders, with what can go wrong; it asserts
// on the model that it is given.
func ExampleExplore() {
	t := example{} // in a test, its *testing.T
	charmtest.Explore(t, 100, func(m *charmtest.Model) {
		m.SetFaults(charmtest.Faults{Kill: 2, LoseLeadership: 1})
		app := m.DeployCharm("magpie", register, 3, &charmtest.DeployOptions{Metadata: magpie})
		if m.Pick(2) == 1 {
			m.Settle()
		}
		app.RemoveUnit("magpie/1")
		m.Settle()
		require.Len(m, app.Units(), 2)
	})
	fmt.Println("fine")
	// Output:
	// fine
}
