// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// adds adds a secret, as the recordings do.
func adds(key, value string, opts *charm.SecretOptions) func(ctx context.Context, t *testing.T, c *charm.Charm) {
	return func(ctx context.Context, t *testing.T, c *charm.Charm) {
		uri, err := c.AddSecret(ctx, map[string]charm.SecretValue{key: charm.NewSecretValue(value)}, opts)
		require.NoError(t, err)
		assert.Equal(t, "secret:d0000000000000000010", uri.String())
	}
}

// changes does something with a secret of the recordings, which succeeds.
func changes(id string, do func(ctx context.Context, s *charm.Secret, db *relation.Relation) error) func(ctx context.Context, t *testing.T, c *charm.Charm) {
	return func(ctx context.Context, t *testing.T, c *charm.Charm) {
		uri, err := charm.ParseSecretURI("secret:" + id)
		require.NoError(t, err)
		db := c.Relation(events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}})
		require.NoError(t, do(ctx, c.Secret(uri), db))
	}
}

func TestReplaySecrets(t *testing.T) {
	t.Parallel()
	const ofUnit, ofApp = "d0000000000000001000", "d0000000000000002000"
	infoOfApp := []string{"secret/info-json"}
	expiry := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	content := func(pairs ...string) map[string]charm.SecretValue {
		all := make(map[string]charm.SecretValue)
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = charm.NewSecretValue(pairs[i+1])
		}
		return all
	}
	scenes := []scene{
		{name: "secret/add", do: adds("token", "abc", nil)},
		{name: "secret/add-unicode", do: adds("key", "ü✓", nil)},
		{name: "secret/add-unit-owner", do: adds("token", "abc", &charm.SecretOptions{Owner: charm.SecretOwnedByUnit})},
		{name: "secret/add-expire-offset", do: adds("token", "abc", &charm.SecretOptions{Expire: expiry.Add(-2 * time.Hour).In(time.FixedZone("", 7200))})},
		{name: "secret/add-app-minion", do: func(ctx context.Context, t *testing.T, c *charm.Charm) {
			_, err := c.AddSecret(ctx, content("token", "abc"), nil)
			require.ErrorIs(t, err, hookcmd.ErrNotLeader)
		}},
		{name: "secret/set-app-leader", also: infoOfApp, do: changes(ofApp, func(ctx context.Context, s *charm.Secret, _ *relation.Relation) error {
			return s.SetContent(ctx, content("password", "third", "username", "u"))
		})},
		{name: "secret/set-metadata-only", do: changes(ofUnit, func(ctx context.Context, s *charm.Secret, _ *relation.Relation) error {
			return s.SetInfo(ctx, charm.SecretSettings{Description: "new desc", Label: "newlabel"})
		})},
		{name: "secret/set-rotate-expire", do: changes(ofUnit, func(ctx context.Context, s *charm.Secret, _ *relation.Relation) error {
			return s.SetInfo(ctx, charm.SecretSettings{Rotate: charm.RotateWeekly, Expire: expiry})
		})},
		{name: "secret/remove-two-revisions", also: infoOfApp, do: changes(ofApp, func(ctx context.Context, s *charm.Secret, _ *relation.Relation) error {
			return errors.Join(s.RemoveRevision(ctx, 1), s.RemoveRevision(ctx, 2))
		})},
		{name: "secret/remove-revision-then-all", also: infoOfApp, do: changes(ofApp, func(ctx context.Context, s *charm.Secret, _ *relation.Relation) error {
			return errors.Join(s.RemoveRevision(ctx, 1), s.Remove(ctx))
		})},
		{name: "secret/grant-relation", do: changes(ofApp, func(ctx context.Context, s *charm.Secret, db *relation.Relation) error {
			return s.Grant(ctx, db, nil)
		})},
		{name: "secret/grant-unit", do: changes(ofApp, func(ctx context.Context, s *charm.Secret, db *relation.Relation) error {
			return s.Grant(ctx, db, &charm.GrantOptions{Unit: "mysql/0"})
		})},
		{name: "secret/revoke-relation", do: changes(ofApp, func(ctx context.Context, s *charm.Secret, db *relation.Relation) error {
			return errors.Join(s.Grant(ctx, db, nil), s.Revoke(ctx, db, nil))
		})},
	}
	for _, rotation := range []charm.SecretRotation{charm.RotateMonthly, charm.RotateQuarterly, charm.RotateYearly} {
		scenes = append(scenes, scene{name: "secret/add-rotate-" + string(rotation), do: adds("token", "abc", &charm.SecretOptions{Rotate: rotation})})
	}
	replayScenes(t, scenes)
}
