// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// PortRange is a range of ports of one protocol: "tcp", "udp" or, with neither
// From nor To, "icmp". Ports are from 1 to 65535; of one port From and To are
// equal. [TCP], [UDP] and [ICMP] make those of one port.
type PortRange = hookcmd.PortRange

// EndpointPorts is a range of open ports, and the endpoints that it is open for;
// nil: all of them.
type EndpointPorts = hookcmd.EndpointPorts

// TCP returns the range of one TCP port.
func TCP(port int) PortRange { return PortRange{Protocol: "tcp", From: port, To: port} }

// UDP returns the range of one UDP port.
func UDP(port int) PortRange { return PortRange{Protocol: "udp", From: port, To: port} }

// ICMP returns the range of ICMP, which has no ports.
func ICMP() PortRange { return PortRange{Protocol: "icmp"} }

// OpenPort opens ports for the endpoints given, or for all: once the dispatch has
// succeeded, Juju lets traffic in from where the operator exposes the application to.
// They need not have been closed before. On Kubernetes a range of ports is an error, and so is
// ICMP: Juju takes single ports only there.
//
// [hookcmd.ErrPortConflict] if they overlap with a range that was open when the
// dispatch began, or that it has opened, of this unit or of another on the
// machine; the very same range of this unit is none. A range that is open for all
// endpoints cannot be opened for some: it has to be closed in a dispatch before.
// An endpoint that the charm does not have makes the dispatch fail at its end.
func (c *Charm) OpenPort(ctx context.Context, ports PortRange, endpoints ...string) error {
	return c.model().changePort(ctx, "open", ports, endpoints)
}

// ClosePort closes ports that were opened, for the endpoints given or for all, in
// the same ranges as they were opened in. They need not be open.
func (c *Charm) ClosePort(ctx context.Context, ports PortRange, endpoints ...string) error {
	return c.model().changePort(ctx, "close", ports, endpoints)
}

// OpenedPorts returns the ports that this unit has open, with the changes of this
// dispatch, by protocol and number. Juju is asked again only if something was
// opened or closed by this package since. What is returned is the caller's.
func (c *Charm) OpenedPorts(ctx context.Context) ([]EndpointPorts, error) {
	f := &c.model().facts
	if err := f.turn.take(ctx); err != nil {
		return nil, err
	}
	defer f.turn.give()
	opened, err := c.dispatch.openedPorts(ctx)
	opened = slices.Clone(opened)
	for i := range opened {
		opened[i].Endpoints = slices.Clone(opened[i].Endpoints)
	}
	return opened, err
}

// SetPorts makes these ports open, for all endpoints, and no others. What is so
// already is not sent; of the rest, first all that is to be closed, then what is
// to be opened, both by protocol and number. Ranges among ports must not overlap.
//
// Juju frees a range that is closed when the dispatch has succeeded, and until
// then refuses others that overlap with it. SetPorts does the rest in that case,
// and returns [hookcmd.ErrPortConflict]; a charm that goes on, and sets the ports
// again in the next dispatch, has them then.
func (c *Charm) SetPorts(ctx context.Context, ports ...PortRange) error {
	d := c.model()
	want, err := portSet(ports)
	for _, p := range want {
		err = cmp.Or(err, d.checkPorts(p))
	}
	if err != nil {
		return fmt.Errorf("cannot set ports: %w", err)
	}
	f := &d.facts
	if err := f.turn.take(ctx); err != nil {
		return err
	}
	defer f.turn.give()
	opened, err := d.openedPorts(ctx)
	if err != nil {
		return err
	}
	for _, o := range opened {
		if _, wanted := slices.BinarySearchFunc(want, o.PortRange, comparePorts); wanted {
			continue
		}
		if err := d.sendPort(ctx, "close", o.PortRange, o.Endpoints); err != nil {
			return err
		}
	}
	var conflicts []error
	for _, p := range want {
		if slices.ContainsFunc(opened, func(o EndpointPorts) bool { return o.PortRange == p && o.Endpoints == nil }) {
			continue
		}
		switch err := d.sendPort(ctx, "open", p, nil); {
		case errors.Is(err, hookcmd.ErrPortConflict):
			conflicts = append(conflicts, err)
		case err != nil:
			return err
		}
	}
	return errors.Join(conflicts...)
}

// portSet returns the ranges sorted, each once.
func portSet(ports []PortRange) ([]PortRange, error) {
	set := slices.Clone(ports)
	slices.SortFunc(set, comparePorts)
	set = slices.Compact(set)
	for i, p := range set {
		if err := checkPorts(p); err != nil {
			return nil, err
		}
		if i > 0 && set[i-1].Protocol == p.Protocol && set[i-1].To >= p.From {
			return nil, fmt.Errorf("%v and %v overlap", set[i-1], p)
		}
	}
	return set, nil
}

func comparePorts(a, b PortRange) int {
	return cmp.Or(strings.Compare(a.Protocol, b.Protocol), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
}

// checkPorts is the error of a range that Juju does not take, or should not: it
// takes port 0, which nobody can be reached at.
func checkPorts(p PortRange) error {
	switch {
	case p.Protocol == "icmp":
		if p.From != 0 || p.To != 0 {
			return fmt.Errorf("icmp has no ports, and From is %d, To is %d", p.From, p.To)
		}
	case p.Protocol != "tcp" && p.Protocol != "udp":
		return fmt.Errorf(`protocol %q must be "tcp", "udp" or "icmp"`, p.Protocol)
	case p.From < 1 || p.From > 65535 || p.To > 65535:
		return fmt.Errorf("%v: ports are from 1 to 65535", p)
	case p.From > p.To:
		return fmt.Errorf("%v: From is %d, which is more than To, %d", p, p.From, p.To)
	}
	return nil
}

// checkPorts is the error of a range that Juju does not take where the unit is.
func (d *dispatch) checkPorts(p PortRange) error {
	if p.From == p.To && p.Protocol != "icmp" || !readEnvironment(d.env).Kubernetes {
		return nil
	}
	return fmt.Errorf("%v: on Kubernetes only single ports of tcp and udp can be open", p)
}

func (d *dispatch) changePort(ctx context.Context, verb string, ports PortRange, endpoints []string) error {
	err := cmp.Or(checkPorts(ports), d.checkPorts(ports))
	for _, endpoint := range endpoints {
		if endpoint == "" || strings.ContainsAny(endpoint, ", ") { // which Juju takes for others, or all
			err = fmt.Errorf("%q is no name of an endpoint", endpoint)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot %s port: %w", verb, err)
	}
	if err := d.facts.turn.take(ctx); err != nil {
		return err
	}
	defer d.facts.turn.give()
	return d.sendPort(ctx, verb, ports, endpoints)
}

// sendPort opens or closes ports. The caller has the turn, here and below.
func (d *dispatch) sendPort(ctx context.Context, verb string, ports PortRange, endpoints []string) error {
	d.facts.ports, d.facts.knowsPorts = nil, false
	if verb == "open" {
		return d.client.OpenPort(ctx, ports, endpoints...)
	}
	return d.client.ClosePort(ctx, ports, endpoints...)
}

func (d *dispatch) openedPorts(ctx context.Context) ([]EndpointPorts, error) {
	if d.facts.knowsPorts {
		return d.facts.ports, nil
	}
	opened, err := d.client.OpenedPortsByEndpoint(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(opened, func(a, b EndpointPorts) int { return comparePorts(a.PortRange, b.PortRange) })
	d.facts.ports, d.facts.knowsPorts = opened, true
	return opened, nil
}
