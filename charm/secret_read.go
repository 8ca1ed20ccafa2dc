// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Get returns the revision of the secret that this unit tracks. The first read of
// all has it track the latest one.
//
// Get, Peek and Refresh ask Juju once per dispatch, by whatever handle: what was
// asked for in the same way, by the URI or by the label, is answered from memory. It is
// asked for again after a Refresh of the secret, and after AddSecret, SetContent,
// Remove, RemoveRevision or a change of a label of any; of what
// [Charm.HookCommands] change nothing is known. Failures are not kept. The map is the
// caller's own.
//
// After SetContent it still returns the old revision, also to the owner; the
// content of a secret that was added in this dispatch it returns.
//
// [hookcmd.ErrSecretNotFound] if there is no such secret or label,
// [hookcmd.ErrPermission] if it is not granted to this unit. Of secrets of others
// that are known by label only, Juju passes texts only: values that are no UTF-8
// are an error then.
func (s *Secret) Get(ctx context.Context) (map[string]SecretValue, error) {
	return s.read(ctx, hookcmd.SecretTracked)
}

// Peek returns the latest revision, and leaves alone which revision this unit tracks;
// if it has read none yet, it tracks the latest from now on. Otherwise it is as Get.
func (s *Secret) Peek(ctx context.Context) (map[string]SecretValue, error) {
	return s.read(ctx, hookcmd.SecretPeek)
}

// Refresh returns the latest revision, and has this unit track it from now on, which
// holds even if the dispatch fails. Otherwise it is as Get.
func (s *Secret) Refresh(ctx context.Context) (map[string]SecretValue, error) {
	return s.read(ctx, hookcmd.SecretRefresh)
}

// secretRequest is what secret-get is asked for.
type secretRequest struct {
	secret hookcmd.SecretLookup
	mode   hookcmd.SecretGetMode
}

// read keeps the turn while Juju is asked: who asks for the same at the same time
// gets the same answer.
func (s *Secret) read(ctx context.Context, mode hookcmd.SecretGetMode) (map[string]SecretValue, error) {
	of, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer of.turn.give()
	secret, err := s.toRead(of)
	if err != nil {
		return nil, err
	}
	request := secretRequest{secret, mode}
	if content, ok := of.contents[request]; ok {
		return maps.Clone(content), nil
	}
	labels := secret.ID != "" && secret.Label != ""
	if labels || mode == hookcmd.SecretRefresh { // it changes what others read
		of.forget(secret)
	}
	if labels { // of an own secret it becomes the label
		delete(of.labels, s.label)
		if k := of.known[s.uri.id]; k != nil {
			k.info = nil
		}
	}
	content, err := of.dispatch.client.SecretGet(ctx, secret, mode)
	if err != nil {
		return nil, err
	}
	if of.contents == nil {
		of.contents = make(map[secretRequest]map[string]SecretValue)
	}
	of.contents[request] = content
	return maps.Clone(content), nil
}

// forget forgets what was read of a secret and, as that may be this one, of secrets
// that are known by their labels.
func (s *secrets) forget(secret hookcmd.SecretLookup) {
	maps.DeleteFunc(s.contents, func(r secretRequest, _ map[string]SecretValue) bool {
		return secret.ID == "" || r.secret.Label != "" || idOf(r.secret) == idOf(secret)
	})
}

// idOf returns the ID in a URI, which is the end of all its forms.
func idOf(secret hookcmd.SecretLookup) string { return secret.ID[max(0, len(secret.ID)-20):] }

// toRead returns how Juju is told which secret to read.
func (s *Secret) toRead(of *secrets) (hookcmd.SecretLookup, error) {
	id := s.uri.id
	if id == "" {
		id = of.labels[s.label]
	}
	if k := of.known[id]; k != nil && k.removed {
		return hookcmd.SecretLookup{}, k.gone()
	}
	switch {
	case s.uri.id != "":
		return hookcmd.SecretLookup{ID: s.uri.String(), Label: s.label}, nil
	case id != "":
		return hookcmd.SecretLookup{ID: secretScheme + id}, nil
	}
	return hookcmd.SecretLookup{Label: s.label}, nil
}

// gone is the error of using a secret that this dispatch has removed.
func (k *knownSecret) gone() error {
	return fmt.Errorf("cannot use secret %q, which this dispatch has removed: %w", secretScheme+k.id, hookcmd.ErrSecretNotFound)
}

// SecretInfo is what an owner can know of a secret.
type SecretInfo struct {
	URI         SecretURI
	Revision    int // the latest, without one that this dispatch makes
	Owner       SecretOwner
	Label       string
	Description string
	Rotate      SecretRotation
	NextRotate  time.Time // zero: never
	Expire      time.Time // of the latest revision; zero: never
	// GrantedTo are applications and units, without what this dispatch changes.
	GrantedTo []string
}

