// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxBag is how much Juju 4 lets a databag hold, keys and values together.
const maxBag = 16 << 20

// flush commits what the hook has written: all of it or, if Juju refuses a part
// of it, nothing. The order is that of Juju 4.
func (h *Hook) flush() error {
	m := h.model
	if h.changesNothing() {
		return nil
	}
	if m.is36 {
		if err := h.commitSecrets36(); err != nil {
			return fmt.Errorf("cannot apply changes: %w", err)
		}
		h.changedSecrets() // which stay, even if the rest is refused
	}
	if m.faults.refusesFlush() {
		return errors.New("cannot apply changes: the controller refused them (a fault of this model)")
	}
	for _, check := range flushChecks {
		if err := check(h); err != nil {
			return fmt.Errorf("cannot apply changes: %w", err)
		}
	}
	ports, state, storage := h.unit.ports, h.unit.state, len(h.unit.storage)
	h.commitBags()
	h.commitPorts()
	if h.stateDirty {
		h.unit.state = h.state
	}
	h.commitSecrets()
	h.commitStorage()
	h.commitPodSpec()
	h.changedAll(ports, state, storage)
	return nil
}

var flushChecks = [...]func(*Hook) error{
	(*Hook).checkBags, (*Hook).checkPorts, (*Hook).checkState, (*Hook).checkSecrets, (*Hook).checkStorage, (*Hook).checkPodSpec,
}

// changesNothing reports whether the agent has nothing to send: it sends our
// unit's databag even if the charm has only read it.
func (h *Hook) changesNothing() bool {
	for i := range h.bags {
		if b := &h.bags[i]; b.touched || len(b.app) > 0 {
			return false
		}
	}
	return !h.stateDirty && h.rare.none() && h.info.kind != configChanged
}

func (h *Hook) checkBags() error {
	for i := range h.bags {
		b := &h.bags[i]
		if len(b.app) > 0 && !h.unit.isLeader() {
			return fmt.Errorf("cannot write application settings of relation %s: %w", b.member.end.name(), errNotLeader)
		}
		if err := h.checkSize("unit", b, b.unit, h.ownUnit); err != nil {
			return err
		}
		if err := h.checkSize("application", b, b.app, h.ownApp); err != nil {
			return err
		}
	}
	return nil
}

// checkSize checks a databag that has changes.
func (h *Hook) checkSize(owner string, b *ownBags, changes map[string]string, after func(*ownBags) map[string]string) error {
	if len(changes) == 0 || h.model.is36 {
		return nil
	}
	size := 0
	for key, value := range after(b) {
		size += len(key) + len(value)
	}
	if size > maxBag {
		return fmt.Errorf("%s settings of relation %s: max allowed size (%d): quota limit exceeded", owner, b.member.end.name(), maxBag)
	}
	return nil
}

func (h *Hook) commitBags() {
	for i := range h.bags {
		b := &h.bags[i]
		e := b.member.end
		if !h.model.is36 {
			for _, key := range agentOwned {
				delete(b.unit, key)
			}
		}
		if len(b.unit) > 0 {
			h.note(h.unit.Name, e, e.units[h.unit.slot].bag, b.unit)
			e.write(h.unit, b.unit)
		}
		if len(b.app) > 0 {
			h.note(h.unit.app.Name, e, e.app, b.app)
			e.writeApp(b.app)
		}
	}
	if h.info.kind == configChanged && h.unit.agent != nil {
		for _, m := range h.unit.agent.members {
			if m.entered && !m.left {
				m.end.write(h.unit, h.unit.agentKeys(m.end))
			}
		}
	}
}

// note adds the changes of a databag to the trace.
func (h *Hook) note(owner string, e *End, old *bag, changes map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		if was := old.contents()[key]; was != changes[key] {
			h.writes = append(h.writes, Write{Owner: owner, Relation: e.name(), Key: key, Old: was, New: changes[key]})
		}
	}
}

// agentOwned are the keys that Juju 4 writes itself, whatever a charm writes.
var agentOwned = []string{"ingress-address", "egress-subnets"}
