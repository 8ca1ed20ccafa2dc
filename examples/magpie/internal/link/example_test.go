// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link_test

import (
	"fmt"
	"net/netip"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
)

func Example() {
	m := link.New(machine(), nil)
	nic, err := m.Interface(m.Primary())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(nic.Name, nic.Speed, link.CheckMTU(nic.MTU, 9000).OK)
	fmt.Println(m.Reach(netip.MustParseAddr("10.0.100.6")).Interface)
	fmt.Println(m.Bonds("AUTO", nil).Bonds["bond0"].OK)
	// Output:
	// bond0 20000 true
	// bond0.100
	// true
}
