// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"os"
	"syscall"
)

// DumpNeighbours asks the kernel for its IPv6 neighbours, for
// [Options.NeighbourDump]. Nothing is sent to the network.
func DumpNeighbours() ([]byte, error) {
	data, err := syscall.NetlinkRIB(syscall.RTM_GETNEIGH, syscall.AF_INET6)
	return data, os.NewSyscallError("netlink", err)
}
