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
// the one with the most units, of those the newest, and a warning is logged.
func (c *Charm) Peers(ctx context.Context, endpoint string) (*relation.Relation, error) {
	d := c.model()
	list, err := d.relations.List(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("cannot find peer relation %q: %w: it is not created yet, or there is no such endpoint", endpoint, hookcmd.ErrRelationNotFound)
	}
	best := list[0]
	if len(list) > 1 {
		if best, err = d.mostUnits(ctx, list); err != nil {
			return nil, err
		}
		d.logger().WarnContext(ctx, "several peer relations on one endpoint", "endpoint", endpoint, "count", len(list), "used", best)
	}
	return d.relations.Relation(hookcmd.RelationID{Endpoint: endpoint, ID: best.ID()}, d.application()), nil
}

// mostUnits returns the last of those peer relations with the most units.
func (d *dispatch) mostUnits(ctx context.Context, list []*relation.Relation) (*relation.Relation, error) {
	var best *relation.Relation
	most := -1
	for _, rel := range list {
		d.relations.Relation(hookcmd.RelationID{Endpoint: rel.Endpoint(), ID: rel.ID()}, d.application())
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
