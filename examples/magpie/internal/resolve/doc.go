// SPDX-License-Identifier: Apache-2.0

// Package resolve checks that DNS knows the units of an application, both ways:
// that the address of each has names, and that these names have the address.
//
//	results := resolve.Check(ctx, []resolve.Target{{Name: "magpie/1", Address: "10.0.0.2"}}, nil)
//	if !results["magpie/1"].OK() {
//		… // json.Marshal(results) says what is missing
//	}
//
// It asks the servers itself, so that it is DNS that is checked, and not
// /etc/hosts or a cache of this machine. Whether this machine knows its own
// name in the way that programs ask for it is what LocalHostname checks.
//
// Neither what a peer wrote nor what a server answers is trusted: a name that
// is no host name is in no result but quoted in the text of an error, answers to
// other questions are ignored, and all that is collected is bounded.
package resolve
