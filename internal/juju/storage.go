// SPDX-License-Identifier: Apache-2.0

package juju

import "strings"

// Storage is a storage instance of a unit. The exported fields do not change.
type Storage struct {
	ID       string // "data/0"
	Kind     string // "filesystem" or "block"
	Location string

	provisioned bool
	attached    bool // storage-attached has run
	detaching   bool
}

// storageAdd is a storage-add that waits for the flush.
type storageAdd struct {
	name  string
	count int
}

func (s *Storage) name() string {
	name, _, _ := strings.Cut(s.ID, "/")
	return name
}

// addRequiredStorage gives a new unit what its charm requires.
func (a *Application) addRequiredStorage(u *Unit) {}

// nextStorage returns the storage hook that is due.
func (a *agent) nextStorage() (hookInfo, bool) { return hookInfo{}, false }

func (a *agent) storageDone(info hookInfo) {}

func (h *Hook) checkStorage() error { return nil }

func (h *Hook) commitStorage() {}
