// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// example stands for the *testing.T that a test has and an Example has not.
type example struct{ testing.TB }

func (example) Helper()                           {}
func (example) Cleanup(func())                    {}
func (example) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (example) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }

type checker struct {
	*charm.Charm
	magpie *magpie.Peers
}

func register(c *charm.Charm) {
	p := &checker{c, magpie.New(c, "magpie")}
	p.magpie.OnJoined(p.checkPeers)
}

func (p *checker) checkPeers(ctx context.Context, joined []string) error {
	nodes, err := p.magpie.Nodes(ctx)
	if err != nil {
		return err
	}
	// do stuff with nodes
	for _, node := range nodes {
		p.Logger().InfoContext(ctx, "a peer", "unit", node.Unit, "address", node.Address)
	}
	return p.SetStatus(ctx, charm.Active(fmt.Sprintf("peers: %d, new: %s", len(nodes), strings.Join(joined, " "))))
}

// The unit looks at all of its peers whenever one has joined.
func Example() {
	t := example{} // in a test, its *testing.T
	h := charmtest.New(t, register, &charmtest.Options{Metadata: metadata})
	peers := h.Peers("magpie")

	peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.1"})
	fmt.Println(h.Status().Message)
	peers.Join("magpie/2", map[string]string{"ingress-address": "10.0.0.2"})
	fmt.Println(h.Status().Message)
	peers.Depart("magpie/1")
	fmt.Println(h.Status().Message)
	fmt.Println(h.Logs()[0].Message)
	// Output:
	// peers: 1, new: magpie/1
	// peers: 2, new: magpie/1 magpie/2
	// peers: 1, new: magpie/2
	// magpie:0: a peer unit=magpie/1 address=10.0.0.1
}

type cluster struct {
	*charm.Charm
	magpie *magpie.Peers
}

func registerCluster(c *charm.Charm) {
	charm.WatchPeers(c, "magpie") // departures that Juju 4 does not tell
	p := &cluster{c, magpie.New(c, "magpie")}
	p.magpie.OnJoined(p.add)
	p.magpie.OnDeparted(p.remove)
}

func (p *cluster) add(ctx context.Context, _ []string) error {
	nodes, err := p.magpie.JoinedNodes(ctx)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if node.Err != nil {
			p.Logger().WarnContext(ctx, "cannot add a peer yet", "unit", node.Unit, "cause", node.Err)
			continue // it comes again, with what it has written then
		}
		p.Logger().InfoContext(ctx, "add", "unit", node.Unit, "address", node.Address)
		if _, err := p.magpie.DismissJoined(ctx, node.Unit); err != nil {
			return err
		}
	}
	return nil
}

func (p *cluster) remove(ctx context.Context, _ []string) error {
	nodes, err := p.magpie.DepartedNodes(ctx)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		p.Logger().InfoContext(ctx, "remove", "unit", node.Unit, "address", node.Address)
	}
	_, err = p.magpie.DismissDeparted(ctx)
	return err
}

// Each peer is added once and removed once, at the address that it has or had: what is
// done with is dismissed. Juju does not tell of the departure here.
func ExamplePeers_DismissDeparted() {
	t := example{} // in a test, its *testing.T
	h := charmtest.New(t, registerCluster, &charmtest.Options{Metadata: metadata})
	peers := h.Peers("magpie")

	peers.Join("magpie/1", map[string]string{"ingress-address": ""})
	peers.Join("magpie/2", map[string]string{"ingress-address": "10.0.0.2"})
	peers.Update("magpie/1", map[string]string{"ingress-address": "10.0.0.1"})
	peers.Vanish("magpie/1")
	h.Emit(events.UpdateStatus{})
	h.Emit(events.UpdateStatus{})
	for _, line := range h.Logs() {
		fmt.Println(line.Message)
	}
	// Output:
	// magpie:0: cannot add a peer yet unit=magpie/1 cause="the peer has no address yet"
	// magpie:0: cannot add a peer yet unit=magpie/1 cause="the peer has no address yet"
	// magpie:0: cannot add a peer yet unit=magpie/1 cause="the peer has no address yet"
	// magpie:0: add unit=magpie/2 address=10.0.0.2
	// magpie:0: cannot add a peer yet unit=magpie/1 cause="the peer has no address yet"
	// magpie:0: add unit=magpie/1 address=10.0.0.1
	// a peer is gone, and Juju has not told endpoint=magpie unit=magpie/1
	// remove unit=magpie/1 address=10.0.0.1
}

type storageCluster struct {
	*charm.Charm
	magpie *magpie.Peers
}

func (p *storageCluster) reconcile(ctx context.Context, _ events.Hook) error {
	if err := p.magpie.AdvertiseAddresses(ctx, p.addresses()); err != nil {
		return err
	}
	nodes, missing, err := p.magpie.NodesIn(ctx, netip.MustParsePrefix("192.168.0.0/24"))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return p.SetStatus(ctx, charm.Waiting(fmt.Sprintf("for %s in the storage network", missing[0].Unit)))
	}
	return p.SetStatus(ctx, charm.Active(fmt.Sprintf("%d peers in the storage network", len(nodes))))
}

// addresses are those of the unit's network interfaces.
func (p *storageCluster) addresses() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("192.168.0.5")}
}

// The units of a machine with several networks tell each other all of their addresses.
func ExamplePeers_NodesIn() {
	t := example{} // in a test, its *testing.T
	h := charmtest.New(t, func(c *charm.Charm) {
		p := &storageCluster{c, magpie.New(c, "magpie")}
		charm.On(c, p.reconcile)
	}, &charmtest.Options{Metadata: metadata})
	peers := h.Peers("magpie")

	peers.Join("magpie/1", map[string]string{"ingress-address": "10.0.0.1"})
	fmt.Println(h.Status().Message)
	peers.Update("magpie/1", map[string]string{"iperf_addresses": `["10.0.0.1", "192.168.0.1"]`})
	fmt.Println(h.Status().Message)
	fmt.Println(peers.Local()["iperf_addresses"])
	// Output:
	// for magpie/1 in the storage network
	// 1 peers in the storage network
	// ["10.0.0.5","192.168.0.5"]
}
