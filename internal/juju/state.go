// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
)

// The limits of what a charm stores, in bytes.
const (
	maxStateKey   = 256
	maxStateValue = 65536
	maxState      = 2 << 20 // max-charm-state-size, of Juju 3.6
)

// quotaError is Juju's refusal of what is larger than a limit.
func (m *Model) quotaError(what string, limit int) error {
	if m.is36 {
		return fmt.Errorf("max allowed %s (%d) exceeded", what, limit)
	}
	return fmt.Errorf("max allowed %s (%d): quota limit exceeded", what, limit)
}

// checkState refuses at the flush what is too much together, as 3.6 does.
func (h *Hook) checkState() error {
	if !h.stateDirty || !h.model.is36 {
		return nil
	}
	size := 0
	for key, value := range h.state {
		size += len(key) + len(value)
	}
	if size > maxState {
		return h.model.quotaError("size", maxState)
	}
	return nil
}

// charmState returns what the charm stored, with the changes of this hook. It
// is never changed but replaced.
func (h *Hook) charmState() map[string]string {
	if h.stateDirty {
		return h.state
	}
	return h.unit.state
}

// setState buffers changes of what the charm stored; an empty value is one. If
// one of them is too large, none is kept.
func (h *Hook) setState(changes map[string]string) error {
	if err := h.checkStateSizes(changes); err != nil {
		return err
	}
	old := h.charmState()
	changed := false
	for key, value := range changes {
		if was, ok := old[key]; !ok || was != value {
			changed = true
			break
		}
	}
	if !changed {
		return nil
	}
	next := make(map[string]string, len(old)+len(changes))
	maps.Copy(next, old)
	maps.Copy(next, changes)
	h.state, h.stateDirty = next, true
	return nil
}

func (h *Hook) checkStateSizes(changes map[string]string) error {
	tooLarge := false
	for key, value := range changes {
		tooLarge = tooLarge || len(key) > maxStateKey || len(value) > maxStateValue
	}
	if !tooLarge {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		switch {
		case len(key) > maxStateKey:
			return h.model.quotaError("key length", maxStateKey)
		case len(changes[key]) > maxStateValue:
			return h.model.quotaError("value length", maxStateValue)
		}
	}
	return nil
}

// deleteState buffers the removal of one key, if there is one.
func (h *Hook) deleteState(key string) {
	old := h.charmState()
	if _, ok := old[key]; !ok {
		return
	}
	next := maps.Clone(old)
	delete(next, key)
	h.state, h.stateDirty = next, true
}
