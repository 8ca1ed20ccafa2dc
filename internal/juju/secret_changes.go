// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"slices"
	"time"
)

// secretChanges is what a hook did to secrets, which waits for the flush.
type secretChanges struct {
	known  bool // whose secrets the hook sees is settled:
	leader bool // those of the application, too

	creates []*Secret // as they will be
	updates []*secretUpdate
	grants  []pendingGrant // one of each secret and relation
	revokes []pendingRevoke
	deletes []*secretDelete
	track   []*Secret // whose new revision the unit reads from now on
}

// secretUpdate changes a secret. Zero fields change nothing.
type secretUpdate struct {
	id string // of a secret that may not exist
	secretValues
}

// secretValues are what secret-add and secret-set say of a secret.
type secretValues struct {
	label, description, rotate string
	expire                     time.Time
	content                    map[string]string // base64
}

// pendingGrant grants a secret over a relation.
type pendingGrant struct {
	secret *Secret
	member *membership
	unit   string // empty: all units
}

// pendingRevoke takes a secret back, whatever relation it was granted over.
type pendingRevoke struct {
	id      string
	subject string // a unit or application, as the owner calls it
}

// secretDelete removes a secret, or revisions of it.
type secretDelete struct {
	id        string
	all       bool
	revisions []int // if not all
}

func (c *secretChanges) none() bool {
	return len(c.creates)+len(c.updates)+len(c.grants)+len(c.revokes)+len(c.deletes)+len(c.track) == 0
}

