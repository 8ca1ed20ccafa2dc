// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// GrantOptions say to whom a secret is granted, or from whom it is revoked. A nil
// *GrantOptions and zero fields mean the defaults.
type GrantOptions struct {
	// Unit is a unit of the relation's remote application, "app/0". Default: all its
	// units.
	Unit string
}

// revocation is what one Revoke took back.
type revocation struct {
	relation string // empty: all, of the application
	subject  string // a unit; empty: all units; without relation the application
}

// Grant lets the remote application of a relation, or a unit of it, read the secret
// for as long as the relation lasts. Who has it granted already keeps it. In a
// SecretRemove or SecretExpired, in which a new grant would be in the way of
// [Secret.RemoveRevision], it takes a secret-info-get to find that out.
//
// Juju keeps the last grant of a secret over a relation in one hook only, without a
// word; here, a second one for somebody else is an error: what several units are to
// read is granted to the application, or to one of them in each hook. As Juju
// carries out revocations after grants, it is an error, too, to grant what this
// dispatch has revoked. Over peer relations Juju 4 grants nothing, and would fail
// the hook: that is an error here, for which it may take a relation-list to find
// out the relation's application, as it may for a unit. All units read secrets of the
// application anyway.
//
// Otherwise the errors are those of [Secret.SetContent]; and [hookcmd.ErrUnitGrants]
// if single units have the secret granted, and now the application is to.
func (s *Secret) Grant(ctx context.Context, rel *relation.Relation, opts *GrantOptions) error {
	unit, err := grantee(rel, opts)
	if err != nil {
		return fmt.Errorf("cannot grant secret: %w", err)
	}
	of, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer of.turn.give()
	k, err := s.resolve(ctx, of)
	if err != nil {
		return err
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("cannot grant secret %q over relation %q: "+format, append([]any{secretScheme + k.id, rel.String()}, args...)...)
	}
	if err := of.checkRevoked(ctx, k, rel, unit); err != nil {
		return refuse("%w", err)
	}
	if granted, ok := k.grants[rel.String()]; ok && granted == unit {
		return nil
	} else if ok {
		return refuse("it is granted to %s in this hook, and Juju keeps only the last grant over a relation in a hook, which would be to %s", whom(granted), whom(unit))
	}
	if err := checkUnit(ctx, rel, unit); err != nil {
		return refuse("%w", err)
	}
	if of.isPeer(ctx, rel) {
		return refuse("it is a peer relation, and Juju 4 grants nothing over those")
	}
	held, err := of.isGranted(ctx, k, rel, unit)
	if err != nil {
		return refuse("%w", err)
	}
	if held {
		k.noteGrant(rel, unit)
		return nil
	}
	id := hookcmd.RelationID{Endpoint: rel.Endpoint(), ID: rel.ID()}
	if err := of.dispatch.client.SecretGrant(ctx, secretScheme+k.id, id, unit); err != nil {
		return of.explain(ctx, k.hidden(err))
	}
	of.noteChange(k)
	k.noteGrant(rel, unit)
	return nil
}

// noteGrant notes that a secret is granted over a relation.
func (k *knownSecret) noteGrant(rel *relation.Relation, unit string) {
	if k.grants == nil {
		k.grants = make(map[string]string)
	}
	k.grants[rel.String()], k.owned = unit, true
}

// isGranted reports whether Juju is known to have the grant. It is asked for in the
// hooks for the removal of revisions only, which a new grant is in the way of. Relations
// of one endpoint with one application are not told apart: Juju grants over one of them.
func (s *secrets) isGranted(ctx context.Context, k *knownSecret, rel *relation.Relation, unit string) (bool, error) {
	if !removesSecrets(s.dispatch.env) || k.info == nil && len(k.revisions) > 0 {
		return false, nil
	}
	if err := s.readInfo(ctx, k); err != nil {
		return false, err
	}
	app, err := rel.App(ctx)
	if err != nil {
		return false, nil // the hook command tells why
	}
	subject, ours := unit, s.dispatch.application()+"."+rel.Endpoint()
	if unit == "" {
		subject = app
	}
	return slices.ContainsFunc(k.info.Access, func(a hookcmd.SecretAccess) bool {
		one, other, _ := strings.Cut(strings.TrimPrefix(a.Scope, "relation-"), "#")
		return subjectOfTag(a.Target) == subject && (one == ours && strings.HasPrefix(other, app+".") || other == ours && strings.HasPrefix(one, app+"."))
	}), nil
}

