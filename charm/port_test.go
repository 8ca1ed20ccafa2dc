// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

const (
	listPorts = "opened-ports --format=json --endpoints"
	minPort   = 1
	maxPort   = 65535
)

func tcp(from, to int) charm.PortRange { return charm.PortRange{Protocol: "tcp", From: from, To: to} }

func TestOpenAndClosePorts(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		want := []charm.EndpointPorts{
			{PortRange: charm.ICMP()},
			{PortRange: charm.TCP(443), Endpoints: []string{"db", "site"}},
			{PortRange: tcp(8000, 8010)},
			{PortRange: charm.UDP(53)},
		}
		lines := u.run(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, c.OpenPort(ctx, charm.UDP(53)))
			require.NoError(t, c.OpenPort(ctx, charm.TCP(80)))
			require.NoError(t, c.OpenPort(ctx, tcp(8000, 8010)))
			for range 2 {
				opened, err := c.OpenedPorts(ctx)
				require.NoError(t, err)
				assert.Equal(t, []charm.EndpointPorts{{PortRange: charm.TCP(80)}, {PortRange: tcp(8000, 8010)}, {PortRange: charm.UDP(53)}}, opened)
				clear(opened) // it is ours
			}
			require.NoError(t, c.OpenPort(ctx, charm.TCP(443), "db", "site"))
			require.NoError(t, c.OpenPort(ctx, charm.ICMP()))
			require.NoError(t, c.ClosePort(ctx, charm.TCP(80)))
			for range 2 {
				opened, err := c.OpenedPorts(ctx)
				require.NoError(t, err)
				assert.Equal(t, want, opened, "with the changes of this dispatch")
				opened[1].Endpoints[0] = "mine"
			}
			return nil
		})
		assert.Equal(t, []string{
			"open-port -- 53/udp", "open-port -- 80/tcp", "open-port -- 8000-8010/tcp", listPorts,
			"open-port --endpoints db,site -- 443/tcp", "open-port -- icmp", "close-port -- 80/tcp", listPorts,
		}, lines)
		assert.Equal(t, want, u.OpenedPorts())

		assert.Equal(t, []string{"close-port --endpoints site -- 443/tcp"}, u.run(func(ctx context.Context, c *charm.Charm) error {
			return c.ClosePort(ctx, charm.TCP(443), "site")
		}))
		assert.Equal(t, charm.EndpointPorts{PortRange: charm.TCP(443), Endpoints: []string{"db"}}, u.OpenedPorts()[1])
	})
}

func TestSetPorts(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		set := func(ports ...charm.PortRange) []string {
			return u.run(func(ctx context.Context, c *charm.Charm) error { return c.SetPorts(ctx, ports...) })
		}
		assert.Equal(t, []string{listPorts, "open-port -- icmp", "open-port -- 80/tcp", "open-port -- 443/tcp", "open-port -- 1000-1010/udp"},
			set(charm.PortRange{Protocol: "udp", From: 1000, To: 1010}, charm.TCP(443), charm.TCP(80), charm.ICMP(), charm.TCP(80)))
		assert.Equal(t, []string{listPorts}, set(charm.TCP(80), charm.ICMP(), charm.TCP(443), charm.PortRange{Protocol: "udp", From: 1000, To: 1010}))
		assert.Equal(t, []string{listPorts, "close-port -- icmp", "close-port -- 80/tcp", "open-port -- 8/tcp", "open-port -- 53/udp"},
			set(charm.UDP(53), charm.TCP(443), charm.TCP(8), charm.PortRange{Protocol: "udp", From: 1000, To: 1010}))
		assert.Equal(t, []charm.EndpointPorts{
			{PortRange: charm.TCP(8)}, {PortRange: charm.TCP(443)}, {PortRange: charm.UDP(53)}, {PortRange: charm.PortRange{Protocol: "udp", From: 1000, To: 1010}},
		}, u.OpenedPorts())
		assert.Equal(t, []string{listPorts, "close-port -- 8/tcp", "close-port -- 443/tcp", "close-port -- 53/udp", "close-port -- 1000-1010/udp"}, set())
		assert.Empty(t, u.OpenedPorts())
	})
}

