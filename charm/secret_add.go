// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// SecretOwner says whose a secret is.
type SecretOwner = hookcmd.SecretOwner

// The owners that a secret can have. Those of the application are the leader's to
// change, and all its units can read them. The operator's secrets have neither.
const (
	SecretOwnedByApplication = hookcmd.SecretOwnedByApplication
	SecretOwnedByUnit        = hookcmd.SecretOwnedByUnit
)

// SecretRotation says how often Juju asks the owner for a new revision of a secret,
// by [events.SecretRotate].
type SecretRotation string

// The rotations that Juju knows.
const (
	RotateNever     SecretRotation = "never"
	RotateHourly    SecretRotation = "hourly"
	RotateDaily     SecretRotation = "daily"
	RotateWeekly    SecretRotation = "weekly"
	RotateMonthly   SecretRotation = "monthly"
	RotateQuarterly SecretRotation = "quarterly"
	RotateYearly    SecretRotation = "yearly"
)

// SecretSettings are what an owner can change of a secret beside its content. Zero
// fields leave things as they are; Juju has no way to empty a label or a
// description, or to have an expiry forgotten.
type SecretSettings struct {
	Label       string // unique among the secrets of the application and its units
	Description string
	Rotate      SecretRotation
	Expire      time.Time // of the latest revision; fractions of a second are cut off

	// ExpireIn is Expire as the time from the call on, by the clock of the unit's
	// agent, which need not be this process's. Not negative; one of the two only.
	ExpireIn time.Duration
}

// SecretOptions are what a new secret has beside its content. A nil *SecretOptions
// and zero fields mean the defaults: a secret of the application, without label,
// that does not rotate or expire.
type SecretOptions struct {
	Owner       SecretOwner
	Label       string // as of SecretSettings, like those below
	Description string
	Rotate      SecretRotation
	Expire      time.Time
	ExpireIn    time.Duration
}

// AddSecret adds a secret, which only its owner can read until it is granted to
// others; a secret of the application can be read by all its units. Keys have at
// least three characters: lower-case letters, digits and single inner dashes, a
// letter first. The whole content can have 1 MB in base64.
//
// [hookcmd.ErrNotLeader] if the application is to be the owner and this unit does
// not lead it; [hookcmd.ErrSecretExists] if this unit knows of a secret with that
// label, of which Juju would tell only by failing the hook. To find that out takes
// a hook command, unless the dispatch has looked for the label already. What is
// added in an action that fails is removed again.
//
// The URI is void if the dispatch fails: keep it in a databag or in the state, which
// are not sent then either; not in a status. [Charm.Secret] does the rest.
func (c *Charm) AddSecret(ctx context.Context, content map[string]SecretValue, opts *SecretOptions) (SecretURI, error) {
	d := c.model()
	var o SecretOptions
	if opts != nil {
		o = *opts
	}
	settings, err := SecretSettings{o.Label, o.Description, o.Rotate, o.Expire, o.ExpireIn}.forJuju()
	if err == nil {
		err = checkSecretContent(content)
	}
	if err == nil && o.Owner != "" && o.Owner != SecretOwnedByApplication && o.Owner != SecretOwnedByUnit {
		err = fmt.Errorf("there is no owner %q", o.Owner)
	}
	if err != nil {
		return SecretURI{}, fmt.Errorf("cannot add secret: %w", err)
	}
	settings.Owner = o.Owner
	if err := d.secrets.turn.take(ctx); err != nil {
		return SecretURI{}, err
	}
	defer d.secrets.turn.give()
	if err := d.secrets.checkLabel(ctx, o.Label, ""); err != nil {
		return SecretURI{}, fmt.Errorf("cannot add secret: %w", err)
	}
	printed, err := c.HookCommands().SecretAdd(ctx, content, settings)
	if err != nil {
		return SecretURI{}, err
	}
	uri, err := ParseSecretURI(printed)
	if err != nil {
		return SecretURI{}, fmt.Errorf("cannot use what secret-add printed: %w", err)
	}
	d.secrets.note(uri.id, o.Label)
	return uri, nil
}

// note notes that a secret was added.
func (s *secrets) note(id, label string) {
	k := s.secret(id)
	k.owned, k.written = true, true
	s.noteChange(k)
	s.added = append(s.added, id)
	if i, found := slices.BinarySearch(s.ids, id); s.listed && !found {
		s.ids = slices.Insert(s.ids, i, id)
	}
	s.setLabel(label, id)
	clear(s.contents) // of the label
}

// forJuju checks settings, and returns them in Juju's terms.
func (s SecretSettings) forJuju() (*hookcmd.SecretSettings, error) {
	switch {
	case !utf8.ValidString(s.Label):
		return nil, errors.New("the label is not valid UTF-8")
	case !utf8.ValidString(s.Description):
		return nil, errors.New("the description is not valid UTF-8")
	case !s.Expire.IsZero() && (s.Expire.UTC().Year() < 0 || s.Expire.UTC().Year() > 9999):
		return nil, errors.New("the year in which it expires does not have four digits")
	case s.ExpireIn < 0:
		return nil, errors.New("ExpireIn is negative")
	case s.ExpireIn > 0 && !s.Expire.IsZero():
		return nil, errors.New("both Expire and ExpireIn are set")
	}
	switch s.Rotate {
	case "", RotateNever, RotateHourly, RotateDaily, RotateWeekly, RotateMonthly, RotateQuarterly, RotateYearly:
	default:
		return nil, fmt.Errorf("there is no rotation %q", s.Rotate)
	}
	return &hookcmd.SecretSettings{
		Label: s.Label, Description: s.Description, Rotate: string(s.Rotate), Expire: s.Expire, ExpireIn: s.ExpireIn,
	}, nil
}

// Secrets returns the secrets that this unit owns and, on the leader, those of its
// application, in order; without those of which this dispatch has removed a revision
// before. They are read once per dispatch.
func (c *Charm) Secrets(ctx context.Context) ([]SecretURI, error) {
	d := c.model()
	s := &d.secrets
	if err := s.turn.take(ctx); err != nil {
		return nil, err
	}
	defer s.turn.give()
	if !s.listed {
		ids, err := d.client.SecretIDs(ctx)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !isSecretID(id) {
				return nil, fmt.Errorf("cannot use what secret-ids printed: it is not the ID of a secret")
			}
		}
		slices.Sort(ids)
		s.ids, s.listed = slices.Compact(ids), true
	}
	list := make([]SecretURI, 0, len(s.ids))
	for _, id := range s.ids {
		if k := s.secret(id); !k.removed {
			k.owned = true
			list = append(list, SecretURI{id: id})
		}
	}
	return list, nil
}
