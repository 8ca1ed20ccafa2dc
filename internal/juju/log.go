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
	if level == "ERROR" || level == "CRITICAL" {
		h.complained(message)
	}
	line := LogLine{At: m.clock.now, Unit: h.unit.Name, Module: "unit." + h.unit.Name + ".juju-log", Level: level, Message: message}
	if m.opts.Log != nil {
		m.opts.Log(line)
		return
	}
	m.logs = append(m.logs, line)
}

// complained keeps the last errors that a charm has logged, for the report of its
// end: some log why they fail, and write nothing to stderr.
func (h *Hook) complained(message string) {
	if h.model.engine == nil {
		return
	}
	h.complaints += message + "\n"
	if n := len(h.complaints) - 4<<10; n > 0 {
		h.complaints = strings.ToValidUTF8(h.complaints[n:], "")
	}
}
