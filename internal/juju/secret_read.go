// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// readSecret returns what secret-get reads in the controller, in base64. It
// changes the model at once: the first read of a unit tracks the latest
// revision, as does refresh, and a label given with the secret becomes its
// label for this unit. An empty ID means the secret of the label.
func (m *Model) readSecret(u *Unit, id, label string, refresh, peek bool) (map[string]string, error) {
	s := m.secrets.byID[id]
	if id == "" {
		if s = m.secretLabelled(u, label); s == nil {
			if m.is36 {
				return nil, fmt.Errorf("consumer label %q not found", label)
			}
			return nil, fmt.Errorf("secret URI for consumer label %q not found", label)
		}
		label = ""
	}
	switch {
	case s == nil && m.is36:
		return nil, fmt.Errorf("secret %q not found", "secret:"+id)
	case s == nil:
		return nil, errors.New("getting latest secret revision: secret not found")
	case !s.readable(u) && m.is36:
		return nil, errors.New("permission denied")
	case !s.readable(u):
		return nil, fmt.Errorf("%q is not allowed to read this secret", u.Name)
	}
	if err := s.relabel(u, label); err != nil {
		return nil, err
	}
	if s.ours(u) {
		label = "" // the owner's is used
	}
	r := s.revision(s.consume(u, label, refresh, peek))
	switch {
	case r == nil && m.is36:
		return nil, fmt.Errorf("secret revision of %q not found", s.ID)
	case r == nil:
		return nil, errors.New("secret revision not found")
	}
	return maps.Clone(r.content), nil
}

// secretLabelled returns the secret that a label means for a unit: one of its
// own or of its application, or one that it has labelled; nil if there is none.
func (m *Model) secretLabelled(u *Unit, label string) *Secret {
	for _, s := range m.secrets.list {
		if s.ours(u) && s.label == label {
			return s
		}
	}
	for _, s := range m.secrets.list {
		if c := s.consumer(u); c != nil && c.label == label {
			return s
		}
	}
	return nil
}

// relabel gives the secret another label, as secret-get with both ID and label
// asks for: that of the owner at once, if the unit may do that. Of a consumer's
// label, which consume sets, it checks that it is free.
func (s *Secret) relabel(u *Unit, label string) error {
	if label == "" || s.labelFor(u) == label {
		return nil
	}
	if s.ours(u) {
		if !s.manages(u) {
			return nil
		}
		if err := s.checkLabel(label, nil); err != nil {
			return err
		}
		s.label = label
		return nil
	}
	for _, other := range s.model.secrets.list {
		c := other.consumer(u)
		if other != s && c != nil && c.label == label || s.model.is36 && other.ours(u) && other.label == label {
			return labelExists(label)
		}
	}
	return nil
}

func labelExists(label string) error { return fmt.Errorf("secret with label %q already exists", label) }

// checkLabel fails if another secret of the owner has the label, or will have
// it: then planned has that. What an application owns and what its units own
// must not have the same label either.
func (s *Secret) checkLabel(label string, planned map[*Secret]string) error {
	if label == "" {
		return nil
	}
	taken := func(other *Secret, has string) bool {
		switch {
		case other == s || has != label || other.app != s.app:
			return false
		case s.unit != nil && other.unit != nil:
			return s.unit == other.unit
		}
		return true
	}
	for other, has := range planned {
		if taken(other, has) {
			return labelExists(label)
		}
	}
	for _, other := range s.model.secrets.list {
		if _, changes := planned[other]; !changes && taken(other, other.label) {
			return labelExists(label)
		}
		if s.model.is36 && s.app != nil && other.labelledBy(s, label) {
			return labelExists(label)
		}
	}
	return nil
}

// labelledBy reports whether a unit that owns another secret, or shares in it,
// has given this one a label. Juju 3.6 does not tell these labels apart.
func (s *Secret) labelledBy(owned *Secret, label string) bool {
	return slices.ContainsFunc(s.consumers, func(c *secretConsumer) bool {
		return c.label == label && (c.unit == owned.unit || owned.unit == nil && c.unit.app == owned.app)
	})
}

// consume notes that a unit reads the secret, and returns the number of the
// revision that it gets.
func (s *Secret) consume(u *Unit, label string, refresh, peek bool) int {
	c := s.consumer(u)
	first := c == nil
	if first {
		c = &secretConsumer{secret: s, unit: u}
		s.consumers = append(s.consumers, c)
		refresh = true // even a peek, if it is the first read
	}
	if label != "" {
		c.label = label
	}
	if refresh {
		c.tracked = s.latest
		s.markObsolete()
	}
	if first && s.model.is36 && s.latest > 1 {
		c.changed() // Juju 3.6 takes a latest revision that it did not know for a new one
	}
	if peek {
		return s.latest
	}
	return c.tracked
}

// markObsolete finds the revisions that nobody can want any more, of which the
// owner is told.
func (s *Secret) markObsolete() {
	for _, r := range s.revisions {
		if r.obsolete || r.number == s.latest || s.isTracked(r.number) {
			continue
		}
		r.obsolete = true
		r.nobodyWants()
	}
}

func (s *Secret) isTracked(number int) bool {
	return slices.ContainsFunc(s.consumers, func(c *secretConsumer) bool { return c.tracked == number })
}
