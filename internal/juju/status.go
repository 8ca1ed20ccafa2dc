// SPDX-License-Identifier: Apache-2.0

package juju

import "slices"

// charmStatuses are the statuses that a charm can set.
var charmStatuses = []string{"maintenance", "blocked", "waiting", "active"}

func checkStatus(status string) error {
	if !slices.Contains(charmStatuses, status) {
		return usage("invalid status %q, expected one of %v", status, charmStatuses)
	}
	return nil
}

// setStatus is status-set, which is at once and stays if the hook fails.
func (h *Hook) setStatus(app bool, status, message string) error {
	if err := checkStatus(status); err != nil {
		return err
	}
	if app {
		if !h.isLeader() {
			return errNotLeader
		}
		h.changed(Change{Kind: "application status", Owner: h.unit.app.Name, Old: h.unit.app.status.String(), New: Status{Status: status, Message: message}.String()})
		h.unit.app.status = Status{Status: status, Message: message, Since: h.model.clock.now}
		h.unit.app.statusSet = true
		return nil
	}
	h.changed(Change{Kind: "status", Owner: h.unit.Name, Old: h.unit.workload.String(), New: Status{Status: status, Message: message}.String()})
	h.unit.setWorkload(status, message)
	h.statusSet = true // which the agent remembers if the hook succeeds, and not of actions
	return nil
}
