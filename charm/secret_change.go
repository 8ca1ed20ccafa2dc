// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// SetContent replaces the content of the secret, all its keys, by a new revision;
// those who have read the secret get [events.SecretChanged]. Several in one dispatch
// make one revision; a content that the latest revision has already makes none. The
// rules are those of [Charm.AddSecret].
//
// It is an error if this dispatch has removed a revision of the secret, which Juju
// would not remove then; so it is of SetInfo.
//
// This and the other methods that change a secret fail with
// [hookcmd.ErrSecretNotFound] if it does not belong to this unit or its application,
// and with [hookcmd.ErrNotLeader] too on other units than the leader, which do not
// see those of the application. As Juju would tell only by failing the hook, that
// takes a secret-info-get, once per secret and dispatch, unless the secret is that
// of the event, was added in this dispatch, or comes from [Charm.Secrets].
func (s *Secret) SetContent(ctx context.Context, content map[string]SecretValue) error {
	if err := checkSecretContent(content); err != nil {
		return fmt.Errorf("cannot change secret: %w", err)
	}
	return s.change(ctx, func(of *secrets, k *knownSecret) error {
		if err := k.checkRemovals(); err != nil {
			return err
		}
		if err := s.charm.HookCommands().SecretSet(ctx, secretScheme+k.id, content, nil); err != nil {
			return err
		}
		of.noteChange(k)
		of.noted++
		k.written, k.info = true, nil
		clear(of.contents)
		return nil
	})
}

// SetInfo changes the settings that are not zero; there is no new revision. An
// expiry is that of the latest revision, or of the one that this dispatch makes.
// [hookcmd.ErrSecretExists] if another secret has the label.
func (s *Secret) SetInfo(ctx context.Context, settings SecretSettings) error {
	forJuju, err := settings.forJuju()
	if err != nil {
		return fmt.Errorf("cannot change secret: %w", err)
	}
	return s.change(ctx, func(of *secrets, k *knownSecret) error {
		if settings == (SecretSettings{}) {
			return nil
		}
		if err := k.checkRemovals(); err != nil {
			return err
		}
		if err := of.checkLabel(ctx, settings.Label, k.id); err != nil {
			return fmt.Errorf("cannot change secret %q: %w", secretScheme+k.id, err)
		}
		if err := s.charm.dispatch.client.SecretSet(ctx, secretScheme+k.id, nil, forJuju); err != nil {
			return err
		}
		of.noteChange(k)
		of.noted++
		if settings.Rotate != "" {
			k.unrotated = settings.Rotate == RotateNever
		}
		k.prolonged = k.prolonged || !settings.Expire.IsZero() || settings.ExpireIn > 0
		k.info = nil
		if settings.Label != "" {
			clear(of.contents)
			for label, id := range of.labels {
				if id == k.id {
					delete(of.labels, label)
				}
			}
			of.setLabel(settings.Label, k.id)
		}
		return nil
	})
}

// noteChange notes that a secret was changed, which is lost if one of its revisions
// is removed.
func (s *secrets) noteChange(k *knownSecret) {
	k.changed = true
	s.changes.Add(1)
}

// checkLabel fails if an own secret other than that of an ID has the label.
func (s *secrets) checkLabel(ctx context.Context, label, id string) error {
	if label == "" {
		return nil
	}
	other, err := s.labelled(ctx, label)
	if err != nil || other == "" || other == id {
		return err
	}
	return fmt.Errorf("label %q is that of %q: %w", label, secretScheme+other, hookcmd.ErrSecretExists)
}

// change has a secret changed that this unit may change.
func (s *Secret) change(ctx context.Context, do func(of *secrets, k *knownSecret) error) error {
	of, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer of.turn.give()
	k, err := s.resolve(ctx, of)
	if err != nil {
		return err
	}
	if err := of.requireOwner(ctx, k); err != nil {
		return err
	}
	return do(of, k)
}

// requireOwner fails if this unit may not change the secret.
func (s *secrets) requireOwner(ctx context.Context, k *knownSecret) error {
	if k.owned || s.owns(k.id) {
		k.owned = true
		return nil
	}
	return s.readInfo(ctx, k)
}

// owns reports whether the event of the dispatch is one that only the owner of the
// secret gets.
func (s *secrets) owns(id string) bool {
	ev, _ := events.Parse(s.dispatch.env)
	switch ev := ev.(type) {
	case events.SecretRotate, events.SecretExpired, events.SecretRemove:
		uri, err := ParseSecretURI(ev.(events.SecretEvent).Ref().ID)
		return err == nil && uri.id == id
	}
	return false
}
