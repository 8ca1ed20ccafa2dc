// SPDX-License-Identifier: Apache-2.0

package juju

// secretStore is the secrets of a model.
type secretStore struct{}

// Secret is a secret of a model.
type Secret struct{}

// secretEvent is a secret hook that an agent has yet to run.
type secretEvent struct{}

// secretChanges is what a hook did to secrets, which waits for the flush.
type secretChanges struct{}

func (s *secretChanges) none() bool { return true }

func (s *Secret) uriFor(u *Unit) string   { return "" }
func (s *Secret) labelFor(u *Unit) string { return "" }

// nextSecret returns the secret hook that is due.
func (a *agent) nextSecret() (hookInfo, bool) { return hookInfo{}, false }

func (a *agent) secretDone(info hookInfo) {}

func (h *Hook) checkSecrets() error { return nil }

func (h *Hook) commitSecrets() {}

// removeUnitSecrets removes the secrets of a unit that is dead.
func (m *Model) removeUnitSecrets(u *Unit) {}

// removeRelationGrants revokes what was granted over a relation that is gone.
func (m *Model) removeRelationGrants(r *Relation) {}