func (c *secretChanges) created(id string) *Secret {
	for _, s := range c.creates {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (c *secretChanges) update(id string) *secretUpdate {
	for _, u := range c.updates {
		if u.id == id {
			return u
		}
	}
	return nil
}

func (c *secretChanges) deleted(id string) *secretDelete {
	for _, d := range c.deletes {
		if d.id == id {
			return d
		}
	}
	return nil
}

// secretChanges returns the hook's changes of secrets. What the hook knows of
// the unit's own secrets depends on whether it led when it first used one.
func (h *Hook) secretChanges() *secretChanges {
	c := &h.more().secrets
	if !c.known {
		c.known, c.leader = true, h.unit.isLeader()
	}
	return c
}

// knows reports whether the hook sees a secret as one that the unit can change.
func (h *Hook) knows(s *Secret) bool {
	return s != nil && s.ours(h.unit) && (s.unit != nil || h.secretChanges().leader)
}

// checkLead fails if the secret of an ID is known to be the application's, and
// the unit leads no more. Of secrets it does not know, the controller decides.
func (h *Hook) checkLead(id string) error {
	if s := h.model.secrets.byID[id]; h.knows(s) && s.ownedByApp() && !h.isLeader() {
		return errNotLeader
	}
	return nil
}

// addSecret has a new secret created.
func (h *Hook) addSecret(ofUnit bool, v secretValues) (id string, err error) {
	c := h.secretChanges()
	if !ofUnit && !h.isLeader() {
		return "", errNotLeader
	}
	s := &Secret{
		ID: h.model.newSecretID(), model: h.model, app: h.unit.app, label: v.label, description: v.description, rotate: v.rotate, latest: 1,
	}
	if ofUnit {
		s.unit = h.unit
	}
	s.revisions = []*secretRevision{{secret: s, number: 1, content: v.content, expire: v.expire}}
	for _, other := range c.creates {
		if v.label != "" && other.label == v.label {
			return "", labelExists(v.label)
		}
	}
	c.creates = append(c.creates, s)
	return s.ID, nil
}

// setSecret has a secret changed.
func (h *Hook) setSecret(id string, v secretValues) error {
	c := h.secretChanges()
	if err := h.checkLead(id); err != nil {
		return err
	}
	s := h.model.secrets.byID[id]
	if latest := s.latestKnown(h); latest != nil && len(v.content) > 0 && checksum(latest.content) == checksum(v.content) {
		v.content = nil // it is no new revision
	}
	if v.label == "" && v.description == "" && v.rotate == "" && v.expire.IsZero() && len(v.content) == 0 {
		return nil
	}
	c.deletes = slices.DeleteFunc(c.deletes, func(d *secretDelete) bool { return d.id == id })
	if created := c.created(id); created != nil {
		r := created.revisions[0]
		now := secretValues{created.label, created.description, created.rotate, r.expire, r.content}
		now.merge(v)
		created.label, created.description, created.rotate, r.expire, r.content = now.label, now.description, now.rotate, now.expire, now.content
		return nil
	}
	u := c.update(id)
	if u == nil {
		u = &secretUpdate{id: id}
		c.updates = append(c.updates, u)
	}
	u.merge(v)
	return nil
}

// latestKnown returns the latest revision of a secret that the hook knows, or nil.
func (s *Secret) latestKnown(h *Hook) *secretRevision {
	if !h.knows(s) {
		return nil
	}
	return s.revision(s.latest)
}

// merge sets what changes sets.
func (v *secretValues) merge(changes secretValues) {
	set := func(to *string, value string) {
		if value != "" {
			*to = value
		}
	}
	set(&v.label, changes.label)
	set(&v.description, changes.description)
	set(&v.rotate, changes.rotate)
	if !changes.expire.IsZero() {
		v.expire = changes.expire
	}
	if len(changes.content) > 0 {
		v.content = changes.content
	}
}

// removeSecret has a revision removed or, if it is 0, all of the secret. What
// else the hook did with the secret is forgotten.
func (h *Hook) removeSecret(id string, revision int) error {
	c := h.secretChanges()
	if err := h.checkLead(id); err != nil {
		return err
	}
	c.creates = slices.DeleteFunc(c.creates, func(s *Secret) bool { return s.ID == id })
	c.updates = slices.DeleteFunc(c.updates, func(u *secretUpdate) bool { return u.id == id })
	c.grants = slices.DeleteFunc(c.grants, func(g pendingGrant) bool { return g.secret.ID == id })
	c.revokes = slices.DeleteFunc(c.revokes, func(r pendingRevoke) bool { return r.id == id })
	c.track = slices.DeleteFunc(c.track, func(s *Secret) bool { return s.ID == id })
	d := c.deleted(id)
	if d == nil {
		d = &secretDelete{id: id}
		c.deletes = append(c.deletes, d)
	}
	d.all = d.all || revision == 0
	d.revisions = append(d.revisions, revision)
	return nil
}

// grantSecret has a secret granted over a relation. The last grant of a secret
// over a relation counts, as in Juju.
func (h *Hook) grantSecret(id string, m *membership, unit string) error {
	c := h.secretChanges()
	info := h.secretInfo(id)
	if info == nil {
		return secretNotFound(id)
	}
	s := info.secret
	if s.ownedByApp() && !h.isLeader() {
		return errNotLeader
	}
	subject := unit
	if unit == "" {
		subject = m.end.remoteName()
	}
	for _, g := range s.grants {
		switch {
		case g.rel != m.end.rel:
		case g.subject(s.app) == subject || g.unit == nil:
			return nil
		case unit == "":
			return errors.New("any unit level grants need to be revoked before granting access to the corresponding application")
		}
	}
	c.grants = slices.DeleteFunc(c.grants, func(g pendingGrant) bool { return g.secret == s && g.member == m })
	c.grants = append(c.grants, pendingGrant{s, m, unit})
	return nil
}

// revokeSecret has a secret revoked from a unit or application, whatever
// relation it was granted over.
func (h *Hook) revokeSecret(id, subject string) error {
	c := h.secretChanges()
	if err := h.checkLead(id); err != nil {
		return err
	}
	if r := (pendingRevoke{id, subject}); !slices.Contains(c.revokes, r) {
		c.revokes = append(c.revokes, r)
	}
	return nil
}

// ownSecret is what a hook sees of a secret that the unit owns.
type ownSecret struct {
	secret                     *Secret
	label, description, rotate string
	expire                     time.Time
}

// ownSecrets returns the secrets that the unit owns and, if it leads, those of
// its application, with what the hook has changed; by creation. A secret is
// not among them if the hook has removed as little as a revision of it.
func (h *Hook) ownSecrets() []ownSecret {
	c := h.secretChanges()
	var own []ownSecret
	for _, s := range h.model.secrets.list {
		if !h.knows(s) || c.deleted(s.ID) != nil {
			continue
		}
		v := secretValues{s.label, s.description, s.rotate, time.Time{}, nil}
		if r := s.revision(s.latest); r != nil {
			v.expire = r.expire
		}
		if v.rotate == "" {
			v.rotate = "never"
		}
		if u := c.update(s.ID); u != nil {
			v.merge(u.secretValues)
		}
		own = append(own, ownSecret{s, v.label, v.description, v.rotate, v.expire})
	}
	for _, s := range c.creates {
		own = append(own, ownSecret{s, s.label, s.description, s.rotate, s.revisions[0].expire})
	}
	return own
}

// secretInfo returns what the hook sees of its own secret of an ID, or nil.
func (h *Hook) secretInfo(id string) *ownSecret {
	for _, own := range h.ownSecrets() {
		if own.secret.ID == id {
			return &own
		}
	}
	return nil
}

// pendingSecret returns the content of a secret that this hook has written, for
// secret-get. An empty ID means the secret of the label.
func (h *Hook) pendingSecret(id, label string, refresh, peek bool) (content map[string]string, ok bool) {
	c := h.secretChanges()
	means := func(of, labelled string) bool { return of == id || label != "" && labelled == label }
	for _, s := range c.creates {
		if means(s.ID, s.label) {
			if s.ID == id && label != "" {
				s.label = label
			}
			return s.revisions[0].content, true
		}
	}
	if !refresh && !peek {
		return nil, false
	}
	for _, u := range c.updates {
		if !means(u.id, u.label) {
			continue
		}
		if u.id == id && label != "" {
			u.label = label
		}
		if s := h.model.secrets.byID[u.id]; refresh && s != nil && len(u.content) > 0 && !slices.Contains(c.track, s) {
			c.track = append(c.track, s)
		}
		return u.content, len(u.content) > 0
	}
	return nil, false
}

// getSecret returns what secret-get reads, in base64.
func (h *Hook) getSecret(id, label string, refresh, peek bool) (map[string]string, error) {
	if content, ok := h.pendingSecret(id, label, refresh, peek); ok {
		return content, nil
	}
	if id == "" {
		for _, own := range h.ownSecrets() {
			if own.label == label && (own.secret.unit != nil || h.more().secrets.update(own.secret.ID) != nil) {
				id, label = own.secret.ID, ""
				break
			}
		}
	}
	return h.model.readSecret(h.unit, id, label, refresh, peek)
}
