// SPDX-License-Identifier: Apache-2.0

// Package charmtest tests charms in memory, against a Juju that behaves as the
// real one does: one unit with a [Harness], or many with a [Model].
//
//	func TestPeerJoined(t *testing.T) {
//		h := charmtest.New(t, register, nil) // register is what charm.Main is given
//		peers := h.Peers("magpie")
//		peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.2"}) // joined, then changed
//		require.Equal(t, "magpie/1=10.0.0.2", peers.Local()["reached"])
//		peers.Depart("magpie/1")
//		require.Equal(t, "active", h.Status().Status)
//	}
//
// Each event runs as in production: a new charm, its environment, the hook
// commands, and a flush at the end, of all that the handlers wrote or, if one
// failed, of nothing. No process is started, nothing is global, and every test
// can run in parallel.
//
// A Model runs the agents of all units of several applications, in an order
// that Juju could choose and a seed decides; [Explore] tries a thousand such
// orders, with faults if asked, and makes what fails smaller.
//
//	charmtest.Explore(t, 1000, func(m *charmtest.Model) {
//		app := m.Deploy("magpie", register, 3)
//		m.Settle()
//		app.RemoveUnit("magpie/1")
//		m.Settle()
//		require.Len(m, app.Units(), 2) // on m, which has the seed and the trace
//	})
//
// The model's rules are those of Juju 4.1 or 3.6; the project's tests hold them
// to recordings of both.
package charmtest
