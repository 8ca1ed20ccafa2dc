// SPDX-License-Identifier: Apache-2.0

// Package hostile handles texts that others wrote: peers in their databags,
// neighbours on the wire, DNS servers, and a program in its log. Nothing that
// it returns does anything to a terminal or a log.
//
//	if !hostile.IsHostName(address) {
//		return fmt.Errorf("cannot ping %s: it is no host name", hostile.Quote(address))
//	}
package hostile
