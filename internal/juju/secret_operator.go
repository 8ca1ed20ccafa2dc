// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// NewSecret says what secret to add. Zero fields mean none.
type NewSecret struct {
	// Owner is the application or unit that owns the secret. Empty: it is a
	// user secret, as an operator adds it.
	Owner       string
	Label       string // unique among the owner's; of a user secret its name
	Description string
	Rotate      string // "never", "hourly", "daily", "weekly", "monthly", "quarterly" or "yearly"
	Expire      time.Time
	Content     map[string]string // at least one key; any values
}

// AddSecret adds a secret, as the operator of the model or in the place of its
// owner.
func (m *Model) AddSecret(n NewSecret) (*Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.addSecret(n)
	if err != nil {
		return nil, fmt.Errorf("cannot add secret: %w", err)
	}
	return s, nil
}

func (m *Model) addSecret(n NewSecret) (*Secret, error) {
	s := &Secret{model: m, label: n.Label, description: n.Description, rotate: n.Rotate, latest: 1}
	if n.Owner != "" {
		if s.unit = m.unit(n.Owner); s.unit != nil && s.unit.life != Dead {
			s.app = s.unit.app
		} else if s.app = m.application(n.Owner); s.app == nil {
			return nil, fmt.Errorf("there is no unit or application %q", n.Owner)
		}
	}
	switch {
	case n.Rotate != "" && !validRotation(n.Rotate):
		return nil, fmt.Errorf("rotate policy %q not valid", n.Rotate)
	case s.app == nil && (validRotation(n.Rotate) || !n.Expire.IsZero()):
		return nil, errors.New("a user secret does not rotate or expire")
	}
	content, err := newContent(n.Content)
	if err != nil {
		return nil, err
	}
	if err := s.checkLabel(n.Label, nil); err != nil {
		return nil, err
	}
	s.ID = m.newSecretID()
	s.revisions = []*secretRevision{{secret: s, number: 1, content: content, expire: n.Expire}}
	m.secrets.add(s)
	s.begin()
	return s, nil
}

func newContent(plain map[string]string) (map[string]string, error) {
	if len(plain) == 0 {
		return nil, errors.New("its content is empty")
	}
	for key := range plain {
		if !secretKey.MatchString(key) {
			return nil, fmt.Errorf("key %q not valid: they have three or more lower-case letters, digits and dashes, and begin with a letter", key)
		}
	}
	return encodeSecret(plain)
}

// Secret returns the secret of an ID or URI, or nil.
func (m *Model) Secret(uri string) *Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, err := parseSecretURI(uri)
	if err != nil {
		return nil
	}
	return m.secrets.byID[id]
}

// Secrets returns all secrets, by creation.
func (m *Model) Secrets() []*Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.secrets.list)
}

// SecretInfo is a secret as it is at one time, without its content.
type SecretInfo struct {
	ID, URI     string
	Owner       string // application or unit; empty: a user secret
	Label       string
	Description string
	Rotate      string    // "never" or what it is
	NextRotate  time.Time // zero: never
	Latest      int       // number of the latest revision
	Revisions   []RevisionInfo
	Grants      []Grant
	Consumers   []Consumer
}

// RevisionInfo is a revision of a secret.
type RevisionInfo struct {
	Number   int
	Expire   time.Time // zero: never
	Obsolete bool      // it is not the latest, and no unit tracks it
}

// Grant lets an application or unit read a secret.
type Grant struct {
	Subject  string // application or unit
	Relation int    // ID of the relation, with which it ends; -1: none
}

// Consumer is a unit that has read a secret.
type Consumer struct {
	Unit    string
	Tracked int    // the revision that it reads
	Label   string // its own; a unit that shares in owning the secret uses the owner's
}

