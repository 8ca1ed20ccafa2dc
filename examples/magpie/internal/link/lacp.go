// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// PortState is the state of a port as LACP carries it: the octet Actor_State
// or Partner_State of IEEE 802.1AX, eight flags.
type PortState uint8

// portStateBits names the flags, the lowest first, and what each says when it
// is not set and when it is.
var portStateBits = [8]struct{ name, clear, set string }{
	{"LACP activity", "passive", "active"},
	{"LACP timeout", "long", "short"},
	{"aggregation", "individual", "aggregatable"},
	{"synchronization", "out of sync", "in sync"},
	{"collecting", "no", "yes"},
	{"distributing", "no", "yes"},
	{"defaulted", "no", "yes"},
	{"expired", "no", "yes"},
}

// ParsePortState returns the state of a number from 0 to 255, decimal as the
// kernel writes it, or hexadecimal with 0x.
func ParsePortState(text string) (PortState, error) {
	digits, base := text, 10
	if hexadecimal, ok := strings.CutPrefix(strings.ToLower(text), "0x"); ok {
		digits, base = hexadecimal, 16
	}
	n, err := strconv.ParseUint(digits, base, 8)
	if err != nil {
		return 0, fmt.Errorf("cannot read LACP port state %s: not a number from 0 to 255", hostile.Quote(text))
	}
	return PortState(n), nil
}

// bit returns what the flag i says.
func (s PortState) bit(i int) string {
	if s>>i&1 == 1 {
		return portStateBits[i].set
	}
	return portStateBits[i].clear
}

// differences returns the names of the flags that differ, the lowest first;
// none if the states are equal.
func (s PortState) differences(other PortState) []string {
	var names []string
	for i, bit := range portStateBits {
		if (s^other)>>i&1 == 1 {
			names = append(names, bit.name)
		}
	}
	return names
}

// matches reports whether the states of the two ends of a link agree: they are
// equal, or with passive, which is for switches that do LACP passively, equal
// but for the LACP activity.
func (s PortState) matches(partner PortState, passive bool) bool {
	const activity = 1
	if passive {
		return (s^partner)&^activity == 0
	}
	return s == partner
}

// DescribePortStates returns a table of what each flag of the states says, a
// line each; of several states, it marks the flags in which they differ.
//
//	                 63            61
//	LACP activity    active        active
//	LACP timeout     short         long          differs
func DescribePortStates(states ...PortState) string {
	var b strings.Builder
	row := func(name string, cells []string) {
		line := fmt.Sprintf("%-17s", name)
		for _, cell := range cells {
			line += fmt.Sprintf("%-14s", cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	var numbers []string
	for _, s := range states {
		numbers = append(numbers, strconv.Itoa(int(s)))
	}
	row("", numbers)
	for i, bit := range portStateBits {
		var cells []string
		differs := false
		for _, s := range states {
			cells = append(cells, s.bit(i))
			differs = differs || s.bit(i) != states[0].bit(i)
		}
		if differs {
			cells = append(cells, "differs")
		}
		row(bit.name, cells)
	}
	return b.String()
}
