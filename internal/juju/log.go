// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"slices"
	"strings"
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

// logLevels are Juju's levels by what juju-log calls them.
var logLevels = map[string]string{
	"UNSPECIFIED": "", "TRACE": "TRACE", "DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARNING", "WARNING": "WARNING",
	"ERROR": "ERROR", "CRITICAL": "CRITICAL",
}

// log writes a line as juju-log does. A level that there is not is INFO, with
// a warning; an empty one is INFO without.
func (h *Hook) log(level, message string) {
	known, ok := logLevels[level]
	if !ok {
		known, ok = logLevels[strings.ToUpper(level)]
	}
	switch {
	case ok && known == "":
		return // Juju's logger drops the lowest of its levels
	case !ok:
		known = "INFO"
		if level != "" {
			h.writeLog("WARNING", fmt.Sprintf("Specified log level of %q is not valid", level))
		}
	}
	if m := h.hookRelation(); m != nil {
		message = m.end.name() + ": " + message
	}
	h.writeLog(known, message)
}

func (h *Hook) writeLog(level, message string) {
	m := h.model
	m.clock.sync()
	line := LogLine{At: m.clock.now, Unit: h.unit.Name, Module: "unit." + h.unit.Name + ".juju-log", Level: level, Message: message}
	if m.opts.Log != nil {
		m.opts.Log(line)
		return
	}
	m.logs = append(m.logs, line)
}
