// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func unitGet(c *call) error {
	c.output()
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("no setting specified")
	case args[0] != "private-address" && args[0] != "public-address":
		return usage("unknown setting %q", args[0])
	}
	if err := jujutext.Unrecognized(args, 1); err != nil {
		return usageError{err}
	}
	u := c.h.unit
	address, what := u.privateAddress(), "private"
	if args[0] == "public-address" {
		what = "public"
		if u.public != "" { // else, as in clouds without public addresses, the private one
			address = u.public
		}
	}
	if address == "" {
		return fmt.Errorf("%s address not found", what)
	}
	return c.print(address)
}

// networkFlags are the fields that network-get can be asked for.
type networkFlags struct{ primary, bind, ingress, egress *bool }

func (f networkFlags) none() bool { return !(*f.primary || *f.bind || *f.ingress || *f.egress) }

func networkGet(c *call) error {
	rel := c.relationFlag()
	f := networkFlags{
		primary: c.flags.Bool("primary-address"), bind: c.flags.Bool("bind-address"),
		ingress: c.flags.Bool("ingress-address"), egress: c.flags.Bool("egress-subnets"),
	}
	c.output()
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("no arguments specified")
	case args[0] == "":
		return usage("no binding name specified")
	}
	if err := jujutext.Unrecognized(args, 1); err != nil {
		return usageError{err}
	}
	binding := args[0]
	n, err := c.h.network(binding, *rel)
	if err != nil {
		return err
	}
	if f.none() {
		return c.print(networkMap(n, c.out.Format != "json"))
	}
	return c.printNetworkFields(n, binding, f)
}

// network returns the network of a binding; of a relation if that is one of it.
func (h *Hook) network(binding string, m *membership) (Network, error) {
	unknown := fmt.Errorf("no network config found for binding %q", binding)
	if !h.unit.app.hasBinding(binding) {
		if h.model.is36 {
			return Network{}, fmt.Errorf("undefined for unit charm: endpoint %q not valid", binding)
		}
		return Network{}, unknown
	}
	rel := -1
	if m != nil && m.end.Endpoint.Name == binding {
		rel = m.end.rel.ID
	}
	n := h.unit.network(binding, rel)
	nothing := len(n.Interfaces) == 0 && (h.model.is36 || len(n.IngressAddresses) == 0 && len(n.EgressSubnets) == 0)
	switch {
	case n.Err != "" && !h.model.is36:
		return n, errors.New(n.Err)
	case nothing:
		return n, unknown
	}
	return n, nil
}

// networkMap returns a network as network-get prints it. YAML has some fields
// twice, with the names of old.
func networkMap(n Network, yaml bool) jujutext.Map {
	var m jujutext.Map
	if len(n.Interfaces) > 0 {
		interfaces := make([]any, len(n.Interfaces))
		for i, from := range n.Interfaces {
			interfaces[i] = interfaceMap(from, yaml)
		}
		m = append(m, jujutext.Item{Key: "bind-addresses", Value: interfaces})
	}
	if len(n.EgressSubnets) > 0 {
		m = append(m, jujutext.Item{Key: "egress-subnets", Value: n.EgressSubnets})
	}
	if len(n.IngressAddresses) > 0 {
		m = append(m, jujutext.Item{Key: "ingress-addresses", Value: n.IngressAddresses})
	}
	return m
}

func interfaceMap(i Interface, yaml bool) jujutext.Map {
	addresses := make([]any, len(i.Addresses))
	for j, a := range i.Addresses {
		m := jujutext.Map{{Key: "hostname", Value: a.Hostname}, {Key: "value", Value: a.Value}, {Key: "cidr", Value: a.CIDR}}
		if yaml {
			m = append(m, jujutext.Item{Key: "address", Value: a.Value})
		}
		addresses[j] = m
	}
	m := jujutext.Map{{Key: "mac-address", Value: i.MAC}, {Key: "interface-name", Value: i.Name}, {Key: "addresses", Value: addresses}}
	if yaml {
		m = append(m, jujutext.Item{Key: "macaddress", Value: i.MAC}, jujutext.Item{Key: "interfacename", Value: i.Name})
	}
	return m
}

// printNetworkFields prints what was asked for: the value of one field, or a
// map of several.
func (c *call) printNetworkFields(n Network, binding string, f networkFlags) error {
	missing := func(what string) error {
		if c.h.model.is36 { // whose agent panics for --bind-address, if there is an interface
			return fmt.Errorf("no addresses attached to space for binding %q", binding)
		}
		return fmt.Errorf("no %s address attached to space for binding %q", what, binding)
	}
	address, _ := n.firstAddress()
	bind := address.Value
	if *f.primary {
		switch {
		case *f.bind || *f.ingress || *f.egress:
			return errors.New("--primary-address must be the only flag specified")
		case bind == "":
			return missing("primary")
		}
		return c.print(bind)
	}
	fields := make(map[string]any)
	if *f.bind {
		if bind == "" {
			return missing("bind")
		}
		fields["bind-address"] = bind
	}
	if *f.ingress {
		if len(n.IngressAddresses) == 0 {
			return missing("ingress")
		}
		fields["ingress-address"] = n.IngressAddresses[0]
	}
	if *f.egress {
		fields["egress-subnets"] = []string(nil) // which JSON has as null
		if len(n.EgressSubnets) > 0 {
			fields["egress-subnets"] = n.EgressSubnets
		}
	}
	if len(fields) == 1 {
		for _, value := range fields {
			return c.print(value)
		}
	}
	return c.print(fields)
}
