// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// RemoveRevision removes a revision that nobody needs any more, as the Revision of
// [events.SecretRemove] and [events.SecretExpired]. They are numbered from 1. The
// secret goes with its last.
//
// In one hook Juju does either that or all else: it is an error if this dispatch has
// added the secret, or changed, granted or revoked it, which Juju would forget. A
// revision that has expired is therefore replaced first, and removed when Juju
// repeats the event; [RemoveObsoleteSecrets] waits by itself.
func (s *Secret) RemoveRevision(ctx context.Context, revision int) error {
	if revision < 1 {
		return fmt.Errorf("cannot remove revision %d of a secret: they begin with 1, and Juju would remove all", revision)
	}
	return s.change(ctx, func(of *secrets, k *knownSecret) error { return of.removeRevision(ctx, k, revision) })
}

func (s *secrets) removeRevision(ctx context.Context, k *knownSecret, revision int) error {
	if k.changed {
		return fmt.Errorf("cannot remove revision %d of secret %q: %w", revision, secretScheme+k.id, errChanged)
	}
	if err := s.dispatch.client.SecretRemove(ctx, secretScheme+k.id, revision); err != nil {
		return err
	}
	s.noted++
	k.revisions = append(k.revisions, revision)
	clear(s.contents)
	return nil
}

// errChanged is why a revision cannot be removed in this hook.
var errChanged = errors.New("this hook has added, changed, granted or revoked the secret, which Juju would forget; remove the revision in the next one")

// checkRemovals fails if a change would have Juju forget what was removed.
func (k *knownSecret) checkRemovals() error {
	if len(k.revisions) == 0 {
		return nil
	}
	return fmt.Errorf("cannot change secret %q: this hook has removed revision %d of it, which Juju would not remove then; change it in the next one", secretScheme+k.id, k.revisions[0])
}

// Remove removes the secret with all its revisions, if the dispatch succeeds. What
// else the dispatch has done with it is forgotten.
func (s *Secret) Remove(ctx context.Context) error {
	return s.change(ctx, func(of *secrets, k *knownSecret) error {
		if err := s.charm.dispatch.client.SecretRemove(ctx, secretScheme+k.id, 0); err != nil {
			return err
		}
		of.noted++
		k.removed, k.info = true, nil
		clear(of.contents)
		return nil
	})
}

// RemoveObsoleteSecrets has the revisions of secrets removed that nobody reads any
// more, when [events.SecretRemove] tells so; without it, and without a handler that
// calls [Secret.RemoveRevision], Juju keeps all of them. It is done when all handlers
// have run.
//
// If the dispatch has changed the secret, which Juju would forget then, the revision
// stays, a line of the log says so, and it is removed in the next SecretRemove of any
// secret: as Juju tells of a revision once, the charm's state has it until then. So a
// charm that changes secrets in every hook should see first whether there is
// something to change; a [Secret.Grant] that Juju has already is no change.
func RemoveObsoleteSecrets(c *Charm) {
	c.registers("RemoveObsoleteSecrets")
	o := &obsoleteSecrets{charm: c}
	if removesSecrets(c.dispatch.env) {
		c.observers = append(c.observers, o.observe)
	}
	c.last = append(c.last, handler{function: RemoveObsoleteSecrets, by: "RemoveObsoleteSecrets", receiver: typed[events.SecretRemove](o.remove)})
}

// removesSecrets reports whether the event is SecretRemove or SecretExpired.
func removesSecrets(env []string) bool { return lookup(env, "JUJU_SECRET_REVISION") != "" }

// obsoleteSecrets removes revisions.
type obsoleteSecrets struct {
	charm *Charm
	ran   atomic.Int32 // how many commands have succeeded that change secrets
}

// obsoleteKey is where the revisions that are still to be removed are in the charm's
// state: "ID/REVISION ID/REVISION".
const obsoleteKey = "charmsmith.obsolete-secrets"

// observe counts the commands that change secrets; of those that the charm runs by
// Charm.HookCommands, which secrets they are for is not known.
func (o *obsoleteSecrets) observe(_ context.Context, command string) (end func(error)) {
	switch command {
	case "secret-add", "secret-set", "secret-grant", "secret-revoke":
		return func(err error) {
			if err == nil {
				o.ran.Add(1)
			}
		}
	}
	return nil
}

func (o *obsoleteSecrets) remove(ctx context.Context, ev events.SecretRemove) error {
	state := &o.charm.dispatch.state
	before, _, err := state.get(ctx, obsoleteKey)
	if err != nil {
		return err
	}
	told, err := ParseSecretURI(ev.ID)
	if err != nil {
		return err
	}
	now := told.id + "/" + strconv.Itoa(ev.Revision)
	due := slices.DeleteFunc(strings.Fields(before), func(entry string) bool { return entry == now })
	var left []string
	for _, entry := range append(due, now) {
		stays, err := o.removeOne(ctx, entry, entry == now)
		if err != nil {
			return err
		}
		if stays {
			left = append(left, entry)
		}
	}
	switch after := strings.Join(left, " "); after {
	case before:
		return nil
	case "":
		return state.set(ctx, obsoleteKey, nil)
	default:
		return state.set(ctx, obsoleteKey, &after)
	}
}

// removeOne removes a revision of which this event tells, or an earlier one did; stays
// is whether that has to wait.
func (o *obsoleteSecrets) removeOne(ctx context.Context, entry string, told bool) (stays bool, err error) {
	id, number, _ := strings.Cut(entry, "/")
	revision, err := strconv.Atoi(number)
	if err != nil || !isSecretID(id) {
		return false, nil // somebody has written it by hand
	}
	s := o.charm.Secret(SecretURI{id: id})
	err = s.change(ctx, func(of *secrets, k *knownSecret) error {
		switch {
		case slices.Contains(k.revisions, revision):
			return nil // by a handler
		case o.ran.Load() != of.changes.Load():
			return errChanged
		case told:
		case k.info == nil && len(k.revisions) > 0:
			return errChanged // Juju does not tell which is the latest
		default:
			if err := of.readInfo(ctx, k); err != nil {
				return err
			}
			if k.info.Revision <= revision {
				return nil // it is the latest again, those after it having been removed
			}
		}
		return of.removeRevision(ctx, k, revision)
	})
	switch {
	case errors.Is(err, errChanged):
		o.charm.Logger().InfoContext(ctx, "an obsolete revision of a secret is removed in the next secret-remove, as Juju would forget what this hook has done with the secret",
			"secret", secretScheme+id, "revision", revision)
		return true, nil
	case !told && errors.Is(err, hookcmd.ErrNotLeader):
		return true, nil // it may be the leader again
	case errors.Is(err, hookcmd.ErrSecretNotFound):
		return false, nil // it was removed
	}
	return false, err
}
