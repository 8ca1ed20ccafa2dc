// SPDX-License-Identifier: Apache-2.0

package desk

import "github.com/charmsmith/charmsmith/internal/juju"

// Over returns a Desk over a model whose charms run in the test's own process.
// New cannot make one, as its charms are programs; what lines print is a matter
// of the model alone, and there it can be anything, at any time.
func Over(m *juju.Model, e *juju.Engine, opts Options) *Desk {
	return &Desk{opts: opts, model: m, engine: e}
}
