// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

// What bonds and ports are checked by is tested by itself: a tree of files for each
// of its rules would hide them.

// Interfaces returns all interfaces.
func (m *Machine) Interfaces() ([]Interface, error) { return m.interfaces() }

// Down reports whether an interface is known not to pass packets.
func (i Interface) Down() bool { return i.down() }

// Matches reports whether the states of the two ends of a link agree.
func (s PortState) Matches(partner PortState, passive bool) bool { return s.matches(partner, passive) }

// Differences returns the names of the flags that differ.
func (s PortState) Differences(other PortState) []string { return s.differences(other) }
