// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/testagent"
)

type embedding struct{ events.Install }

type own interface{ events.Hook }

func TestMisuse(t *testing.T) {
	t.Parallel()
	handle := func(context.Context, events.RelationEvent) error { return nil }
	for name, row := range map[string]struct {
		register func(*charm.Charm)
		want     string
	}{
		"pointer": {
			func(c *charm.Charm) { charm.On(c, func(context.Context, *events.Install) error { return nil }) },
			"charm.On: no handler can take *events.Install: events are values; take events.Install",
		},
		"embedding": {
			func(c *charm.Charm) { charm.On(c, func(context.Context, embedding) error { return nil }) },
			"charm.On: no handler can take charm_test.embedding: take the event itself, not a type that embeds it",
		},
		"own interface": {
			func(c *charm.Charm) { charm.On(c, func(context.Context, own) error { return nil }) },
			"charm.On: no handler can take charm_test.own: take one of the interfaces of package events, such as events.Hook",
		},
		"every event": {
			func(c *charm.Charm) { charm.On(c, func(context.Context, events.Event) error { return nil }) },
			"charm.On: no handler can take events.Event: charm.OnDispatch is for every event",
		},
		"status": {
			func(c *charm.Charm) { _ = c.SetStatus(context.Background(), charm.Active("")) },
			"charm: the model is for handlers; the function given to charm.Main only registers them",
		},
		"relation": {
			func(c *charm.Charm) { c.Relation(events.PeerCreated{RelationRef: peers}) },
			"charm: the model is for handlers; the function given to charm.Main only registers them",
		},
		"nil":          {func(c *charm.Charm) { charm.On[events.Install](c, nil) }, "charm.On: the handler is nil"},
		"nil dispatch": {func(c *charm.Charm) { charm.OnDispatch(c, nil) }, "charm.OnDispatch: the handler is nil"},
		"no endpoint": {
			func(c *charm.Charm) { charm.OnRelation(c, "", handle) },
			"charm.OnRelation: the name of the endpoint is empty; charm.On is for all of them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.PanicsWithValue(t, row.want, func() {
				_, _ = run(t, &testagent.Agent{}, events.Install{}, row.register)
			})
		})
	}
}

func TestRegisterInHandler(t *testing.T) {
	t.Parallel()
	_, err := run(t, &testagent.Agent{}, events.Install{}, func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Install) error {
			charm.On(c, status[events.Install](c, "late"))
			return nil
		})
	})
	require.ErrorContains(t, err, "charm.On: it is called in the function given to charm.Main, not in a handler")
}

func TestCharmOutOfNowhere(t *testing.T) {
	t.Parallel()
	assert.PanicsWithValue(t, "charm: this Charm was not given by charm.Main or charm.Run", func() { new(charm.Charm).Unit() })
}
