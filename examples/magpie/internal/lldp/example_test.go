// SPDX-License-Identifier: Apache-2.0

package lldp_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/lldp"
)

func ExampleRead() {
	report := lldp.Read(context.Background(), &lldp.Options{
		Run: func(context.Context, string, ...string) ([]byte, error) { return []byte(two0), nil },
	})
	fmt.Println(report.CheckPorts([]string{"eno1", "eno2"}, "node1.example.com").PortDescription)
	fmt.Println(report.CheckPorts([]string{"eno1", "eno2"}, "node2.example.com").PortDescription)
	fmt.Println(report.VLANs()["eno1"])
	// Output:
	// ok
	// failed: eno1: node1 eno1
	// 10 (native), 20
}
