// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// Storage is a storage instance of a unit. The exported fields do not change.
type Storage struct {
	ID       string // "data/0"
	Kind     string // "filesystem" or "block"
	Location string

	provisioned bool // it exists; until then the charm cannot have it
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

// storageDir is where Juju mounts filesystems without a location of their own.
const storageDir = "/var/lib/juju/storage"

// newStorage makes an instance of a storage that the charm declares.
func (m *Model) newStorage(declared charmdir.Storage) *Storage {
	s := &Storage{ID: declared.Name + "/" + strconv.Itoa(m.nextStore), Kind: declared.Type}
	m.nextStore++
	switch {
	case m.opts.Storage != nil:
		s.Location = m.opts.Storage(s.ID, s.Kind)
	case s.Kind == "block":
		s.Location = "/dev/disk/by-id/" + strings.ReplaceAll(s.ID, "/", "-")
	case declared.Location == "":
		s.Location = path.Join(storageDir, s.ID)
	case declared.CountMax == 1:
		s.Location = declared.Location
	default:
		s.Location = path.Join(declared.Location, s.ID)
	}
	return s
}

// addStorage gives the unit count more instances.
func (u *Unit) addStorage(declared charmdir.Storage, count int) []*Storage {
	added := make([]*Storage, max(count, 0))
	for i := range added {
		added[i] = u.app.model.newStorage(declared)
		added[i].provisioned = true
	}
	u.storage = append(u.storage, added...)
	u.app.model.wake(u.agent)
	return added
}

// addRequiredStorage gives a new unit what its charm requires.
func (a *Application) addRequiredStorage(u *Unit) {
	if a.charm == nil || u.agent == nil || len(a.charm.Storage) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(a.charm.Storage)) {
		u.addStorage(a.charm.Storage[name], a.charm.Storage[name].CountMin)
	}
}

// nextStorage returns the storage hook that is due, of any instance that has
// one. On machines a unit gets its storage before install; on Kubernetes, where
// the charm's pod has it from the start, after. What is to go goes first when
// the unit does, and at any time otherwise.
func (a *agent) nextStorage() (hookInfo, bool) {
	u := a.unit
	if len(u.storage) == 0 {
		return hookInfo{}, false
	}
	// What the charm was never told of goes without telling.
	u.dropStorage(func(s *Storage) bool { return a.leavesStorage(s) && !s.attached })
	var due []hookInfo
	for _, s := range u.storage {
		switch {
		case a.leavesStorage(s):
			due = append(due, hookInfo{kind: storageDetaching, storage: s, slot: -1})
		case !s.attached && (a.installed || !u.app.model.opts.CAAS) && a.knowsStorage(s.name()):
			due = append(due, hookInfo{kind: storageAttached, storage: s, slot: -1})
		}
	}
	if len(due) == 0 {
		return hookInfo{}, false
	}
	info := due[u.app.model.choose.pick(len(due))]
	info.storage.provisioned = true
	return info, true
}

// knowsStorage reports whether the charm that the unit has declares a storage:
// what a new version adds takes longer to provide than the upgrade.
func (a *agent) knowsStorage(name string) bool {
	_, ok := a.charm().Storage[name]
	return ok
}

// leavesStorage reports whether the unit is to lose an instance.
func (a *agent) leavesStorage(s *Storage) bool { return s.detaching || a.unit.life != Alive }

// dropStorage takes instances from the unit. They stay in the model.
func (u *Unit) dropStorage(which func(*Storage) bool) {
	m := u.app.model
	u.storage = slices.DeleteFunc(u.storage, func(s *Storage) bool {
		if !which(s) {
			return false
		}
		s.attached, s.detaching = false, false
		m.detached = append(m.detached, s)
		return true
	})
}

func (a *agent) storageDone(info hookInfo) {
	if info.kind == storageAttached {
		info.storage.attached, info.storage.provisioned = true, true
		return
	}
	a.unit.dropStorage(func(s *Storage) bool { return s == info.storage })
}

