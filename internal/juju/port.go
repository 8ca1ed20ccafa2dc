// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// allEndpoints is the endpoint that stands for all of them.
const allEndpoints = ""

// portSet is a unit's open ports, by endpoint. It is never changed but replaced.
type portSet map[string][]hookcmd.PortRange

// portChange is an open-port or close-port that waits for the flush.
type portChange struct {
	endpoint string
	ports    hookcmd.PortRange
}

func (p portSet) has(endpoint string, ports hookcmd.PortRange) bool {
	return slices.Contains(p[endpoint], ports)
}

func (p portSet) add(endpoint string, ports hookcmd.PortRange) {
	if !p.has(endpoint, ports) {
		p[endpoint] = append(slices.Clone(p[endpoint]), ports)
	}
}

func (p portSet) remove(endpoint string, ports hookcmd.PortRange) {
	i := slices.Index(p[endpoint], ports)
	if i < 0 {
		return
	}
	if p[endpoint] = slices.Delete(slices.Clone(p[endpoint]), i, i+1); len(p[endpoint]) == 0 {
		delete(p, endpoint)
	}
}

// clone returns a copy that may be changed by add and remove.
func (p portSet) clone() portSet {
	next := maps.Clone(p)
	if next == nil {
		next = make(portSet)
	}
	return next
}

// byRange returns each range with its endpoints, as opened-ports prints them.
func (p portSet) byRange() []hookcmd.EndpointPorts {
	all := []hookcmd.EndpointPorts{}
	for _, endpoint := range slices.Sorted(maps.Keys(p)) { // "" is first
		for _, ports := range p[endpoint] {
			i := slices.IndexFunc(all, func(known hookcmd.EndpointPorts) bool { return known.PortRange == ports })
			switch {
			case i < 0 && endpoint == allEndpoints:
				all = append(all, hookcmd.EndpointPorts{PortRange: ports})
			case i < 0:
				all = append(all, hookcmd.EndpointPorts{PortRange: ports, Endpoints: []string{endpoint}})
			case all[i].Endpoints != nil:
				all[i].Endpoints = append(all[i].Endpoints, endpoint)
			}
		}
	}
	slices.SortFunc(all, func(a, b hookcmd.EndpointPorts) int { return comparePorts(a.PortRange, b.PortRange) })
	return all
}

func comparePorts(a, b hookcmd.PortRange) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
}

// overlap reports whether two ranges have a port in common.
func overlap(a, b hookcmd.PortRange) bool {
	return a.Protocol == b.Protocol && a.From <= b.To && b.From <= a.To
}

// changePort is open-port and close-port: it notes the change for the flush.
func (h *Hook) changePort(open bool, endpoint string, ports hookcmd.PortRange) error {
	pending, opposite, verb := &h.more().closePorts, &h.more().openPorts, "close"
	if open {
		pending, opposite, verb = opposite, pending, "open"
	}
	if h.model.opts.CAAS && ports.From != ports.To {
		return errors.New("port ranges are not supported for k8s applications, please specify a single port")
	}
	change := portChange{endpoint, ports}
	*opposite = slices.DeleteFunc(*opposite, func(c portChange) bool { return c == change })
	if slices.Contains(*pending, change) {
		return nil
	}
	if with := h.portConflict(*pending, ports); with != "" {
		return fmt.Errorf("cannot %s %s (unit %q): port range conflicts with %s", verb, ports, h.unit.Name, with)
	}
	if open && h.unit.ports.has(endpoint, ports) {
		return nil
	}
	*pending = append(*pending, change)
	return nil
}

// portConflict returns what a range conflicts with: another range of this unit
// that overlaps with it, or any that does of another unit on the machine.
func (h *Hook) portConflict(pending []portChange, ports hookcmd.PortRange) string {
	for _, c := range pending {
		if c.ports != ports && overlap(c.ports, ports) {
			return fmt.Sprintf("%s (unit %q) requested earlier", c.ports, h.unit.Name)
		}
	}
	for _, u := range h.unit.neighbours() {
		for _, endpoint := range slices.Sorted(maps.Keys(u.ports)) {
			for _, open := range u.ports[endpoint] {
				if overlap(open, ports) && (u != h.unit || open != ports) {
					return fmt.Sprintf("%s (unit %q)", open, u.Name)
				}
			}
		}
	}
	return ""
}

// neighbours returns the units on the unit's machine that have open ports,
// itself first.
func (u *Unit) neighbours() []*Unit {
	units := []*Unit{u}
	if u.machine == "" { // a pod has its own ports
		return units
	}
	for _, a := range u.app.model.apps {
		for _, other := range a.units {
			if other != u && other.machine == u.machine && other.life != Dead && len(other.ports) > 0 {
				units = append(units, other)
			}
		}
	}
	return units
}

// pendingPorts returns the unit's ports with the changes of this hook, as the
// agent has them: it leaves to the controller what a change on all endpoints
// means for single ones.
func (h *Hook) pendingPorts() portSet {
	next := h.unit.ports.clone()
	for _, c := range h.more().openPorts {
		next.add(c.endpoint, c.ports)
	}
	for _, c := range h.more().closePorts {
		next.remove(c.endpoint, c.ports)
	}
	return next
}

// checkPorts does the checks that Juju leaves to the flush.
func (h *Hook) checkPorts() error {
	for _, c := range slices.Concat(h.more().openPorts, h.more().closePorts) {
		switch {
		case h.model.opts.CAAS && c.ports.Protocol == "icmp":
			return errors.New("protocol icmp on caas models not supported")
		case !h.unit.app.hasEndpoint(c.endpoint):
			return fmt.Errorf("cannot change port %s: application %q has no endpoint %q", c.ports, h.unit.app.Name, c.endpoint)
		}
	}
	return nil
}

// hasEndpoint reports whether ports can be opened for an endpoint.
func (a *Application) hasEndpoint(name string) bool {
	if a.charm == nil || name == allEndpoints || name == "juju-info" {
		return true
	}
	_, ok := a.charm.Endpoints[name]
	return ok || slices.Contains(a.charm.ExtraBindings, name)
}

// commitPorts makes the changes. A range is open either for all endpoints or
// for some: what is closed for one of all stays open for the others.
func (h *Hook) commitPorts() {
	if len(h.more().openPorts) == 0 && len(h.more().closePorts) == 0 {
		return
	}
	next := h.unit.ports.clone()
	for _, c := range h.more().closePorts {
		switch {
		case c.endpoint == allEndpoints:
			for _, endpoint := range slices.Collect(maps.Keys(next)) {
				next.remove(endpoint, c.ports)
			}
		case next.has(allEndpoints, c.ports):
			next.remove(allEndpoints, c.ports)
			for _, endpoint := range h.unit.app.endpointNames() {
				if endpoint != c.endpoint {
					next.add(endpoint, c.ports)
				}
			}
		default:
			next.remove(c.endpoint, c.ports)
		}
	}
	for _, c := range h.more().openPorts {
		if c.endpoint == allEndpoints {
			for _, endpoint := range slices.Collect(maps.Keys(next)) {
				next.remove(endpoint, c.ports)
			}
			next.add(allEndpoints, c.ports)
		}
	}
	for _, c := range h.more().openPorts {
		if !next.has(allEndpoints, c.ports) {
			next.add(c.endpoint, c.ports)
		}
	}
	h.unit.ports = next
}

// endpointNames returns the names of the charm's endpoints, sorted.
func (a *Application) endpointNames() []string {
	if a.charm == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(a.charm.Endpoints))
}
