// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

func networkMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	networkGet := func(binding string, rel *hookcmd.RelationID) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.NetworkGet(ctx, binding, rel) }
	}
	openedPorts := func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.OpenedPorts(ctx) }
	byEndpoint := func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.OpenedPortsByEndpoint(ctx) }
	return []scriptedMethod{{
		name:   "NetworkGet",
		call:   networkGet("db", nil),
		argv:   []string{"network-get", "--format=json", "--", "db"},
		prints: recordedOutput(tb, "network-get/full-json", 0),
		want: hookcmd.NetworkInfo{
			BindAddresses: []hookcmd.BindAddress{{
				InterfaceName: "eth0",
				MACAddress:    "00:16:3e:00:00:04",
				Addresses: []hookcmd.InterfaceAddress{
					{Value: "10.1.0.4", CIDR: "10.1.0.0/24"},
					{Value: "fd00::4", CIDR: "fd00::/64"},
				},
			}, {
				InterfaceName: "eth1",
				MACAddress:    "00:16:3e:00:00:05",
				Addresses:     []hookcmd.InterfaceAddress{{Value: "192.168.7.4", CIDR: "192.168.7.0/24"}},
			}},
			IngressAddresses: []string{"10.1.0.4", "203.0.113.4"},
			EgressSubnets:    []string{"10.1.0.4/32", "192.168.7.0/24"},
		},
	}, {
		name:   "NetworkGet for a relation, with host name",
		call:   networkGet("website", &hookcmd.RelationID{Endpoint: "website", ID: 5}),
		argv:   []string{"network-get", "--format=json", "-r", "website:5", "--", "website"},
		prints: recordedOutput(tb, "network-get/hostname-json", 0),
		want: hookcmd.NetworkInfo{BindAddresses: []hookcmd.BindAddress{{
			InterfaceName: "eth0",
			MACAddress:    "00:16:3e:00:00:04",
			Addresses: []hookcmd.InterfaceAddress{
				{Value: "10.1.0.4", CIDR: "10.1.0.0/24", Hostname: "magpie-0.example.com"},
			},
		}}},
	}, {
		name:   "NetworkGet without address",
		call:   networkGet("noaddr", nil),
		argv:   []string{"network-get", "--format=json", "--", "noaddr"},
		prints: recordedOutput(tb, "network-get/noaddr", 0),
		want: hookcmd.NetworkInfo{
			BindAddresses: []hookcmd.BindAddress{{InterfaceName: "eth9", Addresses: []hookcmd.InterfaceAddress{}}},
			EgressSubnets: []string{"10.0.0.0/8"},
		},
	}, {
		name:   "NetworkGet on Kubernetes",
		call:   networkGet("db", nil),
		argv:   []string{"network-get", "--format=json", "--", "db"},
		prints: recordedOutputOf(tb, "3.6", "only36/network-get-k8s", 0),
		want: hookcmd.NetworkInfo{
			BindAddresses: []hookcmd.BindAddress{
				{Addresses: []hookcmd.InterfaceAddress{{Value: "10.1.33.7"}}},
			},
			IngressAddresses: []string{"10.152.183.9"},
			EgressSubnets:    []string{"10.152.183.9/32"},
		},
	}, {
		name:   "UnitGetPrivateAddress",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.UnitGetPrivateAddress(ctx) },
		argv:   []string{"unit-get", "--format=json", "private-address"},
		prints: recordedOutput(tb, "unit-get/private-json", 0),
		want:   "10.1.0.4",
	}, {
		name:   "UnitGetPublicAddress",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.UnitGetPublicAddress(ctx) },
		argv:   []string{"unit-get", "--format=json", "public-address"},
		prints: recordedOutput(tb, "unit-get/public", 0),
		want:   "203.0.113.4",
	}, {
		name: "OpenPort",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.OpenPort(ctx, hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80})
		},
		argv: []string{"open-port", "--", "80/tcp"},
	}, {
		name: "OpenPort for endpoints",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.OpenPort(ctx, hookcmd.PortRange{Protocol: "udp", From: 0, To: 65535}, "db", "website")
		},
		argv: []string{"open-port", "--endpoints", "db,website", "--", "0-65535/udp"},
	}, {
		name: "ClosePort",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.ClosePort(ctx, hookcmd.PortRange{Protocol: "icmp"})
		},
		argv: []string{"close-port", "--", "icmp"},
	}, {
		name: "ClosePort for an endpoint",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.ClosePort(ctx, hookcmd.PortRange{Protocol: "tcp", From: 443, To: 443}, "website")
		},
		argv: []string{"close-port", "--endpoints", "website", "--", "443/tcp"},
	}, {
		name:   "OpenedPorts",
		call:   openedPorts,
		argv:   []string{"opened-ports", "--format=json"},
		prints: recordedOutput(tb, "ports/opened-json", 0),
		want: []hookcmd.PortRange{
			{Protocol: "tcp", From: 80, To: 80},
			{Protocol: "tcp", From: 443, To: 443},
			{Protocol: "udp", From: 1000, To: 1010},
		},
	}, {
		name:   "OpenedPorts none",
		call:   openedPorts,
		argv:   []string{"opened-ports", "--format=json"},
		prints: "[]\n",
		want:   []hookcmd.PortRange{},
	}, {
		name:   "OpenedPorts null",
		call:   openedPorts,
		argv:   []string{"opened-ports", "--format=json"},
		prints: "null\n",
		want:   []hookcmd.PortRange(nil),
	}, {
		name:   "OpenedPortsByEndpoint",
		call:   byEndpoint,
		argv:   []string{"opened-ports", "--format=json", "--endpoints"},
		prints: recordedOutput(tb, "ports/opened-endpoints-json", 0),
		want: []hookcmd.EndpointPorts{
			{PortRange: hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}},
			{PortRange: hookcmd.PortRange{Protocol: "tcp", From: 443, To: 443}, Endpoints: []string{"website"}},
			{PortRange: hookcmd.PortRange{Protocol: "udp", From: 1000, To: 1010}},
		},
	}, {
		name:   "OpenedPortsByEndpoint null",
		call:   byEndpoint,
		argv:   []string{"opened-ports", "--format=json", "--endpoints"},
		prints: "null\n",
		want:   []hookcmd.EndpointPorts(nil),
	}}
}

func TestPortsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		ports hookcmd.PortRange
	}{
		{"zero value", hookcmd.PortRange{}},
		{"no protocol", hookcmd.PortRange{From: 80, To: 80}},
		{"unknown protocol", hookcmd.PortRange{Protocol: "sctp", From: 80, To: 80}},
		{"protocol in upper case", hookcmd.PortRange{Protocol: "TCP", From: 80, To: 80}},
		{"too high", hookcmd.PortRange{Protocol: "tcp", From: 80, To: 65536}},
		{"negative", hookcmd.PortRange{Protocol: "tcp", From: -1, To: 80}},
		{"backwards", hookcmd.PortRange{Protocol: "udp", From: 90, To: 80}},
		{"icmp with a port", hookcmd.PortRange{Protocol: "icmp", From: 8, To: 8}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			runner := scriptedPrinter("")
			client := hookcmd.New(runner, nil)

			for command, err := range map[string]error{
				"open-port":  client.OpenPort(t.Context(), test.ports),
				"close-port": client.ClosePort(t.Context(), test.ports, "db"),
			} {
				var failure *hookcmd.Error
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, command, failure.Command)
				assert.Equal(t, -1, failure.Code)
				assert.ErrorContains(t, err, "is not a port range")
			}
			assert.Empty(t, runner.calls, "commands that were run")
		})
	}
}
