// SPDX-License-Identifier: Apache-2.0

package charmtest_test

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

// Again runs the hook that has failed last.
func TestAgainIsTheLastHook(t *testing.T) {
	t.Parallel()
	fail := true
	var ran []string
	h := charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(_ context.Context, ev events.Hook) error {
			ran = append(ran, ev.Name())
			if fail {
				return errors.New("not yet")
			}
			return nil
		})
	}, &charmtest.Options{Metadata: peersOnly})
	require.Error(t, h.Try(func() { h.Emit(events.Start{}) }))
	require.Error(t, h.Try(func() { h.Emit(events.UpdateStatus{}) }))
	fail = false
	h.Again()
	assert.Equal(t, []string{"start", "update-status", "update-status"}, ran)
}
