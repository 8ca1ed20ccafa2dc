// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// SetConfig sets options of the charm, and sends config-changed unless they are
// as they were.
func (h *Harness) SetConfig(values map[string]any) {
	h.t.Helper()
	h.configure(values)
}

// ResetConfig sets options back to their defaults, and sends config-changed
// unless they were so.
func (h *Harness) ResetConfig(names ...string) {
	h.t.Helper()
	h.configure(nil, names...)
}

func (h *Harness) configure(values map[string]any, unset ...string) {
	h.t.Helper()
	if err := checkOptions(h.meta, values, unset...); err != nil {
		h.fatal(fmt.Errorf("cannot set config: %w", err))
	}
	before := h.app.ConfigVersion()
	h.fatal(h.app.SetConfig(values, unset...))
	if h.app.ConfigVersion() != before {
		h.Emit(events.ConfigChanged{})
	}
}

// Config returns the options; nil is one that has neither a value nor a default.
func (h *Harness) Config() map[string]any { return h.app.Config() }

// SetLeader makes the unit the leader, and sends leader-elected if it was not;
// or takes its leadership away, of which Juju does not tell.
func (h *Harness) SetLeader(leader bool) {
	h.t.Helper()
	switch {
	case leader == h.unit.IsLeader():
	case leader:
		h.fatal(h.unit.SetLeader())
		h.Emit(events.LeaderElected{})
	default:
		h.app.SetNoLeader()
	}
}

// IsLeader reports whether the unit is the leader.
func (h *Harness) IsLeader() bool { return h.unit.IsLeader() }

// Upgrade gives the unit another revision of its charm, and sends upgrade-charm
// and config-changed, as Juju does.
func (h *Harness) Upgrade(register func(*charm.Charm)) {
	h.t.Helper()
	if register == nil {
		h.fatal(errors.New("cannot upgrade: register is nil; give what charm.Main is given"))
	}
	h.executor.register = register
	h.upgraded()
}

// upgraded sends what follows on another revision of the charm or of a resource.
func (h *Harness) upgraded() {
	h.t.Helper()
	h.inOrder(
		func() { h.t.Helper(); h.send(events.UpgradeCharm{}) },
		func() { h.t.Helper(); h.send(events.ConfigChanged{}) },
	)
}

// SetResource sets the path that resource-get tells, as juju attach-resource
// does, and sends upgrade-charm and config-changed.
func (h *Harness) SetResource(name, path string) {
	h.t.Helper()
	resources, err := resourcesOf(h.meta, map[string]string{name: path})
	if err != nil {
		h.fatal(fmt.Errorf("cannot set a resource: %w", err))
	}
	h.app.SetResource(name, resources[name])
	h.upgraded()
}

// SetLeaderSettings changes what leader-get tells in Juju 3.6, as another leader
// does, and sends leader-settings-changed; empty values delete keys.
func (h *Harness) SetLeaderSettings(settings map[string]string) {
	h.t.Helper()
	if h.unit.IsLeader() {
		h.fatal(errors.New("cannot set leader settings: the unit is the leader, whose charm writes them; it is another's after SetLeader(false)"))
	}
	if h.app.SetLeaderSettings(settings) {
		h.Emit(events.LeaderSettingsChanged{})
	}
}

// LeaderSettings returns what the leader wrote with leader-set, which Juju 3.6 has.
func (h *Harness) LeaderSettings() map[string]string { return h.app.LeaderSettings() }

// Network is what network-get tells of a binding.
type Network struct {
	Interfaces       []Interface
	IngressAddresses []string // default: the first address of the first interface
	EgressSubnets    []string // default: the ingress addresses, with a prefix for one each
}

// Interface is a network interface.
type Interface struct {
	Name, MAC string
	Addresses []InterfaceAddress
}

// InterfaceAddress is an address of an interface; with Hostname it was looked up
// from that.
type InterfaceAddress struct{ Value, CIDR, Hostname string }

// SetNetwork sets what network-get tells of a binding: an endpoint, an extra
// binding or, as "db:3", one relation; empty: all that nothing else is said of.
func (h *Harness) SetNetwork(binding string, n Network) {
	h.t.Helper()
	if err := h.checkBinding(binding); err != nil {
		h.fatal(fmt.Errorf("cannot set a network: %w", err))
	}
	h.unit.SetNetwork(binding, networkOf(n))
}

func networkOf(n Network) juju.Network {
	network := juju.Network{IngressAddresses: n.IngressAddresses, EgressSubnets: n.EgressSubnets}
	for _, i := range n.Interfaces {
		iface := juju.Interface{Name: i.Name, MAC: i.MAC}
		for _, a := range i.Addresses {
			iface.Addresses = append(iface.Addresses, juju.InterfaceAddress(a))
			if len(network.IngressAddresses) == 0 {
				network.IngressAddresses = []string{a.Value}
			}
		}
		network.Interfaces = append(network.Interfaces, iface)
	}
	if len(network.EgressSubnets) == 0 {
		for _, address := range network.IngressAddresses {
			network.EgressSubnets = append(network.EgressSubnets, juju.SubnetOf(address))
		}
	}
	return network
}

// SetPlannedUnits has goal-state tell of n units of the application, our own
// among them; 0 is as many as there are, -1 none, as if it were being removed.
func (h *Harness) SetPlannedUnits(n int) { h.app.SetPlannedUnits(n) }

// Now returns the model's time.
func (h *Harness) Now() time.Time { return h.model.Now() }
