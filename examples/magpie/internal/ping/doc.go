// SPDX-License-Identifier: Apache-2.0

// Package ping asks other units for ICMP echoes, and says what came back.
//
//	results := ping.Run(ctx, []ping.Target{{Name: "magpie/1", Address: "10.0.0.2"}}, nil)
//	for _, r := range results {
//		fmt.Println(r.Name, r) // magpie/1 ok
//	}
//
// Addresses are what a peer wrote to its databag, and so trusted in nothing:
// broadcast and multicast addresses are refused, and no text of a result has a
// control character of an address in it.
//
// Packets go through a datagram socket where a group of the process is within
// net.ipv4.ping_group_range, which holds for IPv6 as well, and otherwise
// through a raw one, which needs the capability CAP_NET_RAW. Without either,
// each result says so. A test that has neither sets Options.Pinger.
package ping
