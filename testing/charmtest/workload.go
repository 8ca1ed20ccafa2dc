// SPDX-License-Identifier: Apache-2.0

package charmtest

// RestartWorkload restarts a container of the unit: its pebble-ready runs again.
func (u *Unit) RestartWorkload(container string) {
	u.model.t.Helper()
	u.model.fatal(u.unit.RestartWorkload(container))
}

// Notice has Pebble in a container record a custom notice, such as
// "example.com/backup-done". Those of one key have the same ID.
func (u *Unit) Notice(container, id, key string) {
	u.model.t.Helper()
	u.model.fatal(u.unit.Notice(container, id, key))
}

// CheckFailed has a check of Pebble in a container fail, as often as it may.
func (u *Unit) CheckFailed(container, check string) {
	u.model.t.Helper()
	u.model.fatal(u.unit.CheckFailed(container, check))
}

// CheckRecovered has a check of Pebble that failed succeed.
func (u *Unit) CheckRecovered(container, check string) {
	u.model.t.Helper()
	u.model.fatal(u.unit.CheckRecovered(container, check))
}
