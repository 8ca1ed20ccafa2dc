// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Speed is the speed of a link in mbit/s. Zero is unknown, as that of a
// virtual NIC or of one without cable.
type Speed int

// MarshalJSON writes the number; -1 if the speed is unknown.
func (s Speed) MarshalJSON() ([]byte, error) {
	if s <= 0 {
		return []byte("-1"), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}

const (
	carrierUp   = "up"
	carrierDown = "down"
)

// Interface is a network interface of a machine. What is unknown is zero.
type Interface struct {
	Name      string `json:"name"`
	MAC       string `json:"mac"`       // lower case with colons; none for a loopback
	MTU       int    `json:"mtu"`       // bytes
	Speed     Speed  `json:"speed"`     // of a bond, that of its slaves together
	OperState string `json:"operstate"` // the kernel's word (RFC 2863): "up", "down", "unknown", …
	Carrier   string `json:"carrier"`   // "up" or "down"

	disabled bool // by the administrator
	port     bool // an Ethernet port; see Machine.Ports
}

// down reports whether the interface is known not to pass packets: disabled,
// without carrier, or in an operational state other than up and unknown. Many
// virtual NICs never report a state; with a carrier, or with nothing known
// against it, such an interface is not down.
func (i Interface) down() bool {
	if i.disabled || i.Carrier == carrierDown {
		return true
	}
	return i.OperState != "" && i.OperState != "up" && i.OperState != "unknown"
}

// interfaces returns all interfaces, the loopback included, sorted by name. It
// fails only if there is no list of them. Interfaces whose names are not
// printable are left out.
func (m *Machine) interfaces() ([]Interface, error) {
	entries, err := fs.ReadDir(m.fsys, netClass)
	if err != nil {
		return nil, fmt.Errorf("cannot list network interfaces: %w", err)
	}
	var nics []Interface
	for _, entry := range entries {
		// bonding_masters is a file among the interfaces. One that went
		// away meanwhile is left out too.
		if nic, err := m.Interface(entry.Name()); err == nil {
			nics = append(nics, nic)
		}
	}
	slices.SortFunc(nics, func(a, b Interface) int { return strings.Compare(a.Name, b.Name) })
	return nics, nil
}

// Interface returns the named interface. It fails only if there is none of the
// name, with an error that is [fs.ErrNotExist], or if /sys cannot be read.
func (m *Machine) Interface(name string) (Interface, error) {
	if !validName(name) {
		return Interface{}, fmt.Errorf("cannot read network interface %q: %w", name, fs.ErrNotExist)
	}
	info, err := fs.Stat(m.fsys, path.Join(netClass, name))
	if err == nil && !info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return Interface{}, fmt.Errorf("cannot read network interface %q: %w", name, err)
	}
	nic := Interface{
		Name:      name,
		MAC:       parseMAC(m.attribute(name, "address")),
		OperState: printable(m.attribute(name, "operstate")),
	}
	if mtu, ok := m.number(math.MaxInt32, name, "mtu"); ok {
		nic.MTU = int(mtu)
	}
	// Old kernels write the unknown speed -1 as the unsigned 4294967295.
	if speed, ok := m.number(math.MaxInt32, name, "speed"); ok {
		nic.Speed = Speed(speed)
	}
	switch m.attribute(name, "carrier") {
	case "1":
		nic.Carrier = carrierUp
	case "0":
		nic.Carrier = carrierDown
	}
	const iffUp = 1
	flags, err := strconv.ParseUint(m.attribute(name, "flags"), 0, 32)
	nic.disabled = err == nil && flags&iffUp == 0
	nic.port = m.isPort(name)
	return nic, nil
}

// Ports returns the names of the Ethernet ports that are not down, sorted: no
// loopback, vnet or veth, and no bond, bridge, VLAN or other device that the
// kernel gives a type, or that a program made (tun and tap).
func (m *Machine) Ports() ([]string, error) {
	nics, err := m.interfaces()
	if err != nil {
		return nil, err
	}
	var ports []string
	for _, nic := range nics {
		if nic.port && !nic.down() {
			ports = append(ports, nic.Name)
		}
	}
	return ports, nil
}

func (m *Machine) isPort(name string) bool {
	if name == "lo" || strings.HasPrefix(name, "vnet") || strings.HasPrefix(name, "veth") {
		return false
	}
	const arphrdEther = "1"
	if hardware := m.attribute(name, "type"); hardware != "" && hardware != arphrdEther {
		return false
	}
	for line := range strings.SplitSeq(m.attribute(name, "uevent"), "\n") {
		if strings.HasPrefix(line, "DEVTYPE=") {
			return false
		}
	}
	return !m.exists(name, "bonding") && !m.exists(name, "bridge") && !m.exists(name, "tun_flags")
}

// parseMAC returns the hardware address in its usual form; empty if it is
// none, or all zero as that of the loopback and of a neighbour yet unknown.
// An InfiniBand address has 20 bytes.
func parseMAC(text string) string {
	if len(text) > 3*32 {
		return ""
	}
	parts := strings.Split(text, ":")
	zero := true
	for _, part := range parts {
		b, err := hex.DecodeString(part)
		if err != nil || len(b) != 1 {
			return ""
		}
		zero = zero && b[0] == 0
	}
	if zero || len(parts) < 6 {
		return ""
	}
	return strings.ToLower(text)
}