// Info returns what Juju knows of a secret that this unit owns or, on the leader,
// its application, with what this dispatch has set, if not said otherwise. It is
// read once per dispatch, and again after a change.
//
// [hookcmd.ErrSecretNotFound] of other secrets, which on other units than the
// leader is [hookcmd.ErrNotLeader] too; also of a secret of which this dispatch has
// removed a revision, and that it has not asked for before.
func (s *Secret) Info(ctx context.Context) (SecretInfo, error) {
	of, err := s.begin(ctx)
	if err != nil {
		return SecretInfo{}, err
	}
	defer of.turn.give()
	k, err := s.resolve(ctx, of)
	if err != nil {
		return SecretInfo{}, err
	}
	if err := of.readInfo(ctx, k); err != nil {
		return SecretInfo{}, err
	}
	return secretInfoOf(k.id, k.info), nil
}

func secretInfoOf(id string, info *hookcmd.SecretInfo) SecretInfo {
	result := SecretInfo{
		URI: SecretURI{id: id}, Revision: info.Revision, Owner: info.Owner, Label: info.Label, Description: info.Description,
		Rotate: SecretRotation(info.Rotation), NextRotate: info.Rotates, Expire: info.Expiry,
	}
	if result.Rotate == "" {
		result.Rotate = RotateNever
	}
	for _, access := range info.Access {
		result.GrantedTo = append(result.GrantedTo, subjectOfTag(access.Target))
	}
	return result
}

// subjectOfTag returns the name of Juju's "application-NAME" or "unit-NAME-0"; of
// another tag the tag.
func subjectOfTag(tag string) string {
	if app, ok := strings.CutPrefix(tag, "application-"); ok {
		return app
	}
	if unit, ok := strings.CutPrefix(tag, "unit-"); ok {
		if i := strings.LastIndexByte(unit, '-'); i > 0 {
			return unit[:i] + "/" + unit[i+1:]
		}
	}
	return tag
}

// begin takes the turn of what the dispatch knows of secrets, unless the handle
// names none.
func (s *Secret) begin(ctx context.Context) (*secrets, error) {
	if s.err != nil {
		return nil, s.err
	}
	of := &s.charm.model().secrets
	return of, of.turn.take(ctx)
}

// resolve returns what is known of the secret, by its ID. Of a label it asks Juju.
func (s *Secret) resolve(ctx context.Context, of *secrets) (*knownSecret, error) {
	id := s.uri.id
	if id == "" {
		found, err := of.labelled(ctx, s.label)
		if err == nil && found == "" {
			err = of.explain(ctx, fmt.Errorf("cannot find secret with label %q: %w", s.label, hookcmd.ErrSecretNotFound))
		}
		if err != nil {
			return nil, err
		}
		id = found
	}
	k := of.secret(id)
	if k.removed {
		return nil, k.gone()
	}
	return k, nil
}

// labelled returns the ID of the own secret with a label; empty if there is none.
func (s *secrets) labelled(ctx context.Context, label string) (id string, err error) {
	if id, ok := s.labels[label]; ok {
		return id, nil
	}
	info, err := s.dispatch.client.SecretInfoGet(ctx, hookcmd.SecretLookup{Label: label})
	if errors.Is(err, hookcmd.ErrSecretNotFound) {
		s.setLabel(label, "")
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return info.ID, s.keep(&info)
}

// setLabel notes which own secret has a label; an empty ID: none.
func (s *secrets) setLabel(label, id string) {
	if label == "" {
		return
	}
	if s.labels == nil {
		s.labels = make(map[string]string)
	}
	s.labels[label] = id
}

// keep keeps what secret-info-get has told of an own secret.
func (s *secrets) keep(info *hookcmd.SecretInfo) error {
	if !isSecretID(info.ID) {
		return errors.New("cannot use what secret-info-get printed: it has not the ID of a secret")
	}
	k := s.secret(info.ID)
	k.owned, k.info = true, info
	s.setLabel(info.Label, info.ID)
	return nil
}

// readInfo reads what an owner can know of a secret, if it is not known.
func (s *secrets) readInfo(ctx context.Context, k *knownSecret) error {
	if k.info != nil {
		return nil
	}
	info, err := s.dispatch.client.SecretInfoGet(ctx, hookcmd.SecretLookup{ID: secretScheme + k.id})
	if err != nil {
		return s.explain(ctx, k.hidden(err))
	}
	if info.ID != k.id {
		return errors.New("cannot use what secret-info-get printed: it is of another secret")
	}
	return s.keep(&info)
}

// hidden tells why Juju may not find a secret.
func (k *knownSecret) hidden(err error) error {
	if len(k.revisions) > 0 && errors.Is(err, hookcmd.ErrSecretNotFound) {
		return fmt.Errorf("%w; when a hook has removed a revision of a secret, Juju finds it no more until the next one", err)
	}
	return err
}

// explain adds that a secret which is not found may be the leader's.
func (s *secrets) explain(ctx context.Context, err error) error {
	if !errors.Is(err, hookcmd.ErrSecretNotFound) {
		return err
	}
	if leader, asked := s.dispatch.leadership.isLeader(ctx); asked != nil || leader {
		return err
	}
	return fmt.Errorf("%w; what the application owns is for the leader: %w", err, hookcmd.ErrNotLeader)
}
