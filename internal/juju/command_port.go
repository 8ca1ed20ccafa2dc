// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
)

func openPort(c *call) error  { return changePort(c, true) }
func closePort(c *call) error { return changePort(c, false) }

func changePort(c *call, open bool) error {
	endpoints := c.flags.String("endpoints")
	format := c.flags.String("format")
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usage("no port or range specified")
	}
	ports, err := parsePorts(strings.ToLower(args[0]))
	if err != nil {
		return usageError{err}
	}
	if len(args) > 1 {
		return usage("unrecognized args: %q", args[1:])
	}
	if *format != "" {
		fmt.Fprintf(&c.stderr, "--format flag deprecated for command %q", c.request.Command)
	}
	for _, endpoint := range strings.Split(*endpoints, ",") {
		if err := c.h.changePort(open, strings.TrimSpace(endpoint), ports); err != nil {
			return err
		}
	}
	return nil
}

// parsePorts reads a range with the errors that Juju has.
func parsePorts(text string) (hookcmd.PortRange, error) {
	none := hookcmd.PortRange{}
	if text == "icmp" {
		return hookcmd.PortRange{Protocol: "icmp"}, nil
	}
	numbers, protocol, ok := strings.Cut(text, "/")
	if !ok {
		protocol = "tcp"
	}
	if protocol == "icmp" {
		return none, fmt.Errorf("protocol %q doesn't support any ports; got %q", protocol, numbers)
	}
	bounds := strings.Split(numbers, "-")
	if len(bounds) > 2 {
		return none, fmt.Errorf("invalid port range %q", numbers)
	}
	var values [2]int
	for i, bound := range bounds {
		value, err := strconv.Atoi(bound)
		if err != nil {
			return none, fmt.Errorf("invalid port %q: %w", bound, err)
		}
		values[i] = value
	}
	if len(bounds) == 1 {
		values[1] = values[0]
	}
	ports := hookcmd.PortRange{Protocol: protocol, From: values[0], To: values[1]}
	switch {
	case protocol != "tcp" && protocol != "udp":
		return none, fmt.Errorf(`invalid protocol %q, expected "tcp", "udp", or "icmp"`, protocol)
	case ports.From > ports.To:
		return none, fmt.Errorf("invalid port range %s", ports)
	case ports.From < 0 || ports.To > 65535:
		return none, fmt.Errorf("port range bounds must be between 0 and 65535, got %d-%d", ports.From, ports.To)
	}
	return ports, nil
}

func openedPorts(c *call) error {
	withEndpoints := c.flags.Bool("endpoints")
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	list := []string{}
	for _, ports := range c.h.pendingPorts().byRange() {
		if *withEndpoints {
			list = append(list, ports.String())
		} else {
			list = append(list, ports.PortRange.String())
		}
	}
	return c.print(list)
}