// Info returns what is known of the secret. Of one that was removed that is
// what it was.
func (s *Secret) Info() SecretInfo {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	info := SecretInfo{
		ID: s.ID, URI: "secret:" + s.ID, Owner: s.owner(), Label: s.label, Description: s.description,
		Rotate: cmp.Or(s.rotate, "never"), NextRotate: s.nextRotate, Latest: s.latest,
	}
	for _, r := range s.revisions {
		info.Revisions = append(info.Revisions, RevisionInfo{r.number, r.expire, r.obsolete})
	}
	for _, g := range s.grants {
		grant := Grant{Subject: g.subject(nil), Relation: -1}
		if g.rel != nil {
			grant.Relation = g.rel.ID
		}
		info.Grants = append(info.Grants, grant)
	}
	for _, c := range s.consumers {
		info.Consumers = append(info.Consumers, Consumer{c.unit.Name, c.tracked, c.label})
	}
	return info
}

func (s *Secret) owner() string {
	switch {
	case s.unit != nil:
		return s.unit.Name
	case s.app != nil:
		return s.app.Name
	}
	return ""
}

// Content returns the content of a revision, the latest if revision is 0.
func (s *Secret) Content(revision int) (map[string]string, error) {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	r := s.revision(cmp.Or(revision, s.latest))
	if r == nil {
		return nil, fmt.Errorf("secret %q has no revision %d", s.ID, cmp.Or(revision, s.latest))
	}
	return decodeContent(r.content)
}

// SetContent adds a revision, as the operator or in the place of the owner. The
// content of the latest one again is no new revision.
func (s *Secret) SetContent(content map[string]string) error {
	return s.change("update", func() error {
		encoded, err := newContent(content)
		if err != nil {
			return err
		}
		if r := s.revision(s.latest); r != nil && maps.Equal(r.content, encoded) {
			return nil
		}
		s.apply(secretValues{content: encoded})
		s.tellConsumers()
		return nil
	})
}

// Grant lets an application or unit read the secret. That of an application or
// unit is granted over a relation of its owner, which is nil for a user secret.
func (s *Secret) Grant(subject string, over *Relation) error {
	return s.change("grant", func() error {
		to := secretAccess{rel: over, unit: s.model.unit(subject)}
		if to.app = s.model.application(subject); to.unit != nil {
			to.app = to.unit.app
		}
		switch {
		case to.app == nil:
			return fmt.Errorf("there is no unit or application %q", subject)
		case s.app == nil && over != nil:
			return errors.New("a user secret is not granted over a relation")
		case s.app == nil && to.unit != nil:
			return errors.New("a user secret is granted to applications")
		case s.app == nil:
		case over == nil || over.life == Dead || over.End(s.app.Name) == nil || over.End(s.app.Name).other.App != to.app:
			return fmt.Errorf("it needs a relation of %q with %q", s.app.Name, to.app.Name)
		}
		for _, has := range s.grants {
			if has.app == to.app && has.unit == to.unit {
				return nil
			}
		}
		s.grants = append(s.grants, to)
		return nil
	})
}

// Revoke takes back what was granted to an application or unit.
func (s *Secret) Revoke(subject string) error {
	return s.change("revoke", func() error {
		if !s.revoke(subject) {
			return fmt.Errorf("it is not granted to %q", subject)
		}
		return nil
	})
}

// Remove removes a revision or, if it is 0, the secret.
func (s *Secret) Remove(revision int) error {
	return s.change("remove", func() error {
		if revision != 0 && s.revision(revision) == nil {
			return fmt.Errorf("it has no revision %d", revision)
		}
		s.removeRevisions(revision == 0, []int{revision})
		return nil
	})
}

func (s *Secret) change(do string, f func() error) error {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	err := errors.New("it is removed")
	if !s.gone {
		err = f()
	}
	if err != nil {
		return fmt.Errorf("cannot %s secret %q: %w", do, s.ID, err)
	}
	return nil
}

// ReadSecret has a made-up unit read a secret, as secret-get does: the first
// read, and each with refresh, has it track the latest revision.
func (u *Unit) ReadSecret(uri string, refresh bool) (map[string]string, error) {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	id, err := parseSecretURI(uri)
	if err != nil {
		return nil, fmt.Errorf("cannot read secret: %w", err)
	}
	content, err := m.readSecret(u, id, "", refresh, false)
	if err != nil {
		return nil, fmt.Errorf("cannot read secret %q: %w", id, err)
	}
	return decodeContent(content)
}
