// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// SecretState is a secret of a [State]: one of the unit or its application, or
// another's that is granted to it.
type SecretState struct {
	URI string // "secret:9m4e2mr0ui3e8a215n4g"; default: one of the model's choice
	// Owner is the unit, its application, or a remote application, with which
	// there must be a relation. Empty: it is a user secret.
	Owner       string
	Label       string // by which the unit knows it
	Description string
	Rotate      string                    // "hourly", "daily", …; empty: never
	Expire      time.Time                 // of the latest revision; zero: never
	Revisions   map[int]map[string]string // their contents by number; the last is the latest
	Tracked     int                       // the revision that the unit reads; 0: it has not read it
	GrantedTo   []string                  // applications; of another's secret ours is left out
}

// addSecret makes a secret of the state.
func (r *stateRun) addSecret(i int) error {
	in := r.in.Secrets[i]
	isOurs := in.Owner == r.app.Name || in.Owner == r.unit.Name
	n := juju.NewSecret{Owner: in.Owner, Description: in.Description, Rotate: in.Rotate, Expire: in.Expire}
	switch {
	case isOurs:
		n.Label = in.Label
	case in.Label != "" && in.Tracked == 0:
		return errors.New("it has a Label, by which only those know another's secret who have read it; set Tracked")
	case strings.Contains(in.Owner, "/"):
		return fmt.Errorf("the Owner is unit %s; of others it is an application", in.Owner)
	}
	s, err := r.model.PutSecret(in.URI, n, in.Revisions)
	if err != nil {
		return err
	}
	grantees := slices.Clone(in.GrantedTo)
	if !isOurs {
		grantees = append(grantees, r.app.Name)
	}
	for _, app := range grantees {
		if err := r.grant(s, in.Owner, app); err != nil {
			return err
		}
	}
	if in.Tracked == 0 {
		return nil
	}
	return s.TakeRead(r.unit, in.Tracked, in.Label)
}

// grant grants a secret to an application, over a relation of ours.
func (r *stateRun) grant(s *juju.Secret, owner, app string) error {
	if owner == "" {
		return s.Grant(app, nil)
	}
	remote := app
	if app == r.app.Name {
		remote = owner
	}
	for _, e := range r.ends {
		if e.RemoteName() == remote && e.Other() != e {
			return s.Grant(app, e.Relation())
		}
	}
	return fmt.Errorf("a secret of %s is granted over a relation, and there is none with %q in State.Relations", owner, remote)
}

// secretsAfter returns the secrets after the event.
func (r *stateRun) secretsAfter() []SecretState {
	var all []SecretState
	for _, s := range r.model.Secrets() {
		info := s.Info()
		out := SecretState{
			URI: info.URI, Owner: info.Owner, Label: info.Label, Description: info.Description,
			Rotate: strings.TrimPrefix(info.Rotate, "never"), Revisions: make(map[int]map[string]string),
		}
		for _, revision := range info.Revisions {
			out.Revisions[revision.Number], _ = s.Content(revision.Number) // which is there
			if revision.Number == info.Latest {
				out.Expire = revision.Expire
			}
		}
		for _, c := range info.Consumers {
			if c.Unit == r.unit.Name {
				out.Tracked = c.Tracked
				if c.Label != "" {
					out.Label = c.Label
				}
			}
		}
		for _, g := range info.Grants {
			if g.Subject != r.app.Name {
				out.GrantedTo = append(out.GrantedTo, g.Subject)
			}
		}
		all = append(all, out)
	}
	return all
}
