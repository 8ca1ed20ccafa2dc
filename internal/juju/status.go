// SPDX-License-Identifier: Apache-2.0

package juju

// setStatus is status-set.
func (h *Hook) setStatus(app bool, status, message string) error {
	if app {
		if !h.isLeader() {
			return errNotLeader
		}
		h.unit.app.status = Status{Status: status, Message: message, Since: h.model.clock.now}
		h.unit.app.statusSet = true
		return nil
	}
	h.unit.setWorkload(status, message)
	h.unit.workloadSet = true
	return nil
}
