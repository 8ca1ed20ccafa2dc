// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// Relation returns the relation that an event is about. It runs no hook command.
func (c *Charm) Relation(ev events.RelationEvent) *relation.Relation {
	ref := ev.Ref()
	return c.model().relations.Relation(hookcmd.RelationID{Endpoint: ref.Endpoint, ID: ref.ID}, ref.App)
}

// Relations returns the relations of an endpoint, by ID; none if the charm has
// no such endpoint. They are those of relation-ids: the relation of a
// RelationBroken event is not among them, and only [Charm.Relation] has it.
func (c *Charm) Relations(ctx context.Context, endpoint string) ([]*relation.Relation, error) {
	return c.model().relations.List(ctx, endpoint)
}

// Peers returns the relation of a peer endpoint. [hookcmd.ErrRelationNotFound]
// if Juju has not created it yet, as in [events.Install], or if the charm has no
// such endpoint. It must be a peer endpoint: Juju does not tell, and of another
// the remote application would be mistaken for our own.
//
// After failed upgrades Juju can have several (juju/juju #19631). It is then
// the one with the most units, of those the newest, and a warning is logged;
// [Charm.PeerRelations] has all.
func (c *Charm) Peers(ctx context.Context, endpoint string) (*relation.Relation, error) {
	list, err := c.PeerRelations(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	switch len(list) {
	case 0:
		return nil, fmt.Errorf("cannot find peer relation %q: %w: it is not created yet, or there is no such endpoint", endpoint, hookcmd.ErrRelationNotFound)
	case 1:
		return list[0], nil
	}
	best, err := mostUnits(ctx, list)
	if err != nil {
		return nil, err
	}
	c.Logger().WarnContext(ctx, "several peer relations on one endpoint", "endpoint", endpoint, "count", len(list), "used", best)
	return best, nil
}

// PeerRelations returns the relations of a peer endpoint, by ID: one, or none if
// Juju has not created it yet, or several, as [Charm.Peers] tells.
func (c *Charm) PeerRelations(ctx context.Context, endpoint string) ([]*relation.Relation, error) {
	d := c.model()
	list, err := d.relations.List(ctx, endpoint)
	for _, rel := range list { // which do not know that the remote application is our own
		d.relations.Relation(hookcmd.RelationID{Endpoint: endpoint, ID: rel.ID()}, d.application())
	}
	return list, err
}

// mostUnits returns the last of those peer relations with the most units.
func mostUnits(ctx context.Context, list []*relation.Relation) (*relation.Relation, error) {
	var best *relation.Relation
	most := -1
	for _, rel := range list {
		units, err := rel.Units(ctx)
		if err != nil {
			return nil, err
		}
		if len(units) >= most {
			best, most = rel, len(units)
		}
	}
	return best, nil
}
