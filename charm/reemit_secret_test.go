// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// The secrets that a handler added which fails are removed again, so that its next
// try does not meet them; those of others stay.
func TestReemittedHandlerFailsWithSecrets(t *testing.T) {
	t.Parallel()
	tries := 0
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		add := func(ctx context.Context, label string) error {
			_, err := c.AddSecret(ctx, secretText("password", label), &charm.SecretOptions{Label: label})
			return err
		}
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			if _, again := charm.Deferred(ctx); !again {
				return charm.Defer("later")
			}
			if tries++; tries < 3 {
				return errors.Join(add(ctx, "late"), errors.New("not yet"))
			}
			return add(ctx, "late")
		})
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			if tries == 1 {
				return add(ctx, "other")
			}
			return nil
		})
	}, &charmtest.Options{Metadata: secretCharm, Leader: true})
	h.Emit(events.Start{})
	for range 3 {
		h.Emit(events.UpdateStatus{})
	}
	require.Equal(t, 3, tries)
	assert.Empty(t, h.Deferred())
	assert.Equal(t, 1, h.Secret("late").Info().Latest)
	assert.Equal(t, 1, h.Secret("other").Info().Latest)
	assert.Len(t, h.Secrets(), 2)
}
