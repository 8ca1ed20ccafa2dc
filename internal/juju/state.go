// SPDX-License-Identifier: Apache-2.0

package juju

import "maps"

func (h *Hook) checkState() error { return nil }

// charmState returns what the charm stored, with the changes of this hook.
func (h *Hook) charmState() map[string]string {
	if h.stateDirty {
		return h.state
	}
	return h.unit.state
}

// setState buffers changes of what the charm stored.
func (h *Hook) setState(changes map[string]string) error {
	next := maps.Clone(h.charmState())
	if next == nil {
		next = make(map[string]string, len(changes))
	}
	maps.Copy(next, changes)
	h.state, h.stateDirty = next, true
	return nil
}
