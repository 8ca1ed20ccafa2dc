// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// A span tells each condition that a charm may want to act upon, and no more of an error.
func TestConditions(t *testing.T) {
	t.Parallel()
	conditions := []error{
		hookcmd.ErrNotLeader, hookcmd.ErrRelationNotFound, hookcmd.ErrUnitNotFound, hookcmd.ErrSecretNotFound, hookcmd.ErrSecretExists,
		hookcmd.ErrUnitGrants, hookcmd.ErrStorageNotFound, hookcmd.ErrResourceNotFound, hookcmd.ErrNoAddress, hookcmd.ErrPortConflict,
		hookcmd.ErrTooLarge, hookcmd.ErrPermission, hookcmd.ErrNotAction, hookcmd.ErrNotSupported,
	}
	source, err := os.ReadFile("../hookcmd/error.go")
	require.NoError(t, err)
	require.Len(t, regexp.MustCompile(`(?m)^\tErr\w+ = `).FindAll(source, -1), len(conditions), "all there are")

	c, dir := newCollector(t), t.TempDir()
	var next error
	h := charmtest.New(t, func(c *charm.Charm) {
		charmotel.Trace(c, &charmotel.Options{Relation: "tracing", Dir: dir})
		charm.On(c, func(_ context.Context, _ events.ConfigChanged) error { return next })
	}, &charmtest.Options{Metadata: metadata, Leader: true})
	h.Relate("tracing", "tempo").UpdateApp(map[string]string{"receivers": receivers(c.url)})
	c.take()
	for _, next = range append(conditions, errors.New(hush)) {
		want := any(next.Error())
		if next.Error() == hush {
			want = nil
		}
		next = fmt.Errorf("cannot do it with %q: %w", hush, next)
		require.Error(t, h.Try(func() { h.Emit(events.ConfigChanged{}) }))
		spans := 0
		for _, s := range c.take() {
			if strings.HasPrefix(s.Name, "config_changed: ") {
				spans++
				assert.Equal(t, want, s.attributes["error.condition"])
			}
		}
		assert.Equal(t, 1, spans)
	}
}
