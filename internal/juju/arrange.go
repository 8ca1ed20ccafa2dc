// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// SetPlace sets the unit's machine and availability zone; an empty machine stays.
func (u *Unit) SetPlace(machine, zone string) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	if machine != "" {
		u.machine = machine
	}
	u.zone, u.environ = zone, nil
}

// SetPorts replaces the unit's open ports.
func (u *Unit) SetPorts(open []hookcmd.EndpointPorts) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	u.ports = make(portSet)
	for _, p := range open {
		if p.Endpoints == nil {
			u.ports.add(allEndpoints, p.PortRange)
		}
		for _, endpoint := range p.Endpoints {
			u.ports.add(endpoint, p.PortRange)
		}
	}
}

// SetStorage replaces the unit's storage instances by some that are attached.
func (u *Unit) SetStorage(list []Storage) {
	u.app.model.mu.Lock()
	defer u.app.model.mu.Unlock()
	u.storage = nil
	for _, s := range list {
		s.provisioned, s.attached = true, true
		u.storage = append(u.storage, &s)
	}
}

// SetLeaderSettings changes what leader-get tells, as the leader does; empty
// values delete. It reports whether something changed.
func (a *Application) SetLeaderSettings(changes map[string]string) (changed bool) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	before := a.leaderVersion
	a.setLeaderSettings(changes)
	return a.leaderVersion != before
}

// SetResource sets what a resource holds, which the application's charm declares.
func (a *Application) SetResource(name string, r Resource) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	if a.resources == nil {
		a.resources = make(map[string]Resource)
	}
	a.resources[name] = r
}

// PutSecret adds a secret that has come to have these revisions, by number, of
// which the last is the latest. Its URI is chosen if that is empty.
func (m *Model) PutSecret(uri string, n NewSecret, revisions map[int]map[string]string) (*Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	numbers := slices.Sorted(maps.Keys(revisions))
	if len(numbers) == 0 || numbers[0] < 1 {
		return nil, fmt.Errorf("cannot add secret %q: it needs at least one revision, and numbers from 1", uri)
	}
	id := m.newSecretID()
	if uri != "" {
		var err error
		if id, err = parseSecretURI(uri); err != nil {
			return nil, fmt.Errorf("cannot add secret: %w; those are like %q", err, "secret:9m4e2mr0ui3e8a215n4g")
		}
		if m.secrets.byID[id] != nil {
			return nil, fmt.Errorf("cannot add secret %q: there is one of that URI", uri)
		}
	}
	contents := make([]*secretRevision, len(numbers))
	for i, number := range numbers {
		content, err := newContent(revisions[number])
		if err != nil {
			return nil, fmt.Errorf("cannot add secret %q: revision %d: %w", uri, number, err)
		}
		contents[i] = &secretRevision{number: number, content: content}
	}
	n.Content = revisions[numbers[len(numbers)-1]]
	s, err := m.addSecret(n)
	if err != nil {
		return nil, fmt.Errorf("cannot add secret %q: %w", uri, err)
	}
	delete(m.secrets.byID, s.ID)
	s.ID = id
	m.secrets.byID[id] = s
	latest := s.revisions[0]
	for _, r := range contents[:len(contents)-1] {
		r.secret = s
		s.revisions = append(s.revisions, r)
	}
	latest.number, s.latest = numbers[len(numbers)-1], numbers[len(numbers)-1]
	s.revisions = append(s.revisions[1:], latest)
	return s, nil
}

// TakeRead takes a revision for read by a unit, which may call the secret by a
// label of its own.
func (s *Secret) TakeRead(u *Unit, revision int, label string) error {
	return s.change("track", func() error {
		if s.revision(revision) == nil {
			return fmt.Errorf("it has no revision %d", revision)
		}
		if !s.readable(u) {
			return fmt.Errorf("%s may not read it", u.Name)
		}
		if s.ours(u) {
			label = "" // the owner's
		}
		if err := s.relabel(u, label); err != nil {
			return err
		}
		s.consumers = append(s.consumers, &secretConsumer{secret: s, unit: u, tracked: revision, label: label, notified: s.latest})
		return nil
	})
}
