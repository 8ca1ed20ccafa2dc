// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// Secret is a secret that this unit or its application owns, or that it may read.
// It is a handle: it holds nothing but a name, and all handles of one secret give the
// same answers.
//
// Juju gives a unit the revision of a secret that it tracks: the latest one of the
// time when it first read the secret, owners included. Refresh has it track the
// latest one from now on. The events of a secret are [events.SecretChanged] for
// those who read it, and [events.SecretRotate], [events.SecretExpired] and
// [events.SecretRemove] for the owner; [OnSecret] takes them by label.
//
// Changes reach Juju at once, and hold if the dispatch succeeds. Those of the
// application's secrets are for the leader.
type Secret struct {
	charm *Charm
	uri   SecretURI // zero: only the label is known
	label string
	err   error // why it names no secret
}

// Secret returns the secret of a URI, as another application or the operator has
// told it. It runs no hook command.
func (c *Charm) Secret(uri SecretURI) *Secret {
	d := c.model()
	if uri.IsZero() {
		return &Secret{err: errZeroSecret}
	}
	if uri.model != "" && uri.model == lookup(d.env, "JUJU_MODEL_UUID") {
		uri.model = ""
	}
	return &Secret{charm: c, uri: uri}
}

// SecretOf returns the secret that an event is about. It runs no hook command.
func (c *Charm) SecretOf(ev events.SecretEvent) *Secret {
	uri, err := ParseSecretURI(ev.Ref().ID)
	if err != nil {
		c.model()
		return &Secret{err: err}
	}
	return c.Secret(uri)
}

// SecretByLabel returns the secret of a label: that which the owner gave it or, of
// a secret of others, which this unit gave it by [Secret.As]. It runs no hook
// command, so there need be none. What is changed by label takes one to find the
// URI, which then is known for the dispatch.
func (c *Charm) SecretByLabel(label string) *Secret {
	c.model()
	if label == "" {
		return &Secret{err: fmt.Errorf("cannot find secret: its label is empty")}
	}
	return &Secret{charm: c, label: label}
}

// As returns the same secret, which gets a label of this unit's when it is read:
// what its events then tell, and what [OnSecret] and [Charm.SecretByLabel] find it
// by. It is for secrets of others; an owner would change the secret's own label.
// [hookcmd.ErrSecretExists] if another secret has that label.
func (s *Secret) As(label string) *Secret {
	labelled := *s
	switch {
	case s.err != nil:
	case s.uri.IsZero():
		labelled.err = fmt.Errorf("cannot give the secret with label %q another one: it takes its URI", s.label)
	case label == "":
		labelled.err = fmt.Errorf("cannot label secret %q: the label is empty", s.uri)
	default:
		labelled.label = label
	}
	return &labelled
}

// URI returns the secret's URI. That of an own secret which is known by its label
// only is asked for; of secrets of others, Juju does not tell it:
// [hookcmd.ErrSecretNotFound]. Secrets of this model have no model in it.
func (s *Secret) URI(ctx context.Context) (SecretURI, error) {
	if s.err != nil || !s.uri.IsZero() {
		return s.uri, s.err
	}
	of, err := s.begin(ctx)
	if err != nil {
		return SecretURI{}, err
	}
	defer of.turn.give()
	k, err := s.resolve(ctx, of)
	if err != nil {
		return SecretURI{}, err
	}
	return SecretURI{id: k.id}, nil
}

// secrets is what this dispatch has done with secrets, and read of them.
type secrets struct {
	dispatch *dispatch

	ran atomic.Int32 // how many commands have succeeded that observe looks at

	turn    turn         // for what follows
	noted   int32        // how many of those are noted here
	changes atomic.Int32 // how many commands of this package have changed secrets
	known   map[string]*knownSecret
	added   []string          // IDs, in order
	labels  map[string]string // IDs by label of own secrets; empty: there is none
	ids     []string          // own secrets, if listed
	listed  bool

	contents map[secretRequest]map[string]SecretValue // what secret-get has answered
}

// knownSecret is what this dispatch knows of a secret.
type knownSecret struct {
	id        string
	owned     bool                // this unit may change it
	info      *hookcmd.SecretInfo // nil if it is not read, or has changed
	written   bool                // it has a new revision
	unrotated bool                // it is not rotated any more
	prolonged bool                // its expiry was moved
	changed   bool                // in a way that the removal of a revision undoes
	removed   bool
	revisions []int             // that were removed
	grants    map[string]string // by relation the unit; empty: the application
	revoked   []revocation
}

// secret returns what is known of the secret of an ID.
func (s *secrets) secret(id string) *knownSecret {
	k := s.known[id]
	if k == nil {
		k = &knownSecret{id: id}
		if s.known == nil {
			s.known = make(map[string]*knownSecret)
		}
		s.known[id] = k
	}
	return k
}

// mark returns what withdraw takes to leave alone what was added before. What a
// handler has started may add secrets meanwhile.
func (s *secrets) mark(ctx context.Context) (int, error) {
	if err := s.turn.take(ctx); err != nil {
		return 0, err
	}
	defer s.turn.give()
	return len(s.added), nil
}

// withdraw removes the secrets that were added in this dispatch, since a mark.
func (s *secrets) withdraw(ctx context.Context, mark int) error {
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	if len(s.added) == mark {
		return nil
	}
	clear(s.contents)
	for label, id := range s.labels {
		if slices.Contains(s.added[mark:], id) {
			s.labels[label] = ""
		}
	}
	for _, id := range s.added[mark:] {
		if s.known[id].removed {
			continue
		}
		if err := s.dispatch.client.SecretRemove(ctx, secretScheme+id, 0); err != nil {
			return err
		}
		s.known[id].removed = true
	}
	return nil
}

var _ observer = (*secrets)(nil).observe

// observe is told of the hook commands of events that remind is about.
func (s *secrets) observe(_ context.Context, command string) (end func(error)) {
	if command != "secret-set" && command != "secret-remove" {
		return nil
	}
	return func(err error) {
		if err == nil {
			s.ran.Add(1)
		}
	}
}

// remind warns if Juju is going to send an event of a secret again, as the charm
// has not done what it asks for. If it has run commands by Charm.HookCommands, which
// secrets those were for is not known, and nothing is said.
func (s *secrets) remind(ctx context.Context, ev events.SecretEvent) error {
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	id := ev.Ref().ID
	k := s.known[id[max(0, len(id)-20):]]
	if k == nil {
		k = &knownSecret{}
	}
	missing := ""
	switch ev := ev.(type) {
	case events.SecretRotate:
		if !k.written && !k.removed && !k.unrotated {
			missing = "a new revision; Secret.SetContent makes one"
		}
	case events.SecretExpired:
		if !k.removed && !slices.Contains(k.revisions, ev.Revision) && (!k.prolonged || k.written) {
			missing = "the removal of the revision; Secret.RemoveRevision does that"
		}
	}
	if missing != "" && s.ran.Load() == s.noted {
		s.dispatch.logger().WarnContext(ctx, ev.Name()+" ends without "+missing+". Juju repeats it in five minutes", "secret", id, "label", ev.Ref().Label)
	}
	return nil
}
