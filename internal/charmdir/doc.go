// SPDX-License-Identifier: Apache-2.0

// Package charmdir reads the metadata of a charm directory, and refuses what
// Juju would refuse:
//
//	dir, err := charmdir.Find(".")
//	…
//	charm, err := charmdir.ReadDir(dir)
//
// The metadata is in charmcraft.yaml, of which charmcraft makes metadata.yaml,
// config.yaml and actions.yaml, or in those three, as in a packed charm. Each
// part may be in one place only, and what charmcraft alone reads (parts,
// platforms, base, …) is ignored, as are keys that nobody knows. Extensions are
// not expanded: of a charm with an extensions key, what they would add is
// missing.
//
// The rules are those of Juju 3.6 and 4, and the laxer of the two where they
// differ. Some names that Juju takes first and stumbles over later (of
// endpoints, storage and containers) are refused as well.
//
// # Text
//
// Plain yes, no, on and off are booleans, as for Juju and charmcraft; y and n
// are strings, as for charmcraft. Keys must be strings, and different. The text
// may come from anywhere: whatever it is, reading it ends soon, and without a
// panic. A file may have 1 MiB, and 100,000 values with every alias expanded.
//
// # Errors
//
// An error is of one line, and names the file, the item and what is allowed:
//
//	cannot read charmcraft.yaml: config option "port": type must be "string", "int", "float", "boolean" or "secret", not "number"
//
// It is the first mistake; the same text gives the same error.
package charmdir
