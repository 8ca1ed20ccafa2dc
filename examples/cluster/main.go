// SPDX-License-Identifier: Apache-2.0

// Command cluster is a charm whose units agree on who is among them: the leader
// keeps the list, and all show it. Its test tells the story of a cluster that
// loses its leader.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

func main() { charm.Main(register) }

type cluster struct{ *charm.Charm }

func register(c *charm.Charm) {
	p := &cluster{c}
	charm.WatchPeers(c, "members") // Juju 4 does not tell who is gone
	charm.On(c, p.reconcile)
}

// roster is what the leader writes to the application's databag.
type roster struct {
	Leader  string   `databag:"leader,omitempty"`
	Members []string `databag:"members,omitempty"`
}

// reconcile does the same in every hook: it makes the roster what it should be,
// if that is up to this unit, and shows it. So it does not matter which events
// came before, or got lost: a new leader writes what the old one did not.
func (p *cluster) reconcile(ctx context.Context, ev events.Hook) error {
	peers, err := p.Peers(ctx, "members")
	if errors.Is(err, hookcmd.ErrRelationNotFound) {
		return p.SetStatus(ctx, charm.Waiting("for the peer relation"))
	}
	if err != nil {
		return err
	}
	if departed, ok := ev.(events.PeerDeparted); ok && departed.Self {
		return nil // we leave: the others see to the roster
	}
	now, err := p.roster(ctx, peers)
	if err != nil {
		return err
	}
	if now.Leader == "" {
		return p.SetStatus(ctx, charm.Waiting("for the leader"))
	}
	return p.SetStatus(ctx, charm.Active(fmt.Sprintf("members: %d, leader: %s", len(now.Members), now.Leader)))
}

// roster returns what the leader wrote. If we are the leader, it writes it first.
func (p *cluster) roster(ctx context.Context, peers *relation.Relation) (roster, error) {
	leader, err := p.IsLeader(ctx)
	if err != nil {
		return roster{}, err
	}
	if !leader {
		return relation.Load[roster](ctx, peers.LocalApp())
	}
	units, err := peers.Units(ctx)
	if err != nil {
		return roster{}, err
	}
	units = append(units, p.Unit())
	slices.SortFunc(units, func(a, b string) int { return strings.Compare(a, b) })
	now := roster{Leader: p.Unit(), Members: units}
	return now, relation.Save(ctx, peers.LocalApp(), now)
}
