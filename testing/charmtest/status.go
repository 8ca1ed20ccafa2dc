// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Status is the status of a unit or an application.
type Status struct {
	Status  string // "active", "blocked", …; "error" of a unit whose hook has failed
	Message string
	Data    map[string]any // of "error": which hook
	Since   time.Time
}

func statusOf(s juju.Status) Status { return Status(s) }

func statusesOf(list []juju.Status) []Status {
	statuses := make([]Status, len(list))
	for i, s := range list {
		statuses[i] = statusOf(s)
	}
	return statuses
}

// Status returns the unit's status.
func (h *Harness) Status() Status { return statusOf(h.unit.Workload()) }

// StatusHistory returns the statuses that the unit had before, the oldest first.
func (h *Harness) StatusHistory() []Status { return statusesOf(h.unit.History()) }

// AppStatus returns the application's status.
func (h *Harness) AppStatus() Status { return statusOf(h.app.Status()) }

// SetAppStatus sets the application's status, as another leader did.
func (h *Harness) SetAppStatus(status, message string) {
	h.t.Helper()
	h.fatal(checkStatus("cannot set the application's status", status))
	h.app.SetStatus(status, message)
}

// WorkloadVersion returns the version that the charm has set.
func (h *Harness) WorkloadVersion() string { return h.unit.WorkloadVersion() }

// OpenedPorts returns the ports that are open.
func (h *Harness) OpenedPorts() []hookcmd.EndpointPorts { return h.unit.OpenedPorts() }

// State returns what the charm has stored by state-set.
func (h *Harness) State() map[string]string { return h.unit.State() }

// SetState replaces what the charm has stored.
func (h *Harness) SetState(state map[string]string) { h.unit.SetState(state) }

// LogLine is a line of the log.
type LogLine struct {
	Unit    string
	Level   string // "INFO"
	Message string
}

// Logs returns what the charm has logged, the oldest line first.
func (h *Harness) Logs() []LogLine { return h.model.Logs() }

// Logs returns what the charms have logged, the oldest line first.
func (m *Model) Logs() []LogLine { return logsOf(m.juju) }

func logsOf(m *juju.Model) []LogLine {
	lines := m.Logs()
	logs := make([]LogLine, len(lines))
	for i, l := range lines {
		logs[i] = LogLine{Unit: l.Unit, Level: l.Level, Message: l.Message}
	}
	return logs
}
