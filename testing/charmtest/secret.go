// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// Secret is a secret of a model, as its operator and the test see it.
type Secret struct {
	m      *Model
	secret *juju.Secret
	told   func() // sends the hooks of what has changed; of a Model: does nothing
}

// SecretInfo is a secret as it is at one time, without its content.
type SecretInfo struct {
	URI         string // "secret:9m4e2mr0ui3e8a215n4g"
	Owner       string // application or unit; empty: a user secret
	Label       string
	Description string
	Rotate      string    // "never" or what it is
	NextRotate  time.Time // zero: never
	Latest      int       // number of the latest revision
	Revisions   []int     // that are not removed
	Expire      time.Time // of the latest revision; zero: never
	GrantedTo   []string  // applications and units
}

// URI returns what a charm knows the secret by, "secret:9m4e2mr0ui3e8a215n4g".
func (s *Secret) URI() string { return s.secret.Info().URI }

// Info returns what is known of the secret; of one that was removed what it was.
func (s *Secret) Info() SecretInfo {
	i := s.secret.Info()
	info := SecretInfo{URI: i.URI, Owner: i.Owner, Label: i.Label, Description: i.Description, Rotate: i.Rotate, NextRotate: i.NextRotate, Latest: i.Latest}
	for _, r := range i.Revisions {
		info.Revisions = append(info.Revisions, r.Number)
		if r.Number == i.Latest {
			info.Expire = r.Expire
		}
	}
	for _, g := range i.Grants {
		info.GrantedTo = append(info.GrantedTo, g.Subject)
	}
	slices.Sort(info.GrantedTo)
	return info
}

// Content returns the content of a revision, of the latest if it is 0.
func (s *Secret) Content(revision int) map[string]string {
	s.m.t.Helper()
	content, err := s.secret.Content(revision)
	s.m.fatal(err)
	return content
}

// Tracked returns the revision that a unit reads; 0 if it has not read any.
func (s *Secret) Tracked(unit string) int {
	for _, c := range s.secret.Info().Consumers {
		if c.Unit == unit {
			return c.Tracked
		}
	}
	return 0
}

// SetContent adds a revision, as the operator or in the place of the owner. In a
// Harness the unit has a secret-changed if it has read the secret.
func (s *Secret) SetContent(content map[string]string) {
	s.m.t.Helper()
	s.m.fatal(s.secret.SetContent(content))
	s.told()
}

// Grant lets an application read a user secret.
func (s *Secret) Grant(app string) {
	s.m.t.Helper()
	s.m.fatal(s.secret.Grant(app, nil))
}

// Revoke takes back what was granted to an application or unit.
func (s *Secret) Revoke(subject string) {
	s.m.t.Helper()
	s.m.fatal(s.secret.Revoke(subject))
}

// Remove removes a revision or, if it is 0, the secret.
func (s *Secret) Remove(revision int) {
	s.m.t.Helper()
	s.m.fatal(s.secret.Remove(revision))
}

// ReadBy has a remote unit of a [Harness], which is made up, read the secret: it
// tracks the latest revision then. It fails the test if the unit may not.
func (s *Secret) ReadBy(unit string) map[string]string {
	s.m.t.Helper()
	u := s.m.juju.Unit(unit)
	if u == nil {
		s.m.fatal(fmt.Errorf("there is no unit %q to read a secret; Join makes one", unit))
	}
	content, err := u.ReadSecret(s.URI(), true)
	s.m.fatal(err)
	s.told()
	return content
}

// AddUserSecret adds a secret as juju add-secret does. Applications read it once
// it is granted to them.
func (m *Model) AddUserSecret(name string, content map[string]string) *Secret {
	m.t.Helper()
	s, err := m.juju.AddSecret(juju.NewSecret{Label: name, Content: content})
	m.fatal(err)
	return &Secret{m: m, secret: s, told: func() {}}
}

// Secrets returns all secrets, by creation.
func (m *Model) Secrets() []*Secret {
	var list []*Secret
	for _, s := range m.juju.Secrets() {
		list = append(list, &Secret{m: m, secret: s, told: func() {}})
	}
	return list
}

// AddUserSecret adds a secret as juju add-secret does, and grants it to the
// application.
func (h *Harness) AddUserSecret(name string, content map[string]string) *Secret {
	h.t.Helper()
	s := h.model.AddUserSecret(name, content)
	s.told = h.secretHooks
	s.Grant(h.app.Name)
	return s
}

// AddSecret adds a secret that the remote application owns, and grants it to our
// application over the relation. Its URI is what the application would tell in
// its databag.
func (r *Relation) AddSecret(content map[string]string) *Secret {
	r.h.t.Helper()
	r.require()
	if r.isPeer() {
		r.h.fatal(fmt.Errorf("in a peer relation the charm adds secrets itself"))
	}
	s, err := r.h.model.juju.AddSecret(juju.NewSecret{Owner: r.end.Other().App.Name, Content: content})
	r.h.fatal(err)
	r.h.fatal(s.Grant(r.h.app.Name, r.end.Relation()))
	return &Secret{m: r.h.model, secret: s, told: r.h.secretHooks}
}

// Secrets returns all secrets, by creation.
func (h *Harness) Secrets() []*Secret {
	list := h.model.Secrets()
	for _, s := range list {
		s.told = h.secretHooks
	}
	return list
}

// Secret returns the secret of a label, or of a URI, which must exist.
func (h *Harness) Secret(labelOrURI string) *Secret {
	h.t.Helper()
	var known []string
	for _, s := range h.Secrets() {
		i := s.Info()
		if labelOrURI == i.URI || labelOrURI == i.Label && i.Label != "" {
			return s
		}
		known = append(known, cmp.Or(i.Label, i.URI))
	}
	h.fatal(fmt.Errorf("there is no secret with label or URI %q; there are %s", labelOrURI, cmp.Or(strings.Join(known, ", "), "none")))
	return nil
}

// secretHooks sends the secret hooks that are due.
func (h *Harness) secretHooks() {
	h.t.Helper()
	h.due(h.model.juju.DispatchSecret)
}
