// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func TestNetwork(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		eth := func(address string) charmtest.Network {
			return charmtest.Network{Interfaces: []charmtest.Interface{{Name: "eth1", Addresses: []charmtest.InterfaceAddress{{Value: address}}}}}
		}
		first := u.Relate("db", "mysql")
		second := u.Relate("db", "mariadb")
		u.SetNetwork("db", eth("10.0.0.1"))
		u.SetNetwork(first.String(), eth("10.0.0.2"))
		lines := u.run(func(ctx context.Context, c *charm.Charm) error {
			relations, err := c.Relations(ctx, "db")
			require.NoError(t, err)
			require.Len(t, relations, 2)
			for range 2 {
				n, err := c.Network(ctx, "db")
				require.NoError(t, err)
				assert.Equal(t, "10.0.0.1 10.0.0.1/32 10.0.0.1", n.IngressAddresses[0]+" "+n.EgressSubnets[0]+" "+n.BindAddresses[0].Addresses[0].Value)
				n.IngressAddresses[0], n.EgressSubnets[0] = "mine", "mine"
				n.BindAddresses[0].Addresses[0].Value, n.BindAddresses[0].InterfaceName = "mine", "mine"
				for i, want := range []string{"10.0.0.2", "10.0.0.1"} {
					n, err = c.RelationNetwork(ctx, relations[i])
					require.NoError(t, err)
					assert.Equal(t, want, n.IngressAddresses[0])
					assert.Equal(t, "eth1", n.BindAddresses[0].InterfaceName)
				}
			}
			return nil
		})
		assert.Equal(t, []string{
			"relation-ids --format=json -- db", "network-get --format=json -- db",
			"network-get --format=json -r " + first.String() + " -- db", "network-get --format=json -r " + second.String() + " -- db",
		}, lines, "nothing is read twice")
	})
}

func TestNetworkOfNoBinding(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		newInUpdateStatus(t, opts).run(func(ctx context.Context, c *charm.Charm) error {
			n, err := c.Network(ctx, "nosuch")
			require.ErrorIs(t, err, hookcmd.ErrNoAddress)
			assert.Zero(t, n)
			return nil
		})
	})
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		_, err := c.Network(ctx, "")
		require.EqualError(t, err, "cannot get network: the name of the binding is empty")
		_, err = c.RelationNetwork(ctx, nil)
		require.EqualError(t, err, "cannot get network: the relation is nil")
	})
	assert.Empty(t, agent.Calls())
}

func TestNetworkAsRecorded(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4", "3.6"} {
		name := map[string]string{"4": "network-get/empty-result", "3.6": "network-get/error-result"}[version]
		binding := map[string]string{"4": "empty", "3.6": "err"}[version]
		within(t, recordedAnswer(t, version, name, "network-get", "--format=json", binding), func(ctx context.Context, c *charm.Charm) {
			_, err := c.Network(ctx, "db")
			require.ErrorIs(t, err, hookcmd.ErrNoAddress)
		})
	}
}