// In one dispatch the ports can be set more than once.
func TestSetPortsAgain(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		assert.Equal(t, []string{listPorts, "open-port -- 80/tcp", listPorts, "close-port -- 80/tcp", "open-port -- 81/tcp", listPorts},
			u.run(func(ctx context.Context, c *charm.Charm) error {
				for _, port := range []int{80, 81, 81, 81} {
					if err := c.SetPorts(ctx, charm.TCP(port)); err != nil {
						return err
					}
				}
				return nil
			}))
		assert.Equal(t, []charm.EndpointPorts{{PortRange: charm.TCP(81)}}, u.OpenedPorts())
	})
}

// Ports that are open for some endpoints are opened for all, or closed.
func TestSetPortsOfEndpoints(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		u.run(func(ctx context.Context, c *charm.Charm) error {
			require.NoError(t, c.OpenPort(ctx, charm.TCP(80), "db"))
			return c.OpenPort(ctx, charm.TCP(81), "site", "db")
		})
		assert.Equal(t, []string{listPorts, "close-port --endpoints db,site -- 81/tcp", "open-port -- 80/tcp"},
			u.run(func(ctx context.Context, c *charm.Charm) error { return c.SetPorts(ctx, charm.TCP(80)) }))
		assert.Equal(t, []charm.EndpointPorts{{PortRange: charm.TCP(80)}}, u.OpenedPorts())
	})
}

// A range can take the place of one that overlaps with it in two dispatches.
func TestSetPortsThatOverlap(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		conflict := false
		set := func(ports ...charm.PortRange) []string {
			return u.run(func(ctx context.Context, c *charm.Charm) error {
				err := c.SetPorts(ctx, ports...)
				if conflict = err != nil; conflict {
					require.ErrorIs(t, err, hookcmd.ErrPortConflict)
				}
				return nil
			})
		}
		set(tcp(80, 90))
		assert.False(t, conflict)
		assert.Equal(t, []string{listPorts, "close-port -- 80-90/tcp", "open-port -- 85/tcp", "open-port -- 443/tcp"}, set(charm.TCP(85), charm.TCP(443)))
		assert.True(t, conflict)
		assert.Equal(t, []charm.EndpointPorts{{PortRange: charm.TCP(443)}}, u.OpenedPorts(), "the rest is done")
		assert.Equal(t, []string{listPorts, "open-port -- 85/tcp"}, set(charm.TCP(85), charm.TCP(443)))
		assert.False(t, conflict)
	})
}

func TestPortMisuse(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for _, row := range []struct {
			ports charm.PortRange
			want  string
		}{
			{charm.PortRange{}, `protocol "" must be "tcp", "udp" or "icmp"`},
			{charm.PortRange{Protocol: "TCP", From: 80, To: 80}, `protocol "TCP" must be "tcp", "udp" or "icmp"`},
			{charm.TCP(0), "0/tcp: ports are from 1 to 65535"},
			{charm.TCP(-1), "-1/tcp: ports are from 1 to 65535"},
			{charm.UDP(65536), "65536/udp: ports are from 1 to 65535"},
			{tcp(1, 65536), "1-65536/tcp: ports are from 1 to 65535"},
			{tcp(0, 80), "0-80/tcp: ports are from 1 to 65535"},
			{charm.PortRange{Protocol: "tcp", From: 80}, "80-0/tcp: From is 80, which is more than To, 0"},
			{tcp(90, 80), "90-80/tcp: From is 90, which is more than To, 80"},
			{charm.PortRange{Protocol: "icmp", From: 8, To: 8}, "icmp has no ports, and From is 8, To is 8"},
		} {
			require.EqualError(t, c.OpenPort(ctx, row.ports), "cannot open port: "+row.want)
			require.EqualError(t, c.ClosePort(ctx, row.ports, "db"), "cannot close port: "+row.want)
			require.EqualError(t, c.SetPorts(ctx, charm.TCP(80), row.ports), "cannot set ports: "+row.want)
		}
		for _, endpoint := range []string{"", "db,site", "db "} {
			require.EqualError(t, c.OpenPort(ctx, charm.TCP(80), "db", endpoint), `cannot open port: "`+endpoint+`" is no name of an endpoint`)
		}
		for _, ports := range [][]charm.PortRange{
			{tcp(80, 90), charm.TCP(85)}, {charm.TCP(90), tcp(80, 90)}, {tcp(1, 5), tcp(1, 6)}, {charm.TCP(7), tcp(minPort, maxPort)},
		} {
			require.ErrorContains(t, c.SetPorts(ctx, ports...), " overlap")
		}
		require.EqualError(t, c.SetPorts(ctx, charm.TCP(85), tcp(80, 90)), "cannot set ports: 80-90/tcp and 85/tcp overlap")
	})
	assert.Empty(t, agent.Calls())
}

