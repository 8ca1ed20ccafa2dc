// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// onUpdate returns a charm that does something in update-status.
func onUpdate(do func(ctx context.Context, c *charm.Charm) error) func(c *charm.Charm) {
	return func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { return do(ctx, c) })
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	var got []string
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		got = nil
		for _, binding := range []string{"db", "website", "cluster"} {
			info, err := c.HookCommands().NetworkGet(ctx, binding, nil)
			if err != nil {
				return err
			}
			got = append(got, info.IngressAddresses[0]+" from "+info.EgressSubnets[0]+" at "+info.BindAddresses[0].Addresses[0].Value)
		}
		return nil
	}), &charmtest.Options{Metadata: magpie})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{"10.1.0.4 from 10.1.0.4/32 at 10.1.0.4", "10.1.0.4 from 10.1.0.4/32 at 10.1.0.4", "10.1.0.4 from 10.1.0.4/32 at 10.1.0.4"}, got, "one network, unless more is said")

	eth := func(address string) charmtest.Network {
		return charmtest.Network{Interfaces: []charmtest.Interface{{Name: "eth1", Addresses: []charmtest.InterfaceAddress{{Value: address, CIDR: "192.168.0.0/16"}}}}}
	}
	h.SetNetwork("db", eth("192.168.0.7"))
	h.SetNetwork("", eth("fd00::7"))
	public := eth("192.168.0.8")
	public.IngressAddresses, public.EgressSubnets = []string{"203.0.113.1"}, []string{"203.0.113.0/24"}
	h.SetNetwork("cluster", public)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []string{
		"192.168.0.7 from 192.168.0.7/32 at 192.168.0.7",
		"fd00::7 from fd00::7/128 at fd00::7",
		"203.0.113.1 from 203.0.113.0/24 at 192.168.0.8",
	}, got)

	site := h.Relate("website", "proxy")
	assert.Equal(t, "fd00::7", site.Local()["ingress-address"], "what Juju writes to databags is of the network")
}

func TestOpenedPorts(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		if err := c.HookCommands().OpenPort(ctx, hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}); err != nil {
			return err
		}
		return c.HookCommands().OpenPort(ctx, hookcmd.PortRange{Protocol: "udp", From: 4000, To: 4010}, "website")
	}), &charmtest.Options{Metadata: magpie})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, []hookcmd.EndpointPorts{
		{PortRange: hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}},
		{PortRange: hookcmd.PortRange{Protocol: "udp", From: 4000, To: 4010}, Endpoints: []string{"website"}},
	}, h.OpenedPorts())
}

// goal-state tells how many units there are to be, which can be more than there
// are, or none if all of it goes away.
func TestPlannedUnits(t *testing.T) {
	t.Parallel()
	var planned int
	h := charmtest.New(t, onUpdate(func(ctx context.Context, c *charm.Charm) error {
		goal, err := c.HookCommands().GoalState(ctx)
		planned = len(goal.Units)
		return err
	}), &charmtest.Options{Metadata: magpie})
	h.Peers("magpie").Join("magpie/1", nil)
	for _, row := range []struct{ set, want int }{{0, 2}, {5, 5}, {1, 1}, {-1, 0}, {0, 2}} {
		h.SetPlannedUnits(row.set)
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, row.want, planned, "SetPlannedUnits(%d)", row.set)
	}
}

// The cloud of the model is for charms that the operator trusts.
func TestCloud(t *testing.T) {
	t.Parallel()
	var cloud hookcmd.CloudSpec
	register := onUpdate(func(ctx context.Context, c *charm.Charm) (err error) {
		cloud, err = c.HookCommands().CredentialGet(ctx)
		return err
	})
	spec := &hookcmd.CloudSpec{Type: "openstack", Name: "stack", Region: "eu", Credential: hookcmd.CloudCredential{
		AuthType: "userpass", Attributes: map[string]hookcmd.SecretValue{"password": hookcmd.NewSecretValue("hunter2")},
	}}
	h := charmtest.New(t, register, &charmtest.Options{Metadata: magpie, Trust: true, Cloud: spec})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "openstack", cloud.Type)
	assert.Equal(t, "eu", cloud.Region)
	assert.Equal(t, "hunter2", cloud.Credential.Attributes["password"].Reveal())

	h = charmtest.New(t, register, &charmtest.Options{Metadata: magpie, Cloud: spec})
	require.ErrorIs(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }), hookcmd.ErrPermission)
}

// What the environment of the charm's process tells.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	var got charm.Environment
	h := charmtest.New(t, onUpdate(func(_ context.Context, c *charm.Charm) error {
		got = c.Environment()
		return nil
	}), &charmtest.Options{
		Metadata: magpie, Unit: "birds/7", JujuVersion: "3.6.26", Machine: "3/lxd/1", Zone: "eu-1b",
		ModelName: "prod", ModelUUID: "12345678-0bad-400d-8000-4b1d0d06f00d", Proxies: charm.Proxies{HTTP: "http://squid:3128", NoProxy: "10.0.0.0/8"},
	})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, charm.Environment{
		Unit: "birds/7", Application: "birds", Dir: "/var/lib/juju/agents/unit-birds-7/charm", ModelName: "prod",
		ModelUUID: "12345678-0bad-400d-8000-4b1d0d06f00d", JujuVersion: charm.ParseJujuVersion("3.6.26"), Machine: "3/lxd/1", Zone: "eu-1b",
		APIAddresses: []string{"10.0.0.1:17070"}, Proxies: charm.Proxies{HTTP: "http://squid:3128", NoProxy: "10.0.0.0/8"},
	}, got)
}
