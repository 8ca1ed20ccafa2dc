// SPDX-License-Identifier: Apache-2.0

// Package magpie has the units of an application know of each other: who joined,
// who departed, and at which addresses they are. It is the peer interface "magpie"
// of the reactive framework, for charms written in Go.
//
//	func register(c *charm.Charm) {
//		peers := magpie.New(c, "magpie")
//		peers.OnJoined(func(ctx context.Context, joined []string) error {
//			nodes, err := peers.Nodes(ctx)
//			if err != nil {
//				return err
//			}
//			// do stuff with nodes
//			_, err = peers.DismissJoined(ctx)
//			return err
//		})
//	}
//
// # States
//
// An endpoint is in the state "joined" from when a peer joins until that is
// dismissed or the peer departs, and in the state "departed" from when a peer
// departs until that is dismissed or the peer joins again. Both are kept for each
// peer, in the charm's state, so they last from hook to hook, and a hook that fails
// changes nothing of them. While a state stands its handlers run in every dispatch,
// actions included.
//
// When it is this unit that leaves, no peer has departed: see [Peers.Leaving].
//
// # What it costs
//
// With handlers, each dispatch reads the charm's state, which is one state-get
// whoever else uses it; while a state stands, also which units are in the relation. The hooks of a peer read that peer's databag. [Peers.Nodes] reads those
// of all peers, in one round where the agent's socket is used.
//
// # Departures that Juju does not tell
//
// Juju 4 leaves a unit that was removed in the relation (juju/juju #23326). Charms
// that are to notice call [charm.WatchPeers] for the endpoint, beside New.
//
// # What peers write
//
// Peers can write anything. What is malformed is told of the peer it is from, in the
// Err of its [Node] or in the log, and the other peers are as they are.
package magpie
