// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// changesPorts opens and closes ports, which succeeds.
func changesPorts(changes ...func(ctx context.Context, c *charm.Charm) error) func(ctx context.Context, t *testing.T, c *charm.Charm) {
	return func(ctx context.Context, t *testing.T, c *charm.Charm) {
		for _, change := range changes {
			require.NoError(t, change(ctx, c))
		}
	}
}

func opens(ports charm.PortRange, endpoints ...string) func(ctx context.Context, c *charm.Charm) error {
	return func(ctx context.Context, c *charm.Charm) error { return c.OpenPort(ctx, ports, endpoints...) }
}

func closes(ports charm.PortRange, endpoints ...string) func(ctx context.Context, c *charm.Charm) error {
	return func(ctx context.Context, c *charm.Charm) error { return c.ClosePort(ctx, ports, endpoints...) }
}

func TestReplayPorts(t *testing.T) {
	t.Parallel()
	range81 := charm.PortRange{Protocol: "udp", From: 81, To: 90}
	replayScenes(t, []scene{
		{name: "ports/open-81", do: changesPorts(opens(charm.TCP(81)))},
		{name: "ports/open-81_UDP", do: changesPorts(opens(charm.UDP(81)))},
		{name: "ports/open-81-90_udp", do: changesPorts(opens(range81))},
		{name: "ports/open-ICMP", do: changesPorts(opens(charm.ICMP()))},
		{name: "ports/open-endpoints", do: changesPorts(opens(charm.TCP(81), "db", "website"))},
		{name: "ports/open-endpoints-unknown", do: changesPorts(opens(charm.TCP(81), "nosuch"))},
		{name: "ports/open-twice", do: changesPorts(opens(charm.TCP(81)), opens(charm.TCP(81)))},
		{name: "ports/close", do: changesPorts(closes(charm.TCP(80)))},
		{name: "ports/close-then-open", do: changesPorts(closes(charm.TCP(80)), opens(charm.TCP(80)))},
		{name: "ports/open-then-close", do: changesPorts(opens(charm.TCP(81)), closes(charm.TCP(81)))},
		{name: "ports/close-endpoint", do: changesPorts(closes(charm.TCP(443), "website"))},
		{name: "ports/open-conflict-pending", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.NoError(t, c.OpenPort(ctx, tcp(200, 210)))
			require.ErrorIs(t, c.OpenPort(ctx, charm.TCP(205)), hookcmd.ErrPortConflict)
		}},
		{name: "ports/close-part-of-range", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			require.ErrorIs(t, c.ClosePort(ctx, charm.UDP(1001)), hookcmd.ErrPortConflict)
		}},
		{name: "ports/open-conflict-own", also: []string{"ports/opened-endpoints-json"}, do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			opened, err := c.OpenedPorts(ctx)
			require.NoError(t, err)
			assert.Len(t, opened, 3)
			require.ErrorIs(t, c.OpenPort(ctx, tcp(75, 85)), hookcmd.ErrPortConflict)
		}},
	})
}

func TestReplayNetwork(t *testing.T) {
	t.Parallel()
	replayScenes(t, []scene{
		{name: "network-get/full-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			for range 2 { // asked once
				n, err := c.Network(ctx, "db")
				require.NoError(t, err)
				assert.Equal(t, []string{"10.1.0.4", "203.0.113.4"}, n.IngressAddresses)
				assert.Equal(t, []string{"10.1.0.4/32", "192.168.7.0/24"}, n.EgressSubnets)
				require.Len(t, n.BindAddresses, 2)
				assert.Equal(t, "eth0 00:16:3e:00:00:04 fd00::4 fd00::/64", n.BindAddresses[0].InterfaceName+" "+n.BindAddresses[0].MACAddress+
					" "+n.BindAddresses[0].Addresses[1].Value+" "+n.BindAddresses[0].Addresses[1].CIDR)
			}
		}},
		{name: "network-get/hostname-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			n, err := c.Network(ctx, "website")
			require.NoError(t, err)
			assert.Equal(t, "magpie-0.example.com", n.BindAddresses[0].Addresses[0].Hostname)
			assert.Empty(t, n.IngressAddresses)
		}},
		{name: "network-get/noaddr", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			n, err := c.Network(ctx, "noaddr")
			require.NoError(t, err)
			assert.Empty(t, n.BindAddresses[0].Addresses)
			assert.Equal(t, []string{"10.0.0.0/8"}, n.EgressSubnets)
		}},
		{name: "network-get/empty-result", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			_, err := c.Network(ctx, "empty")
			require.ErrorIs(t, err, hookcmd.ErrNoAddress)
		}},
		{name: "network-get/relation-unknown", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			_, err := c.RelationNetwork(ctx, c.Relation(events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 99, App: "mysql"}}))
			require.ErrorIs(t, err, hookcmd.ErrRelationNotFound)
		}},
	})
}

