// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

var errPermission = errors.New("permission denied")

// checkSecrets fails if Juju 4 would refuse one of the hook's changes of
// secrets. They are applied after it, all of them.
func (h *Hook) checkSecrets() error {
	c := &h.more().secrets
	if h.model.is36 {
		return nil // they are applied
	}
	labels := make(map[*Secret]string)
	for _, s := range c.creates {
		if err := h.checkCreate(s, labels); err != nil {
			return err
		}
		labels[s] = s.label
	}
	for _, u := range c.updates {
		if err := h.checkUpdate(u, labels); err != nil {
			return err
		}
		if s := h.model.secrets.byID[u.id]; s != nil && u.label != "" {
			labels[s] = u.label
		}
	}
	for i, g := range c.grants {
		if err := h.checkGrant(g, c.grants[:i]); err != nil {
			return err
		}
	}
	for _, r := range c.revokes {
		if err := h.checkRevoke(r); err != nil {
			return err
		}
	}
	for _, d := range c.deletes {
		if err := h.checkDelete(d); err != nil {
			return err
		}
	}
	return nil
}

// commitSecrets applies the hook's changes of secrets.
func (h *Hook) commitSecrets() {
	c := &h.more().secrets
	if h.model.is36 {
		return
	}
	for _, s := range c.creates {
		h.applyCreate(s)
	}
	for _, u := range c.updates {
		h.applyUpdate(u)
	}
	for _, g := range c.grants {
		h.applyGrant(g)
	}
	for _, r := range c.revokes {
		h.applyRevoke(r)
	}
	for _, d := range c.deletes {
		h.applyDelete(d)
	}
	for _, s := range c.track {
		h.applyTrack(s)
	}
	for _, u := range c.updates {
		if s := h.model.secrets.byID[u.id]; s != nil && len(u.content) > 0 {
			s.tellConsumers()
		}
	}
}

// commitSecrets36 applies the changes as Juju 3.6 does: one by one, before all
// others of the hook. What was applied stays if a later change is refused, so
// that the hook, when it is tried again, can meet what it has done itself.
func (h *Hook) commitSecrets36() error {
	c := &h.more().secrets
	for _, s := range c.creates {
		if err := h.checkCreate(s, nil); err != nil {
			return err
		}
		h.applyCreate(s)
	}
	for _, u := range c.updates {
		if err := h.checkUpdate(u, nil); err != nil {
			return err
		}
		h.applyUpdate(u)
		if len(u.content) > 0 {
			h.model.secrets.byID[u.id].tellConsumers()
		}
	}
	for _, s := range c.track {
		h.applyTrack(s)
	}
	for _, g := range c.grants {
		if err := h.checkGrant(g, nil); err != nil {
			return err
		}
		h.applyGrant(g)
	}
	for _, r := range c.revokes {
		if err := h.checkRevoke(r); err != nil {
			return err
		}
		h.applyRevoke(r)
	}
	for _, d := range c.deletes {
		if err := h.checkDelete(d); err != nil {
			return err
		}
		h.applyDelete(d)
	}
	return nil
}

func (h *Hook) checkCreate(s *Secret, labels map[*Secret]string) error {
	if s.ownedByApp() && !h.unit.isLeader() {
		return fmt.Errorf("cannot create secret %q: %w", s.ID, errNotLeader)
	}
	if err := s.checkLabel(s.label, labels); err != nil {
		return fmt.Errorf("cannot create secret %q: %w", s.ID, err)
	}
	return nil
}

func (h *Hook) applyCreate(s *Secret) {
	h.model.secrets.add(s)
	s.begin()
}

// begin has a new secret rotate and expire.
func (s *Secret) begin() {
	s.setRotation("", s.rotate)
	r := s.revisions[0]
	expire := r.expire
	r.expire = time.Time{}
	if !expire.IsZero() {
		r.setExpire(expire)
	}
}

// checkManaged fails if the unit may not change the secret. One that does not
// exist is nil: Juju 4 does nothing then, 3.6 fails.
func (h *Hook) checkManaged(do, id string) (*Secret, error) {
	s := h.model.secrets.byID[id]
	switch {
	case s == nil && h.model.is36:
		return nil, fmt.Errorf("cannot %s secret %q: %w", do, id, secretNotFound(id))
	case s != nil && !s.manages(h.unit):
		return nil, fmt.Errorf("cannot %s secret %q: %w", do, id, errPermission)
	}
	return s, nil
}

func secretNotFound(id string) error { return fmt.Errorf("secret %q not found", id) }

func (h *Hook) checkUpdate(u *secretUpdate, labels map[*Secret]string) error {
	s, err := h.checkManaged("update", u.id)
	if err != nil || s == nil {
		return err
	}
	if err := s.checkLabel(u.label, labels); err != nil {
		return fmt.Errorf("cannot update secret %q: %w", u.id, err)
	}
	return nil
}

func (h *Hook) applyUpdate(u *secretUpdate) {
	s := h.model.secrets.byID[u.id]
	if s == nil {
		return
	}
	s.apply(u.secretValues)
}

// apply changes a secret.
func (s *Secret) apply(v secretValues) {
	now := secretValues{label: s.label, description: s.description}
	now.merge(secretValues{label: v.label, description: v.description})
	s.label, s.description = now.label, now.description
	if v.rotate != "" {
		s.setRotation(s.rotate, v.rotate)
	}
	if len(v.content) > 0 {
		s.latest++
		s.revisions = append(s.revisions, &secretRevision{secret: s, number: s.latest, content: v.content})
	}
	if r := s.revision(s.latest); r != nil && !v.expire.IsZero() {
		r.setExpire(v.expire)
	}
	s.markObsolete()
}

