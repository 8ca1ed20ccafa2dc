// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/charmsmith/charmsmith/events"
)

// secretRetry is when Juju asks the owner of a secret again, who has not made a
// new revision of it or not removed the expired one.
const secretRetry = 5 * time.Minute

// secretWatch is what an agent has yet to tell its charm of secrets.
type secretWatch struct {
	leader   bool              // whether it watches the secrets of the application, too
	expired  []*secretRevision // of the unit and, on the leader, of the application; likewise:
	rotate   []*Secret
	obsolete []*secretRevision
	changed  []*secretConsumer // what the unit has read

	// removed are the obsolete revisions that the charm was told of.
	removed map[*secretRevision]bool
}

// nextSecret returns the secret hook that is due: expired, rotate, changed,
// remove.
func (a *agent) nextSecret() (hookInfo, bool) {
	u, w := a.unit, &a.secrets
	if w.leader != u.isLeader() {
		a.watchSecrets()
	}
	for ; len(w.expired) > 0; w.expired = w.expired[1:] {
		if r := w.expired[0]; r.stands() {
			return hookInfo{kind: secretExpired, secret: r.secret, revision: r.number, slot: -1}, true
		}
	}
	for ; len(w.rotate) > 0; w.rotate = w.rotate[1:] {
		if s := w.rotate[0]; !s.gone && s.rotationDue() {
			return hookInfo{kind: secretRotate, secret: s, version: uint32(s.latest), slot: -1}, true
		}
	}
	if len(w.changed) > 0 {
		w.changed = slices.DeleteFunc(w.changed, func(c *secretConsumer) bool {
			return c.secret.gone || c.secret.consumer(u) != c || c.notified == c.secret.latest
		})
	}
	if len(w.changed) > 0 {
		s := w.changed[u.app.model.choose.pick(len(w.changed))].secret
		return hookInfo{kind: secretChanged, secret: s, version: uint32(s.latest), slot: -1}, true
	}
	for ; len(w.obsolete) > 0; w.obsolete = w.obsolete[1:] {
		if r := w.obsolete[0]; r.stands() && r.obsolete && !w.removed[r] {
			return hookInfo{kind: secretRemove, secret: r.secret, revision: r.number, slot: -1}, true
		}
	}
	return hookInfo{}, false
}

// watchSecrets begins or ends to watch what the application owns, as an agent
// does when its leadership changes.
func (a *agent) watchSecrets() {
	u, w := a.unit, &a.secrets
	m := u.app.model
	ofApp := func(r *secretRevision) bool { return r.secret.ownedByApp() }
	w.expired = slices.DeleteFunc(w.expired, ofApp)
	w.obsolete = slices.DeleteFunc(w.obsolete, ofApp)
	w.rotate = slices.DeleteFunc(w.rotate, (*Secret).ownedByApp)
	if w.leader = u.isLeader(); !w.leader {
		return
	}
	for _, s := range m.secrets.list {
		if !s.ownedByApp() || s.app != u.app {
			continue
		}
		if s.rotationDue() {
			w.rotate = append(w.rotate, s)
		}
		for _, r := range s.revisions {
			if r.hasExpired() {
				w.expired = append(w.expired, r)
			}
			if r.obsolete && !m.is36 { // which reports only what it sees happen
				w.obsolete = append(w.obsolete, r)
			}
		}
	}
}

// restartSecrets is what an agent's restart does: changes of what it has told
// the charm of before are taken for known.
func (a *agent) restartSecrets() {
	w := &a.secrets
	w.changed = slices.DeleteFunc(w.changed, func(c *secretConsumer) bool {
		if c.notified > 0 {
			c.notified = c.secret.latest
		}
		return c.notified > 0
	})
}

// skipsSecret forgets a hook about a secret of the application that is not for
// this unit any more, and reports whether this is one.
func (a *agent) skipsSecret(info hookInfo) bool {
	owners := info.kind == secretExpired || info.kind == secretRotate || info.kind == secretRemove
	if !owners || !info.secret.ownedByApp() || a.unit.isLeader() {
		return false
	}
	if a.failed != nil && a.failed.info == info {
		a.failed = nil
	}
	if a.again != nil && *a.again == info {
		a.again = nil
	}
	return true
}

// secretDone notes that a secret hook has succeeded.
func (a *agent) secretDone(info hookInfo) {
	w, s := &a.secrets, info.secret
	switch info.kind {
	case secretExpired:
		w.expired = slices.DeleteFunc(w.expired, func(r *secretRevision) bool { return r.secret == s && r.number == info.revision })
	case secretRotate:
		w.rotate = slices.DeleteFunc(w.rotate, func(x *Secret) bool { return x == s })
		s.rotated(int(info.version))
	case secretChanged:
		w.changed = slices.DeleteFunc(w.changed, func(c *secretConsumer) bool { return c.secret == s && int(info.version) == s.latest })
		if c := s.consumer(a.unit); c != nil {
			c.notified = int(info.version)
		}
	case secretRemove:
		if r := s.revision(info.revision); r != nil {
			if w.removed == nil {
				w.removed = make(map[*secretRevision]bool)
			}
			w.removed[r] = true
		}
	}
}