// Revoke takes back what Grant gave, in the same form. To have no grant is no error.
func (s *Secret) Revoke(ctx context.Context, rel *relation.Relation, opts *GrantOptions) error {
	unit, err := grantee(rel, opts)
	if err != nil {
		return fmt.Errorf("cannot revoke secret: %w", err)
	}
	return s.change(ctx, func(of *secrets, k *knownSecret) error {
		if err := checkUnit(ctx, rel, unit); err != nil {
			return fmt.Errorf("cannot revoke secret %q over relation %q: %w", secretScheme+k.id, rel.String(), err)
		}
		id := hookcmd.RelationID{Endpoint: rel.Endpoint(), ID: rel.ID()}
		if err := of.dispatch.client.SecretRevoke(ctx, secretScheme+k.id, id, unit); err != nil {
			return err
		}
		of.noteChange(k)
		k.revoked = append(k.revoked, revocation{rel.String(), unit})
		return nil
	})
}

// RevokeApplication takes the secret back from an application, whatever relation it
// was granted over. Juju does not do that in the hooks of a relation, where Revoke is
// for it: an error.
func (s *Secret) RevokeApplication(ctx context.Context, app string) error {
	switch {
	case app == "" || strings.Contains(app, "/"):
		return fmt.Errorf("cannot revoke secret: %q is not the name of an application", app)
	case s.err == nil && lookup(s.charm.model().env, "JUJU_RELATION_ID") != "":
		return fmt.Errorf("cannot revoke secret from application %q: Juju takes no application in the hook of a relation; use Revoke", app)
	}
	return s.change(ctx, func(of *secrets, k *knownSecret) error {
		if err := of.dispatch.client.SecretRevokeApp(ctx, secretScheme+k.id, app); err != nil {
			return err
		}
		of.noteChange(k)
		k.revoked = append(k.revoked, revocation{"", app})
		return nil
	})
}

// grantee returns the unit that a grant is for; empty: all units.
func grantee(rel *relation.Relation, opts *GrantOptions) (unit string, err error) {
	switch {
	case rel == nil:
		return "", errors.New("the relation is nil")
	case opts == nil || opts.Unit == "":
		return "", nil
	}
	if app, number, ok := strings.Cut(opts.Unit, "/"); !ok || !isModelName(app) || !isNumber(number) {
		return "", fmt.Errorf("%q is not the name of a unit; those are like \"app/0\"", opts.Unit)
	}
	return opts.Unit, nil
}

// checkUnit fails if a unit is not of the relation's remote application. If that
// cannot be found out, the hook command tells why.
func checkUnit(ctx context.Context, rel *relation.Relation, unit string) error {
	if unit == "" {
		return nil
	}
	app, err := rel.App(ctx)
	if of, _, _ := strings.Cut(unit, "/"); err == nil && of != app {
		return fmt.Errorf("unit %q is not of the remote application, which is %q", unit, app)
	}
	return nil
}

func whom(unit string) string {
	if unit == "" {
		return "the application"
	}
	return "unit " + unit
}

// checkRevoked fails if a grant would be undone by what this dispatch has revoked.
func (s *secrets) checkRevoked(ctx context.Context, k *knownSecret, rel *relation.Relation, unit string) error {
	for _, r := range k.revoked {
		undone := r.relation == rel.String() && (r.subject == unit || r.subject == "" || unit == "")
		if r.relation == "" {
			app, err := rel.App(ctx)
			if err != nil {
				return err
			}
			undone = app == r.subject
		}
		if undone {
			return errors.New("it is revoked in this hook, and Juju revokes after it grants; grant it in another hook")
		}
	}
	return nil
}

// isPeer reports whether nothing can be granted over the relation, as far as that
// can be found out.
func (s *secrets) isPeer(ctx context.Context, rel *relation.Relation) bool {
	if !ParseJujuVersion(lookup(s.dispatch.env, "JUJU_VERSION")).AtLeast(4, 0, 0) {
		return false
	}
	app, err := rel.App(ctx)
	return err == nil && app == s.dispatch.application()
}