func TestPortsThatOnlyJujuRefuses(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		opts.Kubernetes = true
		u := newInUpdateStatus(t, opts)
		u.run(func(ctx context.Context, c *charm.Charm) error {
			return c.OpenPort(ctx, charm.TCP(80))
		})
		lines := u.run(func(ctx context.Context, c *charm.Charm) error {
			for _, ports := range []charm.PortRange{tcp(80, 90), charm.ICMP()} {
				rule := ": on Kubernetes only single ports of tcp and udp can be open"
				require.EqualError(t, c.OpenPort(ctx, ports), "cannot open port: "+ports.String()+rule)
				require.EqualError(t, c.ClosePort(ctx, ports), "cannot close port: "+ports.String()+rule)
				require.EqualError(t, c.SetPorts(ctx, charm.TCP(443), ports), "cannot set ports: "+ports.String()+rule)
			}
			return nil
		})
		assert.Empty(t, lines)
		assert.Equal(t, []charm.EndpointPorts{{PortRange: charm.TCP(80)}}, u.OpenedPorts())
		u.do = func(ctx context.Context, c *charm.Charm) error { return c.OpenPort(ctx, charm.TCP(81), "nosuch") }
		require.ErrorContains(t, u.Try(func() { u.Emit(events.UpdateStatus{}) }), "flush refused")
	})
}

func TestPortsAsRecorded(t *testing.T) {
	t.Parallel()
	within(t, recordedAnswer(t, "4", "ports/opened-endpoints-json", "opened-ports", "--endpoints", "--format=json"), func(ctx context.Context, c *charm.Charm) {
		opened, err := c.OpenedPorts(ctx)
		require.NoError(t, err)
		assert.Equal(t, []charm.EndpointPorts{
			{PortRange: charm.TCP(80)}, {PortRange: charm.TCP(443), Endpoints: []string{"website"}},
			{PortRange: charm.PortRange{Protocol: "udp", From: 1000, To: 1010}},
		}, opened)
	})
	within(t, recordedAnswer(t, "4", "ports/open-conflict-own", "open-port", "75-85/tcp"), func(ctx context.Context, c *charm.Charm) {
		require.ErrorIs(t, c.OpenPort(ctx, tcp(75, 85)), hookcmd.ErrPortConflict)
	})
}

// The order does not depend on Juju's.
func TestPortsAreSorted(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Answer{Stdout: `["1-2/udp (*)","443/tcp (db)","80/tcp (*)","icmp (*)"]`}, true
	}}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		opened, err := c.OpenedPorts(ctx)
		require.NoError(t, err)
		assert.Equal(t, "[icmp (*) 80/tcp (*) 443/tcp (db) 1-2/udp (*)]", fmt.Sprint(opened))
		require.NoError(t, c.SetPorts(ctx))
	})
	assert.Equal(t, []string{
		listPorts, "close-port -- icmp", "close-port -- 80/tcp", "close-port --endpoints db -- 443/tcp", "close-port -- 1-2/udp",
	}, agent.Calls())
}

// Other failures end SetPorts at once.
func TestSetPortsFails(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"opened-ports", "close-port", "open-port"} {
		agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
			if call.Command == failing {
				return hookcmdtest.Failure(1, "no connection"), true
			}
			return hookcmdtest.Answer{Stdout: `["80/tcp (*)"]`}, true
		}}
		within(t, agent, func(ctx context.Context, c *charm.Charm) {
			require.ErrorContains(t, c.SetPorts(ctx, charm.TCP(81), charm.TCP(82)), "no connection")
		})
		assert.Contains(t, agent.Calls()[len(agent.Calls())-1], failing)
		assert.NotContains(t, agent.Calls(), "open-port -- 82/tcp")
	}
}
