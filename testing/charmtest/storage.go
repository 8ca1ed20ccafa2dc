// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Storage is a storage instance of a unit.
type Storage struct {
	ID       string // "data/0"
	Kind     string // "filesystem" or "block"
	Location string
}

// check is the error of an instance that a unit of the charm cannot have.
func (s Storage) check(meta *charmdir.Charm) error {
	name, number, _ := strings.Cut(s.ID, "/")
	declared, ok := meta.Storage[name]
	switch _, err := strconv.Atoi(number); {
	case err != nil:
		return fmt.Errorf("%q is no storage instance; those are like \"data/0\"", s.ID)
	case !ok:
		return undeclared("storage", name, meta.Storage)
	case s.Kind != declared.Type:
		return fmt.Errorf("the Kind of %s is %q, not %q", s.ID, declared.Type, s.Kind)
	}
	return nil
}

func storageOf(u *juju.Unit) []Storage {
	var list []Storage
	for _, s := range u.Storage() {
		list = append(list, instanceOf(s))
	}
	return list
}

func instanceOf(s *juju.Storage) Storage {
	return Storage{ID: s.ID, Kind: s.Kind, Location: s.Location}
}

// Storage returns the storage instances that the unit has. Those that its charm
// requires are attached from the start.
func (h *Harness) Storage() []Storage { return storageOf(h.unit) }

// AddStorage adds an instance of a storage, as juju add-storage does, and sends
// storage-attached.
func (h *Harness) AddStorage(name string) Storage {
	h.t.Helper()
	if err := checkStorage(h.meta, name); err != nil {
		h.fatal(fmt.Errorf("cannot add storage: %w", err))
	}
	added, err := h.unit.AddStorage(name, 1)
	h.fatal(err)
	h.StorageHooks()
	return instanceOf(added[0])
}

// DetachStorage sends storage-detaching, after which the unit does not have the
// instance any more.
func (h *Harness) DetachStorage(id string) {
	h.t.Helper()
	h.fatal(h.unit.DetachStorage(id))
	h.StorageHooks()
}

// AttachStorage attaches an instance that was detached, and sends
// storage-attached.
func (h *Harness) AttachStorage(id string) {
	h.t.Helper()
	h.fatal(h.unit.AttachStorage(id))
	h.StorageHooks()
}

// StorageHooks sends the storage hooks that are due: those of instances that the
// charm has asked for by storage-add.
func (h *Harness) StorageHooks() {
	h.t.Helper()
	h.due(h.model.juju.DispatchStorage)
}

// Storage returns the storage instances that the unit has.
func (u *Unit) Storage() []Storage { return storageOf(u.unit) }

// AddStorage adds an instance of a storage, as juju add-storage does.
func (u *Unit) AddStorage(name string) Storage {
	u.model.t.Helper()
	if err := checkStorage(u.unit.Application().Charm(), name); err != nil {
		u.model.fatal(fmt.Errorf("cannot add storage to %s: %w", u.unit.Name, err))
	}
	added, err := u.unit.AddStorage(name, 1)
	u.model.fatal(err)
	return instanceOf(added[0])
}

// DetachStorage begins to detach an instance, which stays in the model.
func (u *Unit) DetachStorage(id string) {
	u.model.t.Helper()
	u.model.fatal(u.unit.DetachStorage(id))
}

// AttachStorage attaches an instance that was detached from this unit or another.
func (u *Unit) AttachStorage(id string) {
	u.model.t.Helper()
	u.model.fatal(u.unit.AttachStorage(id))
}
