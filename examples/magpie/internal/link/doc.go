// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package link tells how a machine is attached to its networks: interfaces,
// routes, neighbours, MTU, bonds and LACP.
//
//	machine := link.New(nil, nil)
//	nic, err := machine.Interface(machine.Primary())
//	if err != nil {
//		return err
//	}
//	mtu := link.CheckMTU(nic.MTU, 9000)
//	bonds := machine.Bonds("AUTO", nil)
//
// Everything is read from the files below /sys/class/net and /proc/net through
// one [io/fs.FS]; no program is run. Tests give a [testing/fstest.MapFS].
// All of it is Linux's, for which alone the package is.
//
// What the machine does not tell is unknown, which is the zero value: it is
// never guessed, and never an error that hides the rest. A virtual NIC has no
// speed, a container may have no default route, and an operational state that
// the driver does not report is not "down".
//
// Files are read up to a bound, and lines that are not as the kernel writes
// them are skipped.
//
// The files show the routes of the main IPv4 table, and of all IPv6 tables
// without telling them apart. Where policy routing or a VRF chooses another
// route, it is not seen.
package link
