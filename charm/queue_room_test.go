// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// A reason that there is no room for is not kept, and a new event that there is none
// for is an error of its handler.
func TestDeferredWithoutRoom(t *testing.T) {
	t.Parallel()
	reason := "short"
	h := charmtest.New(t, func(c *charm.Charm) {
		c.EnableDefer()
		charm.On(c, func(context.Context, events.Start) error { return charm.Defer(reason) }).Name("start")
		charm.On(c, func(context.Context, events.ConfigChanged) error { return charm.Defer("") }).Name("config")
	}, &charmtest.Options{Metadata: keeper, JujuVersion: "3.6.0"})
	h.Emit(events.Start{})
	state, size := h.State(), 0
	for i := range 32 {
		state[fmt.Sprintf("%02d", i)] = strings.Repeat("x", 64<<10-2)
	}
	for key, value := range state {
		size += len(key) + len(value)
	}
	state["31"] = state["31"][size-2<<20+100:] // leaves 100 bytes
	h.SetState(state)
	for _, reason = range []string{strings.Repeat("long", 50), "other"} {
		h.Emit(events.UpdateStatus{}) // again
		require.Len(t, h.Deferred(), 1)
		assert.Contains(t, []string{"short", "other"}, h.Deferred()[0].Reason)
	}
	assert.Equal(t, "other", h.Deferred()[0].Reason)
	assert.Equal(t, 3, h.Deferred()[0].Times)
	assert.ErrorContains(t, h.Try(func() { h.Emit(events.ConfigChanged{}) }), "cannot defer config-changed: cannot store 2 deferred events: all of the state has ")
	h.Emit(events.UpdateStatus{})
	assert.Len(t, h.Deferred(), 1)
}
