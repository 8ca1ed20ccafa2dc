// SPDX-License-Identifier: Apache-2.0

// Package relation holds the relations of a unit and their databags.
//
//	rel := c.Relation(ev) // in a handler of package charm
//	addr, err := rel.Remote(ev.Unit).Get(ctx, "ingress-address")
//	if err != nil {
//		return err
//	}
//	return rel.Local().Set(ctx, "reached", addr)
//
// A [Databag] is ours and can be written, a [View] is another's and cannot.
// Databags are read when first asked for, as a whole, and once per dispatch.
// Writes are kept back, seen by later reads, and sent when the dispatch has
// succeeded; what would not change a value that was read is not sent.
//
// [Load] and [Save] map a databag to a struct, one key per field, in the form
// that the Python framework ops uses.
//
// Everything is safe for concurrent use.
package relation