// storageOf returns the unit's instance of that ID, or nil.
func (u *Unit) storageOf(id string) *Storage {
	i := slices.IndexFunc(u.storage, func(s *Storage) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return u.storage[i]
}

// checkStorage does the checks that Juju leaves to the flush.
func (h *Hook) checkStorage() error {
	counts := make(map[string]int)
	for _, add := range h.more().storage {
		counts[add.name] += add.count
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, err := h.unit.storageRoom(name, counts[name]); err != nil {
			return fmt.Errorf("cannot add storage: %w", err)
		}
	}
	return nil
}

// storageRoom checks that the charm may have count more instances of a storage.
func (u *Unit) storageRoom(name string, count int) (charmdir.Storage, error) {
	declared := charmdir.Storage{Name: name, Type: "filesystem", CountMax: -1}
	if c := u.app.charm; c != nil {
		var ok bool
		if declared, ok = c.Storage[name]; !ok {
			return declared, fmt.Errorf("charm storage %q not found", name)
		}
	}
	has := 0
	for _, s := range u.storage {
		if s.name() == name && !s.detaching {
			has++
		}
	}
	if declared.CountMax >= 0 && has+count > declared.CountMax {
		return declared, fmt.Errorf("storage %q: at most %d instances supported, %d specified", name, declared.CountMax, has+count)
	}
	return declared, nil
}

// commitStorage adds what storage-add asked for; a unit that is to go gets none.
func (h *Hook) commitStorage() {
	if h.unit.life != Alive {
		return
	}
	for _, add := range h.more().storage {
		declared, _ := h.unit.storageRoom(add.name, 0)
		for _, s := range h.unit.addStorage(declared, add.count) {
			s.provisioned = false // which takes until storage-attached
		}
	}
}

// Storage returns the unit's storage instances, also those whose hook is to come.
func (u *Unit) Storage() []*Storage {
	return locked(u, func() []*Storage { return slices.Clone(u.storage) })
}

// AddStorage gives the unit count more instances of a storage, as juju
// add-storage does.
func (u *Unit) AddStorage(name string, count int) ([]*Storage, error) {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.life != Alive {
		return nil, fmt.Errorf("cannot add storage %q to unit %s: it is %s", name, u.Name, u.life)
	}
	if count < 1 {
		return nil, fmt.Errorf("cannot add storage %q to unit %s: count must be greater than zero, got %d", name, u.Name, count)
	}
	declared, err := u.storageRoom(name, count)
	if err != nil {
		return nil, fmt.Errorf("cannot add storage to unit %s: %w", u.Name, err)
	}
	return u.addStorage(declared, count), nil
}

// AttachStorage attaches an instance that was detached from this unit or from
// another, which may be gone.
func (u *Unit) AttachStorage(id string) error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.detached, func(s *Storage) bool { return s.ID == id })
	switch {
	case u.life != Alive:
		return fmt.Errorf("cannot attach storage %q to unit %s: it is %s", id, u.Name, u.life)
	case i < 0:
		return fmt.Errorf("cannot attach storage %q to unit %s: there is no such storage, or it is attached", id, u.Name)
	}
	s := m.detached[i]
	declared, err := u.storageRoom(s.name(), 1)
	if err == nil && declared.Type != s.Kind {
		err = fmt.Errorf("it is a %s, the charm wants a %s", s.Kind, declared.Type)
	}
	if err != nil {
		return fmt.Errorf("cannot attach storage %q to unit %s: %w", id, u.Name, err)
	}
	m.detached = slices.Delete(m.detached, i, i+1)
	u.storage = append(u.storage, s)
	m.wake(u.agent)
	return nil
}

// DetachStorage takes an instance from the unit: storage-detaching runs, and
// the instance stays in the model.
func (u *Unit) DetachStorage(id string) error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	s := u.storageOf(id)
	switch {
	case s == nil:
		return fmt.Errorf("cannot detach storage %q from unit %s: the unit does not have it", id, u.Name)
	case s.detaching:
		return fmt.Errorf("cannot detach storage %q from unit %s: it is being detached", id, u.Name)
	}
	if u.agent == nil {
		u.dropStorage(func(x *Storage) bool { return x == s })
		return nil
	}
	s.detaching = true
	m.wake(u.agent)
	return nil
}
