// SPDX-License-Identifier: Apache-2.0

// Command hello is the smallest charm that does something useful: its units
// greet each other over a peer relation, and show in their status whom they
// have heard of.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

func main() { charm.Main(register) }

type hello struct{ *charm.Charm }

func register(c *charm.Charm) {
	h := &hello{c}
	charm.OnRelation(c, "friends", h.greet)
	charm.On(c, h.showFriends)
}

// greet leaves a greeting in our databag, which all peers can read.
func (h *hello) greet(ctx context.Context, ev events.PeerCreated) error {
	return h.Relation(ev).Local().Set(ctx, "greeting", "Hello from "+h.Unit())
}

// showFriends runs after every hook: what it shows cannot get out of date.
func (h *hello) showFriends(ctx context.Context, _ events.Hook) error {
	friends, err := h.Peers(ctx, "friends")
	if errors.Is(err, hookcmd.ErrRelationNotFound) {
		return h.SetStatus(ctx, charm.Waiting("for the peer relation"))
	}
	if err != nil {
		return err
	}
	units, err := friends.RemoteAll(ctx)
	if err != nil {
		return err
	}
	var heard []string
	for _, unit := range units {
		_, greeted, err := unit.Lookup(ctx, "greeting")
		if err != nil {
			return err
		}
		if greeted {
			heard = append(heard, unit.Unit)
		}
	}
	if len(heard) == 0 {
		return h.SetStatus(ctx, charm.Waiting("for the first friend"))
	}
	return h.SetStatus(ctx, charm.Active(fmt.Sprintf("%d of %d friends: %s", len(heard), len(units), strings.Join(heard, " "))))
}
