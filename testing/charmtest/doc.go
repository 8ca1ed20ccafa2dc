// SPDX-License-Identifier: Apache-2.0

// Package charmtest tests charms in memory, against a Juju that behaves as the
// real one does: one unit with a [Harness], one event with [Run], or any number
// of units with a [Model].
//
//	func TestLeaderWrites(t *testing.T) {
//		t.Parallel()
//		h := charmtest.New(t, register, &charmtest.Options{Leader: true})
//		members := h.Peers("members")
//
//		members.Join("cluster/1", nil)
//		assert.Equal(t, map[string]string{"leader": `"cluster/0"`, "members": `["cluster/0","cluster/1"]`}, members.LocalApp())
//		assert.Equal(t, "members: 2, leader: cluster/0", h.Status().Message)
//
//		members.Depart("cluster/1")
//		assert.Equal(t, "members: 1, leader: cluster/0", h.Status().Message)
//	}
//
// register is what charm.Main is given, and the charm's metadata are those of the
// charmcraft.yaml above the test; [Options] has others.
//
// # What is as in production
//
// Each event is a dispatch of its own: a new charm, its environment, its hook
// commands, and a flush at the end of all that the handlers wrote or, if one
// failed, of nothing. So what a charm keeps in variables between two events is
// lost. Events come as Juju sends them, and one that it would not send is refused,
// with what to do instead. The rules and texts are those of Juju 4.1 or 3.6, to
// whose recordings the project's tests hold them.
//
// No process is started, no time passes but that which a test lets pass, and
// nothing is global: every test can run in parallel.
//
// # Failures
//
// A handler that fails, panics or blocks, and a goroutine that outlives its
// handler, fail the test. [Harness.Try] returns the failure of a hook instead,
// and [Harness.Again] runs the hook again, as Juju does. [Harness.KillNext],
// [Harness.RefuseNextFlush], [Harness.LoseLeadership] and [Harness.Intercept] have
// things go wrong, and [Harness.Calls] tells what a hook costs.
//
// # Many units, in any order
//
// A Model runs the agents of all units of its applications, in an order that Juju
// could choose and a seed decides. [Explore] tries a thousand such orders, with
// [Faults] if asked, and makes what fails smaller:
//
//	charmtest.ExploreWith(t, opts, func(m *charmtest.Model) {
//		app := m.Deploy("cluster", register, 3)
//		if m.Pick(2) == 1 {
//			m.Settle()
//		}
//		app.RemoveUnit("cluster/1")
//		m.Settle()
//		leader := app.Leader()
//		require.NotNil(m, leader)
//		assert.Equal(m, []string{"cluster/0", "cluster/2"}, []string{app.Units()[0].Name(), app.Units()[1].Name()})
//		requireAgreement(m, app, "members: 2, leader: "+leader.Name())
//	})
//
// It asserts on m, which has the seed and the trace of what happened.
package charmtest
