// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// notInstalled is the problem of a machine without lldpd.
const notInstalled = "lldpd is not installed"

// Report is what lldpd knows.
type Report struct {
	Neighbours []Neighbour `json:"neighbours"` // in lldpd's order; empty, never nil, from Read and Parse
	Problem    string      `json:"problem"`    // why nothing is known; empty if lldpd answered
}

// Neighbour is the other end of a cable, as it describes itself. One interface
// can have several: a hub, or a switch and a telephone. All texts are safe to
// print.
type Neighbour struct {
	Interface       string `json:"interface"`        // of this machine
	Via             string `json:"via"`              // the protocol: "LLDP", "CDPv2", …
	SystemName      string `json:"system_name"`      // of the switch
	PortID          string `json:"port_id"`          // of its port, often its name
	PortDescription string `json:"port_description"` // often what the operator wrote
	VLANs           []VLAN `json:"vlans"`            // by ID; empty, never nil
}

// VLAN is a VLAN of a switch's port.
type VLAN struct {
	ID     int    `json:"id"`
	Name   string `json:"name"`
	Native bool   `json:"native"` // the port's own: its frames are sent without tag
}

// VLANs returns by interface which VLANs its neighbours announce, as
// "10 (native), 20"; the texts of two interfaces are equal if and only if their
// VLANs are. Interfaces for which no neighbour announces any are left out.
func (r Report) VLANs() map[string]string {
	native := map[string]map[int]bool{} // by interface and ID
	for _, n := range r.Neighbours {
		for _, vlan := range n.VLANs {
			if native[n.Interface] == nil {
				native[n.Interface] = map[int]bool{}
			}
			native[n.Interface][vlan.ID] = native[n.Interface][vlan.ID] || vlan.Native
		}
	}
	texts := map[string]string{}
	for name, vlans := range native {
		var parts []string
		for _, id := range slices.Sorted(maps.Keys(vlans)) {
			part := strconv.Itoa(id)
			if vlans[id] {
				part += " (native)"
			}
			parts = append(parts, part)
		}
		texts[name] = strings.Join(parts, ", ")
	}
	return texts
}

// maxText is the longest text that is kept of a neighbour, in characters; an
// LLDP text has at most 255 bytes.
const maxText = 255

// clean returns a text of a neighbour so that it is safe in a log or on a
// terminal.
func clean(text string) string { return hostile.Clip(text, maxText) }
