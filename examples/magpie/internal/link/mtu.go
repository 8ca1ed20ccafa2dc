// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

// encapsulation is how much more than required an MTU may be: room for the
// headers that a network may add, three VLAN tags of 4 bytes.
const encapsulation = 12

// MTU is an interface's MTU held against the one that the operator requires.
type MTU struct {
	Local    int  `json:"local mtu"` // bytes; 0 is unknown
	Required int  `json:"required"`  // bytes; 0 is no requirement
	OK       bool `json:"ok"`
}

// CheckMTU holds the MTU of an interface against the required one, by the rule
// of the published charm: it is right if it is at least the required MTU and at
// most 12 bytes more. So the check finds jumbo frames where none are meant, as
// well as a missing jumbo frame. Without requirement, zero or less, any MTU is
// right, an unknown one too; with one, an unknown MTU is wrong.
func CheckMTU(local, required int) MTU {
	return MTU{
		Local:    local,
		Required: required,
		OK:       required <= 0 || local >= required && local-required <= encapsulation,
	}
}
