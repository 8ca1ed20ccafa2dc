// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// ring is a charm whose units take over the data of those that are gone.
type ring struct{ *charm.Charm }

func registerRing(c *charm.Charm) {
	r := &ring{c}
	charm.WatchPeers(c, "swarm")
	charm.OnRelation(c, "swarm", r.takeOver)
}

func (r *ring) takeOver(ctx context.Context, ev events.PeerDeparted) error {
	if ev.Self {
		return nil // we leave, and ev.Unit stays
	}
	fmt.Println("taking over from", ev.Unit, "- Juju has told:", !ev.Synthetic)
	return nil
}

// A peer is removed, and Juju does not tell, as in Juju 4. It is told in the next
// dispatch, whatever that is.
func ExampleWatchPeers() {
	t := example{} // in a test, its *testing.T
	h := charmtest.New(t, registerRing, &charmtest.Options{Metadata: swarm})
	peers := h.Peers("swarm")
	peers.Join("swarm/1", nil)
	peers.Join("swarm/2", nil)

	peers.Depart("swarm/1")
	peers.Vanish("swarm/2")
	h.Emit(events.ConfigChanged{})
	// Output:
	// taking over from swarm/1 - Juju has told: true
	// taking over from swarm/2 - Juju has told: false
}
