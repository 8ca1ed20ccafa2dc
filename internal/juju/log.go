// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"slices"
	"time"
)

// LogLine is a line of the model's log.
type LogLine struct {
	At      time.Time
	Unit    string
	Module  string // "unit.magpie/0.juju-log"
	Level   string
	Message string
}

// Logs returns the model's log.
func (m *Model) Logs() []LogLine {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.logs)
}

// log writes a line as juju-log does.
func (h *Hook) log(level, message string) {
	if m := h.hookRelation(); m != nil {
		message = m.end.name() + ": " + message
	}
	h.model.logs = append(h.model.logs, LogLine{
		At: h.model.clock.now, Unit: h.unit.Name, Module: "unit." + h.unit.Name + ".juju-log", Level: level, Message: message,
	})
}
