// SPDX-License-Identifier: Apache-2.0

// Package juju is a Juju in memory: a model with its applications, units,
// relations and secrets, one agent per unit that decides which hook comes next,
// and the hook commands by which a charm reads and changes the model.
//
// It knows nothing of how a charm is run: an [Executor] does that, which is given
// a [Hook] with the event, the environment and the hook commands. The same code
// answers hook commands as text, as Juju's own do for charms in any language,
// and as values, for charms in the same process.
//
// Its rules are those of Juju 4.1 and, in a model of that version, 3.6; it is
// held to recordings of both (internal/golden). Where Juju leaves an order open,
// a seed decides. Nothing sleeps: the clock is virtual.
package juju
