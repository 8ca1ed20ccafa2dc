// SPDX-License-Identifier: Apache-2.0

package magpie

// unitData is what is in the databag of a unit. The file schema.json is made of it.
type unitData struct {
	// The address by which Juju has peers reach the unit: an IP address or a host name.
	// Juju writes it.
	Ingress string `databag:"ingress-address,omitempty,string"`
	// The unit's address in the network of the machine. Juju writes it, up to 3.6; it is
	// read if there is no ingress-address.
	Private string `databag:"private-address,omitempty,string"`
	// All IPv4 and IPv6 addresses of the unit that peers may be able to reach.
	Addresses []string `databag:"iperf_addresses,omitempty"`
	// "True" once the throughput server of the unit can be measured. Readers take true,
	// yes and 1, in upper or lower case, for true.
	Server string `databag:"iperf.server,omitempty,string"`
	// The units whose throughput this unit has measured. Units of the reactive charm
	// write a list of Python's, in which each text ends with the name of such a unit.
	Checked []string `databag:"iperf.checked,omitempty"`
}