func TestReplayStorage(t *testing.T) {
	t.Parallel()
	adds := func(name string, counts ...int) func(ctx context.Context, t *testing.T, c *charm.Charm) {
		return func(ctx context.Context, t *testing.T, c *charm.Charm) {
			for _, count := range counts {
				require.NoError(t, c.AddStorage(ctx, name, count))
			}
		}
	}
	replayScenes(t, []scene{
		{name: "storage/add-one", do: adds("data", 1)},
		{name: "storage/add-count", do: adds("data", 2)},
		{name: "storage/add-twice", do: adds("data", 1, 2)},
		{name: "storage/add-unknown-name", do: adds("nosuch", 1)},
		{name: "storage/list-none-json", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			list, err := c.Storages(ctx, "")
			require.NoError(t, err)
			assert.Empty(t, list)
		}},
		{name: "storage/list-unknown-name", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			list, err := c.Storages(ctx, "nope")
			require.NoError(t, err)
			assert.Empty(t, list)
		}},
	})
}

// What Juju was recorded to refuse is an error before it is asked, with the rule.
func TestReplayRefusals(t *testing.T) {
	t.Parallel()
	env := append(environ(t, events.UpdateStatus{}), "JUJU_MACHINE_ID=") // as on Kubernetes
	for name, row := range map[string]struct {
		rule string
		do   func(ctx context.Context, c *charm.Charm) error
	}{
		"ports/open-65536": {"cannot open port: 65536/tcp: ports are from 1 to 65535", opens(charm.TCP(65536))},
		"ports/open--1":    {"cannot open port: -1/tcp: ports are from 1 to 65535", opens(charm.TCP(-1))},
		"ports/open-90-81": {"cannot open port: 90-81/tcp: From is 90, which is more than To, 81", opens(tcp(90, 81))},
		"ports/open-81_":   {`cannot open port: protocol "" must be "tcp", "udp" or "icmp"`, opens(charm.PortRange{From: 81, To: 81})},
		"ports/k8s-range":  {"cannot open port: 81-90/tcp: on Kubernetes only single ports of tcp and udp can be open", opens(tcp(81, 90))},
		"storage/add-negative": {`cannot add storage "data": the count is -1; at least one can be added`, func(ctx context.Context, c *charm.Charm) error {
			return c.AddStorage(ctx, "data", -1)
		}},
		"storage/get-bad-id": {`cannot get storage "data": it is no storage ID; those are like "data/0"`, func(ctx context.Context, c *charm.Charm) error {
			_, err := c.Storage(ctx, "data")
			return err
		}},
	} {
		for _, version := range golden.Versions {
			refused, ok := caseOf(version, name)
			require.True(t, ok, name)
			assert.NotZero(t, refused.Calls[0].Code, "%s of Juju %s", name, version)
		}
		require.NoError(t, charm.Run(t.Context(), func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
				require.EqualError(t, row.do(ctx, c), row.rule, name)
				return nil
			})
		}, &charm.Options{Env: env, Runner: &replay{t: t}}))
	}
}
