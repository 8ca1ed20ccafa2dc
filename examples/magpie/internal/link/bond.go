// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"fmt"
	"math"
	"strings"
	"unicode"
)

const (
	autoBonds = "AUTO"
	lacpMode  = "802.3ad"
)

// bondModes are the kernel's names by its numbers.
var bondModes = [...]string{"balance-rr", "active-backup", "balance-xor", "broadcast", lacpMode, "balance-tlb", "balance-alb"}

// BondOptions are what [Machine.Bonds] may be told.
type BondOptions struct {
	// VLANs says for an interface which VLANs its switch announces; equal
	// texts are equal VLANs. An interface without a text is not compared.
	VLANs map[string]string
	// PassiveLACP is for switches that do LACP passively: the LACP activity
	// of the two ends may differ.
	PassiveLACP bool
}

// Bonds is the result of checking bonds.
type Bonds struct {
	Checked bool            `json:"checked"` // there was a bond to check
	Bonds   map[string]Bond `json:"bonds"`   // by name; empty, never nil
}

// Bond is the result of checking one bond.
type Bond struct {
	OK       bool     `json:"ok"`
	Error    string   `json:"error"`    // the problems as one text; empty if there is none
	Problems []string `json:"problems"` // empty, never nil
	Mode     string   `json:"mode"`     // the kernel's name, as "802.3ad"; empty if unknown
	Slaves   []Slave  `json:"slaves"`   // in the kernel's order; empty, never nil
}

// Slave is an interface of a bond.
type Slave struct {
	Name string `json:"name"`
	// State is what the bond's monitor says: "up", "down", "going down" or
	// "going back"; empty if unknown.
	State string `json:"state"`
	// Down is whether the interface is known not to pass packets: disabled,
	// without carrier, or in an operational state other than up and unknown.
	Down bool `json:"down"`
}

// Bonds checks the bonds of a list of names with commas or spaces between
// them, or with "AUTO", in any case, all there are: for a bond that is
// missing or down, slaves that are down, and slaves in different VLANs; and
// only if the mode is 802.3ad, for slaves of another aggregator than the
// bond's, and for ports whose LACP state differs from their partner's. All
// problems of a bond are listed. opts may be nil.
func (m *Machine) Bonds(list string, opts *BondOptions) Bonds {
	var o BondOptions
	if opts != nil {
		o = *opts
	}
	if strings.EqualFold(strings.TrimSpace(list), autoBonds) {
		list = m.attribute("bonding_masters")
	}
	result := Bonds{Bonds: map[string]Bond{}}
	for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		result.Checked = true
		bond := m.bond(name, o)
		bond.OK = len(bond.Problems) == 0
		bond.Error = strings.Join(bond.Problems, "; ")
		result.Bonds[name] = bond
	}
	return result
}

func (m *Machine) bond(name string, opts BondOptions) Bond {
	bond := Bond{Problems: []string{}, Slaves: []Slave{}}
	problem := func(format string, args ...any) {
		bond.Problems = append(bond.Problems, fmt.Sprintf(format, args...))
	}
	nic, err := m.Interface(name)
	if err != nil {
		problem("missing")
		return bond
	}
	if !m.exists(name, "bonding") {
		problem("not a bond")
		return bond
	}
	if nic.down() {
		problem("down")
	}
	bond.Mode = m.bondMode(name)
	for slave := range strings.FieldsSeq(m.attribute(name, "bonding", "slaves")) {
		if !validName(slave) {
			continue
		}
		s := Slave{Name: slave, State: printable(m.attribute(slave, "bonding_slave", "mii_status"))}
		nic, err := m.Interface(slave)
		s.Down = err == nil && nic.down()
		bond.Slaves = append(bond.Slaves, s)
		switch {
		case err != nil:
			problem("%s missing", slave)
		case s.State != "" && s.State != "up":
			problem("%s %s", slave, s.State)
		case s.Down:
			problem("%s down", slave)
		}
	}
	if len(bond.Slaves) == 0 {
		problem("no slaves")
	}
	if mismatch := vlanMismatch(bond.Slaves, opts.VLANs); mismatch != "" {
		problem("VLAN mismatch: %s", mismatch)
	}
	if bond.Mode == lacpMode {
		for _, slave := range bond.Slaves {
			bond.Problems = append(bond.Problems, m.lacp(name, slave.Name, opts.PassiveLACP)...)
		}
	}
	return bond
}

// bondMode returns the name in a text as "802.3ad 4".
func (m *Machine) bondMode(bond string) string {
	name, _, _ := strings.Cut(m.attribute(bond, "bonding", "mode"), " ")
	if len(name) == 1 && name[0] >= '0' && int(name[0]-'0') < len(bondModes) {
		return bondModes[name[0]-'0']
	}
	return printable(name)
}

// vlanMismatch returns who has which VLANs, if they are not the same for all
// slaves for which they are known.
func vlanMismatch(slaves []Slave, vlans map[string]string) string {
	var known []string
	different := map[string]bool{}
	for _, slave := range slaves {
		if v := vlans[slave.Name]; v != "" {
			known = append(known, fmt.Sprintf("%s has %s", slave.Name, v))
			different[v] = true
		}
	}
	if len(different) < 2 {
		return ""
	}
	return strings.Join(known, ", ")
}

// lacp returns the problems of a slave of an 802.3ad bond.
func (m *Machine) lacp(bond, slave string, passive bool) []string {
	var problems []string
	want, wantOK := m.number(math.MaxUint16, bond, "bonding", "ad_aggregator")
	have, haveOK := m.number(math.MaxUint16, slave, "bonding_slave", "ad_aggregator_id")
	switch {
	case !wantOK || !haveOK:
		problems = append(problems, fmt.Sprintf("aggregator ID of %s unknown", slave))
	case want != have:
		problems = append(problems, fmt.Sprintf("aggregator ID mismatch: %s has %d, the bond %d", slave, have, want))
	}
	actor, actorErr := ParsePortState(m.attribute(slave, "bonding_slave", "ad_actor_oper_port_state"))
	partner, partnerErr := ParsePortState(m.attribute(slave, "bonding_slave", "ad_partner_oper_port_state"))
	switch {
	case actorErr != nil || partnerErr != nil:
		problems = append(problems, fmt.Sprintf("LACP port state of %s unknown", slave))
	case !actor.matches(partner, passive):
		different := actor.differences(partner)
		if passive && different[0] == portStateBits[0].name {
			different = different[1:]
		}
		problems = append(problems, fmt.Sprintf("LACP port state mismatch: %s has %d, its partner %d (%s)",
			slave, actor, partner, strings.Join(different, ", ")))
	}
	return problems
}
