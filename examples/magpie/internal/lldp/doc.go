// SPDX-License-Identifier: Apache-2.0

// Package lldp tells what the switches say of themselves: the neighbours that
// lldpd has heard by LLDP (IEEE 802.1AB) and its relatives.
//
//	report := lldp.Read(ctx, nil)
//	check := report.CheckPorts(ports, hostname)
//	bonds := machine.Bonds("AUTO", &link.BondOptions{VLANs: report.VLANs()})
//
// lldpd is optional, and it must run for about half a minute before it has
// heard everybody. Where it is missing or does not answer, [Report.Problem]
// says so, and there are no neighbours.
//
// Anybody on the wire can send LLDP frames. So all text of a neighbour is
// bounded, and what is not printable is escaped as in a Go string.
package lldp
