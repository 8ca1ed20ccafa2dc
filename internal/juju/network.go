// SPDX-License-Identifier: Apache-2.0

package juju

import "strings"

// Network is what network-get tells of a binding.
type Network struct {
	Interfaces       []Interface
	IngressAddresses []string
	EgressSubnets    []string
	Err              string // it cannot be told, and why
}

// Interface is a network interface.
type Interface struct {
	Name, MAC string
	Addresses []InterfaceAddress
}

// InterfaceAddress is an address of an interface.
type InterfaceAddress struct{ Value, CIDR, Hostname string }

// subnetOf returns the subnet of one address.
func subnetOf(address string) string {
	if strings.Contains(address, ":") {
		return address + "/128"
	}
	return address + "/32"
}
