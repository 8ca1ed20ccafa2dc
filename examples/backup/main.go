// SPDX-License-Identifier: Apache-2.0

// Command backup is a charm that uses most of what Juju has: typed config with a
// secret in it, storage, actions, a secret of its own that changes every hour,
// ports and stored state. Each unit archives a directory of its machine.
//
// The files are: config.go, what the operator sets; charm.go, what follows from
// it in every hook; actions.go, what the operator runs; and archive.go, which
// knows nothing of Juju.
package main

import "github.com/charmsmith/charmsmith/charm"

func main() { charm.Main(register) }

// keeper is the charm.
type keeper struct {
	*charm.Charm
	archives *charm.Stored[[]archive] // of this unit, the oldest first
}

func register(c *charm.Charm) {
	k := &keeper{c, charm.NewStored[[]archive](c, "archives")}
	charm.OnStorage(c, "archives", k.detach)
	charm.OnSecret(c, tokenLabel, k.rotate)
	charm.OnAction(c, "backup", k.backup)
	charm.OnAction(c, "verify", k.verify)
	charm.On(c, k.reconcile)
	charm.RemoveObsoleteSecrets(c)
	charm.OnCollectStatus(c, k.status)
}
