// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// NetworkInfo is what network-get knows of a binding. Each list can be empty.
type NetworkInfo struct {
	BindAddresses    []BindAddress `json:"bind-addresses"`
	IngressAddresses []string      `json:"ingress-addresses"` // addresses or host names
	EgressSubnets    []string      `json:"egress-subnets"`    // "10.0.0.0/8"
}

// BindAddress is a network interface that a binding uses.
type BindAddress struct {
	InterfaceName string             `json:"interface-name"` // empty on Kubernetes
	MACAddress    string             `json:"mac-address"`
	Addresses     []InterfaceAddress `json:"addresses"`
}

// InterfaceAddress is an address of a network interface.
type InterfaceAddress struct {
	Value    string `json:"value"`    // an address; on Kubernetes it can be a host name
	CIDR     string `json:"cidr"`     // "10.0.0.0/24"; can be empty
	Hostname string `json:"hostname"` // what Value was looked up from; can be empty
}

// NetworkGet returns the network of a binding: the name of an endpoint or of an
// extra binding. With rel, ingress addresses and egress subnets are those for
// that relation; nil means the hook's, if it is one of this endpoint.
// [ErrNoAddress] if there is none.
//
// The command's selectors, such as --bind-address, pick one field of the same
// answer; one of them makes the agent of Juju 3.6 panic. Client does not use them.
func (c *Client) NetworkGet(ctx context.Context, binding string, rel *RelationID) (NetworkInfo, error) {
	call := newCall("network-get")
	if rel != nil {
		call.Args = append(call.Args, "-r", rel.String())
	}
	call.Args = append(call.Args, "--", binding)
	return read[NetworkInfo](ctx, c, call)
}

// UnitGetPrivateAddress returns this unit's address, or host name, inside the
// cloud. [ErrNoAddress] if there is none.
func (c *Client) UnitGetPrivateAddress(ctx context.Context) (string, error) {
	return read[string](ctx, c, newCall("unit-get", "private-address"))
}

// UnitGetPublicAddress returns this unit's address, or host name, that others
// use. [ErrNoAddress] if there is none.
func (c *Client) UnitGetPublicAddress(ctx context.Context) (string, error) {
	return read[string](ctx, c, newCall("unit-get", "public-address"))
}

// PortRange is a range of ports that a unit opens.
type PortRange struct {
	Protocol string // "tcp", "udp" or "icmp"
	From, To int    // equal for one port; 0 for icmp
}

// ParsePortRange reads "80/tcp", "8000-8010/udp" and "icmp". Without a protocol
// it is tcp.
func ParsePortRange(s string) (PortRange, error) {
	if strings.EqualFold(s, "icmp") {
		return PortRange{Protocol: "icmp"}, nil
	}
	ports, protocol, ok := strings.Cut(s, "/")
	if !ok {
		protocol = "tcp"
	}
	from, to, isRange := strings.Cut(ports, "-")
	if !isRange {
		to = from
	}
	r := PortRange{Protocol: strings.ToLower(protocol)}
	var errFrom, errTo error
	r.From, errFrom = strconv.Atoi(from)
	r.To, errTo = strconv.Atoi(to)
	if errFrom != nil || errTo != nil || !r.valid() || r.Protocol == "icmp" {
		return PortRange{}, fmt.Errorf(`cannot parse port range %q: it must be "PORT/tcp", "FROM-TO/udp" or "icmp", with ports up to 65535`, s)
	}
	return r, nil
}

func (r PortRange) valid() bool {
	switch r.Protocol {
	case "icmp":
		return r.From == 0 && r.To == 0
	case "tcp", "udp":
		return 0 <= r.From && r.From <= r.To && r.To <= 65535
	}
	return false
}

// String returns Juju's form of the range, "80/tcp".
func (r PortRange) String() string {
	switch {
	case r.Protocol == "icmp":
		return "icmp"
	case r.From == r.To:
		return strconv.Itoa(r.From) + "/" + r.Protocol
	}
	return strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To) + "/" + r.Protocol
}

// MarshalText returns the form of String.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what [ParsePortRange] does.
func (r *PortRange) UnmarshalText(text []byte) (err error) {
	*r, err = ParsePortRange(string(text))
	return err
}

// OpenPort opens ports of this unit for the endpoints given, or for all. Juju
// opens them if the hook succeeds. [ErrPortConflict] if they overlap with
// others; on Kubernetes only single ports can be opened.
func (c *Client) OpenPort(ctx context.Context, ports PortRange, endpoints ...string) error {
	return c.changePort(ctx, "open-port", ports, endpoints)
}

// ClosePort closes ports that OpenPort opened; they need not be open.
func (c *Client) ClosePort(ctx context.Context, ports PortRange, endpoints ...string) error {
	return c.changePort(ctx, "close-port", ports, endpoints)
}

func (c *Client) changePort(ctx context.Context, command string, ports PortRange, endpoints []string) error {
	call := Call{Command: command}
	if len(endpoints) > 0 {
		call.Args = append(call.Args, "--endpoints", strings.Join(endpoints, ","))
	}
	call.Args = append(call.Args, "--", ports.String())
	if !ports.valid() {
		return wrap(call, fmt.Errorf("%+v is not a port range", ports))
	}
	return c.write(ctx, call)
}

// OpenedPorts returns the ports that this unit has open, with the changes of
// this hook.
func (c *Client) OpenedPorts(ctx context.Context) ([]PortRange, error) {
	return read[[]PortRange](ctx, c, newCall("opened-ports"))
}

// EndpointPorts is a range of open ports and the endpoints it is open for.
type EndpointPorts struct {
	PortRange
	Endpoints []string // nil: all
}

// String returns "80/tcp (db, web)", or "80/tcp (*)" for all endpoints.
func (p EndpointPorts) String() string {
	endpoints := "*"
	if len(p.Endpoints) > 0 {
		endpoints = strings.Join(p.Endpoints, ", ")
	}
	return p.PortRange.String() + " (" + endpoints + ")"
}

// MarshalText returns the form of String.
func (p EndpointPorts) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of String.
func (p *EndpointPorts) UnmarshalText(text []byte) error {
	ports, endpoints, ok := strings.Cut(string(text), " (")
	endpoints, closed := strings.CutSuffix(endpoints, ")")
	if !ok || !closed || endpoints == "" {
		return fmt.Errorf("cannot parse open ports %q: they must have the form PORTS (ENDPOINTS)", text)
	}
	p.Endpoints = nil
	if endpoints != "*" {
		p.Endpoints = strings.Split(endpoints, ", ")
	}
	return p.PortRange.UnmarshalText([]byte(ports))
}

// OpenedPortsByEndpoint is OpenedPorts with the endpoints of each range.
func (c *Client) OpenedPortsByEndpoint(ctx context.Context) ([]EndpointPorts, error) {
	return read[[]EndpointPorts](ctx, c, newCall("opened-ports", "--endpoints"))
}