// ownerWatch returns what the agent has to tell that is told of the secret's
// time and revisions, and wakes it; nil if there is none now.
func (s *Secret) ownerWatch() *secretWatch {
	var a *agent
	switch {
	case s.unit != nil:
		a = s.unit.agent
	case s.app != nil && s.app.leader != nil:
		a = s.app.leader.agent
	}
	if a == nil {
		return nil
	}
	if a.secrets.leader != a.unit.isLeader() {
		a.watchSecrets()
	}
	s.model.wake(a)
	return &a.secrets
}

func (r *secretRevision) nobodyWants() {
	if w := r.secret.ownerWatch(); w != nil && !slices.Contains(w.obsolete, r) {
		w.obsolete = append(w.obsolete, r)
	}
}

// changed has the consumer told of the latest revision.
func (c *secretConsumer) changed() {
	a := c.unit.agent
	if a == nil || !c.secret.readable(c.unit) {
		return
	}
	if !slices.Contains(a.secrets.changed, c) {
		a.secrets.changed = append(a.secrets.changed, c)
	}
	c.secret.model.wake(a)
}

// tellConsumers tells those who have read the secret of a new revision. Juju 4
// leaves out who tracks it already.
func (s *Secret) tellConsumers() {
	for _, c := range s.consumers {
		if s.model.is36 || c.tracked < s.latest {
			c.changed()
		}
	}
}

func (r *secretRevision) hasExpired() bool {
	return !r.expire.IsZero() && !r.expire.After(r.secret.model.clock.now)
}

// setExpire sets when the revision expires. From then on the owner is told every
// few minutes, until the revision is removed.
func (r *secretRevision) setExpire(at time.Time) {
	if r.expire.Equal(at) {
		return
	}
	r.expire = at
	next := at
	if r.hasExpired() {
		r.expires()
		for now := r.secret.model.clock.now; !next.After(now); {
			next = next.Add(max(secretRetry, now.Sub(next).Truncate(secretRetry)))
		}
	}
	r.arm(next)
}

func (r *secretRevision) arm(at time.Time) {
	c, expire := &r.secret.model.clock, r.expire
	c.after(at.Sub(c.now), false, func() {
		if r.stands() && r.expire.Equal(expire) {
			r.expires()
			r.arm(at.Add(secretRetry))
		}
	})
}

func (r *secretRevision) expires() {
	if w := r.secret.ownerWatch(); w != nil && !slices.Contains(w.expired, r) {
		w.expired = append(w.expired, r)
	}
}

func (s *Secret) rotationDue() bool {
	return !s.nextRotate.IsZero() && !s.nextRotate.After(s.model.clock.now)
}

// setNextRotate sets when the owner is told to rotate; the zero time ends that.
func (s *Secret) setNextRotate(at time.Time) {
	s.nextRotate = at
	if at.IsZero() {
		return
	}
	due := func() {
		if s.gone || !s.nextRotate.Equal(at) {
			return
		}
		if w := s.ownerWatch(); w != nil && !slices.Contains(w.rotate, s) {
			w.rotate = append(w.rotate, s)
		}
	}
	if s.rotationDue() {
		due()
		return
	}
	s.model.clock.after(at.Sub(s.model.clock.now), false, due)
}

// rotated sets the next time after a secret-rotate that began with a revision.
// The time counts from that for which this one was set, not from now.
func (s *Secret) rotated(before int) {
	if s.gone || !slices.Contains(rotations, s.rotate) {
		return
	}
	last := s.nextRotate
	if last.IsZero() {
		last = s.model.clock.now
	}
	next, soon := nextRotation(s.rotate, last), last.Add(secretRetry)
	var expire time.Time
	if r := s.revision(s.latest); r != nil {
		expire = r.expire
	}
	expiresFirst := !expire.IsZero() && expire.Before(next)
	if s.latest == before || expiresFirst && soon.Before(expire) {
		next = soon
	}
	s.setNextRotate(next)
}

// secretInfo returns which hook a secret event is.
func (u *Unit) secretInfo(ev events.SecretEvent) (hookInfo, error) {
	ref := ev.Ref()
	id, err := parseSecretURI(ref.ID)
	if err != nil {
		return hookInfo{}, err
	}
	s := u.app.model.secrets.byID[id]
	if s == nil {
		return hookInfo{}, fmt.Errorf("there is no secret %q", ref.ID)
	}
	if ref.Label != "" && ref.Label != s.labelFor(u) {
		return hookInfo{}, fmt.Errorf("the unit knows secret %q by the label %q, not %q", ref.ID, s.labelFor(u), ref.Label)
	}
	info := hookInfo{secret: s, version: uint32(s.latest), slot: -1}
	if _, changed := ev.(events.SecretChanged); changed {
		info.kind = secretChanged
		if s.consumer(u) == nil {
			return info, fmt.Errorf("the unit has not read secret %q", ref.ID)
		}
		return info, nil
	}
	if !s.manages(u) {
		return info, fmt.Errorf("secret %q belongs neither to the unit nor to the application that it leads", ref.ID)
	}
	switch ev := ev.(type) {
	case events.SecretRotate:
		info.kind = secretRotate
		return info, nil
	case events.SecretExpired:
		info.kind, info.revision = secretExpired, ev.Revision
	case events.SecretRemove:
		info.kind, info.revision = secretRemove, ev.Revision
	default:
		return info, errors.New("it is no event of a secret")
	}
	if s.revision(info.revision) == nil {
		return info, fmt.Errorf("secret %q has no revision %d", ref.ID, info.revision)
	}
	return info, nil
}