// setRotation replaces the old policy. A secret that rotates already keeps its
// next time, unless Juju 4 is asked for a policy that rotates sooner.
func (s *Secret) setRotation(old, policy string) {
	s.rotate = policy
	rotated := slices.Contains(rotations, old)
	if !slices.Contains(rotations, policy) || !rotated || !s.model.is36 && rotatesSooner(policy, old) {
		s.setNextRotate(nextRotation(policy, s.model.clock.now))
	}
}

// checkGrant checks a grant that comes after others of the same hook.
func (h *Hook) checkGrant(g pendingGrant, others []pendingGrant) error {
	fail := func(err error) error { return fmt.Errorf("cannot grant secret %q: %w", g.secret.ID, err) }
	rel := g.member.end.rel
	created := h.more().secrets.created(g.secret.ID) != nil
	switch {
	case g.secret.gone || !created && h.model.secrets.byID[g.secret.ID] == nil:
		return fail(secretNotFound(g.secret.ID))
	case !g.secret.manages(h.unit):
		return fail(errPermission)
	case rel.ends[0].isPeer() && !h.model.is36:
		return fail(fmt.Errorf("relation %q is a peer relation", rel))
	case rel.life == Dead:
		return fail(fmt.Errorf("relation %q not found", rel))
	case rel.life != Alive && h.model.is36:
		return fail(fmt.Errorf("relation %q is not alive", rel))
	case g.unit != "" && g.member.remoteUnit(g.unit) == nil:
		return fail(fmt.Errorf("unit %q not found", g.unit))
	}
	to, grants := g.grant(), slices.Clone(g.secret.grants)
	for _, other := range others {
		if other.secret == g.secret {
			grants = append(grants, other.grant())
		}
	}
	for _, has := range grants {
		if has.app == to.app && has.unit == to.unit && has.rel != to.rel {
			return fail(errors.New("cannot change secret permission scope"))
		}
	}
	return nil
}

// grant returns the grant that is asked for.
func (g pendingGrant) grant() secretAccess {
	to := secretAccess{rel: g.member.end.rel, app: g.member.remoteApp()}
	if g.unit != "" {
		to.unit = g.member.remoteUnit(g.unit)
	}
	return to
}

func (h *Hook) applyGrant(g pendingGrant) {
	if to := g.grant(); !slices.Contains(g.secret.grants, to) {
		g.secret.grants = append(g.secret.grants, to)
	}
}

func (h *Hook) checkRevoke(r pendingRevoke) error {
	if h.more().secrets.created(r.id) != nil {
		return nil
	}
	_, err := h.checkManaged("revoke", r.id)
	return err
}

func (h *Hook) applyRevoke(r pendingRevoke) {
	if s := h.model.secrets.byID[r.id]; s != nil {
		s.revoke(r.subject)
	}
}

func (s *Secret) revoke(subject string) (found bool) {
	had := len(s.grants)
	s.grants = slices.DeleteFunc(s.grants, func(g secretAccess) bool { return g.subject(s.app) == subject })
	return len(s.grants) < had
}

func (h *Hook) checkDelete(d *secretDelete) error {
	s := h.model.secrets.byID[d.id]
	if s != nil && !s.manages(h.unit) {
		return fmt.Errorf("cannot remove secret %q: %w", d.id, errPermission)
	}
	return nil
}

func (h *Hook) applyDelete(d *secretDelete) {
	if s := h.model.secrets.byID[d.id]; s != nil {
		s.removeRevisions(d.all, d.revisions)
	}
}

// removeRevisions removes revisions, or all of them. A secret without any is gone.
func (s *Secret) removeRevisions(all bool, numbers []int) {
	s.revisions = slices.DeleteFunc(s.revisions, func(r *secretRevision) bool {
		return all || slices.Contains(numbers, r.number)
	})
	if len(s.revisions) == 0 {
		s.model.secrets.remove(s)
		return
	}
	if !s.model.is36 { // which remembers the number of the latest
		latest := s.revisions[len(s.revisions)-1]
		s.latest, latest.obsolete = latest.number, false
	}
}

func (h *Hook) applyTrack(s *Secret) {
	if !s.gone {
		s.consume(h.unit, "", true, false)
	}
}

// removeUnitSecrets removes the secrets of a unit that is dead, and what it read
// and was granted.
func (m *Model) removeUnitSecrets(u *Unit) {
	for _, s := range slices.Clone(m.secrets.list) {
		if s.unit == u {
			m.secrets.remove(s)
			continue
		}
		s.consumers = slices.DeleteFunc(s.consumers, func(c *secretConsumer) bool { return c.unit == u })
		s.grants = slices.DeleteFunc(s.grants, func(g secretAccess) bool { return g.unit == u })
	}
}

// removeApplicationSecrets removes the secrets of an application that is gone,
// and what it was granted.
func (m *Model) removeApplicationSecrets(a *Application) {
	for _, s := range slices.Clone(m.secrets.list) {
		if s.app == a {
			m.secrets.remove(s)
			continue
		}
		s.grants = slices.DeleteFunc(s.grants, func(g secretAccess) bool { return g.app == a })
	}
}

// removeRelationGrants revokes what was granted over a relation that is gone.
func (m *Model) removeRelationGrants(r *Relation) {
	for _, s := range m.secrets.list {
		s.grants = slices.DeleteFunc(s.grants, func(g secretAccess) bool { return g.rel == r })
	}
}
