// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// store is a cluster whose leader tells all units what the cluster is.
type store struct{ *charm.Charm }

func (s *store) register(c *charm.Charm) {
	s.Charm = c
	charm.On(c, s.configChanged)
	charm.On(c, s.elected)
}

func (s *store) configChanged(ctx context.Context, _ events.ConfigChanged) error {
	leader, err := s.IsLeader(ctx)
	if err != nil || !leader {
		return err
	}
	return s.publish(ctx)
}

// elected does again all that is the leader's to do. The old leader may have
// lost its leadership in the middle of a dispatch, after IsLeader told it that it
// is the leader: what it wrote for the application is dropped then, and its events
// do not come to us.
func (s *store) elected(ctx context.Context, _ events.LeaderElected) error {
	return s.publish(ctx)
}

// publish writes what follows from what every unit knows, not from what the
// leader before has written. What is as it should be already costs no write.
func (s *store) publish(ctx context.Context) error {
	peers, err := s.Peers(ctx, "store")
	if err != nil {
		return err
	}
	if _, err := peers.LocalApp().All(ctx); err != nil { // so that equal values are known to be so
		return err
	}
	return peers.LocalApp().Update(ctx, map[string]string{"primary": s.Unit()})
}

const storeMetadata = `
type: charm
name: store
summary: A store.
description: It has a primary.
peers: {store: {interface: store}}
`

// The leader writes for the application, and a new leader writes all of it again.
func ExampleCharm_IsLeader() {
	t := example{} // in a test, its *testing.T
	h := charmtest.New(t, new(store).register, &charmtest.Options{Metadata: storeMetadata, Unit: "store/1"})
	h.Emit(events.ConfigChanged{})
	fmt.Println(h.Peers("store").LocalApp())
	h.SetLeader(true) // leader-elected
	fmt.Println(h.Peers("store").LocalApp())

	h.ResetCalls()
	h.Emit(events.ConfigChanged{})
	fmt.Println(len(h.Calls("relation-set")), "writes of what is so already")
	// Output:
	// map[]
	// map[primary:store/1]
	// 0 writes of what is so already
}
